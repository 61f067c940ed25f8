/** The figures that operators look at: totals that can be subtracted, ages, lags, what the log says. */
import { equal, first as firstOf, isTrue, isWithin, present } from './checks.ts'
import { type StoreTest, withBody } from './world.ts'

const MINUTE_MS = 60_000
const NOTHING = {
  delivered: 0,
  acked: 0,
  released: 0,
  retried: 0,
  timedOut: 0,
  buried: 0,
  kicked: 0,
}

export const FIGURES: readonly StoreTest[] = [
  {
    name: 'a lease counts from its beginning on',
    run: async (world) => {
      const { id } = await world.put('q', 'a')
      for (let round = 1; round <= 3; round++) {
        const delivery = await world.takeOne('q')
        const { attempts, counters, state } = await world.info('q', id)
        equal([attempts, counters.leases, state], [1, round, 'leased'])
        await delivery.release()
        equal((await world.info('q', id)).counters.leases, round)
      }
    },
  },
  {
    name: 'how many ready messages are urgent follows every change of state and priority',
    run: async (world) => {
      const urgent = () => world.store.queue('q').group().countReady(100)
      equal(await urgent(), 0)
      const items = Array.from({ length: 70 }, (_, row) => ({ body: `${row}`, priority: row % 7 }))
      await world.store.queue('q').putMany(items)
      await world.store.queue('q').putMany([{ body: 'x', priority: 100 }, { body: 'y' }])
      await world.put('q', 'later', { priority: 1, delayMs: 60_000 })
      await world.store.queue('q').createGroup('default')
      equal(await urgent(), 70)
      // More priorities than there are lanes of their own.
      for (let priority = 20; priority < 90; priority++) await world.put('q', 'z', { priority })
      equal(await urgent(), 140)
      const taken = await world.take('q', { count: 10 })
      equal(await urgent(), 130)
      const [a, b, c, d, ...others] = taken
      await present(a).release({ priority: 3 })
      await present(b).release({ priority: 500 })
      await present(c).release({ delayMs: 60_000 })
      await present(d).bury()
      equal(await urgent(), 131)
      for (const one of others) await one.ack()
      equal(await urgent(), 131)
      await world.advance(60_001)
      equal(await urgent(), 133)
      equal(await world.store.queue('q').group().kick(1), 1)
      equal(await urgent(), 134)
      await world.reopen()
      equal(await urgent(), 134)
    },
  },
  {
    name: 'totals count what happened to messages, in the group, the queue and the store',
    run: async (world) => {
      await world.putAll('q', 'acked', 'released', 'retried', 'buried', 'late')
      const taken = await world.take('q', { leaseMs: MINUTE_MS })
      await withBody(taken, 'acked').ack()
      await withBody(taken, 'released').release({ delayMs: 10 * MINUTE_MS })
      await withBody(taken, 'retried').retry('why')
      await withBody(taken, 'buried').bury()
      await world.advance(2 * MINUTE_MS)
      await world.store.queue('q').group().kick(1)
      await world.settle()
      const totals = {
        delivered: 5,
        acked: 1,
        released: 1,
        retried: 1,
        timedOut: 1,
        buried: 1,
        kicked: 1,
      }
      const all = { ...totals, put: 5, deleted: 0, expired: 0 }
      equal(world.store.queue('q').group().stats().totals, totals)
      equal(world.store.queue('q').stats().totals, all)
      equal(world.store.stats().totals, all)
    },
  },
  {
    name: 'totals count many at once, and what is acknowledged together with something else',
    run: async (world) => {
      await world.store.queue('q').putMany(Array.from({ length: 30 }, (_, row) => `${row}`))
      const session = await world.watching('q')
      const taken = await session.reserve({ count: 20 })
      await session.ack(taken.slice(0, 10))
      await Promise.all(taken.slice(10, 15).map((one) => one.ack()))
      await world.store.transaction((tx) => {
        for (const one of taken.slice(15)) tx.ack(one)
        tx.put('other', 'x')
      })
      const q = world.store.queue('q').stats().totals
      equal([q.put, q.delivered, q.acked], [30, 20, 20])
      const { totals } = world.store.stats()
      equal([totals.put, totals.delivered, totals.acked], [31, 20, 20])
    },
  },
  {
    name: 'what is deleted and what expires is told apart',
    run: async (world) => {
      const queue = world.store.queue('q')
      const { id } = await world.put('q', 'deleted')
      await world.put('q', 'expires', { ttlMs: 1_000 })
      await world.put('q', 'stays')
      equal(await queue.delete([id]), 1)
      await world.advance(5_000)
      await world.settle()
      const { put, deleted, expired, acked } = queue.stats().totals
      equal([put, deleted, expired, acked], [3, 1, 1, 0])
    },
  },
  {
    name: 'what is deleted and acknowledged at once counts for what came first',
    run: async (world) => {
      const { store } = world
      const results = await world.putAll('q', 'a', 'b')
      const [a, b] = await world.take('q')
      const [first, second] = results.map(({ id, offset }) => ({ queue: 'q', id, offset }))
      const all = [
        store.transaction((tx) => tx.delete(present(first))),
        present(a).ack(),
        present(b).ack(),
        store.transaction((tx) => tx.delete(present(second))),
      ]
      await Promise.allSettled(all)
      await world.settle()
      const { deleted, acked } = store.stats().totals
      equal([deleted, acked, store.stats().messages], [1, 1, 0])
    },
  },
  {
    name: 'burials count whatever buries, once each',
    run: async (world) => {
      world.store.queue('q', { retry: { attemptsMax: 1 } })
      await world.putAll('q', 'told', 'failed', 'used up')
      const taken = await world.take('q', { leaseMs: MINUTE_MS })
      await withBody(taken, 'told').bury()
      await withBody(taken, 'failed').retry('why')
      await world.advance(2 * MINUTE_MS)
      equal(await world.ready('q'), [])
      await world.settle()
      const { buried, totals } = world.store.queue('q').group().stats()
      equal([buried, totals.buried, totals.retried, totals.timedOut], [3, 3, 0, 1])
    },
  },
  {
    name: 'totals stay those of the queue when a group is removed',
    run: async (world) => {
      const queue = world.store.queue('q')
      await queue.createGroup('one')
      await queue.createGroup('two')
      await world.putAll('q', 'a', 'b')
      equal((await world.drain('q', 'one')).length, 2)
      await queue.group('one').remove()
      const { groups, totals } = queue.stats()
      equal([totals.delivered, totals.acked], [2, 2])
      equal(firstOf(groups).totals, NOTHING)
      equal(world.store.stats().totals.acked, 2)
    },
  },
  {
    name: 'totals begin with the opening',
    run: async (world) => {
      await world.putAll('q', 'a', 'b', 'c')
      await (await world.takeOne('q')).ack()
      await (await world.takeOne('q')).bury()
      await world.reopen()
      const none = { ...NOTHING, put: 0, deleted: 0, expired: 0 }
      equal(world.store.stats().totals, none)
      equal(world.store.queue('q').stats().totals, none)
      equal(world.store.queue('q').group().stats().totals, NOTHING)
      equal(world.store.queue('nobody knows').stats().totals, none)
      equal(world.store.queue('q').group('nobody knows').stats().totals, NOTHING)
      await world.put('q', 'd')
      equal(world.store.stats().totals, { ...none, put: 1 })
    },
  },
  {
    name: 'what an opening behind a crash finds in its log is not counted',
    needs: ['crash'],
    run: async (world) => {
      await world.putAll('q', 'a', 'b', 'c')
      await (await world.takeOne('q')).ack()
      await (await world.takeOne('q')).bury()
      await world.settle()
      await world.crashAndOpen()
      equal(world.store.stats().buried, 1)
      equal(world.store.stats().totals, { ...NOTHING, put: 0, deleted: 0, expired: 0 })
    },
  },
  {
    name: 'what is refused counts nowhere',
    needs: ['failNextWrite'],
    run: async (world) => {
      const { store } = world
      await world.putAll('q', 'a', 'b')
      const taken = await world.take('q')
      await world.settle()
      world.failNextWrite()
      const ack = withBody(taken, 'a')
        .ack()
        .catch(() => 'failed')
      const put = world.put('q', 'c').catch(() => 'failed')
      await world.settle()
      equal([await ack, await put], ['failed', 'failed'])
      const { totals } = store.stats()
      equal([totals.put, totals.delivered, totals.acked], [2, 2, 0])
    },
  },
  {
    name: 'lag is what a group has not finished, whatever state it is in',
    run: async (world) => {
      const queue = world.store.queue('q')
      await queue.createGroup('default')
      await queue.createGroup('slow')
      await world.putAll('q', 'acked', 'buried', 'leased', 'ready')
      await world.put('q', 'delayed', { delayMs: MINUTE_MS })
      const taken = await world.take('q', { count: 3 })
      await withBody(taken, 'acked').ack()
      await withBody(taken, 'buried').bury()
      const stats = queue.group().stats()
      equal(world.counts('q'), { ready: 1, delayed: 1, leased: 1, buried: 1 })
      equal([stats.lag, queue.group('slow').stats().lag], [4, 5])
      const { ready, delayed, leased, buried } = world.store.stats()
      equal({ ready, delayed, leased, buried }, { ready: 5, delayed: 2, leased: 1, buried: 1 })
    },
  },
  {
    name: 'the age of the oldest message passes over what is leased, delayed, buried or finished',
    run: async (world) => {
      const queue = world.store.queue('q')
      equal(queue.stats().oldestMs, undefined)
      await world.put('q', 'finished', { priority: 5 })
      await world.advance(MINUTE_MS)
      await world.put('q', 'buried', { priority: 4 })
      await world.put('q', 'delayed', { delayMs: 60 * MINUTE_MS })
      await world.advance(MINUTE_MS)
      await world.put('q', 'leased', { priority: 3 })
      await world.advance(MINUTE_MS)
      await world.put('q', 'better', { priority: 7 })
      await world.advance(MINUTE_MS)
      await world.put('q', 'first to go', { priority: 6 })
      const taken = await world.take('q', { count: 3, leaseMs: 60 * MINUTE_MS })
      equal(taken.map((one) => one.text()).sort(), ['buried', 'finished', 'leased'])
      await withBody(taken, 'finished').ack()
      await withBody(taken, 'buried').bury()
      const group = queue.group()
      isWithin(ageOf(group.stats().oldestMs), MINUTE_MS, 1.5 * MINUTE_MS, 'of better')
      await withBody(taken, 'leased').release()
      isWithin(ageOf(group.stats().oldestMs), 2 * MINUTE_MS, 2.5 * MINUTE_MS, 'of what came back')
      equal(queue.stats().oldestMs, group.stats().oldestMs)
      equal((await world.drain('q')).length, 3)
      equal([group.stats().oldestMs, queue.stats().oldestMs], [undefined, undefined])
    },
  },
  {
    name: 'a queue without groups has the age of its oldest message; with some, the longest of them',
    run: async (world) => {
      const queue = world.store.queue('q')
      await world.putAll('q', 'a', 'b')
      await world.advance(MINUTE_MS)
      await world.put('q', 'c')
      isWithin(ageOf(queue.stats().oldestMs), MINUTE_MS, 1.5 * MINUTE_MS, 'without groups')
      await queue.createGroup('quick')
      await queue.createGroup('slow')
      await (await world.takeOne('q', { group: 'quick' })).ack()
      await (await world.takeOne('q', { group: 'quick' })).ack()
      isWithin(ageOf(queue.group('quick').stats().oldestMs), 0, MINUTE_MS / 2, 'of the quick one')
      isWithin(ageOf(queue.stats().oldestMs), MINUTE_MS, 1.5 * MINUTE_MS, 'of the slow one')
    },
  },
  {
    name: 'a store says how long it is open, when it saved its state, and what its log does',
    run: async (world) => {
      const { store } = world
      const before = store.stats()
      equal([before.snapshots, before.snapshotAgeMs, before.space], [0, undefined, 'ok'])
      await world.putAll('q', 'a', 'b')
      await store.compact()
      await world.advance(2 * MINUTE_MS)
      const after = store.stats()
      isWithin(after.openMs - before.openMs, 2 * MINUTE_MS, 3 * MINUTE_MS, 'openMs')
      isTrue(after.snapshots > 0, `${after.snapshots} snapshots`)
      isWithin(present(after.snapshotAgeMs), 2 * MINUTE_MS, 3 * MINUTE_MS, 'snapshotAgeMs')
      isTrue(after.log.flushes > before.log.flushes, `${after.log.flushes} flushes`)
      equal(after.log.inFlightBytes, 0)
      const put = world.put('q', 'c')
      isTrue(store.stats().log.inFlightBytes > 0, 'a put is in flight')
      await put
    },
  },
  {
    name: 'a full disk is told while it is one',
    needs: ['setFull'],
    run: async (world) => {
      world.setFull(true)
      // Until no room is left that was made before.
      for (let count = 0; count < 200; count++) {
        const refused = await world.put('q', 'x'.repeat(2_000)).catch(() => 'refused')
        if (refused === 'refused') break
      }
      equal(world.store.stats().space, 'full')
      world.setFull(false)
      await world.advance(MINUTE_MS)
      equal(world.store.stats().space, 'ok')
    },
  },
  {
    name: 'the stats of a store name the group that alone has most bytes to finish',
    run: async (world) => {
      const { store } = world
      const named = () => {
        const { pinning } = store.stats()
        return pinning && [pinning.queue, pinning.group, pinning.messages]
      }
      equal(named(), undefined)
      await store.queue('big').configure({ bytesMax: 1_000_000 })
      await world.putAll('big', 'x'.repeat(500))
      await world.putAll('q', 'a', 'b', 'c')
      equal(named(), undefined)
      await store.queue('q').createGroup('slow')
      equal(named(), ['q', 'slow', 3])
      await store.queue('big').createGroup('g')
      equal(named(), ['big', 'g', 1])
      const { bytes, isEstimate } = present(store.stats().pinning)
      equal([bytes, isEstimate], [store.queue('big').stats().bytes, false])
      await world.drain('big', 'g')
      await store.queue('q').createGroup('default')
      equal(named(), undefined)
      await (await world.takeOne('q')).ack()
      equal(named(), ['q', 'slow', 1])
      equal(present(store.stats().pinning).isEstimate, true)
      await world.drain('q', 'slow')
      equal(named(), ['q', 'default', 2])
      await world.drain('q')
      equal(named(), undefined)
    },
  },
  {
    name: 'a closed store tells its last figures',
    run: async (world) => {
      const { store } = world
      await world.putAll('q', 'a', 'b')
      await world.close()
      const { status, totals, messages, log } = store.stats()
      equal([status, totals.put, messages, log.inFlightBytes], ['closed', 2, 2, 0])
    },
  },
]

function ageOf(oldestMs: number | undefined): number {
  return present(oldestMs, 'age')
}
