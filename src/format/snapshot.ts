/** SNAPSHOT_PART and SNAPSHOT_END: the state of the log's owner, in named parts. */
import { encodeUtf8, FieldReader, FieldWriter } from './fields.ts'

/** What a part takes in front of its name and bytes. */
const PART_FIXED_BYTES = 16
const END_FIXED_BYTES = 8
/** What each part takes in the end, in front of its name. */
const END_ENTRY_FIXED_BYTES = 20

/** One named part of the owner's state. */
export interface SnapshotPart {
  /** The LSN that it stands for: everything below it is in it. */
  readonly lsn: number
  readonly name: string
  readonly bytes: Uint8Array
}

/** Where a part of a snapshot stands. */
export interface SnapshotPartPlace {
  /** The LSN that the part stands for. */
  readonly lsn: number
  /** The LSN of the part's block. */
  readonly blockLsn: number
  readonly name: string
}

/** A snapshot is complete only with its end. */
export interface SnapshotEnd {
  readonly parts: readonly SnapshotPartPlace[]
}

/** The body of a SNAPSHOT_PART's FIELD record, and of an owner's part in an index file. */
export function encodeSnapshotPart(part: SnapshotPart): Uint8Array {
  const name = encodeUtf8(part.name)
  const writer = new FieldWriter(PART_FIXED_BYTES + name.length + part.bytes.length)
  writer.uint64(part.lsn)
  writer.uint32(name.length)
  writer.uint32(part.bytes.length)
  writer.bytes(name)
  writer.bytes(part.bytes)
  return writer.finish()
}

/** How many bytes of {@link encodeSnapshotPart} stand in front of the part's own. */
export function snapshotPartHeadBytes(name: string): number {
  return PART_FIXED_BYTES + encodeUtf8(name).length
}

/** A part from the body of its FIELD record, its bytes as a view; undefined where malformed. */
export function decodeSnapshotPart(body: Uint8Array): SnapshotPart | undefined {
  const reader = new FieldReader(body)
  const part = readSnapshotPart(reader)
  return reader.complete ? part : undefined
}

/** Reads one part; the reader is failed where it is malformed. */
export function readSnapshotPart(reader: FieldReader): SnapshotPart {
  const lsn = reader.uint64()
  const nameBytes = reader.uint32()
  const bytesLength = reader.uint32()
  return { lsn, name: reader.text(nameBytes), bytes: reader.bytes(bytesLength) }
}

/** The body of a SNAPSHOT_END's FIELD record. */
export function encodeSnapshotEnd(end: SnapshotEnd): Uint8Array {
  const names = end.parts.map((part) => encodeUtf8(part.name))
  let byteLength = END_FIXED_BYTES
  for (const name of names) byteLength += END_ENTRY_FIXED_BYTES + name.length
  const writer = new FieldWriter(byteLength)
  writer.uint32(end.parts.length)
  writer.zero(4)
  for (const [i, part] of end.parts.entries()) {
    const name = names[i] as Uint8Array
    writer.uint64(part.lsn)
    writer.uint64(part.blockLsn)
    writer.uint32(name.length)
    writer.bytes(name)
  }
  return writer.finish()
}

/** A SNAPSHOT_END from the body of its FIELD record; undefined where it is malformed. */
export function decodeSnapshotEnd(body: Uint8Array): SnapshotEnd | undefined {
  const reader = new FieldReader(body)
  const partCount = reader.uint32()
  reader.zero32()
  const count = reader.count(partCount, END_ENTRY_FIXED_BYTES)
  const parts: SnapshotPartPlace[] = []
  for (let i = 0; i < count && !reader.failed; i++) {
    const lsn = reader.uint64()
    const blockLsn = reader.uint64()
    parts.push({ lsn, blockLsn, name: reader.text(reader.uint32()) })
  }
  return reader.complete ? { parts } : undefined
}
