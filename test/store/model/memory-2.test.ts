import { expect, test } from 'vitest'
import { countOf, isFirstAlone, neverReached, runShare } from './schedules.ts'

test.skipIf(isFirstAlone)(
  `share 2 of ${countOf('memory')} random lives of a store in memory: rules 19 to 22`,
  async () => {
    const report = await runShare('memory', 2, 2)
    expect(neverReached(report, 'memory')).toEqual([])
  },
  3_600_000,
)
