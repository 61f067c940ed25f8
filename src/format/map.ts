/** The segment map: one entry of 64 bytes a segment, as it stands in LINK, MAP and the index files. */
import { isUint32, isUint64 } from './bytes.ts'
import type { FieldReader, FieldWriter } from './fields.ts'
import { isSegmentFileBytes } from './header.ts'
import { MAP_ENTRY_BYTES, SEGMENT_HEADER_BYTES } from './layout.ts'

const HAS_CONTROL = 1
const DAMAGED = 2
const DATA_ONLY = 4

/** What the log knows of one of its segments. */
export interface MapEntry {
  readonly number: number
  readonly generation: number
  readonly salt1: number
  readonly salt2: number
  readonly fileBytes: number
  /** The offset where this segment ends for ever. */
  readonly cut: number
  readonly hasControl: boolean
  /** Known to hold damage. */
  readonly damaged: boolean
  /** Written by compaction: messages alone, in SPARSE blocks. */
  readonly dataOnly: boolean
  /** LSN of its first byte. */
  readonly base: number
  readonly firstId: number
  /** One past the last id. */
  readonly endId: number
  /** Highest segment number it covers: its own, unless it was merged. */
  readonly coversTo: number
}

export function writeMapEntry(writer: FieldWriter, entry: MapEntry): void {
  if (!isMapEntry(entry)) throw new Error(`map entry of segment ${entry.number} is out of limits`)
  writer.uint64(entry.number)
  writer.uint32(entry.generation)
  writer.uint32(entry.salt1)
  writer.uint32(entry.salt2)
  writer.uint32(entry.fileBytes)
  writer.uint32(entry.cut)
  writer.uint32(
    (entry.hasControl ? HAS_CONTROL : 0) |
      (entry.damaged ? DAMAGED : 0) |
      (entry.dataOnly ? DATA_ONLY : 0),
  )
  writer.uint64(entry.base)
  writer.uint64(entry.firstId)
  writer.uint64(entry.endId)
  writer.uint64(entry.coversTo)
}

/** Writes entries that must stand by number. */
export function writeMap(writer: FieldWriter, map: readonly MapEntry[]): void {
  let previous = 0
  for (const entry of map) {
    if (entry.number <= previous) throw new Error('the segment map is not in order')
    previous = entry.number
    writeMapEntry(writer, entry)
  }
}

/** Reads `count` entries; the reader is failed where they are malformed or out of order. */
export function readMap(reader: FieldReader, count: number): readonly MapEntry[] {
  const entries: MapEntry[] = []
  const fitting = reader.count(count, MAP_ENTRY_BYTES)
  let previous = 0
  for (let i = 0; i < fitting && !reader.failed; i++) {
    const entry = readMapEntry(reader)
    reader.require(entry.number > previous)
    previous = entry.number
    entries.push(entry)
  }
  return entries
}

function readMapEntry(reader: FieldReader): MapEntry {
  const number = reader.uint64()
  const generation = reader.uint32()
  const salt1 = reader.uint32()
  const salt2 = reader.uint32()
  const fileBytes = reader.uint32()
  const cut = reader.uint32()
  const flags = reader.uint32()
  const entry: MapEntry = {
    number,
    generation,
    salt1,
    salt2,
    fileBytes,
    cut,
    hasControl: (flags & HAS_CONTROL) !== 0,
    damaged: (flags & DAMAGED) !== 0,
    dataOnly: (flags & DATA_ONLY) !== 0,
    base: reader.uint64(),
    firstId: reader.uint64(),
    endId: reader.uint64(),
    coversTo: reader.uint64(),
  }
  reader.require(flags <= (HAS_CONTROL | DAMAGED | DATA_ONLY) && isMapEntry(entry))
  return entry
}

function isMapEntry(entry: MapEntry): boolean {
  return (
    isUint64(entry.number) &&
    entry.number >= 1 &&
    isUint32(entry.generation) &&
    isUint32(entry.salt1) &&
    entry.salt1 !== 0 &&
    isUint32(entry.salt2) &&
    isSegmentFileBytes(entry.fileBytes) &&
    isCut(entry.cut) &&
    entry.cut <= entry.fileBytes &&
    isUint64(entry.base) &&
    isUint64(entry.base + entry.fileBytes) &&
    entry.firstId >= 1 &&
    isUint64(entry.endId) &&
    entry.endId >= entry.firstId &&
    isUint64(entry.coversTo) &&
    entry.coversTo >= entry.number
  )
}

/** True for an offset where a segment may end. */
export function isCut(cut: number): boolean {
  return isUint32(cut) && cut % 8 === 0 && cut >= SEGMENT_HEADER_BYTES
}
