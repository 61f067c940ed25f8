/**
 * Goal: what a scrub reports is what has rotted, no more and no less, whatever its log does meanwhile.
 * Method: random lives of a log that appends, discards, merges and is opened again, while full segments rot
 * at random, half of it under a page cache that hides it; a pass at the end has to name every place that is
 * damaged in a segment that is still there, and the passes on the way nothing that never was. Where it
 * mends, nothing is damaged in the end, and every message that is owed is there.
 * `QLOG_SCRUBS=500` tries more; a failing life prints its seed.
 */
import { expect, test } from 'vitest'
import { mendingSoak, soak } from './soak.ts'

const LIVES = Number(process.env['QLOG_SCRUBS'] ?? 15)

test(`${LIVES} random lives: what is reported is what has rotted`, async () => {
  let found = 0
  for (let seed = 1; seed <= LIVES; seed++) found += await soak(seed)
  expect(found).toBeGreaterThan(LIVES)
})

test(`${LIVES} random lives that mend: nothing of what is owed is lost to rot`, async () => {
  let mended = 0
  for (let seed = 1; seed <= LIVES; seed++) mended += await mendingSoak(seed)
  expect(mended).toBeGreaterThan(LIVES)
})
