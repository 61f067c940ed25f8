import { expect, test } from 'vitest'
import { countOf, neverReached, runShare } from './schedules.ts'

test(`share 1 of ${countOf('slow')} random lives of a store on a slow log: rules 19 to 22`, async () => {
  const report = await runShare('slow', 1, 2)
  expect(neverReached(report, 'slow')).toEqual([])
}, 3_600_000)
