/** Which flipped bits at the end of a log leave the bytes of a write that was cut off: docs/guarantees.md, section 6. */
import { BlockType, SECTOR_BYTES } from '../../src/format/layout.ts'
import type { PlacedBlock } from './images.ts'

/** Longer blocks are not searched for a bit. */
const SEARCHED_BYTES_MAX = 16 * 1024

/**
 * Whether the block, with one bit of the byte at `offset` flipped, may be a write that was cut off where that byte's
 * sector begins (a SYNC or CLEAN: at that byte), or is too long to be searched. `flipped`: its file.
 */
export function mayBeCutOff(flipped: Uint8Array, block: PlacedBlock, offset: number): boolean {
  if (block.end - block.offset > SEARCHED_BYTES_MAX) return true
  const sector = offset - (offset % SECTOR_BYTES)
  const carriesNothing = block.type === BlockType.SYNC || block.type === BlockType.CLEAN
  if (!carriesNothing && sector <= block.offset) return false
  const from = carriesNothing ? offset : sector
  return flipped.subarray(from, block.end).every((byte) => byte === 0)
}
