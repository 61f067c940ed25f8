/** Looking and not taking: peek, list, get, read, and the figures of stats. */
import { equal, isTrue, isWithin, present } from './checks.ts'
import { type StoreTest, textOf, textsOf, type World, withBody } from './world.ts'

const MINUTE_MS = 60_000

/** Of the default group: one ready, two delayed, one leased, one buried, one finished, by offset. */
async function oneOfEach(world: World): Promise<void> {
  await world.store.queue('q').createGroup('keeper')
  await world.putAll('q', 'buried', 'finished', 'leased')
  await world.put('q', 'later', { delayMs: 3 * MINUTE_MS })
  await world.put('q', 'sooner', { delayMs: 2 * MINUTE_MS })
  const taken = await world.take('q')
  await withBody(taken, 'buried').bury({ reason: 'why' })
  await withBody(taken, 'finished').ack()
  await world.putAll('q', 'ready')
}

export const LOOKING: readonly StoreTest[] = [
  {
    name: 'peek gives the next one of each state, with its body, and takes nothing',
    run: async (world) => {
      await oneOfEach(world)
      const group = world.store.queue('q').group()
      for (let count = 0; count < 2; count++) {
        equal(textOf((await group.peek())?.body), 'ready')
        equal(textOf((await group.peek('ready'))?.body), 'ready')
        equal(textOf((await group.peek('delayed'))?.body), 'sooner')
        equal(textOf((await group.peek('buried'))?.body), 'buried')
      }
      equal((await group.peek('ready'))?.counters.leases, 0)
      equal(world.counts('q'), { ready: 1, delayed: 2, leased: 1, buried: 1 })
    },
  },
  {
    name: 'peek gives nothing where there is nothing of that state',
    run: async (world) => {
      await world.put('q', 'a')
      await world.takeOne('q')
      const group = world.store.queue('q').group()
      for (const state of ['ready', 'delayed', 'buried'] as const) {
        equal(await group.peek(state), undefined, state)
      }
    },
  },
  {
    name: 'peek follows the order of delivery and of burial',
    run: async (world) => {
      await world.put('q', 'b', { priority: 2 })
      await world.put('q', 'a', { priority: 1 })
      await world.put('q', 'c', { priority: 3 })
      await world.bury('q', 'c', 'b')
      const group = world.store.queue('q').group()
      equal(textOf((await group.peek('ready'))?.body), 'a')
      equal(textOf((await group.peek('buried'))?.body), 'c')
    },
  },
  {
    name: 'list gives every state but finished, by offset, or one state alone',
    run: async (world) => {
      await oneOfEach(world)
      const group = world.store.queue('q').group()
      const all = await group.list()
      equal(
        all.map(({ offset, state }) => [offset, state]),
        [
          [0, 'buried'],
          [2, 'leased'],
          [3, 'delayed'],
          [4, 'delayed'],
          [5, 'ready'],
        ],
      )
      for (const state of ['ready', 'delayed', 'leased', 'buried'] as const) {
        const listed = await group.list({ state })
        const expected = all.filter((one) => one.state === state)
        equal(
          listed.map(({ id }) => id),
          expected.map(({ id }) => id),
          state,
        )
        isTrue(
          listed.every((one) => one.state === state),
          state,
        )
      }
      equal(
        (await group.list({ state: 'finished' })).map(({ offset }) => offset),
        [1],
      )
    },
  },
  {
    name: 'list begins where it is told and stops at its limit',
    run: async (world) => {
      await world.store
        .queue('q')
        .putMany(
          Array.from({ length: 120 }, (_, row) => ({ body: `${row}`, priority: (row * 5) % 7 })),
        )
      await world.watching('q')
      const group = world.store.queue('q').group()
      const offsets = async (options?: { from?: number; limit?: number }): Promise<number[]> =>
        (await group.list(options)).map(({ offset }) => offset)
      equal(
        await offsets(),
        Array.from({ length: 100 }, (_, row) => row),
      )
      equal(await offsets({ from: 7, limit: 3 }), [7, 8, 9])
      equal(await offsets({ from: 118, limit: 10_000 }), [118, 119])
      equal(await offsets({ from: 120 }), [])
    },
  },
  {
    name: 'what is known of a message tells all that was put and all that happened',
    run: async (world) => {
      const before = world.nowMs
      const options = { priority: 7, headers: { h: 'v' }, key: 'k' }
      const { id, offset } = await world.put('q', 'twelve bytes', options)
      await (await world.takeOne('q')).bury({ reason: 'why' })
      const [info] = await world.store.queue('q').group().list()
      const { putMs, ...rest } = present(info)
      isWithin(putMs, before, world.nowMs, 'putMs')
      equal(
        { ...rest, attempts: 0, headers: { ...rest.headers } },
        {
          queue: 'q',
          id,
          offset,
          group: 'default',
          state: 'buried',
          priority: 7,
          dueInMs: 0,
          leaseLeftMs: 0,
          attempts: 0,
          counters: { leases: 1, timeouts: 0, releases: 0, buries: 1, kicks: 0 },
          reason: 'why',
          error: undefined,
          leaseMs: undefined,
          headers: { h: 'v' },
          key: 'k',
          bodyBytes: 12,
        },
      )
      const stored = present(await world.store.queue('q').get(id))
      equal([textOf(stored.body), stored.state, stored.bodyBytes], ['twelve bytes', 'buried', 12])
    },
  },
  {
    name: 'get tells the state for the group that is asked for, and finds nothing elsewhere',
    run: async (world) => {
      const queue = world.store.queue('q')
      await queue.createGroup('one')
      await queue.createGroup('two')
      const { id } = await world.put('q', 'a')
      await world.put('other', 'b')
      await (await world.takeOne('q', { group: 'one' })).ack()
      await world.takeOne('q', { group: 'two' })
      equal((await queue.get(id, 'one'))?.state, 'finished')
      equal((await queue.get(id, 'two'))?.state, 'leased')
      equal(await world.store.queue('other').get(id), undefined)
      equal(await queue.get(999_999, 'one'), undefined)
      await world.drain('q', 'two')
      equal(textOf((await queue.get(id, 'one'))?.body), 'a')
    },
  },
  {
    name: 'read gives what is not gone, by offset, finished or not',
    run: async (world) => {
      const queue = world.store.queue('q')
      await queue.createGroup('one')
      await queue.createGroup('two')
      await world.put('q', 'a', { priority: 9 })
      await world.put('q', 'b', { priority: 1 })
      await world.put('q', 'c', { delayMs: MINUTE_MS })
      equal(await world.drain('q', 'one'), ['b', 'a'])
      const stored = await queue.read()
      equal(textsOf(stored), ['a', 'b', 'c'])
      equal(
        stored.map(({ offset, priority }) => [offset, priority]),
        [
          [0, 9],
          [1, 1],
          [2, 1_024],
        ],
      )
      await (await world.takeOne('q', { group: 'two' })).ack()
      equal(textsOf(await queue.read()), ['a', 'c'])
      await world.reopen()
      equal(textsOf(await world.store.queue('q').read()), ['a', 'c'])
    },
  },
  {
    name: 'read begins at an offset, an id or a time, and makes no group',
    run: async (world) => {
      const queue = world.store.queue('q')
      await world.putAll('q', 'a', 'b')
      await world.put('other', 'x')
      await world.advance(MINUTE_MS)
      const timeMs = world.nowMs
      await world.advance(1_000)
      const c = await world.put('q', 'c')
      await world.putAll('q', 'd', 'e')
      equal(textsOf(await queue.read({ from: { offset: 1 } })), ['b', 'c', 'd', 'e'])
      equal(textsOf(await queue.read({ from: { offset: 1 }, limit: 2 })), ['b', 'c'])
      equal(textsOf(await queue.read({ from: { id: c.id } })), ['c', 'd', 'e'])
      equal(textsOf(await queue.read({ from: { id: c.id - 1 } })), ['c', 'd', 'e'])
      equal(textsOf(await queue.read({ from: { timeMs } })), ['c', 'd', 'e'])
      equal(textsOf(await queue.read({ from: { timeMs: 0 }, limit: 1 })), ['a'])
      equal(await queue.read({ from: { offset: 5 } }), [])
      equal(queue.stats().groups, [])
    },
  },
  {
    name: 'read stops at its budget of bytes, but not before the first',
    run: async (world) => {
      const queue = world.store.queue('q')
      await world.putAll('q', 'x'.repeat(500), 'y'.repeat(30), 'z'.repeat(30))
      equal((await queue.read({ bytesMax: 100 })).length, 1)
      equal((await queue.read({ from: { offset: 1 }, bytesMax: 100 })).length, 2)
      equal((await queue.read({ from: { offset: 1 }, bytesMax: 40 })).length, 1)
    },
  },
  {
    name: 'the figures of queues and groups agree with what is there',
    run: async (world) => {
      await oneOfEach(world)
      await world.put('other', 'x')
      const { queues, messages, leased, status, damaged } = world.store.stats()
      equal([messages, leased, status, damaged], [7, 1, 'open', []])
      equal(queues.map(({ queue }) => queue).sort(), ['other', 'q'])
      const q = world.store.queue('q').stats()
      equal([q.queue, q.nextOffset, q.messages, q.pausedMs], ['q', 6, 6, 0])
      const keeper = present(q.groups.find(({ group }) => group === 'keeper'))
      equal(keeper, {
        queue: 'q',
        group: 'keeper',
        ready: 4,
        delayed: 2,
        leased: 0,
        buried: 0,
        lag: 6,
        oldestMs: keeper.oldestMs,
        totals: keeper.totals,
        floor: 0,
        leasedMax: undefined,
        promoteAfterMs: undefined,
        waiting: 0,
      })
      equal(
        queues.find(({ queue }) => queue === 'q'),
        q,
      )
      const { appendedBytes, stateBytes, snapshotBytes } = world.store.stats()
      isTrue(appendedBytes > 0, `${appendedBytes} bytes were appended`)
      isTrue(stateBytes >= 0 && snapshotBytes >= 0, 'bytes are counted')
    },
  },
  {
    name: 'looking at a group that has not begun makes none, and shows what it would begin with',
    run: async (world) => {
      const queue = world.store.queue('q')
      const nobody = queue.group('nobody')
      equal(
        [await nobody.peek('ready'), await nobody.list(), world.store.queues()],
        [undefined, [], []],
      )
      await world.put('q', 'late', { delayMs: 60_000 })
      await world.put('q', 'later', { delayMs: 90_000 })
      await world.put('q', 'plain')
      await world.put('q', 'first', { priority: 1 })
      for (let priority = 2; priority < 80; priority++)
        await world.put('q', `${priority}`, { priority })
      const [plain] = await world.take('q', { count: 1 })
      await present(plain).bury()
      equal((await nobody.peek('ready'))?.offset, 3)
      equal((await nobody.peek('delayed'))?.offset, 0)
      equal([await nobody.peek('buried'), await nobody.redrive()], [undefined, 0])
      const states = (await nobody.list()).slice(0, 4).map(({ state }) => state)
      equal(states, ['delayed', 'delayed', 'ready', 'ready'])
      equal(
        (await nobody.list({ state: 'delayed' })).map(({ offset }) => offset),
        [0, 1],
      )
      equal(await nobody.list({ state: 'buried' }), [])
      // What is gone, or finished by all and not retained, would not come.
      await queue.delete([4])
      equal((await nobody.peek('ready'))?.offset, 4)
      equal(
        queue.stats().groups.map(({ group }) => group),
        ['default'],
      )
    },
  },
]
