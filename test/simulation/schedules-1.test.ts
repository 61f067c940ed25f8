import { expect, test } from 'vitest'
import { falseAlarms, reachesAllRows, rowsNeverReached, runShare, SCHEDULES } from './schedules.ts'

const SHARES = 2

test(`share 1 of ${SCHEDULES} random schedules: invariants 1-4, 6-9, 11, 13`, async () => {
  const report = await runShare(1, SHARES)
  if (reachesAllRows) expect(rowsNeverReached(report)).toEqual([])
  expect(falseAlarms(report)).toBeLessThanOrEqual(2)
}, 3_600_000)
