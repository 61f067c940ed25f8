/**
 * The numbers of the format: sizes, offsets, types, limits, names of segment files. What they mean
 * stands in docs/format.md, which this file must agree with.
 */

export const FORMAT_NUMBER = 1

export const SEGMENT_HEADER_BYTES = 4096
/** Each of the two copies of the segment header: the first and the last bytes of it. */
export const SEGMENT_HEADER_COPY_BYTES = 512
export const SEGMENT_FILE_BYTES_MIN = 16 * 1024
/** Offsets within a file are u32, and the file size must be one too. */
export const SEGMENT_FILE_BYTES_MAX = 2 ** 32 - 4096

export const BLOCK_HEADER_BYTES = 48
/** The size that DATA blocks aim at. */
export const BLOCK_BYTES = 4096
export const BLOCK_ALIGN_BYTES = 8
/** The CRC of a block covers everything from this byte of it to its end. */
export const BLOCK_CRC_FROM = 8
export const BLOCK_RECORDS_MAX = 0xffff

export const PAGE_BYTES = 4096
export const SECTOR_BYTES = 512

export const RECORD_HEADER_BYTES = 4
export const RECORD_LENGTH_MAX = 2 ** 28 - 1
/** A BATCH record with its header. */
export const BATCH_RECORD_BYTES = 20
/** What COPIED puts in front of the records: the epoch of the first writer. */
export const ORIGIN_BYTES = 8
/** What SPARSE puts in front of the records, for each of them: id and time. */
export const SPARSE_ENTRY_BYTES = 16

/** What COMPRESSED puts in front of the stored bytes: uncompressed and compressed length. */
export const COMPRESSED_HEADER_BYTES = 8
/** Longest COMPRESSED block that holds more than one record. */
export const COMPRESSED_BLOCK_BYTES_MAX = 16 * 1024
/** What such a block unpacks to at most: a body that a reader keeps pins no more than this. */
export const COMPRESSED_PAYLOAD_BYTES_MAX = 64 * 1024
export const UNCOMPRESSED_BYTES_MAX = 64 * 1024 * 1024
/** LZ4 cannot shrink by more than this, so a larger ratio is a lie. */
export const UNCOMPRESSED_RATIO_MAX = 255

export const MAP_ENTRY_BYTES = 64
/** LINK in front of its map. */
export const LINK_FIXED_BYTES = 96
/** MAP in front of its map. */
export const MAP_FIXED_BYTES = 32
export const SEAL_FIXED_BYTES = 32
export const SEAL_ENTRY_BYTES = 16
export const GAP_BYTES = 48
export const INDEX_FIXED_BYTES = 112

/** Where the fields of a block header stand, from the start of the block. */
export const BLOCK_MAGIC_AT = 0
export const BLOCK_CRC_AT = 4
export const BLOCK_LENGTH_AT = 8
export const BLOCK_OFFSET_AT = 12
export const BLOCK_DURABLE_AT = 16
export const BLOCK_GROUP_AT = 20
export const BLOCK_TYPE_AT = 24
export const BLOCK_FLAGS_AT = 25
export const BLOCK_RECORDS_AT = 26
export const BLOCK_ZERO_AT = 28
export const BLOCK_FIRST_ID_AT = 32
export const BLOCK_TIME_AT = 40

export const BlockType = {
  LINK: 1,
  DATA: 2,
  MAP: 3,
  SNAPSHOT_PART: 4,
  SNAPSHOT_END: 5,
  GAP: 6,
  SYNC: 7,
  CLEAN: 8,
  SEAL: 9,
} as const
export type BlockType = (typeof BlockType)[keyof typeof BlockType]

/** Bits of a block's flags. */
export const BlockFlag = {
  /** Last block of its commit group. */
  END: 1,
  /** A table of id and time stands in front of the records. */
  SPARSE: 2,
  /** The payload is one compressed piece. */
  COMPRESSED: 4,
  /** Written by recovery; the epoch of the first writer stands in front. */
  COPIED: 8,
} as const
export type BlockFlag = (typeof BlockFlag)[keyof typeof BlockFlag]

export const RecordKind = {
  MESSAGE: 1,
  CONTROL: 2,
  BATCH: 3,
  FIELD: 4,
} as const
export type RecordKind = (typeof RecordKind)[keyof typeof RecordKind]

/** Bits of the compatible features of a segment header: who does not know them ignores them. */
export const CompatibleFeature = {
  /** The file held another segment before: behind the last block stand old bytes, not zero. */
  REUSED: 1,
} as const

const SEGMENT_FILE_NAME = /^([0-9]{20})-([0-9]{2,10})\.qls$/

/** The name of a segment's file: `00000000000000000007-00.qls`. */
export function segmentFileName(number: number, generation: number): string {
  if (!Number.isSafeInteger(number) || number < 1) {
    throw new Error(`segment number ${number} is out of range`)
  }
  if (!Number.isInteger(generation) || generation < 0 || generation > 0xffff_ffff) {
    throw new Error(`segment generation ${generation} is out of range`)
  }
  return `${String(number).padStart(20, '0')}-${String(generation).padStart(2, '0')}.qls`
}

/** Number and generation in a segment's file name; undefined for any other name. */
export function parseSegmentFileName(
  name: string,
): { readonly number: number; readonly generation: number } | undefined {
  const match = SEGMENT_FILE_NAME.exec(name)
  if (match === null) return undefined
  const number = Number(match[1])
  const generation = Number(match[2])
  if (!Number.isSafeInteger(number) || number < 1 || generation > 0xffff_ffff) return undefined
  // One segment has one name: `-000` beside `-00` would be two names for the same one.
  return segmentFileName(number, generation) === name ? { number, generation } : undefined
}

/** `bytes` rounded up to a multiple of `unitBytes`. */
export function roundUp(bytes: number, unitBytes: number): number {
  return Math.ceil(bytes / unitBytes) * unitBytes
}
