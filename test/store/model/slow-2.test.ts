import { expect, test } from 'vitest'
import { countOf, isFirstAlone, neverReached, runShare } from './schedules.ts'

test.skipIf(isFirstAlone)(
  `share 2 of ${countOf('slow')} random lives of a store on a slow log: rules 19 to 22`,
  async () => {
    const report = await runShare('slow', 2, 2)
    expect(neverReached(report, 'slow')).toEqual([])
  },
  3_600_000,
)
