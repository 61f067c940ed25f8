/** Leases: how long they last, how they end, and what a token is worth afterwards. */
import type { Delivery } from '../../store/types/deliveries.ts'
import type { Session } from '../../store/types/sessions.ts'
import { equal, first, isWithin, present, rejected } from './checks.ts'
import { type StoreTest, textsOf, withBody } from './world.ts'

const SECOND_MS = 1_000
const STALE = 'QLOG_STALE_LEASE'

/** Every verb of a delivery whose lease is no more. */
async function allStale(delivery: Delivery, what: string): Promise<void> {
  await rejected(STALE, () => delivery.ack(), `ack ${what}`)
  await rejected(STALE, () => delivery.release({ delayMs: 5 }), `release ${what}`)
  await rejected(STALE, () => delivery.retry(new Error('late')), `retry ${what}`)
  await rejected(STALE, () => delivery.bury(), `bury ${what}`)
  await rejected(STALE, () => delivery.extend(60_000), `extend ${what}`)
  equal(delivery.leaseLeftMs, 0, `leaseLeftMs ${what}`)
}

async function manyStale(session: Session, delivery: Delivery): Promise<void> {
  await rejected(STALE, () => session.ack([delivery]), 'ack of many')
  await rejected(STALE, () => session.release([delivery]), 'release of many')
  await rejected(STALE, () => session.retry([delivery]), 'retry of many')
  await rejected(STALE, () => session.bury([delivery]), 'bury of many')
  await rejected(STALE, () => session.extend([delivery], 5_000), 'extend of many')
}

export const LEASES: readonly StoreTest[] = [
  {
    name: 'a lease is as long as the put says, unless the reserve does; also after a restart',
    run: async (world) => {
      const own = await world.put('q', 'own', { leaseMs: 5_000 })
      await world.put('q', 'plain')
      equal((await world.info('q', own.id)).leaseMs, 5_000)
      for (const look of [() => world.settle(), () => world.reopen()]) {
        await look()
        const session = await world.watching('q')
        const [first, second] = await session.reserve({ count: 2 })
        isWithin(present(first).leaseLeftMs, 4_000, 5_000, 'of its own')
        isWithin(present(second).leaseLeftMs, 29_000, 30_000, 'of no own')
        await session.close()
        const told = await world.takeOne('q', { leaseMs: 60_000 })
        isWithin(told.leaseLeftMs, 59_000, 60_000, 'as the reserve says')
        await told.release()
      }
      const byId = present(await (await world.watching('q')).reserveById(own.id))
      isWithin(byId.leaseLeftMs, 4_000, 5_000, 'by id')
      await world.advance(6_000)
      await world.settle()
      equal(world.counts('q').leased, 0)
    },
  },
  {
    name: 'the leases of messages taken together end each at its time',
    run: async (world) => {
      await world.put('q', 'long', { leaseMs: 60_000 })
      await world.put('q', 'short', { leaseMs: 3_000 })
      const session = await world.watching('q')
      await session.reserve({ count: 2 })
      await world.advance(3_500)
      equal(await world.ready('q'), ['short'])
      await world.advance(60_000)
      equal(await world.ready('q'), ['long', 'short'])
    },
  },
  {
    name: 'a leased message is delivered to nobody else of its group',
    run: async (world) => {
      await world.putAll('q', 'a', 'b')
      equal(textsOf(await world.take('q', { count: 1 })), ['a'])
      equal(textsOf(await world.take('q')), ['b'])
      equal(await world.take('q'), [])
      equal(world.counts('q'), { ready: 0, delayed: 0, leased: 2, buried: 0 })
      equal(world.store.stats().leased, 2)
    },
  },
  {
    name: 'a lease lasts 30 seconds unless told, and counts down',
    run: async (world) => {
      await world.put('q', 'a')
      const delivery = await world.takeOne('q')
      isWithin(delivery.leaseLeftMs, 29_000, 30_000, 'leaseLeftMs')
      await world.advance(29 * SECOND_MS)
      isWithin(delivery.leaseLeftMs, 1, 1_000, 'leaseLeftMs')
      equal(await world.take('q'), [])
      await world.advance(2 * SECOND_MS)
      equal(delivery.leaseLeftMs, 0)
      equal(textsOf(await world.take('q')), ['a'])
    },
  },
  {
    name: 'a lease that ended counts as an attempt and as a timeout',
    run: async (world) => {
      const { id } = await world.put('q', 'a')
      equal((await world.takeOne('q', { leaseMs: 5_000 })).attempt, 1)
      await world.advance(6_000)
      equal((await world.takeOne('q')).attempt, 2)
      await world.settle()
      const info = await world.info('q', id)
      equal(info.state, 'leased')
      equal([info.counters.leases, info.counters.timeouts, info.counters.releases], [2, 1, 0])
      isWithin(info.leaseLeftMs, 28_000, 30_000, 'leaseLeftMs')
    },
  },
  {
    name: 'a session that waits gets a message when the lease of another ends',
    run: async (world) => {
      await world.put('q', 'a')
      await world.take('q', { leaseMs: 20_000 })
      const before = world.nowMs
      const session = await world.watching('q')
      equal(textsOf(await session.reserve()), ['a'])
      isWithin(world.nowMs - before, 19_000, 21_000, 'waited')
    },
  },
  {
    name: 'no verb ends a lease twice',
    run: async (world) => {
      await world.putAll('q', 'acked', 'released', 'retried', 'buried')
      const taken = await world.take('q')
      await withBody(taken, 'acked').ack()
      await withBody(taken, 'released').release({ delayMs: 60_000 })
      await withBody(taken, 'retried').retry('why')
      await withBody(taken, 'buried').bury()
      for (const delivery of taken) await allStale(delivery, delivery.text())
      equal(world.counts('q'), { ready: 0, delayed: 2, leased: 0, buried: 1 })
    },
  },
  {
    name: 'a second ack is refused while the first is still in flight',
    run: async (world) => {
      await world.putAll('q', 'a')
      const delivery = await world.takeOne('q')
      const ack = delivery.ack()
      await rejected(STALE, () => delivery.ack())
      await rejected(STALE, () => delivery.release())
      await ack
      await world.reopen()
      equal(await world.drain('q'), [])
    },
  },
  {
    name: 'after its end no verb is taken for a lease, and the message stays where it is',
    run: async (world) => {
      await world.put('q', 'a')
      const session = await world.watching('q')
      const delivery = first(await session.reserve({ leaseMs: 5_000 }))
      await world.advance(6_000)
      await allStale(delivery, 'after the end')
      await manyStale(session, delivery)
      equal(await world.ready('q'), ['a'])
    },
  },
  {
    name: 'a lease that ended does not end the lease that somebody else has since',
    run: async (world) => {
      await world.put('q', 'a')
      const old = await world.takeOne('q', { leaseMs: 5_000 })
      await world.advance(6_000)
      const fresh = await world.takeOne('q')
      await allStale(old, 'of the former holder')
      equal(world.counts('q').leased, 1)
      await fresh.ack()
      equal(world.store.queue('q').stats().messages, 0)
    },
  },
  {
    name: 'rule 22: a lease is worth nothing in the next opening',
    run: async (world) => {
      await world.put('q', 'a')
      const old = await world.takeOne('q')
      await world.reopen()
      const session = await world.watching('q')
      await manyStale(session, old)
      await rejected(STALE, () => world.store.transaction((tx) => tx.ack(old)), 'ack in one')
      const fresh = first(await session.reserve({ timeoutMs: 0 }))
      await rejected(STALE, () => session.ack([old]), 'ack beside a lease of the same number')
      equal(world.counts('q').leased, 1)
      await fresh.ack()
    },
  },
  {
    name: 'extend moves the end: by what the lease was given for, or by what it is told',
    run: async (world) => {
      await world.putAll('q', 'a', 'b')
      const taken = await world.take('q', { leaseMs: 10_000 })
      const a = withBody(taken, 'a')
      await world.advance(8_000)
      a.extend()
      isWithin(a.leaseLeftMs, 9_000, 10_000, 'leaseLeftMs')
      withBody(taken, 'b').extend(20_000)
      await world.advance(9_000)
      equal(await world.take('q'), [])
      await world.advance(2_000)
      equal(textsOf(await world.take('q')), ['a'])
      await world.advance(10_000)
      equal(textsOf(await world.take('q')), ['b'])
    },
  },
  {
    name: 'extend can also bring the end nearer',
    run: async (world) => {
      await world.put('q', 'a')
      const delivery = await world.takeOne('q')
      delivery.extend(5_000)
      await world.advance(6_000)
      equal(textsOf(await world.take('q')), ['a'])
      await rejected(STALE, () => delivery.ack())
    },
  },
  {
    name: 'leases of one group do not bind another',
    run: async (world) => {
      await world.put('q', 'a')
      const one = await world.takeOne('q', { group: 'one' })
      const two = await world.takeOne('q', { group: 'two' })
      equal([one.id, one.group, two.id, two.group], [two.id, 'one', one.id, 'two'])
      await one.ack()
      await two.release()
      equal(await world.ready('q', 'one'), [])
      equal(await world.ready('q', 'two'), ['a'])
    },
  },
  {
    name: 'leasedMax bounds what is leased at once, over all sessions, until some of it ends',
    run: async (world) => {
      const group = await world.store.queue('q').createGroup('g', { leasedMax: 3 })
      await world.putAll('q', 'a', 'b', 'c', 'd', 'e')
      const taken = await world.take('q', { group: 'g', count: 2 })
      equal(textsOf(await world.take('q', { group: 'g', leaseMs: 5_000 })), ['c'])
      equal(await world.take('q', { group: 'g' }), [])
      equal(group.stats().leased, 3)
      await withBody(taken, 'b').ack()
      equal(textsOf(await world.take('q', { group: 'g' })), ['d'])
      await world.advance(6_000)
      equal(textsOf(await world.take('q', { group: 'g' })), ['c'])
    },
  },
  {
    name: 'leasedMax survives a restart, can be changed, and be taken away',
    run: async (world) => {
      await world.store.queue('q').createGroup('g', { leasedMax: 1 })
      await world.putAll('q', 'a', 'b', 'c', 'd')
      await world.reopen()
      const group = world.store.queue('q').group('g')
      equal(textsOf(await world.take('q', { group: 'g' })), ['a'])
      await group.configure({ leasedMax: 2 })
      equal(textsOf(await world.take('q', { group: 'g' })), ['b'])
      await group.configure({ promoteAfterMs: 5_000 })
      equal([group.stats().leasedMax, group.stats().promoteAfterMs], [2, 5_000])
      await group.configure({ leasedMax: null })
      equal(group.stats().leasedMax, undefined)
      equal(textsOf(await world.take('q', { group: 'g' })), ['c', 'd'])
    },
  },
  {
    name: 'a session that waits behind leasedMax goes on when a lease ends or the limit is raised',
    run: async (world) => {
      const group = await world.store.queue('q').createGroup('g', { leasedMax: 1 })
      await world.putAll('q', 'a', 'b', 'c')
      const a = await world.takeOne('q', { group: 'g' })
      const waiter = await world.member('q', 'g')
      const waiting = waiter.reserve()
      await world.settle()
      equal(group.stats().waiting, 1)
      await a.ack()
      equal(textsOf(await waiting), ['b'])
      const again = waiter.reserve()
      await world.settle()
      await group.configure({ leasedMax: 2 })
      equal(present((await again)[0]).text(), 'c')
    },
  },
]
