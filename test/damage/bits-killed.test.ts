/**
 * Invariants 4, 5 and 6 on a log that was killed, for every single bit of every file: right data or an
 * exact report, never wrong data, never more lost than the one block. `QLOG_DAMAGE=full` flips all bits, as
 * the lab does (`npm run lab -- --only C`); without it two of each byte of headers, control blocks and block
 * headers, and some of messages and zeros.
 */
import { expect, test } from 'vitest'
import { makeImages } from './images.ts'
import { isFull, Sweep } from './sweep.ts'

test('invariants 4, 5, 6: a flipped bit in a killed log costs at most its own block, and is told', {
  timeout: isFull ? 3_600_000 : 300_000,
}, async () => {
  const sweep = new Sweep((await makeImages()).killed)
  await sweep.bits()
  const all = [...sweep.image.files.values()].reduce((sum, { length }) => sum + 8 * length, 0)
  console.info(`killed log: ${sweep.count} of ${all} bits flipped`)
  expect(sweep.failures).toEqual([])
  expect(sweep.count).toBeGreaterThanOrEqual(isFull ? all : 9_000)
})
