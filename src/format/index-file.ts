/**
 * `index.a` and `index.b`: checkpoints beside the log. Evidence of the durable mark and a shorter way to
 * the owner's state, never more than that.
 */
import { getUint32, setUint32 } from './bytes.ts'
import type { Crc32 } from './crc.ts'
import { FieldReader, FieldWriter } from './fields.ts'
import { FORMAT_NUMBER, INDEX_FIXED_BYTES, MAP_ENTRY_BYTES } from './layout.ts'
import { readSnapshotPlaces, type SnapshotPlaces, writeSnapshotPlaces } from './link.ts'
import { isCut, type MapEntry, readMap, writeMap } from './map.ts'
import { encodeSnapshotPart, readSnapshotPart, type SnapshotPart } from './snapshot.ts'

/** The bytes `qlogidx` and zero, as two u32. */
const MAGIC_LOW = 0x676f_6c71
const MAGIC_HIGH = 0x0078_6469
const CRC_BYTES = 4
/** What an owner's part takes at least. */
const PART_BYTES_MIN = 16

/** The segment that was being written when the checkpoint was taken. */
export interface IndexedSegment {
  readonly number: number
  readonly generation: number
  readonly salt1: number
  readonly salt2: number
  /** D: everything below this offset of it was durable. */
  readonly durableOffset: number
}

export interface IndexFile {
  /** 32 hexadecimal digits. */
  readonly storeId: string
  /** Grows with every write; of two valid files the higher one counts. */
  readonly sequence: number
  readonly epoch: number
  readonly current: IndexedSegment
  readonly nextId: number
  readonly timeMs: number
  readonly snapshots: SnapshotPlaces
  readonly map: readonly MapEntry[]
  /** State of the log's owner. */
  readonly parts: readonly SnapshotPart[]
}

/** What stands in front of the parts. */
export type IndexHead = Omit<IndexFile, 'parts'>

/** The whole content of an index file. */
export function encodeIndex(index: IndexFile, crc32: Crc32): Uint8Array {
  const parts = index.parts.map(encodeSnapshotPart)
  const partsBytes = parts.reduce((sum, { length }) => sum + length, 0)
  const head = encodeIndexHead(index, parts.length, partsBytes)
  const bytes = new Uint8Array(head.length + partsBytes + CRC_BYTES)
  let at = 0
  for (const piece of [head, ...parts]) {
    bytes.set(piece, at)
    at += piece.length
  }
  bytes.set(encodeIndexEnd(crc32(bytes.subarray(0, at), 0)), at)
  return bytes
}

/** An index up to its parts, which follow as {@link encodeSnapshotPart} gives them, and then its end. */
export function encodeIndexHead(
  index: IndexHead,
  partCount: number,
  partsBytes: number,
): Uint8Array {
  if (!isIndex(index)) throw new Error('the index is out of limits')
  const headBytes = INDEX_FIXED_BYTES + index.map.length * MAP_ENTRY_BYTES
  const writer = new FieldWriter(headBytes)
  writer.uint32(MAGIC_LOW)
  writer.uint32(MAGIC_HIGH)
  writer.uint32(FORMAT_NUMBER)
  writer.uint32(headBytes + partsBytes + CRC_BYTES)
  writer.hex16(index.storeId)
  writer.uint64(index.sequence)
  writer.uint64(index.epoch)
  writer.uint64(index.current.number)
  writer.uint32(index.current.generation)
  writer.uint32(index.current.salt1)
  writer.uint32(index.current.salt2)
  writer.uint32(index.current.durableOffset)
  writer.uint64(index.nextId)
  writer.uint64(index.timeMs)
  writeSnapshotPlaces(writer, index.snapshots)
  writer.uint32(index.map.length)
  writer.uint32(partCount)
  writeMap(writer, index.map)
  return writer.finish()
}

/** The last bytes of an index: the CRC of all that stands in front of them. */
export function encodeIndexEnd(crc: number): Uint8Array {
  const bytes = new Uint8Array(CRC_BYTES)
  setUint32(bytes, 0, crc)
  return bytes
}

/**
 * The index in these bytes, owner's parts as views of them. Undefined where it is damaged, or of a format
 * that this version does not know: an index that cannot be read is no index.
 */
export function decodeIndex(bytes: Uint8Array, crc32: Crc32): IndexFile | undefined {
  const crcAt = bytes.length - CRC_BYTES
  if (crcAt < INDEX_FIXED_BYTES) return undefined
  const reader = new FieldReader(bytes, 0, crcAt)
  reader.require(reader.uint32() === MAGIC_LOW)
  reader.require(reader.uint32() === MAGIC_HIGH)
  reader.require(reader.uint32() === FORMAT_NUMBER)
  reader.require(reader.uint32() === bytes.length)
  if (reader.failed) return undefined
  if (crc32(bytes.subarray(0, crcAt), 0) !== getUint32(bytes, crcAt)) return undefined
  const storeId = reader.hex16()
  const sequence = reader.uint64()
  const epoch = reader.uint64()
  const current: IndexedSegment = {
    number: reader.uint64(),
    generation: reader.uint32(),
    salt1: reader.uint32(),
    salt2: reader.uint32(),
    durableOffset: reader.uint32(),
  }
  const nextId = reader.uint64()
  const timeMs = reader.uint64()
  const snapshots = readSnapshotPlaces(reader)
  const entryCount = reader.uint32()
  const partCount = reader.uint32()
  const map = readMap(reader, entryCount)
  const parts = readParts(reader, partCount)
  if (!reader.complete) return undefined
  const index = {
    storeId,
    sequence,
    epoch,
    current,
    nextId,
    timeMs,
    snapshots,
    map,
    parts,
  }
  return isIndex(index) ? index : undefined
}

function readParts(reader: FieldReader, partCount: number): readonly SnapshotPart[] {
  const parts: SnapshotPart[] = []
  const count = reader.count(partCount, PART_BYTES_MIN)
  for (let i = 0; i < count && !reader.failed; i++) parts.push(readSnapshotPart(reader))
  return parts
}

function isIndex(index: IndexHead): boolean {
  const { current } = index
  return (
    index.epoch >= 1 &&
    index.nextId >= 1 &&
    current.number >= 1 &&
    current.salt1 !== 0 &&
    isCut(current.durableOffset)
  )
}
