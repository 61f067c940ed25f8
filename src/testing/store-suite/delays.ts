/** Delays: elapsed time and times of the wall clock, over clock jumps, closing, crashes and new boots. */
import { equal, isWithin, present, Watched } from './checks.ts'
import { type StoreTest, textOf, textsOf, type World, withBody } from './world.ts'

const SECOND_MS = 1_000
const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS

/** More than all that a test does in between may take in a slow world. */
const MARGIN_MS = 2_000

/** Not yet shortly before, and there shortly after: the time that is left is `leftMs`. */
async function comesAfter(world: World, leftMs: number, bodies: string[]): Promise<void> {
  const before = await world.ready('q')
  await world.advance(leftMs - MARGIN_MS)
  equal(await world.ready('q'), before, 'before it is due')
  await world.advance(2 * MARGIN_MS)
  equal(await world.ready('q'), [...before, ...bodies], 'once it is due')
}

export const DELAYS: readonly StoreTest[] = [
  {
    name: 'a delayed message is not delivered before its delay has passed, and then it is',
    run: async (world) => {
      await world.put('q', 'a', { delayMs: MINUTE_MS })
      await comesAfter(world, MINUTE_MS, ['a'])
    },
  },
  {
    name: 'options that are used again count from each put, and say what they say then',
    run: async (world) => {
      const queue = world.store.queue('q')
      const changing = { priority: 7 }
      await queue.put('seven', changing)
      changing.priority = 3
      await queue.put('three', changing)
      const frozen = Object.freeze({ priority: 5 })
      await queue.put('five', frozen)
      await queue.put('five too', frozen)
      equal(await world.ready('q'), ['three', 'five', 'five too', 'seven'])
      const delayed = Object.freeze({ priority: 9, delayMs: MINUTE_MS })
      await queue.put('first', delayed)
      await world.advance(MINUTE_MS)
      await queue.put('second', delayed)
      await comesAfter(world, MINUTE_MS, ['second'])
    },
  },
  {
    name: 'options that are frozen say what their getters, and what they inherit from, say then',
    run: async (world) => {
      const changing = { priority: 7 }
      const inherited: { priority?: number } = Object.freeze(Object.create(changing))
      const got = Object.freeze({
        get priority() {
          return changing.priority
        },
      })
      for (const [name, options] of [
        ['q', got],
        ['p', inherited],
      ] as const) {
        changing.priority = 7
        const queue = world.store.queue(name)
        await queue.put('seven', options)
        changing.priority = 3
        await queue.put('three', options)
        equal(await world.ready(name), ['three', 'seven'])
      }
    },
  },
  {
    name: 'a message that is put for a time comes at that time of the wall clock',
    run: async (world) => {
      await world.put('q', 'number', { at: world.nowMs + MINUTE_MS })
      await world.put('q', 'date', { at: new Date(world.nowMs + 2 * MINUTE_MS) })
      await comesAfter(world, MINUTE_MS, ['number'])
      await comesAfter(world, MINUTE_MS - MARGIN_MS, ['date'])
    },
  },
  {
    name: 'no delay, and a time that has passed, are ready at once',
    run: async (world) => {
      await world.put('q', 'none', { delayMs: 0 })
      await world.put('q', 'past', { at: world.nowMs - HOUR_MS })
      await world.put('q', 'long ago', { at: new Date(0) })
      equal(await world.ready('q'), ['none', 'past', 'long ago'])
    },
  },
  {
    name: 'delayed messages become ready by (due time, id), whatever their priority',
    run: async (world) => {
      const session = await world.watching('q')
      await world.put('q', 'third', { delayMs: 30_000, priority: 1 })
      await world.put('q', 'first', { at: world.nowMs + 10_000, priority: 3 })
      await world.put('q', 'second', { delayMs: 20_000, priority: 2 })
      const bodies: string[] = []
      for (let count = 0; count < 3; count++) bodies.push(...textsOf(await session.reserve()))
      equal(bodies, ['first', 'second', 'third'])
    },
  },
  {
    name: 'once they are due, delayed messages stand by (priority, id) with the others',
    run: async (world) => {
      await world.put('q', 'a', { delayMs: 20_000, priority: 2 })
      await world.put('q', 'b', { delayMs: 10_000, priority: 2 })
      await world.put('q', 'c', { priority: 3 })
      await world.put('q', 'd', { delayMs: 5_000, priority: 1 })
      equal(await world.ready('q'), ['c'])
      await world.advance(21_000)
      equal(await world.ready('q'), ['d', 'a', 'b', 'c'])
    },
  },
  {
    name: 'the delayed message that is due first is looked at first, and tells how long it waits',
    run: async (world) => {
      await world.put('q', 'later', { delayMs: 2 * MINUTE_MS })
      await world.put('q', 'sooner', { at: world.nowMs + MINUTE_MS })
      const group = world.store.queue('q').group()
      await world.ready('q')
      const soonest = present(await group.peek('delayed'))
      equal(textOf(soonest.body), 'sooner')
      equal(soonest.state, 'delayed')
      isWithin(soonest.dueInMs, MINUTE_MS - SECOND_MS, MINUTE_MS, 'dueInMs')
      await world.advance(30_000)
      const [later] = await group.list({ state: 'delayed' })
      isWithin(present(later).dueInMs, 89_000, 90_000, 'dueInMs later')
    },
  },
  {
    name: 'of delayed messages that are due at one time, the lower id goes first',
    run: async (world) => {
      const at = world.nowMs + MINUTE_MS
      const first = await world.put('q', 'first', { at, priority: 9 })
      await world.put('q', 'second', { at, priority: 1 })
      await world.watching('q')
      const group = world.store.queue('q').group()
      equal((await group.peek('delayed'))?.id, first.id)
      equal(await group.kick(1), 1)
      equal(await world.ready('q'), ['first'])
    },
  },
  {
    name: 'messages delayed by a put and by a release, by time and by clock, stand in one order',
    run: async (world) => {
      await world.put('q', 'sixth')
      await world.put('q', 'third')
      await world.put('q', 'second', { at: world.nowMs + 2 * MINUTE_MS })
      await world.put('q', 'fourth', { delayMs: 4 * MINUTE_MS })
      await world.put('q', 'first')
      await world.put('q', 'fifth', { delayMs: 5 * MINUTE_MS })
      const taken = await world.take('q')
      await withBody(taken, 'first').release({ at: world.nowMs + MINUTE_MS })
      await withBody(taken, 'third').release({ delayMs: 3 * MINUTE_MS })
      await withBody(taken, 'sixth').release({ delayMs: 6 * MINUTE_MS })
      const group = world.store.queue('q').group()
      const order: string[] = []
      for (let count = 0; count < 6; count++) {
        const next = textOf((await group.peek('delayed'))?.body)
        equal(await group.kick(1), 1)
        equal(await world.drain('q'), [next])
        order.push(next)
      }
      equal(order, ['first', 'second', 'third', 'fourth', 'fifth', 'sixth'])
    },
  },
  {
    name: 'a session that waits gets a message when its delay ends, and not the one behind it',
    run: async (world) => {
      const session = await world.watching('q')
      await world.put('q', 'later', { delayMs: HOUR_MS })
      await world.put('q', 'sooner', { delayMs: MINUTE_MS })
      const before = world.nowMs
      equal(textsOf(await session.reserve()), ['sooner'])
      isWithin(world.nowMs - before, MINUTE_MS - SECOND_MS, MINUTE_MS + SECOND_MS, 'waited')
      equal(textsOf(await session.reserve({ timeoutMs: 0 })), [])
    },
  },
  {
    name: 'a delay longer than a timer can count is kept to',
    run: async (world) => {
      await world.put('q', 'a', { delayMs: 26 * DAY_MS })
      const session = await world.watching('q')
      equal(await session.reserve({ timeoutMs: 25 * DAY_MS }), [])
      await world.advance(HOUR_MS)
      equal(await session.reserve({ timeoutMs: 0 }), [])
      await world.advance(DAY_MS)
      equal(textsOf(await session.reserve({ timeoutMs: 0 })), ['a'])
    },
  },
  {
    name: 'a jump of the wall clock, forwards or back, changes no delay',
    needs: ['jumpWallClock'],
    run: async (world) => {
      await world.put('q', 'a', { delayMs: MINUTE_MS })
      await world.put('q', 'b', { delayMs: 2 * MINUTE_MS })
      world.jumpWallClock(3 * HOUR_MS)
      await comesAfter(world, MINUTE_MS, ['a'])
      world.jumpWallClock(-6 * HOUR_MS)
      await comesAfter(world, MINUTE_MS - MARGIN_MS, ['b'])
    },
  },
  {
    name: 'a time of the wall clock follows its jumps',
    needs: ['jumpWallClock'],
    run: async (world) => {
      await world.put('q', 'a', { at: world.nowMs + 2 * MINUTE_MS })
      await world.put('q', 'b', { at: world.nowMs + 10 * MINUTE_MS })
      world.jumpWallClock(MINUTE_MS)
      await comesAfter(world, MINUTE_MS, ['a'])
      world.jumpWallClock(-30 * MINUTE_MS)
      await world.advance(20 * MINUTE_MS)
      equal(await world.ready('q'), ['a'])
      world.jumpWallClock(30 * MINUTE_MS)
      await world.advance(SECOND_MS)
      equal(await world.ready('q'), ['a', 'b'])
    },
  },
  {
    name: 'what has become ready stays ready when the wall clock is set back, for everybody who looks',
    needs: ['jumpWallClock'],
    run: async (world) => {
      const group = await world.store.queue('q').createGroup('g')
      const { id } = await world.put('q', 'a', { at: world.nowMs + MINUTE_MS })
      await world.advance(MINUTE_MS + SECOND_MS)
      equal((await group.peek())?.id, id)
      world.jumpWallClock(-2 * HOUR_MS)
      await world.advance(SECOND_MS)
      const [info] = await group.list()
      equal([info?.state, info?.dueInMs], ['ready', 0])
      equal((await group.peek())?.id, id)
      equal(await group.peek('delayed'), undefined)
      equal(world.counts('q', 'g'), { ready: 1, delayed: 0, leased: 0, buried: 0 })
      equal(textsOf(await world.take('q', { group: 'g' })), ['a'])
    },
  },
  {
    name: 'what was delivered before a crash is not delayed again where the wall clock is set back',
    needs: ['jumpWallClock', 'crash'],
    run: async (world) => {
      await world.put('q', 'a', { at: world.nowMs + MINUTE_MS })
      const later = await world.put('q', 'b', { at: world.nowMs + 10 * MINUTE_MS })
      await world.advance(MINUTE_MS + SECOND_MS)
      equal(textsOf(await world.take('q')), ['a'])
      await world.put('other', 'after the lease')
      world.jumpWallClock(-HOUR_MS / 2)
      await world.crashAndOpen()
      const group = world.store.queue('q').group()
      equal(world.counts('q'), { ready: 1, delayed: 1, leased: 0, buried: 0 })
      equal((await group.peek('delayed'))?.id, later.id)
      equal(await group.kick(2), 1)
      equal(world.counts('q'), { ready: 2, delayed: 0, leased: 0, buried: 0 })
    },
  },
  {
    name: 'a session that waits learns soon that the wall clock was set forwards',
    needs: ['jumpWallClock'],
    run: async (world) => {
      const session = await world.watching('q')
      await world.put('q', 'put', { at: world.nowMs + 2 * HOUR_MS })
      const waiting = new Watched(session.reserve({ timeoutMs: HOUR_MS }))
      await world.advance(MINUTE_MS)
      equal(waiting.state, 'pending')
      world.jumpWallClock(3 * HOUR_MS)
      await world.advance(10 * SECOND_MS)
      equal(textsOf(present(waiting.value)), ['put'])
      await present(waiting.value?.[0]).release({ at: world.nowMs + 2 * HOUR_MS })
      const again = new Watched(session.reserve({ timeoutMs: HOUR_MS }))
      await world.advance(MINUTE_MS)
      world.jumpWallClock(3 * HOUR_MS)
      await world.advance(10 * SECOND_MS)
      equal(textsOf(present(again.value)), ['put'])
    },
  },
  {
    name: 'delays go on across closing and opening',
    run: async (world) => {
      await world.put('q', 'elapsed', { delayMs: 2 * MINUTE_MS })
      await world.put('q', 'clock', { at: world.nowMs + 2 * MINUTE_MS })
      await world.advance(MINUTE_MS)
      await world.reopen()
      await comesAfter(world, MINUTE_MS, ['elapsed', 'clock'])
    },
  },
  {
    name: 'delays go on across a crash',
    needs: ['crash'],
    run: async (world) => {
      await world.put('q', 'elapsed', { delayMs: 2 * MINUTE_MS })
      await world.put('q', 'clock', { at: world.nowMs + 2 * MINUTE_MS })
      await world.advance(MINUTE_MS)
      await world.crashAndOpen()
      await comesAfter(world, MINUTE_MS, ['elapsed', 'clock'])
    },
  },
  {
    name: 'a jump of the wall clock between two openings within one boot changes no delay',
    needs: ['jumpWallClock', 'advanceWhileDown'],
    run: async (world) => {
      await world.put('q', 'elapsed', { delayMs: 2 * HOUR_MS })
      await world.put('q', 'clock', { at: world.nowMs + 2 * HOUR_MS })
      await world.close()
      world.jumpWallClock(30 * MINUTE_MS)
      await world.advanceWhileDown(HOUR_MS, true)
      await world.open()
      await comesAfter(world, 30 * MINUTE_MS, ['clock'])
      equal(await world.ready('q'), ['clock'])
      await world.advance(28 * MINUTE_MS)
      equal(await world.ready('q'), ['clock'])
      await world.advance(2 * MINUTE_MS)
      equal(await world.ready('q'), ['elapsed', 'clock'])
    },
  },
  {
    name: 'delays go on by the wall clock across a boot of the machine',
    needs: ['advanceWhileDown'],
    run: async (world) => {
      await world.put('q', 'elapsed', { delayMs: 2 * HOUR_MS })
      await world.put('q', 'clock', { at: world.nowMs + 2 * HOUR_MS })
      await world.put('q', 'soon', { delayMs: 30 * MINUTE_MS })
      await world.close()
      await world.advanceWhileDown(HOUR_MS, false)
      await world.open()
      equal(await world.ready('q'), ['soon'])
      await world.advance(HOUR_MS - 5 * MINUTE_MS)
      equal(await world.ready('q'), ['soon'])
      await world.advance(6 * MINUTE_MS)
      equal(await world.ready('q'), ['elapsed', 'clock', 'soon'])
    },
  },
  {
    name: 'the delay of a release counts from the release, and survives a restart',
    run: async (world) => {
      await world.putAll('q', 'a', 'b')
      await world.advance(MINUTE_MS)
      const [a, b] = await world.take('q')
      await present(a).release({ delayMs: 2 * MINUTE_MS })
      await present(b).release({ at: world.nowMs + MINUTE_MS, priority: 2_000 })
      equal(world.counts('q'), { ready: 0, delayed: 2, leased: 0, buried: 0 })
      await world.reopen()
      equal(textOf((await world.store.queue('q').group().peek('delayed'))?.body), 'b')
      await comesAfter(world, MINUTE_MS, ['b'])
      await world.advance(MINUTE_MS)
      equal(await world.ready('q'), ['a', 'b'])
    },
  },
  {
    name: 'a message that became ready before a restart does not wait again after it',
    run: async (world) => {
      await world.put('q', 'a', { delayMs: MINUTE_MS })
      await world.advance(MINUTE_MS + SECOND_MS)
      await world.reopen()
      equal(await world.ready('q'), ['a'])
    },
  },
  {
    name: 'a time recorded over an hour ahead of the clock is reported, and messages still come',
    needs: ['jumpWallClock', 'advanceWhileDown'],
    run: async (world) => {
      equal(world.store.stats().clockWasAhead, false)
      await world.put('q', 'a')
      await world.close()
      world.jumpWallClock(-26 * HOUR_MS)
      await world.advanceWhileDown(2 * MINUTE_MS, false)
      const store = await world.open()
      equal(store.stats().clockWasAhead, true)
      await world.put('q', 'b', { delayMs: MINUTE_MS })
      equal(await world.ready('q'), ['a'])
      await world.advance(MINUTE_MS + SECOND_MS)
      equal(textsOf(await world.take('q')), ['a', 'b'])
    },
  },
]
