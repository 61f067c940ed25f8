/** The crash points of every trace, for one way of making writes durable: each is a test file's share. */
import { describe, expect, test } from 'vitest'
import { CRASH_SEEDS, callsTaken, EVERY_CALL } from './calls-taken.ts'
import { type DurableWrites, Exhaustive } from './exhaustive.ts'
import { TRACES } from './traces.ts'

export function testCrashPoints(durableWrites: DurableWrites): void {
  describe.each(TRACES)('$name', (trace) => {
    // Museum: ARTEMIS-4215, -2414, -1288, -2053: flushes that never come, and crashes of closing and compaction.
    test(`${durableWrites}: killed or robbed of power at ${EVERY_CALL}`, async () => {
      const exhaustive = new Exhaustive(trace, durableWrites, CRASH_SEEDS)
      await exhaustive.prepare()
      const calls = callsTaken(await exhaustive.calls(), durableWrites)
      for (const at of calls) await exhaustive.crash(at, at === calls[0])
      expect(exhaustive.runs).toBeGreaterThanOrEqual(calls.length)
      expect(calls).not.toEqual([])
      console.log(`crash points: ${trace.name} (${durableWrites}): ${exhaustive.runs} runs`)
    }, 600_000)
  })
}
