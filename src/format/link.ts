/**
 * LINK, the first record of every segment, and MAP, a later version of the segment map. Both are the
 * body of a FIELD record.
 */
import { FieldReader, FieldWriter } from './fields.ts'
import { LINK_FIXED_BYTES, MAP_ENTRY_BYTES, MAP_FIXED_BYTES } from './layout.ts'
import { isCut, type MapEntry, readMap, writeMap } from './map.ts'

export type { MapEntry } from './map.ts'

/** In the order of their numbers on disk. */
const MODES = ['always', 'interval', 'never'] as const

/** When an append resolves: after its flush, or after its write. */
export type LinkMode = (typeof MODES)[number]

/** LSNs of the newest complete snapshot's end and of the one before; 0 = none. */
export type SnapshotPlaces = readonly [newest: number, before: number]

export interface Predecessor {
  readonly number: number
  readonly generation: number
  /** The offset where it ends for ever. */
  readonly cut: number
}

export interface Link {
  /** Of the writer; higher than every earlier writer's. */
  readonly epoch: number
  /** 32 hexadecimal digits. */
  readonly bootId: string
  readonly bootTimeMs: number
  readonly mode: LinkMode
  /** Most bytes that this writer has under way, so the longest honest tear. */
  readonly inFlightBytesMax: number
  /** LSN of this segment's first byte. */
  readonly base: number
  /** The segment before; absent in the first of a log. */
  readonly predecessor?: Predecessor
  /** Next id when the segment began. */
  readonly nextId: number
  readonly snapshots: SnapshotPlaces
  /** Every other segment of the log, by number. */
  readonly map: readonly MapEntry[]
}

export interface SegmentMap {
  readonly epoch: number
  readonly snapshots: SnapshotPlaces
  /** Every segment of the log but the current one, by number. */
  readonly map: readonly MapEntry[]
}

/** The body of a LINK's FIELD record. */
export function encodeLink(link: Link): Uint8Array {
  if (link.epoch < 1 || link.nextId < 1) throw new Error('epoch and next id of a LINK begin at 1')
  const { predecessor } = link
  if (predecessor !== undefined && !isPredecessor(predecessor)) {
    throw new Error(`predecessor ${predecessor.number} of a LINK is out of limits`)
  }
  const writer = new FieldWriter(LINK_FIXED_BYTES + link.map.length * MAP_ENTRY_BYTES)
  writer.uint64(link.epoch)
  writer.hex16(link.bootId)
  writer.uint64(link.bootTimeMs)
  writer.uint32(MODES.indexOf(link.mode))
  writer.uint32(link.inFlightBytesMax)
  writer.uint64(link.base)
  writer.uint64(predecessor?.number ?? 0)
  writer.uint32(predecessor?.generation ?? 0)
  writer.uint32(predecessor?.cut ?? 0)
  writer.uint64(link.nextId)
  writeSnapshotPlaces(writer, link.snapshots)
  writer.uint32(link.map.length)
  writer.zero(4)
  writeMap(writer, link.map)
  return writer.finish()
}

/** A LINK from the body of its FIELD record; undefined where it is malformed. */
export function decodeLink(body: Uint8Array): Link | undefined {
  const reader = new FieldReader(body)
  const epoch = reader.uint64()
  const bootId = reader.hex16()
  const bootTimeMs = reader.uint64()
  const mode = MODES[reader.uint32()]
  const inFlightBytesMax = reader.uint32()
  const base = reader.uint64()
  const predecessor: Predecessor = {
    number: reader.uint64(),
    generation: reader.uint32(),
    cut: reader.uint32(),
  }
  const nextId = reader.uint64()
  const snapshots = readSnapshotPlaces(reader)
  const entryCount = reader.uint32()
  reader.zero32()
  const map = readMap(reader, entryCount)
  const hasPredecessor = predecessor.number !== 0
  if (hasPredecessor) reader.require(isPredecessor(predecessor))
  else reader.require(predecessor.generation === 0 && predecessor.cut === 0)
  reader.require(epoch >= 1 && nextId >= 1)
  if (!reader.complete || mode === undefined) return undefined
  const link: Link = {
    epoch,
    bootId,
    bootTimeMs,
    mode,
    inFlightBytesMax,
    base,
    nextId,
    snapshots,
    map,
  }
  return hasPredecessor ? { ...link, predecessor } : link
}

/** The body of a MAP's FIELD record. */
export function encodeMap(segmentMap: SegmentMap): Uint8Array {
  if (segmentMap.epoch < 1) throw new Error('the epoch of a MAP begins at 1')
  const writer = new FieldWriter(MAP_FIXED_BYTES + segmentMap.map.length * MAP_ENTRY_BYTES)
  writer.uint64(segmentMap.epoch)
  writeSnapshotPlaces(writer, segmentMap.snapshots)
  writer.uint32(segmentMap.map.length)
  writer.zero(4)
  writeMap(writer, segmentMap.map)
  return writer.finish()
}

/** A MAP from the body of its FIELD record; undefined where it is malformed. */
export function decodeMap(body: Uint8Array): SegmentMap | undefined {
  const reader = new FieldReader(body)
  const epoch = reader.uint64()
  const snapshots = readSnapshotPlaces(reader)
  const entryCount = reader.uint32()
  reader.zero32()
  const map = readMap(reader, entryCount)
  reader.require(epoch >= 1)
  return reader.complete ? { epoch, snapshots, map } : undefined
}

export function writeSnapshotPlaces(writer: FieldWriter, places: SnapshotPlaces): void {
  writer.uint64(places[0])
  writer.uint64(places[1])
}

export function readSnapshotPlaces(reader: FieldReader): SnapshotPlaces {
  return [reader.uint64(), reader.uint64()]
}

function isPredecessor(predecessor: Predecessor): boolean {
  return (
    Number.isSafeInteger(predecessor.number) && predecessor.number >= 1 && isCut(predecessor.cut)
  )
}
