/** What becomes due and what expires, where clocks, refusals and long waits come in between. */
import { expect, test } from 'vitest'
import { textsOf } from '../../../src/testing/store-suite/world.ts'
import { MemoryWorld } from '../../testing/store-worlds.ts'
import { inWorld } from '../worlds.ts'

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
