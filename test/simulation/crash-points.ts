/** The crash points of every trace, for one way of making writes durable: each is a test file's share. */
import { describe, expect, test } from 'vitest'
import { type DurableWrites, Exhaustive } from './exhaustive.ts'
import { TRACES } from './traces.ts'

/** Crash seeds for each power cut; the lab takes more. */
const CRASH_SEEDS = Number(process.env['QLOG_CRASH_SEEDS'] ?? 1)

export function testCrashPoints(durableWrites: DurableWrites): void {
  describe.each(TRACES)('$name', (trace) => {
    // Museum: ARTEMIS-4215, -2414, -1288, -2053: flushes that never come, and crashes of closing and compaction.
    test(`${durableWrites}: killed or robbed of power at every call`, async () => {
      const exhaustive = new Exhaustive(trace, durableWrites, CRASH_SEEDS)
      await exhaustive.prepare()
      const { first, last } = await exhaustive.calls()
      for (let at = first; at <= last; at += 1) await exhaustive.crash(at, at === first)
      expect(last).toBeGreaterThanOrEqual(first)
      console.log(`crash points: ${trace.name} (${durableWrites}): ${exhaustive.runs} runs`)
    }, 600_000)
  })
}
