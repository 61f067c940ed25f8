/**
 * Invariants 4, 5 and 6 on logs whose blocks are compressed, for single bits as in bits-clean.test.ts:
 * the checksum stands around the compressed bytes, so damage never reaches the codec unseen.
 */
import { expect, test } from 'vitest'
import { BlockFlag } from '../../src/format/layout.ts'
import { type Image, makeImages } from './images.ts'
import { isFull, Sweep } from './sweep.ts'

function packedBlocks(image: Image): number {
  return [...image.blocks.values()]
    .flat()
    .filter(({ flags }) => (flags & BlockFlag.COMPRESSED) !== 0).length
}

test.each(['clean', 'killed'] as const)(
  'invariants 4, 5, 6: a flipped bit in a %s log of compressed blocks costs at most its own block',
  { timeout: isFull ? 3_600_000 : 300_000 },
  async (name) => {
    const image = (await makeImages({ compression: 'lz4' }))[name]
    expect(packedBlocks(image)).toBeGreaterThan(8)
    const sweep = new Sweep(image)
    await sweep.packedBits()
    console.info(`${name} log of compressed blocks: ${sweep.count} bits flipped`)
    expect(sweep.failures).toEqual([])
    expect(sweep.count).toBeGreaterThanOrEqual(1_000)
  },
)
