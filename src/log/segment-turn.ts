/**
 * The segment being written, and the turn to the next one: the map entry of the one that ends, the LINK
 * of the one that begins, and the SEAL behind the end of the full one, once nothing is under way on it.
 */
import type { Link, LinkMode, MapEntry, SnapshotPlaces } from '../format/link.ts'
import type { Identity, System } from '../system/system.ts'
import { BlockIndex } from './block-index.ts'
import type { Composer } from './composer.ts'
import type { Flight } from './flight.ts'
import type { FlightWriter } from './flight-writer.ts'
import type { IntervalFlush } from './interval-flush.ts'
import { ioError, runAll } from './io-errors.ts'
import { LiveMap } from './live-map.ts'
import type { OwnSegment } from './segment-file.ts'
import type { SegmentSupply, SegmentUse } from './space/supply.ts'
import { linkPairBytes, mapReserveBytes, sealBytes, TAIL_RESERVE_BYTES } from './special-groups.ts'

/** What LINK says of how this opening writes. */
export interface LinkOptions {
  readonly mode: LinkMode
  /** No more bytes than this are ever between D and the end of a write. */
  readonly inFlightBytesBound: number
}

/** The segments that this opening finds. */
export interface TurnStart {
  readonly map: readonly MapEntry[]
  /** Snapshots that the map in force names. */
  readonly snapshots: SnapshotPlaces
  /** LSN of the next segment's first byte. */
  readonly nextBase: number
  /** The segment that recovery wrote, which goes on being written. */
  readonly segment?: OwnSegment
}

export interface TurnParts {
  readonly system: System
  readonly epoch: number
  readonly options: LinkOptions
  readonly start: TurnStart
  readonly supply: SegmentSupply
  readonly composer: Composer
  readonly writer: FlightWriter
  readonly flush: IntervalFlush
  /** Called when the segment that `next` had to make is there, or with the error where it is not. */
  readonly onPrepared: (error: unknown, use: SegmentUse) => void
  /** Called with what that threw: nobody waits for it. */
  readonly failed: (error: unknown) => void
  /** Called when a segment is full: its final map entry and where its blocks stand. */
  readonly onSealed: (entry: MapEntry, index: BlockIndex) => void
}

export class SegmentTurn {
  /** The segment being written; undefined until the first group of this opening. */
  segment: OwnSegment | undefined
  /** Blocks of `segment` so far. */
  blockIndex = new BlockIndex()
  readonly map: LiveMap
  readonly #parts: TurnParts
  /** A segment that the pending group or a map needs is being made. */
  #isPreparing = false
  /** The segment in front of one whose first group has not resolved yet. */
  #unsealed: OwnSegment | undefined
  /** The full segment whose SEAL is being written. */
  #sealing: Promise<void> = Promise.resolve()

  constructor(parts: TurnParts) {
    this.#parts = parts
    this.segment = parts.start.segment
    this.map = new LiveMap(parts.start.map, parts.start.snapshots)
  }

  /**
   * The segment that was made ahead, if it is large enough, also for `moreBytes` behind its first group;
   * else begins to make one, and tells when that is over. The current one ends at `endId`.
   */
  next(endId: number, moreBytes = 0): OwnSegment | undefined {
    const { supply, composer, onPrepared, failed } = this.#parts
    if (this.segment) supply.judge(this.segment)
    const bytes = this.#neededBytes(endId, moreBytes)
    const own = supply.take(bytes)
    if (own || this.#isPreparing) return own
    this.#isPreparing = true
    const use = composer.pending.messages > 0 ? 'messages' : 'control'
    const prepared = (error: unknown): void => {
      this.#isPreparing = false
      onPrepared(error, use)
    }
    supply
      .prepare(bytes, use)
      .then(() => prepared(undefined), prepared)
      .catch(failed)
    return undefined
  }

  /** The same, made at once where there is none. */
  nextSync(endId: number): OwnSegment {
    const { supply } = this.#parts
    const bytes = this.#neededBytes(endId, 0)
    return supply.take(bytes) ?? supply.makeSync(bytes, this.segment)
  }

  /**
   * Makes `own` the current segment: its LINK and the pending group, as one flight. The segment before
   * ends at `endId`.
   */
  open(own: OwnSegment, endId: number): Flight {
    const { system, composer, supply, start } = this.#parts
    const full = this.segment
    const fullIndex = this.blockIndex
    supply.noteLink(linkPairBytes(this.#link(0, endId)))
    own.base = full ? full.base + full.fileBytes : start.nextBase
    const link = this.#link(own.base, endId)
    own.firstId = link.nextId
    own.startedMs = system.clock.monotonicMs()
    own.mapReserveBytes = mapReserveBytes(link.map.length, own.fileBytes)
    const retired = this.map.takeRetiring()
    const index = new BlockIndex()
    const entry = full && link.map.at(-1)
    const flight = composer.opening(own, link, index, {
      mustFlush: retired !== undefined,
      resolved: () => {
        if (full && entry) this.#seal(full, entry, fullIndex)
        retired?.()
      },
    })
    this.map.adopt(link.map)
    // Sealing takes its time, and needs one.
    full?.lanes.shedSync()
    this.#unsealed = full
    this.segment = own
    this.blockIndex = index
    return flight
  }

  /** Resolves when nothing is being written to the file of a full segment any more. */
  sealed(): Promise<void> {
    return this.#sealing
  }

  /** Closes the files, once nothing is under way on them. */
  async close(): Promise<void> {
    const errors = await runAll([
      async () => this.#unsealed?.lanes.close(),
      async () => this.segment?.lanes.close(),
    ])
    if (errors.length > 0) throw ioError('close the segments', errors[0], errors.slice(1))
  }

  /** What the next segment must hold at least: its LINK, the pending group and the tail's reserve. */
  #neededBytes(endId: number, moreBytes: number): number {
    const pendingBytes = this.#parts.composer.pending.byteLength
    const link = this.#link(0, endId)
    const bytes = 4096 + linkPairBytes(link) + pendingBytes + TAIL_RESERVE_BYTES
    if (moreBytes === 0) return bytes
    // What comes behind the first group keeps the room for a MAP free.
    return bytes + moreBytes + mapReserveBytes(link.map.length, Number.POSITIVE_INFINITY)
  }

  #link(base: number, endId: number): Link {
    const { system, epoch, options, composer } = this.#parts
    const sealed = this.segment && entryOf(this.segment, endId)
    const map = sealed ? [...this.map.entries, sealed] : this.map.entries
    const { mode, inFlightBytesBound } = options
    const nextId = composer.firstPendingId
    const link = linkOf(system.identity, epoch, mode, inFlightBytesBound, base, nextId, map)
    return { ...link, snapshots: this.map.snapshots }
  }

  #seal(full: OwnSegment, entry: MapEntry, index: BlockIndex): void {
    const { system, composer, writer, flush, onSealed } = this.#parts
    const { timeMs } = composer
    // The file is closed once nothing is under way on it any more: neither a write that a synchronous
    // append overtook, nor a flush.
    this.#unsealed = undefined
    const before = Promise.all([this.#sealing, writer.returned(), flush.settled()])
    this.#sealing = before.then(() => sealFile(system, full, entry, index, timeMs))
    onSealed(entry, index)
  }
}

/** The map entry of a segment of our own that ends where its last group was sent. */
function entryOf(segment: OwnSegment, endId: number): MapEntry {
  return {
    number: segment.number,
    generation: segment.generation,
    salt1: segment.key.salt1,
    salt2: segment.key.salt2,
    fileBytes: segment.fileBytes,
    cut: segment.sentEnd,
    hasControl: segment.hasControl,
    damaged: false,
    dataOnly: false,
    base: segment.base,
    firstId: segment.firstId,
    endId,
    coversTo: segment.number,
  }
}

/** The LINK of a segment behind those of `map`; the last of them is its predecessor. */
function linkOf(
  identity: Identity,
  epoch: number,
  mode: LinkMode,
  inFlightBytesMax: number,
  base: number,
  nextId: number,
  map: readonly MapEntry[],
): Omit<Link, 'snapshots'> {
  const before = map.at(-1)
  return {
    epoch,
    bootId: identity.bootId,
    bootTimeMs: Math.max(0, Math.floor(identity.bootTimeMs)),
    mode,
    inFlightBytesMax,
    base,
    ...(before && {
      predecessor: { number: before.number, generation: before.generation, cut: before.cut },
    }),
    nextId,
    map,
  }
}

/** Writes SEAL, unflushed, and closes the file. A cache: whether it arrives does not matter. */
async function sealFile(
  system: System,
  segment: OwnSegment,
  entry: MapEntry,
  index: BlockIndex,
  timeMs: number,
): Promise<void> {
  const seal = {
    firstId: entry.firstId,
    endId: entry.endId,
    messages: entry.endId - entry.firstId,
    controls: 0,
    blockFirstIds: Float64Array.from(index.firstIds),
    blockOffsets: Uint32Array.from(index.offsets),
  }
  const bytes = sealBytes(segment, seal, timeMs, system.crc32)
  try {
    if (bytes) await segment.handle.write(bytes, segment.sentEnd)
  } catch {
    // The segment is durable as it is; without SEAL the next reader walks it once.
  }
  await segment.lanes.close().catch(() => undefined)
}
