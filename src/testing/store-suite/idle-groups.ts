/** Groups that nobody uses: removed where their queue says so, and never while they are of use. */
import { equal } from './checks.ts'
import { eachOption, refusesAll } from './misuse.ts'
import { type StoreTest, textsOf, type World } from './world.ts'

const MINUTE_MS = 60_000
const IDLE_MS = 8 * MINUTE_MS
/** Longer than it takes to notice the time, and to make the removal durable. */
const LATE_MS = 5_000

function groupsOf(world: World, queue = 'q'): string[] {
  const { groups } = world.store.queue(queue).stats()
  return groups.map(({ group }) => group).sort()
}

/** A queue that removes idle groups, with groups that begin with its first message. */
async function begin(world: World, ...groups: string[]): Promise<void> {
  const queue = world.store.queue('q')
  await queue.configure({ groupIdleMs: IDLE_MS })
  for (const group of groups) await queue.createGroup(group)
}

/** Just before the time is over everything stands; a little later these groups do. */
async function outlive(world: World, before: string[], after: string[]): Promise<void> {
  await world.advance(IDLE_MS - LATE_MS)
  equal(groupsOf(world), before)
  await world.advance(2 * LATE_MS)
  equal(groupsOf(world), after)
}

export const IDLE_GROUPS: readonly StoreTest[] = [
  {
    name: 'a group that nobody uses for so long is removed, and what only it kept is gone',
    run: async (world) => {
      await begin(world, 'idle')
      const session = await world.member('q', 'read')
      await world.putAll('q', 'a', 'b')
      await session.ack(await session.reserve({ count: 2 }))
      await outlive(world, ['idle', 'read'], ['read'])
      equal(world.store.queue('q').stats().messages, 0)
      await world.advance(10 * IDLE_MS)
      equal(groupsOf(world), ['read'])
      await world.reopen()
      equal(groupsOf(world), ['read'])
    },
  },
  {
    name: 'the time counts from when a session that watched the group is closed or ignores it',
    run: async (world) => {
      await begin(world, 'always')
      const always = await world.member('q', 'always')
      const ignoring = await world.member('q', 'ignored')
      const closing = await world.member('q', 'closed')
      await world.advance(2 * IDLE_MS)
      ignoring.ignore('q', 'ignored')
      await closing.close()
      await outlive(world, ['always', 'closed', 'ignored'], ['always'])
      equal(always.watched, [{ queue: 'q', group: 'always' }])
    },
  },
  {
    name: 'as long as one of several sessions watches it, a group is read',
    run: async (world) => {
      await begin(world, 'always', 'g')
      const sessions = [await world.member('q', 'g'), await world.member('q', 'g')]
      await world.member('q', 'always')
      await sessions[0]?.close()
      await world.advance(3 * IDLE_MS)
      equal(groupsOf(world), ['always', 'g'])
      await sessions[1]?.close()
      await outlive(world, ['always', 'g'], ['always'])
    },
  },
  {
    name: 'workers and consuming loops use their groups until they end',
    run: async (world) => {
      await begin(world, 'always')
      await world.member('q', 'always')
      const queue = world.store.queue('q')
      const worker = queue.work(() => undefined, { group: 'worked' })
      const loop = queue.consume({ group: 'looped' })
      const first = loop.next()
      await world.advance(3 * IDLE_MS)
      await world.put('q', 'a')
      await first
      equal(groupsOf(world), ['always', 'looped', 'worked'])
      await worker.stop()
      await loop.return?.()
      await outlive(world, ['always', 'looped', 'worked'], ['always'])
    },
  },
  {
    name: 'a group is not removed while something of it is leased, and its time counts from then on',
    run: async (world) => {
      await begin(world, 'always', 'g')
      await world.member('q', 'always')
      await world.put('q', 'a')
      const session = await world.member('q', 'g')
      const [delivery] = await session.reserve({ leaseMs: 3 * IDLE_MS })
      session.ignore('q', 'g')
      await world.advance(2 * IDLE_MS)
      equal(groupsOf(world), ['always', 'g'])
      await delivery?.ack()
      await outlive(world, ['always', 'g'], ['always'])
    },
  },
  {
    name: 'a lease that runs out ends the use of its group',
    run: async (world) => {
      await begin(world, 'always', 'g')
      await world.member('q', 'always')
      await world.put('q', 'a')
      const session = await world.member('q', 'g')
      await session.reserve({ leaseMs: IDLE_MS / 2 })
      session.ignore('q', 'g')
      await world.advance(IDLE_MS / 2)
      await outlive(world, ['always', 'g'], ['always'])
    },
  },
  {
    name: 'whoever watches a group, or looks at it through its handle, in time keeps it and its place',
    run: async (world) => {
      await begin(world, 'watched', 'seen', 'idle')
      await world.member('q', 'always')
      await world.putAll('q', 'a', 'b')
      for (const group of ['watched', 'seen']) {
        const session = await world.member('q', group)
        await session.ack(await session.reserve())
        await session.close()
      }
      for (let round = 0; round < 3; round++) {
        equal(await world.ready('q', 'watched'), ['b'])
        equal((await world.store.queue('q').group('seen').list()).length, 1)
        await world.advance(IDLE_MS - LATE_MS)
      }
      equal(groupsOf(world), ['always', 'seen', 'watched'])
      equal(await world.ready('q', 'seen'), ['b'])
    },
  },
  {
    name: 'the last group of a queue stays, the one that was used last, until there is another',
    run: async (world) => {
      await begin(world, 'one', 'other')
      await world.put('q', 'a')
      await world.advance(1_000)
      equal(await world.ready('q', 'one'), ['a'])
      await world.advance(5 * IDLE_MS)
      equal(groupsOf(world), ['one'])
      equal(await world.ready('q', 'one'), ['a'])
      await world.advance(2 * IDLE_MS)
      await world.member('q', 'new')
      equal(groupsOf(world), ['new', 'one'])
      await world.advance(IDLE_MS + LATE_MS)
      equal(groupsOf(world), ['new'])
    },
  },
  {
    name: 'the setting survives a restart, and no time counts that the store was closed',
    needs: ['advanceWhileDown'],
    run: async (world) => {
      await begin(world, 'always', 'g')
      await world.advance(IDLE_MS - LATE_MS)
      await world.close()
      await world.advanceWhileDown(10 * IDLE_MS, true)
      await world.open()
      equal(world.store.queue('q').stats().settings.groupIdleMs, IDLE_MS)
      await world.member('q', 'always')
      await outlive(world, ['always', 'g'], ['always'])
    },
  },
  {
    name: 'groups are never removed unless their queue says so, and no more once it does not',
    run: async (world) => {
      for (const name of ['q', 'r']) {
        for (const group of ['g', 'h']) await world.store.queue(name).createGroup(group)
      }
      const r = world.store.queue('r')
      await r.configure({ groupIdleMs: IDLE_MS })
      await world.advance(IDLE_MS - LATE_MS)
      await r.configure({ groupIdleMs: null })
      equal(r.stats().settings.groupIdleMs, undefined)
      await world.advance(20 * IDLE_MS)
      equal(
        [groupsOf(world), groupsOf(world, 'r')],
        [
          ['g', 'h'],
          ['g', 'h'],
        ],
      )
    },
  },
  {
    name: 'a setting that is new or has changed gives every group its whole time',
    run: async (world) => {
      for (const group of ['always', 'g']) await world.store.queue('q').createGroup(group)
      await world.member('q', 'always')
      await world.advance(10 * IDLE_MS)
      await world.store.queue('q').configure({ groupIdleMs: 2 * IDLE_MS })
      await world.advance(IDLE_MS)
      await world.store.queue('q').configure({ groupIdleMs: IDLE_MS })
      await outlive(world, ['always', 'g'], ['always'])
    },
  },
  {
    name: 'a group of the same name begins anew after that',
    run: async (world) => {
      await begin(world, 'always')
      await world.member('q', 'always')
      await world.store.queue('q').createGroup('g', { from: 'next' })
      await world.put('q', 'a')
      await world.advance(IDLE_MS + LATE_MS)
      equal(groupsOf(world), ['always'])
      await world.put('q', 'b')
      equal(textsOf(await world.take('q', { group: 'g' })), ['a', 'b'])
    },
  },
  {
    name: 'of many idle groups all go, and the others stay',
    run: async (world) => {
      await begin(world)
      await world.member('q', 'always')
      const queue = world.store.queue('q')
      const names = Array.from({ length: 600 }, (_, row) => `g${row}`)
      await Promise.all(names.map((name) => queue.createGroup(name)))
      await world.advance(IDLE_MS + LATE_MS)
      equal(groupsOf(world), ['always'])
    },
  },
  {
    name: 'the time of idle groups is held to its range',
    run: (world) =>
      refusesAll(world, ({ queue }) =>
        eachOption('configure', 'groupIdleMs', [0, -1, 999, Number.NaN, '5'], (settings) =>
          queue.configure(settings),
        ),
      ),
  },
]
