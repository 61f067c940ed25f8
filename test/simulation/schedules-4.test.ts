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

test.skipIf(ONLY_SEED !== undefined || SCHEDULES <= FIRST_SCHEDULES)(
  `share 4 of ${SCHEDULES} random schedules: invariants 1-4, 6-9, 11, 13`,
  async () => {
    const report = await runShare(FIRST_SCHEDULES + 2, SHARES, SCHEDULES)
    if (SCHEDULES >= 2 * FIRST_SCHEDULES) expect(rowsNeverReached(report)).toEqual([])
    expect(falseAlarms(report)).toBeLessThanOrEqual(3)
  },
  3_600_000,
)
