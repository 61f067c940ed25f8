/** What becomes due and what expires, where clocks, refusals and long waits come in between. */
import { expect, test } from 'vitest'
import { textsOf } from '../../../src/testing/store-suite/world.ts'
import { MemoryWorld } from '../../testing/store-worlds.ts'
import { inWorld, PacedWorld } from '../worlds.ts'

const HOUR_MS = 3_600_000
/** So many priorities have a lane of their own; the others share one. */
const OWN_LANES = 63

for (const how of ['begins', 'seeks'] as const) {
  test(`what has become due is there for a group that ${how} after the wall clock was set back, in the shared lane too`, () =>
    inWorld(new MemoryWorld(1), async (world) => {
      const queue = world.store.queue('jobs')
      await queue.createGroup('default')
      for (let priority = 0; priority < OWN_LANES; priority++) {
        await world.put('jobs', 'first of its priority', { priority })
      }
      await queue.purge()
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
