/** Transactions: any set of verbs as one atomic entry, or nothing. */
import type { Transaction } from '../../store/types/transactions.ts'
import { changesNothing } from './called-off.ts'
import { equal, first, isTrue, present, rejected, Watched } from './checks.ts'
import { type StoreTest, textsOf, withBody } from './world.ts'

export const TRANSACTIONS: readonly StoreTest[] = [
  {
    name: 'puts of a transaction are numbered in their order, over several queues',
    run: async (world) => {
      const { puts } = await world.store.transaction((tx) => {
        tx.put('a', 'a0')
        tx.put('b', 'b0', { priority: 5, headers: { h: '1' } })
        tx.put('a', 'a1', { delayMs: 60_000 })
      })
      equal(
        puts.map(({ offset, duplicate }) => [offset, duplicate]),
        [
          [0, false],
          [0, false],
          [1, false],
        ],
      )
      const ids = puts.map(({ id }) => id)
      equal(
        ids,
        [...ids].sort((x, y) => x - y),
      )
      equal(await world.ready('a'), ['a0'])
      const b0 = first(await world.take('b'))
      equal([b0.text(), b0.priority, b0.headers['h'], b0.id], ['b0', 5, '1', ids[1]])
    },
  },
  {
    name: 'a transaction of nothing resolves with no puts',
    run: async (world) => {
      equal(await world.store.transaction(() => undefined), { puts: [] })
    },
  },
  {
    name: 'publish and acknowledge: both or neither, at whatever moment the crash comes',
    needs: ['crash'],
    run: async (world) => {
      for (const [round, ms] of [0, 0.05, 0.1, 0.2, 0.5, 2, 10, 30, 100].entries()) {
        const [orders, invoices] = [`orders${round}`, `invoices${round}`]
        await world.put(orders, 'order')
        const delivery = await world.takeOne(orders)
        const both = new Watched(
          world.store.transaction((tx) => {
            tx.put(invoices, 'invoice')
            tx.ack(delivery)
          }),
        )
        await world.advance(ms)
        await world.crashAndOpen()
        const left = [...(await world.drain(orders)), ...(await world.drain(invoices))]
        equal(left.length, 1, `after ${ms} ms`)
        isTrue(left[0] === 'invoice' || both.state !== 'done', 'it had not resolved')
      }
    },
  },
  {
    name: 'all verbs take effect together, and stay so over a restart',
    run: async (world) => {
      world.store.queue('q', { retry: { backoffMs: 600_000 } })
      await world.putAll('q', 'ack', 'release', 'retry', 'bury', 'kick', 'delete')
      const later = await world.put('q', 'kick later', { delayMs: 600_000 })
      await world.bury('q', 'kick')
      const taken = await world.take('q', { count: 4 })
      const group = world.store.queue('q').group()
      const buried = present(await group.peek('buried'))
      const ready = present(await group.peek('ready'))
      await world.store.transaction((tx) => {
        tx.ack(withBody(taken, 'ack'))
        tx.release(withBody(taken, 'release'), { priority: 1 })
        tx.retry(withBody(taken, 'retry'), new Error('in one'))
        tx.bury(withBody(taken, 'bury'), { reason: 'in one' })
        tx.kick(group, buried)
        tx.kick(group, { queue: 'q', id: later.id, offset: later.offset })
        tx.delete(ready)
        tx.put('q', 'put', { priority: 0 })
      })
      for (let opening = 0; opening < 2; opening++) {
        equal(world.counts('q'), { ready: 4, delayed: 1, leased: 0, buried: 1 })
        equal(await world.ready('q'), ['put', 'release', 'kick', 'kick later'])
        equal((await world.store.queue('q').group().peek('buried'))?.reason, 'in one')
        const waiting = await world.store.queue('q').group().peek('delayed')
        isTrue(present(waiting?.error).includes('in one'), 'the error is kept')
        await world.reopen()
      }
    },
  },
  {
    name: 'a body that throws changes nothing, neither now nor after a restart',
    run: async (world) => {
      await world.putAll('q', 'a', 'b', 'c', 'd', 'e', 'f')
      await world.bury('q', 'e')
      const taken = await world.take('q', { count: 4 })
      const group = world.store.queue('q').group()
      const buried = present(await group.peek('buried'))
      const ready = present(await group.peek('ready'))
      await changesNothing(world, (tx) => {
        tx.put('q', 'never', { key: 'k' })
        tx.put('new queue', 'never')
        tx.ack(withBody(taken, 'a'))
        tx.release(withBody(taken, 'b'))
        tx.retry(withBody(taken, 'c'))
        tx.bury(withBody(taken, 'd'))
        tx.kick(group, buried)
        tx.delete(ready)
        tx.pause('q', 60_000)
      })
      equal([...world.store.queues()], ['q'])
      for (const delivery of taken) await delivery.ack()
      await world.reopen()
      equal(await world.drain('q'), ['f'])
      equal((await world.put('q', 'next')).offset, 6)
    },
  },
  {
    name: 'a stale lease throws where it is used, and the transaction is not made',
    run: async (world) => {
      await world.putAll('q', 'a', 'b')
      const taken = await world.take('q')
      await withBody(taken, 'a').ack()
      for (const verb of ['ack', 'release', 'retry', 'bury'] as const) {
        const made = () =>
          world.store.transaction((tx) => {
            tx.put('q', 'never')
            tx.ack(withBody(taken, 'b'))
            tx[verb](withBody(taken, 'a'))
          })
        await rejected('QLOG_STALE_LEASE', made, verb)
      }
      equal(world.counts('q'), { ready: 0, delayed: 0, leased: 1, buried: 0 })
      equal((await world.put('q', 'c')).offset, 2)
    },
  },
  {
    name: 'one delivery cannot be ended twice in one transaction',
    run: async (world) => {
      await world.put('q', 'a')
      const delivery = await world.takeOne('q')
      const twice = () =>
        world.store.transaction((tx) => {
          tx.ack(delivery)
          tx.release(delivery)
        })
      await rejected('QLOG_STALE_LEASE', twice)
      equal(world.counts('q').leased, 1)
      await delivery.ack()
    },
  },
  {
    name: 'a verb that was refused and caught leaves the rest of the transaction as it is',
    run: async (world) => {
      const { puts } = await world.store.transaction((tx) => {
        tx.put('q', 'a')
        try {
          tx.put('q', 'wrong', { priority: -1 })
        } catch (error) {
          isTrue(error instanceof TypeError, 'misuse is a TypeError')
        }
        tx.put('q', 'b')
      })
      equal(
        puts.map(({ offset }) => offset),
        [0, 1],
      )
      equal(await world.drain('q'), ['a', 'b'])
    },
  },
  {
    name: 'bad input throws where it stands, and the transaction is not made',
    run: async (world) => {
      await world.put('q', 'a')
      const delivery = await world.takeOne('q')
      const bad: ((tx: Transaction) => void)[] = [
        (tx) => tx.put('', 'x'),
        (tx) => tx.put('q', 'x', { priority: 2 ** 32 }),
        (tx) => tx.put('q', 'x', { delayMs: 1, at: 1 }),
        (tx) => tx.release(delivery, { delayMs: -1 }),
        (tx) => tx.bury(delivery, { priority: 0.5 }),
        (tx) => tx.pause('q', Number.NaN),
      ]
      for (const [row, part] of bad.entries()) {
        const made = () =>
          world.store.transaction((tx) => {
            tx.put('q', 'never')
            part(tx)
          })
        await rejected('QLOG_INVALID_ARGUMENT', made, `row ${row}`)
      }
      equal(world.store.queue('q').stats().nextOffset, 1)
      await delivery.ack()
    },
  },
  {
    name: 'a body that is asynchronous is refused, and nothing of it happens',
    run: async (world) => {
      await world.putAll('q', 'a')
      const made = () =>
        world.store.transaction((async (tx: Transaction) => {
          tx.put('q', 'never')
          await undefined
          tx.put('q', 'never either')
        }) as never)
      await rejected('QLOG_INVALID_ARGUMENT', made)
      await world.settle()
      equal(await world.ready('q'), ['a'])
    },
  },
  {
    name: 'a kick of what is neither buried nor delayed is refused',
    run: async (world) => {
      const [a] = await world.putAll('q', 'a')
      await world.watching('q')
      const ref = { queue: 'q', id: present(a).id, offset: present(a).offset }
      const made = () =>
        world.store.transaction((tx) => {
          tx.put('q', 'never')
          tx.kick(world.store.queue('q').group(), ref)
        })
      await rejected('QLOG_INVALID_ARGUMENT', made)
      equal(await world.ready('q'), ['a'])
    },
  },
  {
    name: 'settings of a group change with the rest of a transaction, and not where that throws',
    run: async (world) => {
      await world.putAll('q', 'a', 'b', 'c')
      await world.watching('q')
      const group = world.store.queue('q').group()
      await changesNothing(world, (tx) => tx.configure(group, { leasedMax: 1 }))
      await world.store.transaction((tx) => {
        tx.configure(group, { leasedMax: 2 })
        tx.configure(group, { promoteAfterMs: 5_000 })
        tx.put('q', 'd')
      })
      for (let opening = 0; opening < 2; opening++) {
        const { leasedMax, promoteAfterMs } = world.store.queue('q').group().stats()
        equal([leasedMax, promoteAfterMs], [2, 5_000])
        equal(textsOf(await world.take('q')).length, 2)
        await world.reopen()
      }
      const other = world.store.queue('q').group('new')
      const made = () => world.store.transaction((tx) => tx.configure(other, { leasedMax: 1 }))
      await rejected('QLOG_INVALID_ARGUMENT', made)
    },
  },
  {
    name: 'a transaction cannot be used once its body has returned',
    run: async (world) => {
      let kept: Transaction | undefined
      await world.store.transaction((tx) => {
        kept = tx
        tx.put('q', 'a')
      })
      let error: unknown
      try {
        kept?.put('q', 'late')
      } catch (thrown) {
        error = thrown
      }
      isTrue(error instanceof Error, 'it throws')
      equal(await world.drain('q'), ['a'])
    },
  },
  {
    name: 'puts, transactions and acks that are called at once take effect in the order of the calls',
    run: async (world) => {
      await world.put('q', 'a')
      const delivery = await world.takeOne('q')
      const queue = world.store.queue('q')
      const work = [
        queue.put('b'),
        world.store.transaction((tx) => {
          tx.put('q', 'c')
          tx.ack(delivery)
        }),
        queue.put('d'),
      ]
      await rejected('QLOG_STALE_LEASE', () => delivery.ack())
      await Promise.all(work)
      await world.reopen()
      equal(textsOf(await world.take('q')), ['b', 'c', 'd'])
    },
  },
]
