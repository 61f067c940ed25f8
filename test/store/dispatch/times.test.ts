/** What becomes due and what expires, where clocks, refusals and long waits come in between. */
import { expect, test } from 'vitest'
import { DUE_A_TURN } from '../../../src/store/dispatch/queue-dispatch.ts'
import { textsOf, type World } from '../../../src/testing/store-suite/world.ts'
import { MemoryWorld } from '../../testing/store-worlds.ts'
import { inWorld, PacedWorld, StallingWorld, unheard } from '../worlds.ts'

const HOUR_MS = 3_600_000
/** More than a queue lets expire in two turns. */
const MANY = 3 * DUE_A_TURN
/** So many priorities have a lane of their own; the others share one. */
const OWN_LANES = 63

/** Uses up the lanes, so that every other priority shares the last one. */
async function fillLanes(world: World, queue: string): Promise<void> {
  for (let priority = 0; priority < OWN_LANES; priority++) {
    await world.put(queue, 'first of its priority', { priority })
  }
  await world.store.queue(queue).purge()
}

/** Puts many messages that expire after a second, and the best one expires behind them: its id. */
async function putExpiring(world: World, priority = 5): Promise<number> {
  const puts = Array.from({ length: MANY - 1 }, () => ({ body: 'late', ttlMs: 1_000, priority }))
  await world.store.queue('jobs').putMany(puts)
  const { id } = await world.put('jobs', 'best', { ttlMs: 1_500, priority: priority - 1 })
  return id
}

for (const how of ['begins', 'seeks'] as const) {
  test(`what has become due is there for a group that ${how} after the wall clock was set back, in the shared lane too`, () =>
    inWorld(new MemoryWorld(1), async (world) => {
      const queue = world.store.queue('jobs')
      await queue.createGroup('default')
      await fillLanes(world, 'jobs')
      await world.put('jobs', 'timed', { priority: 500, at: world.nowMs + 1_000 })
      await world.advance(5_000)
      expect((await queue.group().peek('ready'))?.priority).toBe(500)
      world.jumpWallClock(-HOUR_MS)
      if (how === 'seeks') await queue.group().seek('first')
      else await queue.createGroup('late')
      const group = how === 'seeks' ? 'default' : 'late'
      expect(textsOf(await world.take('jobs', { group }))).toEqual(['timed'])
    }))
}

test('a message whose time passes while a record that is turned down would take it out expires all the same', () =>
  inWorld(new PacedWorld(1), async (world) => {
    const queue = world.store.queue('jobs')
    await queue.createGroup('default')
    await queue.configure({ messagesMax: 2 })
    await world.put('jobs', 'other')
    const putMs = world.nowMs
    const { id, offset } = await world.put('jobs', 'short', { ttlMs: 1_000 })
    await world.advance(putMs + 990 - world.nowMs)
    const busy = world.put('elsewhere', 'keeps the log busy')
    // Puts into a full queue: the transaction is turned down where its group is admitted.
    const keyed = world.put('keyed', 'one', { key: 'k' })
    const turnedDown = world.store.transaction((tx) => {
      tx.delete({ queue: 'jobs', id, offset })
      tx.put('keyed', 'two', { key: 'k' })
      for (const body of ['a', 'b', 'c']) tx.put('jobs', body)
    })
    const outcomes = await Promise.allSettled([busy, keyed, turnedDown])
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected'])
    await world.advance(1_000)
    expect(await queue.get(id)).toBeUndefined()
    expect(textsOf(await world.take('jobs'))).toEqual(['other'])
  }))

for (const lane of ['a lane of their own', 'the shared lane'] as const) {
  test(`however many expire at once in ${lane}, none is delivered`, () => {
    const factory = new StallingWorld(1)
    return inWorld(factory, async (world) => {
      const session = await world.watching('jobs')
      const isShared = lane === 'the shared lane'
      if (isShared) await fillLanes(world, 'jobs')
      await world.put('jobs', 'stays', { priority: 600 })
      await putExpiring(world, isShared ? 500 : 5)
      await factory.stall(2_000)
      expect(textsOf(await session.reserve({ timeoutMs: 0 }))).toEqual(['stays'])
      await world.settle()
      expect(world.store.queue('jobs').stats().totals.expired).toBe(MANY)
    })
  })
}

test('however many expire at once, none is found by its id', () => {
  const factory = new StallingWorld(1)
  return inWorld(factory, async (world) => {
    const session = await world.watching('jobs')
    const id = await putExpiring(world)
    await factory.stall(2_000)
    expect(await session.reserveById(id)).toBeUndefined()
  })
})

test('however many expire at once, what is held ready is not handed out any more', () => {
  const factory = new StallingWorld(1)
  return inWorld(factory, async (world) => {
    const session = await world.watching('jobs')
    await world.put('jobs', 'first', { priority: 0 })
    await world.put('jobs', 'held', { priority: 1, ttlMs: 1_500 })
    const loop = session.deliveries({ prefetch: 2 })
    expect((await loop.next()).value?.text()).toBe('first')
    // They expire in front of the one that is held.
    await putExpiring(world)
    await world.put('jobs', 'stays')
    await factory.stall(2_000)
    expect((await loop.next()).value?.text()).toBe('stays')
  })
})

test('however many expire at once, all become letters where the queue has a place for them', () => {
  const factory = new StallingWorld(1)
  return inWorld(factory, async (world) => {
    const queue = world.store.queue('jobs')
    await queue.configure({ deadLetter: { queue: 'dead' } })
    const session = await world.watching('jobs')
    await putExpiring(world)
    await factory.stall(2_000)
    expect(await session.reserve({ timeoutMs: 0 })).toEqual([])
    await world.settle()
    expect(world.store.queue('dead').stats().messages).toBe(MANY)
    expect(queue.stats().messages).toBe(0)
  })
})

test('what expired stays away while the record of that is turned down', () =>
  inWorld(new PacedWorld(1), async (world) => {
    const queue = world.store.queue('jobs')
    await queue.createGroup('default')
    await queue.configure({ deadLetter: { queue: 'dead' } })
    await world.put('jobs', 'short', { ttlMs: 1_000 })
    world.setFull(true)
    await world.advance(1_100)
    for (let look = 0; look < 5; look++) {
      expect(await world.take('jobs')).toEqual([])
      await world.advance(100)
    }
    world.setFull(false)
    await world.settle()
    expect(world.store.queue('dead').stats().messages).toBe(1)
  }))

test('what a session held ready, and expired while no record of that had room, becomes one letter', () => {
  const factory = new PacedWorld(1)
  return inWorld(factory, async (world) => {
    await world.put('dead', 'makes the queue')
    await world.store.queue('jobs').configure({ deadLetter: { queue: 'dead' } })
    await world.put('jobs', 'first')
    const { id } = await world.put('jobs', 'held', { ttlMs: 5_000 })
    const session = await world.watching('jobs')
    const loop = session.deliveries({ prefetch: 2 })
    expect((await loop.next()).value?.text()).toBe('first')
    world.setFull(true)
    await world.advance(6_000)
    // Whoever comes for it gives it back, and that is no reason to send it once more.
    unheard(loop.next())
    await world.advance(100)
    await factory.stall(1_000)
    world.setFull(false)
    await world.settle()
    const letters = await world.store.queue('dead').read({ from: { offset: 1 } })
    expect(letters.map(({ headers }) => headers['dead-id'])).toEqual([`${id}`])
  })
})

test('what expired while it was leased, and comes back while it is being deleted, becomes no letter', () =>
  inWorld(new PacedWorld(1), async (world) => {
    await world.put('dead', 'makes the queue')
    const queue = world.store.queue('jobs')
    await queue.configure({ deadLetter: { queue: 'dead' } })
    const session = await world.watching('jobs')
    const { id } = await world.put('jobs', 'short', { ttlMs: 1_000 })
    const [delivery] = await session.reserve()
    await world.advance(2_000)
    const busy = world.put('elsewhere', 'keeps the log busy')
    const deleted = queue.delete([id])
    await delivery?.release()
    expect([await deleted, (await busy).id > id]).toEqual([1, true])
    await world.advance(2_000)
    expect(await queue.get(id)).toBeUndefined()
    expect(world.store.queue('dead').stats().messages).toBe(1)
  }))
