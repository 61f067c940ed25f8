/**
 * Lives of stores that once failed in the lab without a fault of the engine: the model did not know what a call that
 * nobody heard of may have done, what had not happened yet when it looked, or a rule that the engine had got since.
 */
import { test } from 'vitest'
import { Report } from '../../../src/system/simulated/report.ts'
import { runSeed } from './schedules.ts'
import type { WorldKind } from './worlds.ts'

/** One that has come to be about something else, since commands were added, is to be found anew by the lab. */
const MISJUDGED: readonly (readonly [number, WorldKind, string])[] = [
  [7033, 'slow', 'a lease that ends while time is let pass is still being written'],
  [
    29621,
    'slow',
    'a buried message that was asked for by its id is leased by a call that nobody hears of',
  ],
  [42563, 'memory', 'of two that are buried unseen comes first whose lease ended first'],
  [39942, 'segments', 'what is buried unseen comes behind what was buried before'],
  [38391, 'memory', 'a lease that ran out is not given back, though its message may have gone'],
  [
    35387,
    'memory',
    'one that an unclean end left leased is out by its id, and no other goes beside it',
  ],
]

test.each(MISJUDGED)('seed %d, %s: %s', async (seed, kind) => {
  await runSeed(kind, seed, new Report())
})
