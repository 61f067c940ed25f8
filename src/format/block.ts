/**
 * The block header and the validity of a block: the numbered conditions of docs/format.md. Hot: the
 * writer seals and the recovery scan checks every 4 KiB here, so nothing is allocated but the one view
 * that the CRC function needs.
 *
 * ```
 *   0 magic 4 | 4 CRC 4 | 8 length 4 | 12 own offset 4 | 16 D 4 | 20 group offset 4
 *   24 type 1 | 25 flags 1 | 26 records 2 | 28 zero 4 | 32 first id 8 | 40 time 8 | 48 payload
 * ```
 */
import {
  getUint16,
  getUint32,
  getUint64,
  isUint64,
  setUint16,
  setUint32,
  setUint64,
} from './bytes.ts'
import type { Crc32 } from './crc.ts'
import {
  BLOCK_CRC_AT,
  BLOCK_CRC_FROM,
  BLOCK_DURABLE_AT,
  BLOCK_FIRST_ID_AT,
  BLOCK_FLAGS_AT,
  BLOCK_GROUP_AT,
  BLOCK_HEADER_BYTES,
  BLOCK_LENGTH_AT,
  BLOCK_MAGIC_AT,
  BLOCK_OFFSET_AT,
  BLOCK_RECORDS_AT,
  BLOCK_RECORDS_MAX,
  BLOCK_TIME_AT,
  BLOCK_TYPE_AT,
  BLOCK_ZERO_AT,
  BlockFlag,
  BlockType,
  SEGMENT_HEADER_BYTES,
} from './layout.ts'
import { checkPayload } from './payload.ts'

/** What of a segment's header its blocks are checked against. */
export interface SegmentKey {
  readonly salt1: number
  readonly salt2: number
  readonly fileBytes: number
  /** Behind the last block old bytes may stand, not zero. */
  readonly isReused?: boolean
}

/** The fields of a block header, without magic and CRC. */
export interface Block {
  /** Own offset in the file. */
  offset: number
  /** Header, payload and padding. */
  length: number
  /** D: every byte of this file below it was durable when this block was sealed. */
  durableOffset: number
  /** Offset of the first block of this commit group. */
  groupOffset: number
  /** A {@link BlockType}. */
  type: number
  /** Bits of {@link BlockFlag}. */
  flags: number
  recordCount: number
  /** Id of the first message in the block, or the next id where it holds none. */
  firstId: number
  /** Milliseconds since 1970. */
  timeMs: number
}

/** Every condition that can be judged holds, but the bytes end before the block does. */
export const NEEDS_MORE = -1

/** Flags that stand on any type, then those that only some types allow. */
const FLAGS_BY_TYPE = new Uint8Array(BlockType.SEAL + 1).fill(BlockFlag.END)
FLAGS_BY_TYPE[0] = 0
FLAGS_BY_TYPE[BlockType.DATA] =
  BlockFlag.END | BlockFlag.SPARSE | BlockFlag.COMPRESSED | BlockFlag.COPIED
FLAGS_BY_TYPE[BlockType.GAP] = BlockFlag.END | BlockFlag.COPIED
FLAGS_BY_TYPE[BlockType.SNAPSHOT_PART] = BlockFlag.END | BlockFlag.COMPRESSED

const CONDITIONS = [
  'it is valid',
  'its offset is a multiple of 8, at least 4,096, and its header ends within the file',
  "its magic is the segment's first salt",
  'its own offset is where it stands',
  'its length is a multiple of 8, at least 48, and it ends within the file',
  "its group's offset is a multiple of 8, at least 4,096, and not behind it",
  "its durable mark is a multiple of 8, at least 4,096, and not behind its group's offset",
  'its type is known, and its flags are such as the type allows',
  'its zero field is zero',
  'its checksum matches',
  'its first id is at least 1, and its first id and time are below 2^53',
  'its payload parses: as many records as it says, of kinds its type allows, then zero',
  'its compressed payload unpacks to exactly its length, and that to as many records as it says',
] as const

/** What condition `n` demands of a block, in words that follow "a block is valid only if". */
export function explainCondition(n: number): string {
  if (n === NEEDS_MORE) return 'its bytes are all there'
  const words = CONDITIONS[n]
  if (words === undefined) throw new Error(`there is no condition ${n}`)
  return words
}

/**
 * Writes the 48 bytes of header in front of a payload that already stands, padding included, up to
 * `at + block.length`. The CRC comes last: it covers all of it.
 */
export function sealBlock(
  target: Uint8Array,
  at: number,
  block: Block,
  key: SegmentKey,
  crc32: Crc32,
): void {
  if (at + block.length > target.length) throw new Error('a block is longer than its buffer')
  setUint32(target, at + BLOCK_MAGIC_AT, key.salt1)
  setUint32(target, at + BLOCK_LENGTH_AT, block.length)
  setUint32(target, at + BLOCK_OFFSET_AT, block.offset)
  setUint32(target, at + BLOCK_DURABLE_AT, block.durableOffset)
  setUint32(target, at + BLOCK_GROUP_AT, block.groupOffset)
  target[at + BLOCK_TYPE_AT] = block.type
  target[at + BLOCK_FLAGS_AT] = block.flags
  setUint16(target, at + BLOCK_RECORDS_AT, block.recordCount)
  setUint32(target, at + BLOCK_ZERO_AT, 0)
  setUint64(target, at + BLOCK_FIRST_ID_AT, block.firstId)
  setUint64(target, at + BLOCK_TIME_AT, block.timeMs)
  // What is written must pass the reader's own conditions, or a bug here would look like rot later.
  const failed = checkHeader(target, at, block.offset, key)
  if (failed !== 0) throw new Error(`block at ${block.offset}: false that ${CONDITIONS[failed]}`)
  if (!fitsHeader(block)) throw new Error(`block at ${block.offset}: a field does not fit`)
  const covered = target.subarray(at + BLOCK_CRC_FROM, at + block.length)
  setUint32(target, at + BLOCK_CRC_AT, crc32(covered, key.salt2))
}

/**
 * 0 where a valid block stands at `offset` of its file, which is position `at` of `bytes`; else the
 * number of the first condition that fails, 1 to 11. Where `bytes` end before the block does:
 * {@link NEEDS_MORE}, unless a condition that can be judged already fails.
 */
export function checkBlock(
  bytes: Uint8Array,
  at: number,
  offset: number,
  key: SegmentKey,
  crc32: Crc32,
): number {
  if (bytes.length - at < BLOCK_HEADER_BYTES) {
    return isBlockPlace(offset, key.fileBytes) ? NEEDS_MORE : 1
  }
  const failed = checkHeader(bytes, at, offset, key)
  if (failed !== 0) return failed
  const firstId = getUint64(bytes, at + BLOCK_FIRST_ID_AT)
  const numbersHold = firstId >= 1 && getUint64(bytes, at + BLOCK_TIME_AT) >= 0
  const end = at + getUint32(bytes, at + BLOCK_LENGTH_AT)
  if (end > bytes.length) return numbersHold ? NEEDS_MORE : 10
  const crc = crc32(bytes.subarray(at + BLOCK_CRC_FROM, end), key.salt2)
  if (crc !== getUint32(bytes, at + BLOCK_CRC_AT)) return 9
  if (!numbersHold) return 10
  const payloadHolds = checkPayload(
    bytes,
    at + BLOCK_HEADER_BYTES,
    end,
    bytes[at + BLOCK_TYPE_AT] as number,
    bytes[at + BLOCK_FLAGS_AT] as number,
    getUint16(bytes, at + BLOCK_RECORDS_AT),
    firstId,
  )
  return payloadHolds ? 0 : 11
}

/** The header of a block that {@link checkBlock} found valid, or lacking nothing but bytes. */
export function readBlock(bytes: Uint8Array, at: number): Block {
  return {
    offset: getUint32(bytes, at + BLOCK_OFFSET_AT),
    length: getUint32(bytes, at + BLOCK_LENGTH_AT),
    durableOffset: getUint32(bytes, at + BLOCK_DURABLE_AT),
    groupOffset: getUint32(bytes, at + BLOCK_GROUP_AT),
    type: bytes[at + BLOCK_TYPE_AT] as number,
    flags: bytes[at + BLOCK_FLAGS_AT] as number,
    recordCount: getUint16(bytes, at + BLOCK_RECORDS_AT),
    firstId: getUint64(bytes, at + BLOCK_FIRST_ID_AT),
    timeMs: getUint64(bytes, at + BLOCK_TIME_AT),
  }
}

/** Conditions 1 to 8: those that the header alone can answer, before anything is trusted. */
function checkHeader(bytes: Uint8Array, at: number, offset: number, key: SegmentKey): number {
  if (!isBlockPlace(offset, key.fileBytes)) return 1
  if (getUint32(bytes, at + BLOCK_MAGIC_AT) !== key.salt1) return 2
  if (getUint32(bytes, at + BLOCK_OFFSET_AT) !== offset) return 3
  const length = getUint32(bytes, at + BLOCK_LENGTH_AT)
  if ((length & 7) !== 0 || length < BLOCK_HEADER_BYTES || offset + length > key.fileBytes) return 4
  const groupOffset = getUint32(bytes, at + BLOCK_GROUP_AT)
  if ((groupOffset & 7) !== 0 || groupOffset < SEGMENT_HEADER_BYTES || groupOffset > offset) {
    return 5
  }
  const durable = getUint32(bytes, at + BLOCK_DURABLE_AT)
  if ((durable & 7) !== 0 || durable < SEGMENT_HEADER_BYTES || durable > groupOffset) return 6
  const type = bytes[at + BLOCK_TYPE_AT] as number
  if (type === 0 || type >= FLAGS_BY_TYPE.length) return 7
  const flags = bytes[at + BLOCK_FLAGS_AT] as number
  if ((flags & ~(FLAGS_BY_TYPE[type] as number)) !== 0) return 7
  return getUint32(bytes, at + BLOCK_ZERO_AT) === 0 ? 0 : 8
}

function isBlockPlace(offset: number, fileBytes: number): boolean {
  return (
    (offset & 7) === 0 && offset >= SEGMENT_HEADER_BYTES && offset + BLOCK_HEADER_BYTES <= fileBytes
  )
}

/** What {@link checkHeader} cannot see, since the header's fields wrap around. */
function fitsHeader(block: Block): boolean {
  return (
    block.durableOffset <= block.groupOffset &&
    block.groupOffset <= block.offset &&
    block.recordCount <= BLOCK_RECORDS_MAX &&
    block.type <= 0xff &&
    block.flags <= 0xff &&
    block.firstId >= 1 &&
    isUint64(block.timeMs)
  )
}
