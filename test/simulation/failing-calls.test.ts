import { describe, expect, test } from 'vitest'
import { callsTaken, EVERY_CALL } from './calls-taken.ts'
import { Exhaustive } from './exhaustive.ts'
import { TRACES } from './traces.ts'

describe.each(TRACES)('$name', (trace) => {
  for (const durableWrites of ['dsync', 'flush'] as const) {
    // Museum: cockroach PR #37102, beanstalkd #477 (a flush that fails is forgotten), prometheus #13027 (half a record).
    test(`${durableWrites}: every write and every flush fails, in three flavours`, async () => {
      const exhaustive = new Exhaustive(trace, durableWrites, 1)
      await exhaustive.prepare()
      for (const kind of ['write', 'flush'] as const) {
        let nth = 1
        while (await exhaustive.fail(kind, nth)) nth += 1
      }
      expect(exhaustive.runs).toBeGreaterThan(0)
      console.log(`failing calls: ${trace.name} (${durableWrites}): ${exhaustive.runs} runs`)
    }, 600_000)

    test(`${durableWrites}: stopped at ${EVERY_CALL} while another takes over, then woken`, async () => {
      const exhaustive = new Exhaustive(trace, durableWrites, 1)
      await exhaustive.prepare()
      const calls = callsTaken(await exhaustive.calls(), durableWrites)
      const { pauses = 1 } = trace
      for (let crashSeed = 1; crashSeed <= pauses; crashSeed += 1) {
        for (const at of calls) await exhaustive.pause(at, crashSeed)
      }
      expect(exhaustive.runs).toBe(calls.length * pauses)
      expect(calls).not.toEqual([])
      console.log(`takeovers: ${trace.name} (${durableWrites}): ${exhaustive.runs} runs`)
    }, 600_000)
  }
})
