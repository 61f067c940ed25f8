/**
 * The seam's log on segment files: joins the commit loop, the readers' view, what gives space back, the saved
 * state and scrubbing. What opening found is handed in; open.ts makes one.
 */
import { type Gap, QlogError, throwIfAborted } from '../errors.ts'
import { segmentFileName } from '../format/layout.ts'
import type { MapEntry } from '../format/link.ts'
import type { System } from '../system/system.ts'
import { checkSizes } from './batch-sizes.ts'
import type { BlockCompressor } from './block-compressor.ts'
import type { BlockIndex } from './block-index.ts'
import { CheckpointWriter } from './checkpoint-writer.ts'
import { closeLog } from './closing.ts'
import { CommitLoop, type CommitOptions, type CommitStart } from './commit-loop.ts'
import type { Lock } from './lock.ts'
import { LogEvents } from './log-events.ts'
import { orAborted } from './or-aborted.ts'
import { OwnView } from './own-view.ts'
import { EntryReader } from './read/entry-reader.ts'
import { Fetcher } from './read/fetch.ts'
import { MessageReader } from './read/message-reader.ts'
import { LogScrub } from './scrub/log-scrub.ts'
import type { PassOptions } from './scrub/scrub-pass.ts'
import type { ScrubOptions, ScrubReport, ScrubStats } from './scrub/types.ts'
import type {
  Batch,
  Entry,
  EntryRange,
  FetchOptions,
  LogFigures,
  LogLimits,
  LogOwner,
  OwnedLog,
  PartToSave,
  SaveOptions,
  Snapshot,
  Ticket,
} from './seam.ts'
import type { FoundState } from './snapshot/find-state.ts'
import { PartReader } from './snapshot/part-reader.ts'
import { Snapshots } from './snapshot/snapshots.ts'
import type { Compaction } from './space/compaction.ts'
import { makeGivingBack } from './space/giving-back.ts'
import type { RetentionLimits } from './space/retention.ts'
import type { Retirement } from './space/retirement.ts'
import type { SegmentSupply } from './space/supply.ts'
import { figuresOf, statsOf } from './stats.ts'
import type { IndexName } from './survey.ts'
import type { MergingStats, Message, ReadOptions } from './types.ts'
import type { ReadableSegment } from './view.ts'
import { reportPart } from './writer-report.ts'

export interface SegmentLogParts {
  readonly system: System
  readonly directory: string
  readonly storeId: string
  readonly lock: Lock
  readonly epoch: number
  readonly owner: LogOwner
  readonly supply: SegmentSupply
  readonly commit: CommitOptions
  readonly start: CommitStart
  readonly limits: LogLimits
  /** Largest file that merging makes. */
  readonly segmentBytesMax: number
  readonly retention: RetentionLimits
  readonly scrub: Required<ScrubOptions> | undefined
  readonly skipsGaps: boolean
  readonly gaps: readonly Gap[]
  /** Mapped files that cannot be read, by number, and why. */
  readonly lost: ReadonlyMap<number, string>
  /** The saved state that opening found. */
  readonly found: FoundState
  readonly indexSequence: number
  readonly indexName: IndexName | undefined
}

export class SegmentLog implements OwnedLog {
  readonly directory: string
  readonly epoch: number
  readonly limits: LogLimits
  readonly loop: CommitLoop
  /** What readers see of it. */
  readonly view: OwnView
  readonly #parts: SegmentLogParts
  readonly #system: System
  readonly #retirement: Retirement
  readonly #compaction: Compaction
  readonly #checkpoints: CheckpointWriter
  readonly #snapshots: Snapshots
  readonly #fetcher: Fetcher
  readonly #scrub: LogScrub
  #closing: Promise<void> | undefined
  #hasEnded = false

  constructor(parts: SegmentLogParts) {
    this.#parts = parts
    this.#system = parts.system
    this.directory = parts.directory
    this.epoch = parts.epoch
    this.limits = parts.limits
    this.loop = new CommitLoop(
      parts.system,
      parts.lock,
      parts.epoch,
      parts.owner,
      parts.supply,
      parts.commit,
      parts.start,
      new LogEvents(parts.system, parts.directory),
    )
    const { loop } = this
    const view = new OwnView({ ...parts, loop, assertReadable: () => this.assertReadable() })
    this.view = view
    this.#fetcher = new Fetcher({
      open: (onGap) => {
        this.assertReadable()
        return new MessageReader(this.#system, this.view, { onGap }, true)
      },
      isThere: (id) => this.#isThere(id),
      endId: () => loop.settlement.visibleNextId,
      skipsGaps: parts.skipsGaps,
      after: (delayMs, callback) => parts.system.clock.after(delayMs, callback),
    })
    const { retirement, compaction } = makeGivingBack({
      ...parts,
      isCompressed: this.compressor !== undefined,
      loop,
      view,
      gcRoot: () => this.#snapshots.gcRoot,
    })
    this.#retirement = retirement
    this.#compaction = compaction
    this.#checkpoints = new CheckpointWriter({
      ...parts,
      stateIndex: parts.found.stateIndex,
      loop,
      names: parts.supply.names,
      report: () => reportPart(statsOf(this, 'open', parts.commit.mode), this.#nowMs(), 0),
    })
    this.#snapshots = this.#makeSnapshots()
    this.#listen()
    this.#retirement.clearLater()
    this.#retirement.expire()
    this.#scrub = new LogScrub({ ...parts, loop, retirement, view })
  }

  /** Packs the blocks of this opening; undefined where they are stored as they are. */
  get compressor(): BlockCompressor | undefined {
    return this.#parts.commit.compressor
  }

  get nextId(): number {
    return this.loop.nextId
  }

  get firstId(): number {
    return this.loop.firstId
  }

  get firstLsn(): number {
    return (this.loop.durableMap[0] ?? this.loop.segment)?.base ?? 0
  }

  get durableLsn(): number {
    return this.loop.visibleLsn
  }

  /** Damage that is known of, by opening or since. */
  get gaps(): readonly Gap[] {
    return this.view.damage.gaps
  }

  get supply(): SegmentSupply {
    return this.#parts.supply
  }

  /** Discarded messages of the segment with this number. */
  deadIn(number: number): number {
    return this.#retirement.deadIn(number)
  }

  /** Messages that the segment holds, discarded ones too. */
  heldIn(segment: ReadableSegment): number {
    return this.#retirement.liveness.heldIn(segment)
  }

  get mergeStats(): MergingStats {
    return this.#compaction.stats
  }

  get scrubStats(): { readonly scrub?: ScrubStats } {
    const { background } = this.#scrub
    return background ? { scrub: background.stats } : {}
  }

  monotonicMs(): number {
    return this.#system.clock.monotonicMs()
  }

  get isClosed(): boolean {
    return this.#closing !== undefined
  }

  append(batch: Batch): Ticket {
    this.assertUsable()
    const { loop, limits } = this
    const { messages, control } = batch
    const bytes = checkSizes(limits, messages, control)
    loop.admission.assertAdmits(messages.length, bytes)
    if (loop.bytesWaiting >= limits.inFlightBytesMax) {
      throw new QlogError('QLOG_BUSY', `${loop.bytesWaiting} bytes wait for their flush already`)
    }
    const group = loop.beginAppend()
    const mark = group.mark()
    try {
      group.beginBatch(messages.length, control.length)
      for (const message of messages) group.addBatchMessage(message)
      for (const record of control) group.addControl(record)
      group.endBatch()
    } catch (error) {
      // The owner's encoder threw, or there was no memory: nothing of the batch is taken.
      group.rollBack(mark)
      throw error
    }
    for (const { byteLength } of control) this.#snapshots.noteControl(byteLength)
    return loop.endAppend(bytes)
  }

  async room(signal?: AbortSignal): Promise<void> {
    throwIfAborted(signal)
    this.assertUsable()
    const room = this.loop.room(this.limits.inFlightBytesMax)
    await (signal ? orAborted(room, signal) : room)
    this.assertUsable()
  }

  read(range: EntryRange): AsyncIterableIterator<readonly Entry[]> {
    this.assertReadable()
    return new EntryReader(this.#system, this.view, range, this.epoch)
  }

  async fetch(
    ids: ArrayLike<number>,
    options: FetchOptions = {},
  ): Promise<readonly (Uint8Array | undefined)[]> {
    this.assertReadable()
    return this.#fetcher.fetch(ids, options)
  }

  async snapshot(): Promise<Snapshot | undefined> {
    this.assertReadable()
    return this.#snapshots.snapshot()
  }

  get isSnapshotDue(): boolean {
    return this.#snapshots.isDue
  }

  async saveSnapshot(parts: AsyncIterable<PartToSave>, options: SaveOptions = {}): Promise<void> {
    this.assertUsable()
    await this.#snapshots.save(parts, options.whole ?? false)
  }

  figures(): LogFigures {
    return figuresOf(this)
  }

  /** Rejects with QLOG_DISK_FULL, QLOG_IO where not all could be given back, QLOG_CLOSED, QLOG_FAILED. */
  async compact(): Promise<void> {
    this.assertUsable()
    await this.#compaction.compact()
    this.assertUsable()
  }

  /**
   * A pass over the full segments now, which mends what one flipped bit explains. Rejects with QLOG_IO,
   * QLOG_NEWER_FORMAT, QLOG_ABORTED, QLOG_CLOSED, QLOG_FENCED, QLOG_FAILED.
   */
  mendNow(options: PassOptions): Promise<ScrubReport> {
    this.assertUsable()
    return this.#scrub.mendNow(options)
  }

  /** One message; undefined where it was discarded or is not there yet. */
  async get(id: number): Promise<Message | undefined> {
    this.assertReadable()
    if (!this.#isThere(id)) return undefined
    const reader = this.reader({ from: id, to: id + 1 })
    try {
      return (await reader.nextBatch())?.[0]
    } finally {
      // Closing what was only read tells nothing of what was read.
      await reader.close().catch(() => undefined)
    }
  }

  reader(options: ReadOptions): MessageReader {
    this.assertReadable()
    return new MessageReader(this.#system, this.view, options)
  }

  discard(ids: Iterable<readonly [first: number, last: number]>): void {
    // A hint, and an owner may give it within the last words of a log that ends.
    if (this.isClosed && !this.#hasEnded) return
    this.assertReadable()
    for (const [first, last] of ids) this.#retirement.discard(first, last + 1)
  }

  /** `waiting` resolves once nothing waits any more that is to be appended before the end. */
  close(options: { readonly timeoutMs?: number } = {}, waiting?: Promise<void>): Promise<void> {
    this.#closing ??= closeLog(
      {
        ...this.#parts,
        clock: this.#system.clock,
        loop: this.loop,
        compaction: this.#compaction,
        checkpoints: this.#checkpoints,
        fetcher: this.#fetcher,
        retirement: this.#retirement,
        scrub: this.#scrub.background,
        snapshots: this.#snapshots,
        wakeForGood: () => this.view.waiters.wake(),
        waiting,
      },
      options.timeoutMs,
    ).finally(() => {
      this.#hasEnded = true
    })
    return this.#closing
  }

  /** Throws where appending is over. */
  assertUsable(): void {
    if (this.isClosed) throw new QlogError('QLOG_CLOSED', `the log ${this.directory} is closed`)
    if (this.loop.failure) throw this.loop.failure
  }

  assertReadable(): void {
    if (this.isClosed) throw new QlogError('QLOG_CLOSED', `the log ${this.directory} is closed`)
  }

  #makeSnapshots(): Snapshots {
    const { view } = this
    const { system, directory, found, limits, supply } = this.#parts
    return new Snapshots({
      loop: this.loop,
      reader: new PartReader(system, directory, () => view.segments(), view.pins),
      checkpoints: this.#checkpoints,
      found,
      partBytesMax: limits.partBytesMax,
      isClosing: () => this.isClosed,
      pause: () => new Promise<void>((resolve) => system.clock.after(1, resolve, true)),
      heldBackBytes: () => this.#retirement.heldBackBytes,
      onRoot: () => this.#retirement.rootMoved(),
      onSize: (bytes) => supply.noteSnapshot(bytes),
    })
  }

  #isThere(id: number): boolean {
    const { visibleNextId } = this.loop.settlement
    return id >= this.firstId && id < visibleNextId && !this.#retirement.isDiscarded(id)
  }

  /** What the commit loop does is told to all who go by it. */
  #listen(): void {
    const { loop, view } = this
    loop.onVisible = () => this.#changed()
    loop.settlement.onResolved = ({ segment, offset, pieces }) =>
      view.tail.add(segment.number, offset, pieces)
    loop.onSealed = (entry, index) => this.#sealed(entry, index)
  }

  #changed(): void {
    // A log that has stopped begins no file: its directory may be another owner's by now.
    if (this.loop.state === 'open') {
      this.#retirement.settled()
      this.#parts.supply.keepReserve()
      this.#compaction.appended()
      this.#checkpoints.appended()
    }
    this.view.waiters.wake()
  }

  #sealed(entry: MapEntry, index: BlockIndex): void {
    const { loop, view } = this
    const { supply } = this.#parts
    loop.events.segment('full', entry)
    view.noteIndex(segmentFileName(entry.number, entry.generation), index)
    this.#retirement.sealed(entry)
    this.#compaction.sealed(entry)
    // The full segment's descriptor is free again; one that cannot be had now is asked for next time.
    void loop.sealed().then(() => supply.holdBack().catch(() => undefined))
  }

  #nowMs(): number {
    return Math.floor(this.#system.clock.nowMs())
  }
}
