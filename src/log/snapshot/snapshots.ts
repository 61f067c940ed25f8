/**
 * The owner's saved state while the log is open: takes it part by part, decides whether it goes into the
 * log, into an index file, or waits for the end, and knows how far back the log must be kept for it.
 */
import { DamagedError, QlogError, QlogTypeError } from '../../errors.ts'
import { copyOf } from '../../format/bytes.ts'
import { BlockType, SEGMENT_HEADER_BYTES } from '../../format/layout.ts'
import type { MapEntry } from '../../format/link.ts'
import { encodeSnapshotEnd, encodeSnapshotPart } from '../../format/snapshot.ts'
import type { IndexedPart } from '../checkpoint.ts'
import type { CheckpointWriter } from '../checkpoint-writer.ts'
import type { CommitLoop } from '../commit-loop.ts'
import type { SnapshotBlock } from '../composer.ts'
import type { Lsn, PartToSave, SavedPart, Snapshot } from '../seam.ts'
import { type DueParts, duePartsOf, type NextState } from './due-parts.ts'
import { type FoundState, readWhole, unlessDamaged } from './find-state.ts'
import type { PartReader } from './part-reader.ts'
import { SaveDue } from './save-due.ts'
import {
  assertPartName,
  bytesOf,
  type LogSnapshot,
  lowestAt,
  lowestLsn,
  type PartPlace,
  type State,
  swappedPlace,
} from './saved-state.ts'

const MIB = 1024 * 1024
/** Parts in one write: nobody's append waits long behind them. */
const WRITE_BYTES = 32 * 1024
/** What a part takes beside its bytes, about. */
const PART_FRAMING_BYTES = 96
/** A part that stands further back than this many times the state, and 1 MiB, is written again. */
const OLD_PART_FACTOR = 16
/** The state goes into the index after this many appended bytes, and eight times its own size. */
const INDEX_BYTES_MIN = 64 * MIB
const INDEX_FACTOR = 8
/** A larger state is not written into an index: opening would not believe it. */
const INDEX_STATE_BYTES_MAX = 192 * MIB
/** Parts that wait in memory for the log to be closed; with more of them the snapshot goes into the log. */
const KEPT_BYTES_MAX = 64 * MIB
/** After so many bytes of parts the loop goes on: taking a large state must not hold others up. */
const TAKEN_AT_ONCE_BYTES = MIB
/** Closing writes the state unless less than an eighth of it would have to be read instead; not below this. */
const CLOSE_BYTES_MIN = MIB

export interface SnapshotsParts {
  readonly loop: CommitLoop
  readonly reader: PartReader
  readonly checkpoints: CheckpointWriter
  readonly found: FoundState
  readonly partBytesMax: number
  readonly isClosing: () => boolean
  /** Lets others go on. */
  readonly pause: () => Promise<void>
  /** Bytes of segments that would be given back if the GC root let them. */
  readonly heldBackBytes: () => number
  /** Called when the GC root may have moved, before the map that names the snapshot has left. */
  readonly onRoot: () => void
  /** Called with the size of a state that the log holds. */
  readonly onSize: (bytes: number) => void
}

export class Snapshots {
  readonly #parts: SnapshotsParts
  /** The state that was given last, which 'unchanged' refers to. */
  #current: State | undefined
  /** The newest one that is durable. */
  #saved: State | undefined
  /** Complete snapshots in the log, newest first, at most two; whether all their parts have been read. */
  #inLog: readonly { readonly snapshot: LogSnapshot; readonly isRead: boolean }[]
  readonly #due: SaveDue
  /** What had been appended when an index last took the state. */
  #indexedBytes: number
  /** The state that an index has. */
  #indexed: State | undefined
  #isSaving = false
  /** What is being written; never rejects. */
  #writing: Promise<void> = Promise.resolve()

  constructor(parts: SnapshotsParts) {
    this.#parts = parts
    const { found, loop } = parts
    this.#current = found.state
    this.#saved = found.state
    const { state } = found
    if (state && [...state.values()].every(({ indexed }) => indexed)) this.#indexed = state
    this.#inLog = found.snapshots.map((snapshot) => ({ snapshot, isRead: false }))
    const lsn = found.places[0]
    const controlBytes = bytesAbove(
      loop.map.filter((entry) => entry.hasControl),
      lsn,
    )
    this.#due = new SaveDue(loop, parts.heldBackBytes, controlBytes)
    this.#indexedBytes = -bytesAbove(loop.map, state ? lowestAt(state) : 0)
    if (state) parts.onSize(bytesOf(state))
  }

  /**
   * Nothing below is needed for either of the last two snapshots; 0 while there are not two. Without control
   * records, and without a snapshot that could not be read either, there is no state but that of each
   * message by itself, and so no limit.
   */
  get gcRoot(): Lsn {
    const { loop } = this.#parts
    const hasControl = loop.segment?.hasControl || loop.map.some((entry) => entry.hasControl)
    if (!hasControl && loop.snapshotPlaces[0] === 0) return Number.POSITIVE_INFINITY
    if (this.#inLog.length < 2) return 0
    return Math.min(...this.#inLog.map(({ snapshot }) => lowestLsn(snapshot)))
  }

  noteControl(bytes: number): void {
    this.#due.noteControl(bytes)
  }

  snapshot(): Snapshot | undefined {
    const saved = this.#saved
    if (!saved) return undefined
    const { reader } = this.#parts
    const parts = new Map<string, SavedPart>()
    for (const [name, place] of saved) {
      parts.set(name, { at: place.at, read: () => reader.part(name, place) })
    }
    return { parts }
  }

  /** Whether a snapshot in the log would pay by what it lets go of, or is what a full disk waits for. */
  get isDue(): boolean {
    const bytes = this.#current ? bytesOf(this.#current) : 0
    return this.#due.gives(bytes) || this.#due.isFullDue(bytes)
  }

  async save(given: AsyncIterable<PartToSave>, isWhole: boolean): Promise<void> {
    if (this.#isSaving) throw new Error('one snapshot is saved at a time')
    this.#isSaving = true
    const before = this.#current
    let next: NextState | undefined
    try {
      next = await this.#collect(given, isWhole)
      // It names no LSN: its end alone would let go of what came while it was given.
      if (next.state.size === 0) throw new QlogTypeError('a state has one part at least')
      const writing = this.#store(next)
      this.#writing = writing.catch(() => undefined)
      await writing
    } catch (error) {
      // It is told as not saved: 'unchanged' goes on meaning the one before.
      const isDamage = error instanceof DamagedError
      this.#current = isDamage && before && next ? otherBlocks(before, next.state) : before
      throw error
    } finally {
      this.#isSaving = false
    }
  }

  /** Resolves when nothing is being written. */
  async settled(): Promise<void> {
    await this.#writing
  }

  /** Writes the state that was given last into the index, where that is worth it; false where it is not. */
  async saveAtEnd(): Promise<boolean> {
    const state = this.#current
    if (!state || state === this.#indexed) return false
    const bytes = bytesOf(state)
    if (bytes > CLOSE_BYTES_MIN && this.#bytesSinceIndex * INDEX_FACTOR < bytes) return false
    // What cannot be read is no state to close with: the one before stands, and what came since.
    return (await unlessDamaged(this.#saveInIndex(state))) ?? false
  }

  get #bytesSinceIndex(): number {
    return this.#parts.loop.settlement.stats.messageBytes - this.#indexedBytes
  }

  async #store(next: NextState): Promise<void> {
    const { loop } = this.#parts
    this.#assertOpen()
    const isInLog = next.isWhole || next.isSpilled || this.#isLogDue(next)
    if (isInLog) await this.#saveInLog(next)
    else this.#current = next.state
    const bytes = bytesOf(next.state)
    const appended = this.#bytesSinceIndex
    if (appended < Math.max(INDEX_BYTES_MIN, INDEX_FACTOR * bytes)) return
    await loop.flushed()
    this.#assertOpen()
    const indexing = this.#saveInIndex(this.#current ?? next.state)
    // What the log holds is saved, whatever becomes of a copy of it.
    await (isInLog ? unlessDamaged(indexing) : indexing)
  }

  /** Takes what is given; what would be too much to keep goes into the log at once. */
  async #collect(given: AsyncIterable<PartToSave>, isWhole: boolean): Promise<NextState> {
    const next: NextState = { state: new Map(), isWhole, written: new Set(), isSpilled: false }
    let keptBytes = 0
    let takenBytes = 0
    for await (const part of given) {
      this.#assertOpen()
      const [name] = part
      if (next.state.has(name)) throw new QlogTypeError(`the part "${name}" is given twice`)
      const place = this.#placeOf(part)
      next.state.set(name, place)
      keptBytes += place.bytes?.length ?? 0
      takenBytes += place.bytes?.length ?? 0
      if (takenBytes >= TAKEN_AT_ONCE_BYTES) {
        takenBytes = 0
        await this.#parts.pause()
        this.#assertOpen()
      }
      if (keptBytes <= KEPT_BYTES_MAX) continue
      next.isSpilled = true
      const kept = [...next.state].filter(([, { bytes }]) => bytes).map(([each]) => each)
      await this.#writeParts(next, kept)
      keptBytes = 0
    }
    return next
  }

  #placeOf([name, at, bytes]: PartToSave): PartPlace {
    const { loop, partBytesMax } = this.#parts
    assertPartName(name)
    if (!Number.isSafeInteger(at) || at < 0 || at > loop.visibleLsn) {
      throw new QlogTypeError(`the part "${name}" stands for LSN ${at}, which is not durable yet`)
    }
    if (bytes === 'unchanged') {
      const place = this.#current?.get(name)
      if (!place) throw new QlogTypeError(`there was no part "${name}" that could be unchanged`)
      return { ...place, at }
    }
    if (bytes.length > partBytesMax) {
      throw new QlogError(
        'QLOG_TOO_LARGE',
        `the part "${name}" of ${bytes.length} bytes is over the limit of ${partBytesMax}`,
      )
    }
    // The owner goes on changing what it handed over.
    return { at, byteLength: bytes.length, bytes: copyOf(bytes) }
  }

  /** What is only old is written in passing. */
  #isLogDue(next: NextState): boolean {
    let bytes = 0
    for (const name of this.#dueParts(next, 0).due) bytes += placeIn(next, name).byteLength
    const before = this.#current ? bytesOf(this.#current) : 0
    return this.#due.gives(before) || this.#due.isLogDue(bytes)
  }

  /** Part after part, then the end; what has been read back then counts. */
  async #saveInLog(next: NextState): Promise<void> {
    const { loop, reader, onRoot, onSize } = this.#parts
    const begun = this.#due.begin()
    // On a full disk nothing stays behind that would hold the root: two snapshots have to give back the reserve.
    const oldLsn = loop.admission.isDiskFull
      ? (loop.segment?.base ?? 0)
      : loop.visibleLsn - Math.max(MIB, OLD_PART_FACTOR * bytesOf(next.state))
    const { due, swapped } = this.#dueParts(next, oldLsn)
    for (const name of swapped) next.state.set(name, swappedPlace(placeIn(next, name)))
    await this.#writeParts(next, due)
    this.#assertOpen()
    const parts = [...next.state].map(([name, { at, blockLsn }]) => ({
      name,
      lsn: at,
      blockLsn: blockLsn ?? 0,
    }))
    const body = encodeSnapshotEnd({ parts })
    const [endLsn] = await loop.writeSnapshotBlocks([{ type: BlockType.SNAPSHOT_END, body }])
    if (endLsn === undefined) throw new Error('the end of a snapshot has no place')
    const snapshot = await reader.snapshot(endLsn)
    await readWhole(reader, snapshot)
    const before = await this.#newestThatReads()
    const state = new Map<string, PartPlace>()
    for (const [name, { bytes: _, ...place }] of next.state) state.set(name, place)
    this.#current = state
    this.#saved = state
    this.#due.saved(begun)
    this.#assertOpen()
    onSize(bytesOf(state))
    const named = loop.nameSnapshots([endLsn, before?.endLsn ?? 0])
    // The root goes by what the next map names, and never ahead of it.
    this.#inLog = [
      { snapshot, isRead: true },
      ...(before ? [{ snapshot: before, isRead: true }] : []),
    ]
    // What retires now leaves with the map that names the snapshot.
    onRoot()
    await named
    this.#due.named(begun)
  }

  /** While the disk is full a second block of a part would take of the reserve. */
  #dueParts(next: NextState, oldLsn: Lsn): DueParts {
    const { isDiskFull } = this.#parts.loop.admission
    return duePartsOf(next, oldLsn, isDiskFull ? [] : this.#inLog.map(({ snapshot }) => snapshot))
  }

  /** Small parts share a write: a state of thousands of them would otherwise take as many flushes. */
  async #writeParts(next: NextState, names: readonly string[]): Promise<void> {
    let together: string[] = []
    let bytes = 0
    for (const name of names) {
      const { byteLength } = placeIn(next, name)
      if (together.length > 0 && bytes + byteLength > WRITE_BYTES) {
        await this.#writeTogether(next, together)
        together = []
        bytes = 0
      }
      together.push(name)
      bytes += byteLength + PART_FRAMING_BYTES
    }
    if (together.length > 0) await this.#writeTogether(next, together)
  }

  async #writeTogether(next: NextState, names: readonly string[]): Promise<void> {
    const { loop, reader } = this.#parts
    const blocks: SnapshotBlock[] = []
    for (const name of names) {
      const place = placeIn(next, name)
      const bytes = await reader.part(name, place)
      const body = encodeSnapshotPart({ lsn: place.at, name, bytes })
      blocks.push({ type: BlockType.SNAPSHOT_PART, body })
    }
    this.#assertOpen()
    const lsns = await loop.writeSnapshotBlocks(blocks)
    for (const [row, name] of names.entries()) {
      const blockLsn = lsns[row]
      if (blockLsn === undefined) throw new Error(`the part ${name} has no place`)
      const { bytes: _, ...rest } = placeIn(next, name)
      const { blockLsn: otherLsn } = rest
      next.state.set(name, { ...rest, blockLsn, ...(otherLsn !== undefined && { otherLsn }) })
      next.written.add(name)
    }
  }

  /** What counts beside the new one. A snapshot that was read whole once is not read again. */
  async #newestThatReads(): Promise<LogSnapshot | undefined> {
    const { reader } = this.#parts
    for (const { snapshot, isRead } of this.#inLog) {
      if (isRead || (await unlessDamaged(readWhole(reader, snapshot)))) return snapshot
    }
    return undefined
  }

  async #saveInIndex(state: State): Promise<boolean> {
    const { loop, reader, checkpoints } = this.#parts
    if (bytesOf(state) > INDEX_STATE_BYTES_MAX) return false
    const appended = loop.settlement.stats.messageBytes
    const parts: IndexedPart[] = [...state].map(([name, place]) => ({
      name,
      at: place.at,
      byteLength: place.byteLength,
      read: () => reader.part(name, place),
    }))
    const places = await checkpoints.writeState(parts)
    if (!places) return false
    this.#indexedBytes = appended
    const saved = new Map<string, PartPlace>()
    for (const [name, { bytes: _, ...place }] of state) {
      const indexed = places.get(name)
      if (indexed) saved.set(name, { ...place, indexed })
    }
    this.#current = saved
    this.#saved = saved
    this.#indexed = saved
    return true
  }

  #assertOpen(): void {
    if (this.#parts.isClosing()) throw new QlogError('QLOG_CLOSED', 'the log is closed')
    const { failure } = this.#parts.loop
    if (failure) throw failure
  }
}

function placeIn({ state }: NextState, name: string): PartPlace {
  const place = state.get(name)
  if (!place) throw new Error(`there is no part ${name}`)
  return place
}

/**
 * The state with the other block of each part, where there is one, in the place of that which a snapshot named
 * that is damaged somewhere.
 */
function otherBlocks(state: State, damaged: State): State {
  const places = new Map<string, PartPlace>()
  for (const [name, place] of state) {
    const { otherLsn, ...first } = place
    const isNamed = place.blockLsn === damaged.get(name)?.blockLsn
    places.set(name, isNamed && otherLsn !== undefined ? swappedPlace(place) : first)
  }
  return places
}

/** Bytes of these segments that stand behind an LSN. */
function bytesAbove(map: readonly MapEntry[], lsn: Lsn): number {
  let bytes = 0
  for (const { base, cut } of map) {
    bytes += Math.max(0, cut - Math.max(SEGMENT_HEADER_BYTES, lsn - base))
  }
  return bytes
}
