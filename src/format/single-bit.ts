/**
 * Finds the one bit whose flip makes an invalid block valid. CRC-32 is linear, so a flipped bit shows
 * in the difference of the checksums as a value that depends only on the bit's distance from the end
 * of the block (its syndrome). Pure; at most 16 KiB are searched.
 */
import { checkBlock, readBlock, type SegmentKey } from './block.ts'
import { copyOf, getUint32, setUint32 } from './bytes.ts'
import type { Crc32 } from './crc.ts'
import type { SingleBit } from './evidence.ts'
import {
  BLOCK_CRC_AT,
  BLOCK_CRC_FROM,
  BLOCK_HEADER_BYTES,
  BLOCK_LENGTH_AT,
  BLOCK_MAGIC_AT,
  BLOCK_TYPE_AT,
  BlockFlag,
  BlockType,
  SECTOR_BYTES,
} from './layout.ts'
import { MessageCounter } from './message-counter.ts'
import { type Decompress, Unpacker } from './unpack.ts'

/** Longer blocks are not searched: the chance of a false alarm grows with the length. */
export const SINGLE_BIT_BYTES_MAX = 16 * 1024

/** The reflected polynomial of CRC-32/ISO-HDLC. */
const POLYNOMIAL = 0xedb88320

const TABLE = makeTable()

/**
 * Searches `bytes`, which begin at `offset` of the file. `end` is where the next valid block stands
 * (then the length is known), or undefined where none follows.
 */
export function findSingleBit(
  bytes: Uint8Array,
  offset: number,
  end: number | undefined,
  key: SegmentKey,
  crc32: Crc32,
  decompress?: Decompress,
): SingleBit | undefined {
  const unpacker = new Unpacker(decompress)
  if (bytes.length < BLOCK_HEADER_BYTES) return undefined
  const stored = getUint32(bytes, BLOCK_LENGTH_AT)
  const lengths = end === undefined ? lengthsNear(stored) : [end - offset]
  for (const length of lengths) {
    if (length < BLOCK_HEADER_BYTES || length > SINGLE_BIT_BYTES_MAX || length % 8 !== 0) continue
    if (length > bytes.length) continue
    const block = copyOf(bytes.subarray(0, length))
    const flipped = length === stored ? flipWithin(block, key, crc32) : flipLength(block, length)
    if (flipped === undefined) continue
    if (checkBlock(block, 0, offset, key, crc32) !== 0 || !unpacker.open(block, 0)) continue
    return found(block, offset, flipped, unpacker.payload)
  }
  return undefined
}

/**
 * Whether `bytes`, which begin with the damaged block, are just what a write leaves that was cut off in front of
 * its last bit: zero from there on. Where a sector begins in between, any block may have been cut off so, by
 * real power cuts one in some thousand; rot that hits this one bit of a whole log leaves the same bytes, and is
 * so much rarer that the log ends there. A SYNC or CLEAN counts wherever it was cut off: it carries no
 * message, so nothing is lost whichever it was.
 */
export function isCutShort(bytes: Uint8Array, { offset, byteOffset, length }: SingleBit): boolean {
  const type = bytes[BLOCK_TYPE_AT]
  const sectorAt = byteOffset - (byteOffset % SECTOR_BYTES)
  const carriesNothing = type === BlockType.SYNC || type === BlockType.CLEAN
  if (!carriesNothing && sectorAt <= offset) return false
  const from = carriesNothing ? byteOffset : sectorAt
  return bytes.subarray(from - offset, length).every((byte) => byte === 0)
}

/** The stored length and everything one bit away from it. */
function lengthsNear(stored: number): number[] {
  const lengths = [stored]
  for (let bit = 0; bit < 32; bit++) lengths.push((stored ^ (1 << bit)) >>> 0)
  return lengths
}

/** Mends the length field if it is one bit off; returns the flipped bit's position in the block. */
function flipLength(block: Uint8Array, length: number): number | undefined {
  const bit = onlyBit(getUint32(block, BLOCK_LENGTH_AT) ^ length)
  if (bit === undefined) return undefined
  setUint32(block, BLOCK_LENGTH_AT, length)
  return BLOCK_LENGTH_AT * 8 + bit
}

/** Mends magic, CRC or content; returns the flipped bit's position in the block. */
function flipWithin(block: Uint8Array, key: SegmentKey, crc32: Crc32): number | undefined {
  const magicBit = onlyBit(getUint32(block, BLOCK_MAGIC_AT) ^ key.salt1)
  if (magicBit !== undefined) return flip(block, BLOCK_MAGIC_AT * 8 + magicBit)
  const computed = crc32(block.subarray(BLOCK_CRC_FROM), key.salt2)
  const difference = (computed ^ getUint32(block, BLOCK_CRC_AT)) >>> 0
  const crcBit = onlyBit(difference)
  if (crcBit !== undefined) return flip(block, BLOCK_CRC_AT * 8 + crcBit)
  const position = positionOfSyndrome(difference, block.length - BLOCK_CRC_FROM)
  return position === undefined ? undefined : flip(block, BLOCK_CRC_FROM * 8 + position)
}

/** The bit whose flip changes the CRC of `byteLength` bytes by `syndrome`. */
function positionOfSyndrome(syndrome: number, byteLength: number): number | undefined {
  if (syndrome === 0) return undefined
  const deltas = new Uint32Array(8)
  for (let bit = 0; bit < 8; bit++) deltas[bit] = TABLE[1 << bit] ?? 0
  for (let byte = byteLength - 1; byte >= 0; byte--) {
    for (let bit = 0; bit < 8; bit++) {
      const delta = deltas[bit] ?? 0
      if (delta === syndrome) return byte * 8 + bit
      deltas[bit] = (TABLE[delta & 0xff] ?? 0) ^ (delta >>> 8)
    }
  }
  return undefined
}

function flip(block: Uint8Array, position: number): number {
  const byte = position >>> 3
  block[byte] = (block[byte] ?? 0) ^ (1 << (position & 7))
  return position
}

function onlyBit(difference: number): number | undefined {
  const value = difference >>> 0
  if (value === 0 || (value & (value - 1)) !== 0) return undefined
  return 31 - Math.clz32(value)
}

function found(
  block: Uint8Array,
  offset: number,
  position: number,
  payload: Uint8Array | undefined,
): SingleBit {
  const mended = readBlock(block, 0)
  return {
    offset,
    length: mended.length,
    groupOffset: mended.groupOffset,
    firstId: mended.firstId,
    endId: mended.firstId + new MessageCounter().idSpan(block, 0, mended, payload),
    endsGroup: (mended.flags & BlockFlag.END) !== 0,
    byteOffset: offset + (position >>> 3),
    bit: position & 7,
  }
}

function makeTable(): Uint32Array {
  const table = new Uint32Array(256)
  for (let byte = 0; byte < 256; byte++) {
    let value = byte
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? POLYNOMIAL ^ (value >>> 1) : value >>> 1
    table[byte] = value >>> 0
  }
  return table
}
