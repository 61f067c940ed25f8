import { expect, test } from 'vitest'
import { countOf, neverReached, runShare } from './schedules.ts'

test(`share 1 of ${countOf('segments')} random lives of a store in segments on a simulated disk: rules 19 to 22`, async () => {
  const report = await runShare('segments', 1, 2)
  expect(neverReached(report, 'segments')).toEqual([])
}, 3_600_000)
