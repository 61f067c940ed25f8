/** Rules 19 and 20 from outside: what is seen after closing, crashing or compacting is what was seen. */
import { equal, isTrue, present } from './checks.ts'
import { visibleState } from './visible-state.ts'
import { type StoreTest, textOf, type World, withBody } from './world.ts'

const HOUR_MS = 3_600_000

/** A bit of everything, with no lease left. */
async function bitOfEverything(world: World): Promise<void> {
  const { store } = world
  const queue = store.queue('q', { retry: { attemptsMax: 3, backoffMs: HOUR_MS } })
  await queue.createGroup('slow', { leasedMax: 2, promoteAfterMs: 10 * HOUR_MS })
  await queue.putMany(['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'])
  await world.put('q', 'rich', { priority: 3, headers: { h: 'v' }, key: 'k', ttlMs: 9 * HOUR_MS })
  await world.put('q', 'later', { delayMs: HOUR_MS })
  await world.put('q', 'clock', { at: world.nowMs + 2 * HOUR_MS })
  await world.put('alone', 'x')
  const taken = await world.take('q')
  await withBody(taken, 'a').ack()
  await withBody(taken, 'f').bury({ reason: 'first' })
  await withBody(taken, 'b').bury({ reason: 'second', priority: 77 })
  await withBody(taken, 'c').retry(new Error('try again'))
  await withBody(taken, 'd').release({ priority: 9 })
  await withBody(taken, 'e').release({ delayMs: 3 * HOUR_MS })
  await withBody(taken, 'g').ack()
  await withBody(taken, 'h').release()
  await withBody(taken, 'rich').release()
  await world.store.queue('q').group().kick(1)
  const slow = await world.take('q', { group: 'slow', count: 2 })
  await withBody(slow, 'a').ack()
  await withBody(slow, 'rich').release()
  await store.transaction((tx) => {
    tx.put('alone', 'y', { priority: 1 })
    tx.put('third', 'z')
  })
}

async function staysTheSame(world: World, between: () => Promise<unknown>): Promise<void> {
  await bitOfEverything(world)
  await world.settle()
  const before = await visibleState(world.store)
  await between()
  equal(await visibleState(world.store), before)
  await world.store.compact()
  equal(await visibleState(world.store), before)
  await world.reopen()
  equal(await visibleState(world.store), before)
}

/** Every third offset from this one on. */
function lane(first: number): number[] {
  return Array.from({ length: 1_000 }, (_, row) => first + 3 * row)
}

export const RESTART: readonly StoreTest[] = [
  {
    name: 'rule 19: closing and opening changes nothing that can be seen',
    run: (world) => staysTheSame(world, () => world.reopen()),
  },
  {
    name: 'rule 19: a crash of an idle store changes nothing that can be seen',
    needs: ['crash'],
    run: (world) => staysTheSame(world, () => world.crashAndOpen()),
  },
  {
    name: 'rule 19: a compaction, and what follows it, is replayed to the same state',
    run: (world) =>
      staysTheSame(world, async () => {
        await world.store.compact()
        await world.reopen()
        await world.reopen()
      }),
  },
  {
    name: 'rule 19: what changes behind a compaction is saved by the next closing',
    run: async (world) => {
      await bitOfEverything(world)
      await world.store.compact()
      const taken = await world.take('q', { count: 2 })
      await present(taken[0]).ack()
      await present(taken[1]).bury({ reason: 'late' })
      await world.put('q', 'late', { key: 'late', headers: { h: 'late' }, ttlMs: 5 * HOUR_MS })
      await world.put('alone', 'later', { delayMs: HOUR_MS, priority: 4 })
      await world.store.queue('q').createGroup('late', { leasedMax: 9 })
      await world.store.queue('q').pause(4 * HOUR_MS)
      await world.settle()
      const before = await visibleState(world.store)
      await world.reopen()
      equal(await visibleState(world.store), before)
      isTrue(world.store.queue('q').stats().pausedMs > 3 * HOUR_MS, 'it is still paused')
      equal((await world.put('q', 'again', { key: 'late' })).duplicate, true)
    },
  },
  {
    name: 'rule 20: a boot of the machine hours later changes nothing but what is due by then',
    needs: ['advanceWhileDown'],
    run: async (world) => {
      await bitOfEverything(world)
      const expected = ['rich', 'd', 'c', 'f', 'h', 'later', 'clock']
      await world.close()
      await world.advanceWhileDown(2 * HOUR_MS + 60_000, false)
      await world.open()
      equal(await world.ready('q'), expected)
    },
  },
  {
    name: 'attempts, counters, error, reason and priority survive a restart',
    run: async (world) => {
      world.store.queue('q', { retry: { attemptsMax: 5, backoffMs: 1_000 } })
      const { id } = await world.put('q', 'a')
      await (await world.takeOne('q')).retry(new Error('it was this'))
      await world.advance(2_000)
      await (await world.takeOne('q')).release({ priority: 12 })
      await world.takeOne('q', { leaseMs: 5_000 })
      await world.advance(6_000)
      await (await world.takeOne('q')).bury({ reason: 'because' })
      const before = await world.info('q', id)
      await world.reopen()
      const after = await world.info('q', id)
      equal(after.counters, { leases: 4, timeouts: 1, releases: 1, buries: 1, kicks: 0 })
      equal(after.counters, before.counters)
      equal([after.state, after.attempts, after.priority], ['buried', before.attempts, 12])
      equal(after.reason, 'because')
      isTrue(present(after.error).includes('it was this'), 'the error is kept')
      equal(await world.store.queue('q').group().kick(1), 1)
      equal((await world.takeOne('q')).priority, 12)
    },
  },
  {
    name: 'leases that a clean close ended count no attempt: the messages are ready again',
    run: async (world) => {
      const [a] = await world.putAll('q', 'a', 'b', 'c')
      await world.take('q', { count: 2 })
      await world.reopen()
      equal(world.counts('q'), { ready: 3, delayed: 0, leased: 0, buried: 0 })
      const taken = await world.take('q')
      equal(
        taken.map(({ body, attempt }) => [textOf(body), attempt]),
        [
          ['a', 1],
          ['b', 1],
          ['c', 1],
        ],
      )
      equal((await world.info('q', present(a).id)).counters.timeouts, 0)
    },
  },
  {
    name: 'many openings without any work change nothing and lose nothing',
    run: async (world) => {
      await world.putAll('q', 'a', 'b')
      const before = await visibleState(world.store)
      for (let count = 0; count < 5; count++) await world.reopen()
      equal(await visibleState(world.store), before)
      equal(await world.ready('q'), ['a', 'b'])
    },
  },
  {
    name: 'thousands of messages, some of them finished out of their order, are there after a restart',
    run: async (world) => {
      const queue = world.store.queue('q')
      for (let first = 0; first < 3_000; first += 500) {
        await queue.putMany(
          Array.from({ length: 500 }, (_, row) => ({
            body: `${first + row}`,
            priority: (first + row) % 3,
          })),
        )
      }
      const session = await world.watching('q')
      const finished = await session.reserve({ count: 1_500 })
      equal(
        finished.map(({ offset }) => offset).sort((a, b) => a - b),
        [...lane(0), ...lane(1).slice(0, 500)].sort((a, b) => a - b),
      )
      await session.ack(finished.slice(0, 700))
      await session.ack(finished.slice(700))
      equal(world.counts('q').ready, 1_500)
      await world.store.compact()
      await world.reopen()
      equal(world.counts('q').ready, 1_500)
      const rest = await (await world.watching('q')).reserve({ count: 3_000, timeoutMs: 0 })
      equal(
        rest.map(({ offset }) => offset),
        [...lane(1).slice(500), ...lane(2)],
      )
      equal(
        rest.map(({ body }) => textOf(body)),
        rest.map(({ offset }) => `${offset}`),
      )
    },
  },
  {
    name: 'work of many openings adds up',
    run: async (world) => {
      for (let count = 0; count < 6; count++) {
        await world.putAll('q', `a${count}`, `b${count}`)
        equal((await world.takeOne('q')).text(), `${count % 2 === 0 ? 'a' : 'b'}${count >> 1}`)
        const [delivery] = await world.take('q', { group: 'other', count: 1 })
        await present(delivery).ack()
        if (count === 3) await world.store.compact()
        await (await world.takeOne('q')).release()
        await world.close()
        await world.open()
        const again = await world.takeOne('q')
        await again.ack()
        await world.reopen()
      }
      equal((await world.drain('q')).length, 6)
      equal((await world.drain('q', 'other')).length, 6)
      equal(world.store.stats().messages, 0)
      equal((await world.put('q', 'last')).offset, 12)
    },
  },
]
