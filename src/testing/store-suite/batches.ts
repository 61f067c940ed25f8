/** Many at once: putMany all or none, verbs over many deliveries as one entry, budgets of a reserve. */
import type { RetryOutcome } from '../../store/types/deliveries.ts'
import { equal, first, isTrue, present, rejected, Watched } from './checks.ts'
import { type StoreTest, textsOf, withBody } from './world.ts'

export const BATCHES: readonly StoreTest[] = [
  {
    name: 'putMany puts its items in their order, each with its own options',
    run: async (world) => {
      await world.put('q', 'before')
      const results = await world.store
        .queue('q')
        .putMany([
          'text',
          new TextEncoder().encode('bytes'),
          { body: 'first', priority: 1 },
          { body: 'later', delayMs: 60_000 },
        ])
      equal(
        results.map(({ offset, duplicate }) => [offset, duplicate]),
        [1, 2, 3, 4].map((offset) => [offset, false]),
      )
      equal(await world.ready('q'), ['first', 'before', 'text', 'bytes'])
    },
  },
  {
    name: 'putMany of nothing puts nothing',
    run: async (world) => {
      equal(await world.store.queue('q').putMany([]), [])
      equal((await world.put('q', 'a')).offset, 0)
    },
  },
  {
    name: 'putMany puts nothing where one item is wrong',
    run: async (world) => {
      const queue = world.store.queue('q')
      await rejected('QLOG_INVALID_ARGUMENT', () =>
        queue.putMany(['a', { body: 'b', priority: -1 }, 'c']),
      )
      await rejected('QLOG_TOO_LARGE', () => queue.putMany(['a', new Uint8Array(40 << 20)]))
      equal((await world.put('q', 'only')).offset, 0)
      await world.reopen()
      equal(await world.drain('q'), ['only'])
    },
  },
  {
    name: 'putMany is all or none, at whatever moment the crash comes',
    needs: ['crash'],
    run: async (world) => {
      const bodies = Array.from({ length: 50 }, (_, row) => `${row} ${'x'.repeat(200)}`)
      for (const [round, ms] of [0, 0.1, 0.3, 1, 5, 30, 100].entries()) {
        const put = new Watched(world.store.queue(`q${round}`).putMany(bodies))
        await world.advance(ms)
        await world.crashAndOpen()
        const found = await world.ready(`q${round}`)
        isTrue(found.length === 0 || found.length === 50, `${found.length} of 50 are there`)
        isTrue(found.length === 50 || put.state !== 'done', 'it had not resolved')
      }
    },
  },
  {
    name: 'reserve gives as many as it is asked for, and what there is where there are fewer',
    run: async (world) => {
      await world.putAll('q', 'a', 'b', 'c')
      const session = await world.watching('q')
      equal(textsOf(await session.reserve()), ['a'])
      equal(textsOf(await session.reserve({ count: 10 })), ['b', 'c'])
      equal(session.leased, 3)
    },
  },
  {
    name: 'reserve keeps to its budget of bytes, and gives the first one whatever its size',
    run: async (world) => {
      await world.putAll('q', 'x'.repeat(900), 'y'.repeat(60), 'z'.repeat(40), 'w')
      const session = await world.watching('q')
      const lengths = async (bytesMax: number): Promise<number[]> => {
        const deliveries = await session.reserve({ count: 10, bytesMax, timeoutMs: 0 })
        return deliveries.map(({ body }) => body.byteLength)
      }
      equal(await lengths(100), [900])
      equal(await lengths(100), [60, 40])
      equal(await lengths(100), [1])
      equal(world.counts('q').leased, 4)
    },
  },
  {
    name: 'what a budget of bytes left behind is still ready for others',
    run: async (world) => {
      await world.putAll('q', 'x'.repeat(60), 'y'.repeat(60), 'z')
      const [one] = await world.take('q', { bytesMax: 100 })
      equal(present(one).text()[0], 'x')
      equal(
        (await world.take('q')).map((delivery) => [delivery.text()[0], delivery.attempt]),
        [
          ['y', 1],
          ['z', 1],
        ],
      )
    },
  },
  {
    name: 'a session ends many leases with one call',
    run: async (world) => {
      const session = await world.watching('q')
      await world.putAll('q', 'a1', 'a2', 'r1', 'r2', 'b1', 'b2', 't1', 't2')
      const taken = await session.reserve({ count: 10 })
      const those = (letter: string) => taken.filter((one) => one.text().startsWith(letter))
      await session.ack(those('a'))
      await session.release(those('r'), { priority: 7 })
      await session.bury(those('b').reverse(), { reason: 'why' })
      const outcomes: readonly RetryOutcome[] = await session.retry(those('t'), 'failed')
      equal(
        outcomes.map(({ buried }) => buried),
        [false, false],
      )
      equal(session.leased, 0)
      await world.reopen()
      equal(world.counts('q'), { ready: 2, delayed: 2, leased: 0, buried: 2 })
      const [r1] = await world.take('q')
      equal([present(r1).text(), present(r1).priority], ['r1', 7])
      equal((await world.store.queue('q').group().peek('buried'))?.reason, 'why')
      equal(await world.store.queue('q').group().kick(1), 1)
      equal(textsOf(await world.take('q')), ['b2'])
    },
  },
  {
    name: 'a verb over many does nothing where one lease is stale',
    run: async (world) => {
      const session = await world.watching('q')
      await world.putAll('q', 'a', 'b', 'c')
      const taken = await session.reserve({ count: 10 })
      await withBody(taken, 'b').ack()
      for (const verb of ['ack', 'release', 'retry', 'bury'] as const) {
        await rejected('QLOG_STALE_LEASE', () => session[verb](taken), verb)
      }
      await rejected('QLOG_STALE_LEASE', () => session.extend(taken, 90_000), 'extend')
      equal(world.counts('q'), { ready: 0, delayed: 0, leased: 2, buried: 0 })
      isTrue(withBody(taken, 'a').leaseLeftMs <= 30_000, 'no lease was extended')
      await session.ack([withBody(taken, 'a'), withBody(taken, 'c')])
      await world.reopen()
      equal(await world.drain('q'), [])
    },
  },
  {
    name: 'a verb over the same delivery twice does nothing',
    run: async (world) => {
      const session = await world.watching('q')
      await world.put('q', 'a')
      const delivery = first(await session.reserve())
      await rejected('QLOG_STALE_LEASE', () => session.ack([delivery, delivery]))
      equal(world.counts('q').leased, 1)
      await delivery.ack()
    },
  },
  {
    name: 'verbs over no delivery at all do nothing',
    run: async (world) => {
      const session = await world.watching('q')
      await session.ack([])
      await session.release([])
      await session.bury([])
      equal(await session.retry([]), [])
      session.extend([])
    },
  },
  {
    name: 'extend over many moves the end of each',
    run: async (world) => {
      const session = await world.watching('q')
      await world.putAll('q', 'a', 'b')
      const taken = await session.reserve({ count: 2, leaseMs: 10_000 })
      session.extend(taken, 30_000)
      await world.advance(20_000)
      equal(await world.take('q'), [])
      await session.ack(taken)
    },
  },
  {
    name: 'an ack of many is all or none, at whatever moment the crash comes',
    needs: ['crash'],
    run: async (world) => {
      for (const [round, ms] of [0, 0.1, 0.3, 1, 5, 30, 100].entries()) {
        const name = `q${round}`
        await world.store.queue(name).putMany(Array.from({ length: 30 }, (_, row) => `${row}`))
        const session = await world.watching(name)
        const taken = await session.reserve({ count: 30 })
        const ack = new Watched(session.ack(taken))
        await world.advance(ms)
        await world.crashAndOpen()
        const left = (await world.drain(name)).length
        isTrue(left === 0 || left === 30, `${left} of 30 are left`)
        isTrue(left === 0 || ack.state !== 'done', 'it had not resolved')
      }
    },
  },
]
