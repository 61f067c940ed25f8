/** `attemptsMax` of a queue's settings: the last attempt is the last, whoever takes and however it ends. */
import type { Delivery } from '../../store/types/deliveries.ts'
import { equal, isTrue } from './checks.ts'
import { type StoreTest, textOf, type World } from './world.ts'

const LEASE = { leaseMs: 1_000 }
const LATE_MS = 2_000

function configure(world: World, attemptsMax: number | null): Promise<void> {
  return world.store.queue('q').configure({ attemptsMax })
}

/** Leased, and left alone until its time is over. */
async function letTimeOut(world: World): Promise<void> {
  await world.takeOne('q', LEASE)
  await world.advance(LATE_MS)
  await world.settle()
}

function release(delivery: Delivery): Promise<{ readonly buried: boolean }> {
  return delivery.release({ counts: 'if-limited' })
}

export const LAST_ATTEMPTS: readonly StoreTest[] = [
  {
    name: 'a message whose last lease times out is buried at once, whether or not anybody waits',
    run: async (world) => {
      await configure(world, 2)
      const { id } = await world.put('q', 'a')
      await letTimeOut(world)
      equal(world.counts('q').ready, 1)
      await letTimeOut(world)
      equal(world.counts('q'), { ready: 0, delayed: 0, leased: 0, buried: 1 })
      const { reason, attempts, counters, error } = await world.info('q', id)
      equal([reason, attempts, counters.timeouts, counters.buries], ['attempts', 2, 2, 1])
      isTrue(error?.includes('without an answer') === true, 'the error tells why')
      equal(world.store.queue('q').group().stats().totals.timedOut, 2)
      equal(await world.take('q'), [])
    },
  },
  {
    name: 'a release counts where it is told to and the queue is set to a number, and the last one buries',
    run: async (world) => {
      const { id } = await world.put('q', 'a')
      equal(await release(await world.takeOne('q')), { buried: false })
      equal((await world.info('q', id)).attempts, 0)
      await configure(world, 2)
      equal(await release(await world.takeOne('q')), { buried: false })
      equal(await (await world.takeOne('q')).release(), { buried: false })
      equal((await world.info('q', id)).attempts, 1)
      const session = await world.watching('q')
      const options = { delayMs: 60_000, priority: 7, counts: 'if-limited' } as const
      equal(await session.release(await session.reserve(), options), [{ buried: true }])
      const { state, reason, priority, counters } = await world.info('q', id)
      equal([state, reason, priority], ['buried', 'attempts', 7])
      equal([counters.releases, counters.buries], [4, 1])
      await world.advance(120_000)
      equal(await world.take('q'), [])
    },
  },
  {
    name: 'a retry, and a release in a transaction, keep to the same number',
    run: async (world) => {
      await configure(world, 1)
      await world.putAll('q', 'a', 'b')
      equal(await (await world.takeOne('q')).retry('no'), { buried: true })
      const last = await world.takeOne('q')
      await world.store.transaction((tx) => tx.release(last, { counts: 'if-limited' }))
      equal(world.counts('q'), { ready: 0, delayed: 0, leased: 0, buried: 2 })
    },
  },
  {
    name: 'the number is durable, and so is what it decided',
    run: async (world) => {
      await configure(world, 2)
      await world.putAll('q', 'a', 'b')
      await letTimeOut(world)
      await world.reopen()
      equal(world.store.queue('q').stats().settings.attemptsMax, 2)
      await letTimeOut(world)
      const counts = { ready: 1, delayed: 0, leased: 0, buried: 1 }
      equal(world.counts('q'), counts)
      await world.store.compact()
      await world.reopen()
      equal(world.counts('q'), counts)
      equal(await world.drain('q'), ['b'])
    },
  },
  {
    name: 'a message that ends its process each time is buried after the last',
    run: async (world) => {
      await configure(world, 2)
      await world.put('q', 'bomb')
      await world.crashAndOpen()
      for (const attempt of [1, 2]) {
        equal((await world.takeOne('q')).attempt, attempt)
        await world.settle()
        await world.crashAndOpen()
      }
      equal(await world.take('q'), [])
      await world.settle()
      equal(world.counts('q').buried, 1)
    },
  },
  {
    name: 'of what is set and what a handle was told the smaller counts, and the default gives way',
    run: async (world) => {
      const { store } = world
      for (const [name, told, set, most] of [
        ['told less', 1, 3, 1],
        ['set less', 3, 1, 1],
        ['told for ever', Number.POSITIVE_INFINITY, 2, 2],
        ['set alone', undefined, 12, 12],
      ] as const) {
        const retry = { ...(told !== undefined && { attemptsMax: told }), backoffMs: 0 }
        const queue = store.queue(name, { retry })
        await queue.configure({ attemptsMax: set })
        await queue.put('a')
        let tries = 1
        while (!(await (await world.takeOne(name)).retry()).buried) tries++
        equal([name, tries], [name, most])
      }
    },
  },
  {
    name: 'one that is lowered holds for what is ready, and one that is taken away brings nothing back',
    run: async (world) => {
      await configure(world, 3)
      await world.putAll('q', 'a', 'b')
      await letTimeOut(world)
      await configure(world, 1)
      equal((await world.take('q')).length, 1)
      await world.settle()
      equal(world.counts('q'), { ready: 0, delayed: 0, leased: 1, buried: 1 })
      await configure(world, null)
      equal(world.store.queue('q').stats().settings.attemptsMax, undefined)
      equal(world.counts('q').buried, 1)
      await world.store.queue('q').group().kick(1)
      equal((await world.takeOne('q')).attempt, 1)
    },
  },
  {
    name: 'a release or a lease that ends goes to the queue for dead letters instead',
    run: async (world) => {
      const queue = world.store.queue('q')
      await queue.configure({ attemptsMax: 1, deadLetter: { queue: 'dead' } })
      await world.putAll('q', 'a', 'b')
      equal(await release(await world.takeOne('q')), { buried: true, deadLetter: 'dead' })
      await letTimeOut(world)
      const dead = await world.store.queue('dead').read()
      equal(
        dead.map(({ body, headers }) => [textOf(body), headers['dead-attempts']]),
        [
          ['a', '1'],
          ['b', '1'],
        ],
      )
      equal(queue.stats().messages, 0)
    },
  },
]
