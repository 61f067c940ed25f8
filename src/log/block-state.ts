/**
 * Whether a valid block stands at an offset of a file, read through a window. A length is believed, and
 * memory taken for it, only once the checksum over that length has matched: a length that lies costs
 * reading, never memory. Reads only.
 */
import { checkBlock, NEEDS_MORE, type SegmentKey } from '../format/block.ts'
import { getUint32 } from '../format/bytes.ts'
import type { Crc32 } from '../format/crc.ts'
import {
  BLOCK_CRC_AT,
  BLOCK_CRC_FROM,
  BLOCK_HEADER_BYTES,
  BLOCK_LENGTH_AT,
  BLOCK_MAGIC_AT,
  BLOCK_OFFSET_AT,
} from '../format/layout.ts'
import { Unpacker } from '../format/unpack.ts'
import type { System } from '../system/system.ts'

/** A stretch of a file in memory, which moves where it is told to. */
export interface ByteWindow {
  readonly bytes: Uint8Array
  /** Offset in the file of the first byte of `bytes`. */
  readonly start: number
  has(offset: number, byteLength: number): boolean
  /** Makes [offset, offset + byteLength) available, up to `limit`; false where the file ends before. */
  load(offset: number, byteLength: number, limit: number): Promise<boolean>
  /** CRC-32 of a stretch that leaves the window as it is; undefined where the file ends before. */
  checksum(
    offset: number,
    byteLength: number,
    seed: number,
    crc32: Crc32,
  ): Promise<number | undefined>
}

/** Longer blocks are checked in pieces before they are loaded. */
const TRUSTED_BYTES_MAX = 1024 * 1024
const CHECKSUM_FAILS = 9

/**
 * 0 where a valid block stands at `at`, which then is in the window as a whole; else the number of the
 * condition that fails, or NEEDS_MORE where the file ends before the block does.
 */
export async function blockStateAt(
  window: ByteWindow,
  at: number,
  limit: number,
  key: SegmentKey,
  crc32: Crc32,
): Promise<number> {
  if (!window.has(at, BLOCK_HEADER_BYTES) && !(await window.load(at, BLOCK_HEADER_BYTES, limit))) {
    return NEEDS_MORE
  }
  const state = checkBlock(window.bytes, at - window.start, at, key, crc32)
  if (state !== NEEDS_MORE) return state
  const length = getUint32(window.bytes, at - window.start + BLOCK_LENGTH_AT)
  if (at + length > limit) return NEEDS_MORE
  if (length > TRUSTED_BYTES_MAX) {
    const stored = getUint32(window.bytes, at - window.start + BLOCK_CRC_AT)
    const from = at + BLOCK_CRC_FROM
    const computed = await window.checksum(from, length - BLOCK_CRC_FROM, key.salt2, crc32)
    if (computed === undefined) return NEEDS_MORE
    if (computed !== stored) return CHECKSUM_FAILS
  }
  if (!(await window.load(at, length, limit))) return NEEDS_MORE
  return checkBlock(window.bytes, at - window.start, at, key, crc32)
}

/**
 * Whether a block's header may have been meant at `at`: in a file that is used again nothing else tells
 * what was written from what stood there before.
 */
export function isBlockBegun(window: ByteWindow, at: number, key: SegmentKey): boolean {
  if (!window.has(at, BLOCK_OFFSET_AT + 4)) return false
  const from = at - window.start
  const { bytes } = window
  return (
    getUint32(bytes, from + BLOCK_MAGIC_AT) === key.salt1 &&
    getUint32(bytes, from + BLOCK_OFFSET_AT) === at
  )
}

/** Unpacks COMPRESSED blocks with the system's codec, which is chosen when the first one comes. */
export function unpackerOf(system: Pick<System, 'lz4'>): Unpacker {
  return new Unpacker((stored, unpackedBytes) => system.lz4.decompress(stored, unpackedBytes))
}

/** The next offset in the window where the magic stands, or the end of what the window can tell. */
export function skipToCandidate(window: ByteWindow, from: number, salt1: number): number {
  const { bytes, start } = window
  const end = bytes.length - 4
  const low = salt1 & 0xff
  for (let i = from - start; i <= end; i += 8) {
    if (bytes[i] === low && getUint32(bytes, i) === salt1) return start + i
  }
  return Math.max(from, start + (bytes.length & ~7))
}
