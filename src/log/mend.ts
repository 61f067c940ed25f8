/**
 * Blocks in an invalid region that one flipped bit each would make valid again. The read path never
 * asks this; only the tools do, and they say aloud what they mended. Pure but for reading the bytes.
 */
import { checkBlock, type SegmentKey } from '../format/block.ts'
import { getUint32 } from '../format/bytes.ts'
import type { Crc32 } from '../format/crc.ts'
import type { SingleBit } from '../format/evidence.ts'
import {
  BLOCK_ALIGN_BYTES,
  BLOCK_HEADER_BYTES,
  BLOCK_MAGIC_AT,
  BLOCK_OFFSET_AT,
} from '../format/layout.ts'
import { findSingleBit, SINGLE_BIT_BYTES_MAX } from '../format/single-bit.ts'
import type { Decompress } from '../format/unpack.ts'
import type { ReadHandle, System } from '../system/system.ts'
import { readFully } from './survey.ts'

/** Longer regions are no work of single bits; looking would only take time. */
const REGION_BYTES_MAX = 256 * 1024

/**
 * Finds what can be mended between `offset` and `end`, where the next valid block or the cut stands. In front
 * of each, and behind the last, there may be bytes that cannot be.
 */
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
    if (mended) found.push(mended)
    at = mended ? at + mended.length : nextPlace(bytes, offset, at + BLOCK_ALIGN_BYTES, key)
  }
  return found
}

/**
 * Where from `from` on a block may begin of which one bit was flipped: then its magic and the offset it names
 * are right, but for this bit.
 */
function nextPlace(bytes: Uint8Array, offset: number, from: number, key: SegmentKey): number {
  const end = offset + bytes.length
  for (let at = from; at + BLOCK_HEADER_BYTES <= end; at += BLOCK_ALIGN_BYTES) {
    const magic = getUint32(bytes, at - offset + BLOCK_MAGIC_AT) ^ key.salt1
    const place = getUint32(bytes, at - offset + BLOCK_OFFSET_AT) ^ at
    if (magic === 0 ? isOneBitAtMost(place) : place === 0 && isOneBitAtMost(magic)) return at
  }
  return end
}

function isOneBitAtMost(difference: number): boolean {
  return (difference & (difference - 1)) === 0
}

/** What a finding says of the blocks that can be mended between `offset` and `end`; undefined for none. */
export function mendWords(
  mends: readonly SingleBit[],
  offset: number,
  end: number,
): string | undefined {
  const [only] = mends
  if (!only) return undefined
  if (mends.length > 1)
    return `${mends.length} blocks in it are one flipped bit each away from valid ones`
  const bit = `bit ${only.bit} of byte ${only.byteOffset}`
  return only.offset === offset && only.length === end - offset
    ? `one flipped bit explains it: ${bit}`
    : `a block in it is one flipped bit away from a valid one: ${bit}`
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
