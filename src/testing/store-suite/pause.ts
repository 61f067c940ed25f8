/** Pause: nothing of a queue is delivered for a time, across restarts too. */
import { equal, first, isWithin, present, Watched } from './checks.ts'
import { type StoreTest, textsOf } from './world.ts'

const MINUTE_MS = 60_000

export const PAUSE: readonly StoreTest[] = [
  {
    name: 'a paused queue delivers nothing until its time is over, and other queues go on',
    run: async (world) => {
      const queue = world.store.queue('q')
      await world.putAll('q', 'a')
      await world.putAll('other', 'x')
      await queue.pause(MINUTE_MS)
      equal(await world.take('q'), [])
      equal(textsOf(await world.take('other')), ['x'])
      isWithin(queue.stats().pausedMs, MINUTE_MS - 1_000, MINUTE_MS, 'pausedMs')
      await world.put('q', 'b')
      await world.advance(MINUTE_MS - 2_000)
      equal(await world.take('q'), [])
      await world.advance(4_000)
      equal(textsOf(await world.take('q')), ['a', 'b'])
      equal(queue.stats().pausedMs, 0)
    },
  },
  {
    name: 'a session that waits gets its message when the pause ends',
    run: async (world) => {
      await world.putAll('q', 'a')
      await world.store.queue('q').pause(MINUTE_MS)
      const session = await world.watching('q')
      const before = world.nowMs
      equal(textsOf(await session.reserve()), ['a'])
      isWithin(world.nowMs - before, MINUTE_MS - 1_000, MINUTE_MS + 1_000, 'waited')
    },
  },
  {
    name: 'a pause of 0 goes on at once, for those that wait as well',
    run: async (world) => {
      const queue = world.store.queue('q')
      await world.putAll('q', 'a')
      await queue.pause(MINUTE_MS)
      const session = await world.watching('q')
      const waiting = new Watched(session.reserve())
      await world.settle()
      equal(waiting.state, 'pending')
      await queue.pause(0)
      await world.settle()
      equal(textsOf(present(waiting.value)), ['a'])
    },
  },
  {
    name: 'a pause goes on across a restart for what is left of it',
    run: async (world) => {
      await world.putAll('q', 'a')
      await world.store.queue('q').pause(2 * MINUTE_MS)
      await world.advance(MINUTE_MS)
      await world.store.compact()
      await world.reopen()
      isWithin(world.store.queue('q').stats().pausedMs, 58_000, MINUTE_MS, 'pausedMs')
      equal(await world.take('q'), [])
      await world.advance(MINUTE_MS + 1_000)
      equal(textsOf(await world.take('q')), ['a'])
    },
  },
  {
    name: 'a pause goes on across a crash, and its end too',
    needs: ['crash'],
    run: async (world) => {
      await world.putAll('q', 'a')
      await world.store.queue('q').pause(MINUTE_MS)
      await world.crashAndOpen()
      equal(await world.take('q'), [])
      await world.store.queue('q').pause(0)
      await world.crashAndOpen()
      equal(textsOf(await world.take('q')), ['a'])
    },
  },
  {
    name: 'a jump of the wall clock changes no pause',
    needs: ['jumpWallClock'],
    run: async (world) => {
      await world.putAll('q', 'a')
      await world.store.queue('q').pause(MINUTE_MS)
      world.jumpWallClock(60 * MINUTE_MS)
      equal(await world.take('q'), [])
      world.jumpWallClock(-120 * MINUTE_MS)
      await world.advance(MINUTE_MS + 1_000)
      equal(textsOf(await world.take('q')), ['a'])
    },
  },
  {
    name: 'leases of a paused queue can be ended, and what is released stays until the pause is over',
    run: async (world) => {
      await world.putAll('q', 'a', 'b')
      const [a, b] = await world.take('q')
      await world.store.queue('q').pause(MINUTE_MS)
      await present(a).ack()
      await present(b).release()
      equal(await world.take('q'), [])
      await world.advance(MINUTE_MS + 1_000)
      equal(textsOf(await world.take('q')), ['b'])
    },
  },
  {
    name: 'a later pause takes the place of an earlier one',
    run: async (world) => {
      await world.putAll('q', 'a')
      await world.store.queue('q').pause(10 * MINUTE_MS)
      await world.store.queue('q').pause(MINUTE_MS)
      await world.advance(MINUTE_MS + 1_000)
      equal(first(await world.take('q')).text(), 'a')
    },
  },
]
