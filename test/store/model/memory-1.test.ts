import { expect, test } from 'vitest'
import { countOf, neverReached, runShare } from './schedules.ts'

test(`share 1 of ${countOf('memory')} random lives of a store in memory: rules 19 to 22`, async () => {
  const report = await runShare('memory', 1, 2)
  expect(neverReached(report, 'memory')).toEqual([])
}, 3_600_000)
