import { expect, test } from 'vitest'
import { countOf, isFirstAlone, neverReached, runShare } from './schedules.ts'

test.skipIf(isFirstAlone)(
  `share 2 of ${countOf('segments')} random lives of a store in segments on a simulated disk: rules 19 to 22`,
  async () => {
    const report = await runShare('segments', 2, 2)
    expect(neverReached(report, 'segments')).toEqual([])
  },
  3_600_000,
)
