/**
 * Packs the payload of a block that a commit group has just closed, in place, where that saves enough to
 * be worth unpacking it at every read. One a log; memory only.
 */
import { getUint32, setUint32 } from '../format/bytes.ts'
import {
  BLOCK_BYTES,
  BLOCK_HEADER_BYTES,
  COMPRESSED_BLOCK_BYTES_MAX,
  COMPRESSED_HEADER_BYTES,
  COMPRESSED_PAYLOAD_BYTES_MAX,
  ORIGIN_BYTES,
  UNCOMPRESSED_RATIO_MAX,
} from '../format/layout.ts'
import type { Lz4 } from '../system/system.ts'

/**
 * What a block aims at before it is packed. Larger ones would shrink a little more; but a read unpacks a
 * whole block, damage loses a whole one, and one of this size is short enough also if it does not shrink.
 */
export const PACKED_AIM_BYTES = COMPRESSED_BLOCK_BYTES_MAX
/** Shorter payloads have too little in them that repeats. */
const PAYLOAD_BYTES_MIN = 128
/** A payload is stored as it is where it does not shrink by this part of it. */
const SAVED_SHARE = 8
/** After a block that did not shrink, so many are not tried: their neighbours rarely do better. */
const BLOCKS_LEFT_OUT = 15
/** Recovery puts the origin in front, and a length of literals may take a byte more. */
const COPY_ROOM_BYTES = 2 * ORIGIN_BYTES
/** A larger buffer is not kept. */
const SCRATCH_BYTES_KEPT = 256 * 1024

export class BlockCompressor {
  readonly codec: Lz4['codec']
  /** Bytes of payloads as they came, and as they were stored. */
  rawBytes = 0
  storedBytes = 0
  readonly #lz4: Lz4
  #scratch = new Uint8Array(PACKED_AIM_BYTES)
  #leftOut = 0

  constructor(lz4: Lz4) {
    this.#lz4 = lz4
    this.codec = lz4.codec
  }

  /** What the next block aims at: blocks that will not be packed stay small. */
  get aimBytes(): number {
    return this.#leftOut > 0 ? BLOCK_BYTES : PACKED_AIM_BYTES
  }

  /**
   * Packs the payload from `start` to `end`, without padding, of a block of `recordCount` records.
   * Returns its new end; `end` itself where it stays as it is.
   */
  pack(bytes: Uint8Array, start: number, end: number, recordCount: number): number {
    const packed = this.#packed(bytes, start, end, recordCount)
    this.rawBytes += end - start
    this.storedBytes += packed - start
    return packed
  }

  /** Undoes {@link pack}: the payload as it came, in place. */
  unpack(bytes: Uint8Array, start: number, rawBytes: number): void {
    const stored = start + COMPRESSED_HEADER_BYTES
    const packed = bytes.subarray(stored, stored + getUint32(bytes, start + 4))
    bytes.set(this.#lz4.decompress(packed, rawBytes), start)
  }

  #packed(bytes: Uint8Array, start: number, end: number, recordCount: number): number {
    const rawBytes = end - start
    if (rawBytes < PAYLOAD_BYTES_MIN) return end
    if (this.#leftOut > 0) {
      this.#leftOut--
      return end
    }
    const room = rawBytes - Math.ceil(rawBytes / SAVED_SHARE) - COMPRESSED_HEADER_BYTES
    const scratch = this.#scratchOf(room)
    const storedBytes = this.#lz4.compress(bytes, start, end, scratch, 0, room)
    if (storedBytes === 0) {
      this.#leftOut = BLOCKS_LEFT_OUT
      return end
    }
    if (!isAllowed(rawBytes, storedBytes, recordCount)) return end
    setUint32(bytes, start, rawBytes)
    setUint32(bytes, start + 4, storedBytes)
    bytes.set(scratch.subarray(0, storedBytes), start + COMPRESSED_HEADER_BYTES)
    return start + COMPRESSED_HEADER_BYTES + storedBytes
  }

  #scratchOf(byteLength: number): Uint8Array {
    if (byteLength <= this.#scratch.length) return this.#scratch
    const scratch = new Uint8Array(byteLength)
    if (byteLength <= SCRATCH_BYTES_KEPT) this.#scratch = scratch
    return scratch
  }
}

/** The limits of docs/format.md, section 4, with room for what a copy puts in front. */
function isAllowed(rawBytes: number, storedBytes: number, recordCount: number): boolean {
  const payloadBytes = COMPRESSED_HEADER_BYTES + storedBytes
  if (rawBytes > storedBytes * UNCOMPRESSED_RATIO_MAX) return false
  // A block never holds more records than payload bytes: thousands of empty messages would.
  if (recordCount > payloadBytes) return false
  if (recordCount === 1) return true
  const blockBytes = BLOCK_HEADER_BYTES + payloadBytes + COPY_ROOM_BYTES
  return (
    blockBytes <= COMPRESSED_BLOCK_BYTES_MAX &&
    rawBytes + ORIGIN_BYTES <= COMPRESSED_PAYLOAD_BYTES_MAX
  )
}
