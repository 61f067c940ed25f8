/** The contract of the seam, on every log of this repository. */
import { describe, it } from 'vitest'
import { logConformance } from '../../src/testing/log-suite.ts'
import { MEMORY_LACKS, MemoryFixture, SegmentFixture, SlowFixture } from './log-fixtures.ts'

logConformance({
  name: 'MemoryLog',
  make: () => new MemoryFixture(1),
  lacks: MEMORY_LACKS,
  describe,
  it,
})

for (const seed of [1, 2, 3]) {
  logConformance({
    name: `SlowLog, seed ${seed}`,
    make: () => new SlowFixture(seed),
    describe,
    it,
  })
}

for (const seed of [1, 2]) {
  logConformance({
    name: `SegmentLog, seed ${seed}`,
    make: () => new SegmentFixture(seed),
    describe,
    it,
  })
}
