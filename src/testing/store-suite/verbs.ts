/** What ends a lease, and what brings a message back: ack, release, retry, bury, kick, delete. */
import { equal, first, isTrue, isWithin, present, rejected } from './checks.ts'
import { type StoreTest, textsOf, type World, withBody } from './world.ts'

const SECOND_MS = 1_000
const MINUTE_MS = 60_000

/** Takes and fails the one message of `q`, again and again, and collects the delays. */
async function failAll(world: World, times: number): Promise<number[]> {
  const delays: number[] = []
  for (let count = 0; count < times; count++) {
    const outcome = await (await world.takeOne('q')).retry(new Error(`no ${count}`))
    if (outcome.buried) break
    delays.push(outcome.delayMs)
    await world.advance(outcome.delayMs + SECOND_MS)
  }
  return delays
}

export const VERBS: readonly StoreTest[] = [
  {
    name: 'an acknowledged message never comes back',
    run: async (world) => {
      await world.putAll('q', 'a', 'b')
      await (await world.takeOne('q')).ack()
      equal(world.store.queue('q').stats().messages, 1)
      await world.reopen()
      equal(await world.ready('q'), ['b'])
    },
  },
  {
    name: 'invariant 12: an ack that resolved outlives a crash',
    needs: ['crash'],
    run: async (world) => {
      await world.putAll('q', 'a', 'b', 'c')
      const taken = await world.take('q')
      await withBody(taken, 'b').ack()
      await world.crashAndOpen()
      equal((await world.drain('q')).sort(), ['a', 'c'])
    },
  },
  {
    name: 'a release does not count as an attempt, however often',
    run: async (world) => {
      const { id } = await world.put('q', 'a')
      for (let count = 0; count < 12; count++) {
        const delivery = await world.takeOne('q')
        equal(delivery.attempt, 1)
        await delivery.release()
      }
      const info = await world.info('q', id)
      equal([info.attempts, info.counters.leases, info.counters.releases], [0, 12, 12])
    },
  },
  {
    name: 'retry counts, keeps the error, and backs off: doubled each time, up to the longest',
    run: async (world) => {
      const retry = { attemptsMax: 20, backoffMs: 1_000, backoffMaxMs: 10_000 }
      world.store.queue('q', { retry })
      const { id } = await world.put('q', 'a')
      const delays = await failAll(world, 6)
      for (const [row, wanted] of [1_000, 2_000, 4_000, 8_000, 10_000, 10_000].entries()) {
        isWithin(present(delays[row]), wanted * 0.8, wanted * 1.2, `delay ${row}`)
      }
      const info = await world.info('q', id)
      equal(info.attempts, 6)
      isTrue(present(info.error).includes('no 5'), 'the last error is kept')
      equal(info.reason, undefined)
      equal((await world.takeOne('q')).attempt, 7)
    },
  },
  {
    name: 'a retried message waits for its back-off and returns to its place',
    run: async (world) => {
      await world.putAll('q', 'a', 'b')
      const outcome = await (await world.takeOne('q')).retry('later')
      equal(outcome.buried, false)
      equal(world.counts('q'), { ready: 1, delayed: 1, leased: 0, buried: 0 })
      await world.advance(2 * SECOND_MS)
      equal(await world.ready('q'), ['a', 'b'])
    },
  },
  {
    name: 'the last attempt is followed by burial, with reason, attempts and the last error',
    run: async (world) => {
      world.store.queue('q', { retry: { attemptsMax: 3, backoffMs: 1_000 } })
      const { id } = await world.put('q', 'a')
      equal((await failAll(world, 10)).length, 2)
      const info = await world.info('q', id)
      equal([info.state, info.attempts, info.counters.buries], ['buried', 3, 1])
      isTrue(present(info.reason, 'reason').length > 0, 'there is a reason')
      isTrue(present(info.error, 'error').includes('no 2'), 'the last error is kept')
      equal(await world.take('q'), [])
    },
  },
  {
    name: 'attempts are ten unless told',
    run: async (world) => {
      const { id } = await world.put('q', 'a')
      equal((await failAll(world, 20)).length, 9)
      equal((await world.info('q', id)).attempts, 10)
    },
  },
  {
    name: 'leases that end count up to burial as well',
    run: async (world) => {
      world.store.queue('q', { retry: { attemptsMax: 2 } })
      const { id } = await world.put('q', 'a')
      await world.takeOne('q', { leaseMs: 5_000 })
      await world.advance(6_000)
      await world.takeOne('q', { leaseMs: 5_000 })
      await world.advance(6_000)
      equal(await world.take('q'), [])
      await world.settle()
      const info = await world.info('q', id)
      equal([info.state, info.attempts, info.counters.timeouts], ['buried', 2, 2])
      equal(info.error, 'the lease ended without an answer')
    },
  },
  {
    name: 'a lease that ends as the last attempt keeps the error that was told before',
    run: async (world) => {
      world.store.queue('q', { retry: { attemptsMax: 2, backoffMs: 1_000 } })
      const { id } = await world.put('q', 'a')
      await (await world.takeOne('q')).retry(new Error('it was this'))
      await world.advance(2_000)
      await world.takeOne('q', { leaseMs: 5_000 })
      await world.advance(6_000)
      equal(await world.take('q'), [])
      await world.settle()
      const { state, error } = await world.info('q', id)
      equal([state, error], ['buried', 'Error: it was this'])
    },
  },
  {
    name: 'a queue has one retry: a handle without it keeps to it, one with another is refused',
    run: async (world) => {
      const { store } = world
      store.queue('q', { retry: { attemptsMax: 2 } })
      store.queue('q', { retry: { attemptsMax: 2, backoffMs: 1_000 } })
      store.queue('other', { retry: { attemptsMax: 3 } })
      const other = async () => store.queue('q', { retry: { attemptsMax: 3 } })
      const error = await rejected('QLOG_INVALID_ARGUMENT', other)
      isTrue(/attemptsMax: 2.*attemptsMax: 3/.test(`${error}`), 'both are named')
      const { id } = await store.queue('q').put('a')
      await failAll(world, 5)
      equal((await world.info('q', id)).attempts, 2)
      await world.reopen()
      world.store.queue('q', { retry: { attemptsMax: 3 } })
    },
  },
  {
    name: 'a buried message is not delivered until it is kicked',
    run: async (world) => {
      const { id } = await world.put('q', 'a')
      await (await world.takeOne('q')).bury({ reason: 'not a good one' })
      equal(await world.take('q'), [])
      equal((await world.info('q', id)).reason, 'not a good one')
      await world.reopen()
      equal(await world.take('q'), [])
      equal((await world.info('q', id)).reason, 'not a good one')
      equal(await world.store.queue('q').group().kick(1), 1)
      equal((await world.info('q', id)).reason, undefined)
      equal(await world.ready('q'), ['a'])
    },
  },
  {
    name: 'a message that was buried after its last attempt is delivered again once it is kicked',
    run: async (world) => {
      world.store.queue('q', { retry: { attemptsMax: 2, backoffMs: 1_000 } })
      const { id } = await world.put('q', 'a')
      await failAll(world, 5)
      equal(await world.store.queue('q').group().kick([id]), 1)
      await world.settle()
      const delivery = await world.takeOne('q')
      await world.settle()
      const { counters } = await world.info('q', id)
      equal([counters.kicks, counters.buries, counters.leases], [1, 1, 3])
      await delivery.ack()
    },
  },
  {
    name: 'kick takes the buried in the order of their burial, and no delayed one while there is any',
    run: async (world) => {
      await world.putAll('q', 'a', 'b', 'c', 'd')
      await world.put('q', 'later', { delayMs: 2 * MINUTE_MS })
      await world.put('q', 'sooner', { at: world.nowMs + MINUTE_MS })
      await world.bury('q', 'c', 'a', 'b')
      const group = world.store.queue('q').group()
      equal(await group.kick(1), 1)
      equal(await world.ready('q'), ['c', 'd'])
      equal(await group.kick(10), 2)
      equal(await world.ready('q'), ['a', 'b', 'c', 'd'])
      equal(await group.kick(1), 1)
      equal(await world.ready('q'), ['a', 'b', 'c', 'd', 'sooner'])
      equal(await group.kick(10), 1)
      equal(await group.kick(10), 0)
    },
  },
  {
    name: 'the order of burial survives a restart and a compaction',
    run: async (world) => {
      await world.putAll('q', 'a', 'b', 'c', 'd')
      await world.bury('q', 'd', 'b', 'a', 'c')
      await world.reopen()
      const order: string[] = []
      for (let count = 0; count < 4; count++) {
        if (count === 2) await world.store.compact()
        if (count === 2) await world.reopen()
        equal(await world.store.queue('q').group().kick(1), 1)
        order.push(...(await world.drain('q')))
      }
      equal(order, ['d', 'b', 'a', 'c'])
    },
  },
  {
    name: 'what is buried after a restart stands behind what was buried before it',
    run: async (world) => {
      await world.putAll('q', 'a', 'b', 'c')
      await world.bury('q', 'c', 'b')
      await world.reopen()
      await world.bury('q', 'a')
      const order: string[] = []
      for (let count = 0; count < 3; count++) {
        equal(await world.store.queue('q').group().kick(1), 1)
        order.push(...(await world.drain('q')))
      }
      equal(order, ['c', 'b', 'a'])
    },
  },
  {
    name: 'kick by name takes the buried and delayed ones among those, and tells how many',
    run: async (world) => {
      const [a, b, c] = await world.putAll('q', 'a', 'b', 'c')
      const later = await world.put('q', 'later', { delayMs: MINUTE_MS })
      await world.bury('q', 'a', 'b')
      const group = world.store.queue('q').group()
      const ref = { queue: 'q', id: present(b).id, offset: present(b).offset }
      equal(await group.kick([ref, later.id, present(c).id, 999_999]), 2)
      equal(await world.ready('q'), ['b', 'c', 'later'])
      equal(await group.kick([present(b).id]), 0)
      equal(await group.kick([present(a).id]), 1)
      equal((await world.info('q', present(a).id)).counters.kicks, 1)
      await world.reopen()
      equal(await world.ready('q'), ['a', 'b', 'c', 'later'])
    },
  },
  {
    name: 'a kicked delayed message keeps nothing of its delay over a restart',
    run: async (world) => {
      const { id } = await world.put('q', 'a', { delayMs: MINUTE_MS })
      await world.watching('q')
      equal(await world.store.queue('q').group().kick([id]), 1)
      await world.reopen()
      equal(await world.ready('q'), ['a'])
      const { dueInMs, counters } = await world.info('q', id)
      equal(dueInMs, 0)
      equal(counters, { leases: 0, timeouts: 0, releases: 0, buries: 0, kicks: 1 })
    },
  },
  {
    name: 'delete takes messages away for every group, in every state, and tells how many were there',
    run: async (world) => {
      const queue = world.store.queue('q')
      await queue.createGroup('other')
      const [a, b, c, d] = await world.putAll('q', 'a', 'b', 'c', 'd')
      const later = await world.put('q', 'later', { delayMs: MINUTE_MS })
      await world.bury('q', 'b')
      const leased = first(await world.take('q', { count: 1 }))
      const ids = [a, b, c, later].map((one) => present(one).id)
      equal(await queue.delete([...ids, 999_999]), 4)
      equal(await queue.delete(ids), 0)
      await rejected('QLOG_STALE_LEASE', () => leased.ack())
      equal(world.counts('q'), { ready: 1, delayed: 0, leased: 0, buried: 0 })
      await world.advance(2 * MINUTE_MS)
      equal(await world.ready('q', 'other'), ['d'])
      await world.reopen()
      equal(await world.ready('q'), ['d'])
      equal(textsOf(await queueRead(world)), ['d'])
      equal(await world.store.queue('q').delete([present(d).id]), 1)
      equal(world.store.stats().messages, 0)
    },
  },
  {
    name: 'what is deleted from a queue without groups is there for no group that comes later',
    run: async (world) => {
      const queue = world.store.queue('q')
      const results = await world.putAll('q', 'a', 'b', 'c')
      equal(await queue.delete([present(results[1]).id]), 1)
      for (let opening = 0; opening < 2; opening++) {
        equal(world.store.queue('q').stats().messages, 2)
        equal(textsOf(await queueRead(world)), ['a', 'c'])
        equal(await world.store.queue('q').get(present(results[1]).id), undefined)
        await world.reopen()
      }
      equal(await world.drain('q', 'late'), ['a', 'c'])
    },
  },
  {
    name: 'delete leaves alone what stands in another queue',
    run: async (world) => {
      const { id } = await world.put('q', 'a')
      await world.put('other', 'b')
      equal(await world.store.queue('other').delete([id]), 0)
      equal(await world.ready('q'), ['a'])
    },
  },
]

function queueRead(world: World) {
  return world.store.queue('q').read()
}
