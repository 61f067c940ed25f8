/**
 * Blocks in an invalid region that one flipped bit each would make valid again. The read path never
 * asks this; only the tools do, and they say aloud what they mended. Pure but for reading the bytes.
 */
import { checkBlock, type SegmentKey } from '../format/block.ts'
import type { Crc32 } from '../format/crc.ts'
import type { SingleBit } from '../format/evidence.ts'
import { BLOCK_HEADER_BYTES } from '../format/layout.ts'
import { findSingleBit, SINGLE_BIT_BYTES_MAX } from '../format/single-bit.ts'
import type { Decompress } from '../format/unpack.ts'
import type { ReadHandle, System } from '../system/system.ts'
import { readFully } from './survey.ts'

/** Longer regions are no work of single bits; looking would only take time. */
const REGION_BYTES_MAX = 256 * 1024

/** Finds what can be mended between `offset` and `end`, where the next valid block or the cut stands. */
export async function mendableBlocks(
  handle: ReadHandle,
  offset: number,
  end: number,
  key: SegmentKey,
  system: Pick<System, 'crc32' | 'lz4'>,
): Promise<readonly SingleBit[]> {
  const { crc32 } = system
  const decompress: Decompress = (stored, length) => system.lz4.decompress(stored, length)
  if (end - offset < BLOCK_HEADER_BYTES || end - offset > REGION_BYTES_MAX) return []
  const bytes = new Uint8Array(end - offset)
  if ((await readFully(handle, bytes, offset)) < bytes.length) return []
  const found: SingleBit[] = []
  let at = offset
  while (end - at >= BLOCK_HEADER_BYTES) {
    const rest = bytes.subarray(
      at - offset,
      Math.min(bytes.length, at - offset + SINGLE_BIT_BYTES_MAX),
    )
    // One block fills the region, or several do, and then each must tell its own length.
    const mended =
      findSingleBit(rest, at, end, key, crc32, decompress) ??
      findSingleBit(rest, at, undefined, key, crc32, decompress)
    if (mended === undefined) break
    found.push(mended)
    at += mended.length
  }
  return found
}

/** The mended bytes of a block that {@link mendableBlocks} found; undefined where they read otherwise by now. */
export async function mendedBytes(
  handle: ReadHandle,
  mended: SingleBit,
  key: SegmentKey,
  crc32: Crc32,
): Promise<Uint8Array | undefined> {
  const bytes = new Uint8Array(mended.length)
  await readFully(handle, bytes, mended.offset)
  const at = mended.byteOffset - mended.offset
  bytes[at] = (bytes[at] ?? 0) ^ (1 << mended.bit)
  return checkBlock(bytes, 0, mended.offset, key, crc32) === 0 ? bytes : undefined
}
