/**
 * The segment header: 4,096 bytes, its fields twice (first and last 512), either copy suffices.
 *
 * ```
 *   0 magic 8 | 8 format 4 | 12 features 4+4+4 | 24 store id 16 | 40 number 8 | 48 generation 4
 *   52 salts 4+4 | 60 block bytes 4 | 64 file size 8 | 72 created 8 | 80 zero 428 | 508 CRC 4
 * ```
 */
import { getUint32, isZero, setUint32 } from './bytes.ts'
import type { Crc32 } from './crc.ts'
import { FieldReader, FieldWriter } from './fields.ts'
import {
  BLOCK_ALIGN_BYTES,
  BLOCK_HEADER_BYTES,
  CompatibleFeature,
  FORMAT_NUMBER,
  PAGE_BYTES,
  SEGMENT_FILE_BYTES_MAX,
  SEGMENT_FILE_BYTES_MIN,
  SEGMENT_HEADER_BYTES,
  SEGMENT_HEADER_COPY_BYTES,
} from './layout.ts'

/** The bytes `qlogseg` and zero. */
const MAGIC = Uint8Array.of(0x71, 0x6c, 0x6f, 0x67, 0x73, 0x65, 0x67, 0)
const FIELDS_BYTES = 80
const CRC_AT = SEGMENT_HEADER_COPY_BYTES - 4
const LAST_COPY_AT = SEGMENT_HEADER_BYTES - SEGMENT_HEADER_COPY_BYTES

/** Feature bits that this version knows. Unknown compatible ones are ignored. */
const KNOWN_READ_ONLY_COMPATIBLE = 0
const KNOWN_INCOMPATIBLE = 0

export interface Features {
  /** Unknown bits are ignored. */
  readonly compatible: number
  /** Unknown bits allow reading only. */
  readonly readOnlyCompatible: number
  /** Unknown bits forbid everything. */
  readonly incompatible: number
}

export interface SegmentHeader {
  readonly formatNumber: number
  readonly features: Features
  /** 32 hexadecimal digits, equal in all segments of a log. */
  readonly storeId: string
  readonly number: number
  readonly generation: number
  /** Random, not zero: the magic of every block of this segment. */
  readonly salt1: number
  /** Random: the seed of the CRC of every block of this segment. */
  readonly salt2: number
  /** The size that DATA blocks aim at. */
  readonly blockBytes: number
  readonly fileBytes: number
  readonly createdMs: number
}

export type DecodedSegmentHeader =
  | {
      readonly kind: 'valid'
      readonly header: SegmentHeader
      /** A feature of this segment is unknown, and allows reading only. */
      readonly readOnly: boolean
      /** Bytes of the header that are damaged; the other copy holds all fields. */
      readonly damagedCopy?: 'first' | 'last' | 'between'
    }
  | { readonly kind: 'newer'; readonly formatNumber: number; readonly why: string }
  | { readonly kind: 'foreign'; readonly why: string }
  | { readonly kind: 'damaged'; readonly why: string }

/** The 4,096 bytes of a segment header. */
export function encodeSegmentHeader(header: SegmentHeader, crc32: Crc32): Uint8Array {
  const fault = headerFault(header)
  if (fault !== undefined) throw new Error(`segment header: ${fault}`)
  const writer = new FieldWriter(SEGMENT_HEADER_COPY_BYTES)
  writer.bytes(MAGIC)
  writer.uint32(header.formatNumber)
  writer.uint32(header.features.compatible)
  writer.uint32(header.features.readOnlyCompatible)
  writer.uint32(header.features.incompatible)
  writer.hex16(header.storeId)
  writer.uint64(header.number)
  writer.uint32(header.generation)
  writer.uint32(header.salt1)
  writer.uint32(header.salt2)
  writer.uint32(header.blockBytes)
  writer.uint64(header.fileBytes)
  writer.uint64(header.createdMs)
  writer.zero(SEGMENT_HEADER_COPY_BYTES - FIELDS_BYTES)
  const copy = writer.finish()
  setUint32(copy, CRC_AT, crc32(copy.subarray(0, CRC_AT), 0))
  const bytes = new Uint8Array(SEGMENT_HEADER_BYTES)
  bytes.set(copy, 0)
  bytes.set(copy, LAST_COPY_AT)
  return bytes
}

/**
 * What stands at the start of a file. Takes as many bytes as there are: a file cut off behind the first
 * copy still says which segment it was.
 */
export function decodeSegmentHeader(bytes: Uint8Array, crc32: Crc32): DecodedSegmentHeader {
  const first = decodeCopy(bytes, 0, crc32)
  const last = decodeCopy(bytes, LAST_COPY_AT, crc32)
  // `newer` has a valid CRC, so it tells as much as a valid copy.
  const firstReadable = first.kind === 'valid' || first.kind === 'newer'
  const lastReadable = last.kind === 'valid' || last.kind === 'newer'
  if (firstReadable && lastReadable) {
    if (!sameCopies(bytes)) return { kind: 'damaged', why: 'the two copies of the header differ' }
    if (first.kind !== 'valid') return first
    return isZero(bytes, SEGMENT_HEADER_COPY_BYTES, LAST_COPY_AT)
      ? first
      : { ...first, damagedCopy: 'between' }
  }
  if (firstReadable) return first.kind === 'valid' ? { ...first, damagedCopy: 'last' } : first
  if (lastReadable) return last.kind === 'valid' ? { ...last, damagedCopy: 'first' } : last
  if (first.kind === 'foreign' && last.kind === 'foreign') return first
  const firstWhy = first.kind === 'foreign' ? 'no magic' : first.why
  const lastWhy = last.kind === 'foreign' ? 'no magic' : last.why
  return { kind: 'damaged', why: `first copy: ${firstWhy}; last copy: ${lastWhy}` }
}

function decodeCopy(bytes: Uint8Array, at: number, crc32: Crc32): DecodedSegmentHeader {
  if (!hasMagic(bytes, at)) return { kind: 'foreign', why: 'it does not begin as a segment does' }
  if (bytes.length < at + SEGMENT_HEADER_COPY_BYTES) return { kind: 'damaged', why: 'cut short' }
  const copy = bytes.subarray(at, at + SEGMENT_HEADER_COPY_BYTES)
  if (crc32(copy.subarray(0, CRC_AT), 0) !== getUint32(copy, CRC_AT)) {
    return { kind: 'damaged', why: 'the checksum does not match' }
  }
  const reader = new FieldReader(copy, MAGIC.length, FIELDS_BYTES)
  const formatNumber = reader.uint32()
  const features: Features = {
    compatible: reader.uint32(),
    readOnlyCompatible: reader.uint32(),
    incompatible: reader.uint32(),
  }
  // A newer format may use the bytes behind, so this is asked before they are looked at.
  if (formatNumber !== FORMAT_NUMBER) {
    const why =
      formatNumber < FORMAT_NUMBER
        ? `format ${formatNumber} is a draft that no released version wrote`
        : `format ${formatNumber} is not known`
    return { kind: 'newer', formatNumber, why }
  }
  if ((features.incompatible & ~KNOWN_INCOMPATIBLE) !== 0) {
    const why = `incompatible features 0x${features.incompatible.toString(16)} are not known`
    return { kind: 'newer', formatNumber, why }
  }
  const header: SegmentHeader = {
    formatNumber,
    features,
    storeId: reader.hex16(),
    number: reader.uint64(),
    generation: reader.uint32(),
    salt1: reader.uint32(),
    salt2: reader.uint32(),
    blockBytes: reader.uint32(),
    fileBytes: reader.uint64(),
    createdMs: reader.uint64(),
  }
  if (!reader.complete) return { kind: 'damaged', why: 'a number is 2^53 or more' }
  const readOnly = (features.readOnlyCompatible & ~KNOWN_READ_ONLY_COMPATIBLE) !== 0
  if (!isZero(copy, FIELDS_BYTES, CRC_AT)) {
    return { kind: 'damaged', why: 'bytes that must be zero are not' }
  }
  const fault = headerFault(header)
  return fault === undefined ? { kind: 'valid', header, readOnly } : { kind: 'damaged', why: fault }
}

/** Whether the file held another segment before: what stands behind the last block is old bytes. */
export function isReused({ features }: SegmentHeader): boolean {
  return (features.compatible & CompatibleFeature.REUSED) !== 0
}

/** What is out of limits in a header, in words. */
function headerFault(header: SegmentHeader): string | undefined {
  if (header.number < 1) return 'the segment number is 0'
  if (header.salt1 === 0) return 'the first salt is 0'
  if (!isSegmentFileBytes(header.fileBytes)) return `the file size ${header.fileBytes} is not legal`
  if (header.blockBytes < BLOCK_HEADER_BYTES || header.blockBytes % BLOCK_ALIGN_BYTES !== 0) {
    return `the block size ${header.blockBytes} is not legal`
  }
  return undefined
}

/** True for a size that a segment's file may have. */
export function isSegmentFileBytes(fileBytes: number): boolean {
  return (
    fileBytes % PAGE_BYTES === 0 &&
    fileBytes >= SEGMENT_FILE_BYTES_MIN &&
    fileBytes <= SEGMENT_FILE_BYTES_MAX
  )
}

function hasMagic(bytes: Uint8Array, at: number): boolean {
  if (bytes.length < at + MAGIC.length) return false
  for (let i = 0; i < MAGIC.length; i++) {
    if (bytes[at + i] !== MAGIC[i]) return false
  }
  return true
}

function sameCopies(bytes: Uint8Array): boolean {
  for (let i = 0; i < SEGMENT_HEADER_COPY_BYTES; i++) {
    if (bytes[i] !== bytes[LAST_COPY_AT + i]) return false
  }
  return true
}
