/** The random schedules behind those that planted faults are tried with, in two shares: each is a test file's. */
import { expect, test } from 'vitest'
import {
  FIRST_SCHEDULES,
  falseAlarms,
  ONLY_SEED,
  rowsNeverReached,
  runShare,
  SCHEDULES,
} from './schedules.ts'

const SHARES = 2

/** Share 3 or 4 of all: 1 or 2 of these. */
export function testLaterShare(share: 3 | 4): void {
  test.skipIf(ONLY_SEED !== undefined || SCHEDULES <= FIRST_SCHEDULES)(
    `share ${share} of ${SCHEDULES} random schedules: invariants 1-4, 6-9, 11, 13`,
    async () => {
      const report = await runShare(FIRST_SCHEDULES + share - SHARES, SHARES, SCHEDULES)
      if (SCHEDULES >= 2 * FIRST_SCHEDULES) expect(rowsNeverReached(report)).toEqual([])
      expect(falseAlarms(report)).toBeLessThanOrEqual(3)
    },
    3_600_000,
  )
}
