import { expect, test } from 'vitest'
import {
  falseAlarms,
  ONLY_SEED,
  reachesAllRows,
  rowsNeverReached,
  runShare,
  SCHEDULES,
} from './schedules.ts'

const SHARES = 2

// A seed that is asked for runs in the first share.
test.skipIf(ONLY_SEED !== undefined)(
  `share 2 of ${SCHEDULES} random schedules: invariants 1-4, 6-9, 11, 13`,
  async () => {
    const report = await runShare(2, SHARES)
    if (reachesAllRows) expect(rowsNeverReached(report)).toEqual([])
    expect(falseAlarms(report)).toBeLessThanOrEqual(2)
  },
  3_600_000,
)
