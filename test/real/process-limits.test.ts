/**
 * Limits of the process that look like a full disk or a broken one (3, 13): no file above a size
 * (EFBIG, as a quota would), and no descriptor left (EMFILE). Nothing acknowledged is lost, nothing fails
 * for good.
 */
import { expect, test } from 'vitest'
import { belowAnySegment, belowFileSize, whyNoLimits, withoutDescriptors } from './limits.ts'
import { freshDirectory } from './support.ts'

const why = whyNoLimits()
if (why !== undefined) console.warn(`SKIPPED: ${why}`)

test.skipIf(why !== undefined)(
  'where no file may grow beyond a size, smaller segments are made, and smaller reserves',
  async () => {
    // 600 blocks of 512 bytes: less than segments grow to, more than the least.
    expect(await belowFileSize(freshDirectory(), 600, 1_500, 1)).toBeGreaterThanOrEqual(1_500)
  },
)

test.skipIf(why !== undefined)(
  'where no segment may be made at all, appends are refused and the log stays open',
  () => belowAnySegment(freshDirectory(), 100, 20, 1),
)

// Museum: nats #2993, where a store without descriptors spoilt its sequences.
test.skipIf(why !== undefined)('a process out of descriptors goes on appending', async () => {
  expect(await withoutDescriptors(freshDirectory(), 0, 400, 1)).toBe(400)
})
