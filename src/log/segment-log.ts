/**
 * The seam's log on segment files: joins the commit loop, the readers' view, retirement and the
 * checkpoint. What opening found is handed in; open.ts makes one.
 */
import { type Gap, QlogError, throwIfAborted } from '../errors.ts'
import { segmentFileName } from '../format/layout.ts'
import type { MapEntry } from '../format/link.ts'
import type { System } from '../system/system.ts'
import { checkSizes } from './batch-sizes.ts'
import { BlockCompressor } from './block-compressor.ts'
import type { BlockIndex } from './block-index.ts'
import { ChangeWaiters } from './change-waiters.ts'
import { CheckpointWriter } from './checkpoint-writer.ts'
import { closeLog } from './closing.ts'
import { CommitLoop, type CommitOptions, type CommitStart } from './commit-loop.ts'
import type { Lock } from './lock.ts'
import { LogEvents } from './log-events.ts'
import { orAborted } from './or-aborted.ts'
import { EntryReader } from './read/entry-reader.ts'
import { Fetcher } from './read/fetch.ts'
import { MessageReader } from './read/message-reader.ts'
import { ReaderPins } from './read/reader-pins.ts'
import { TailCache } from './read/tail-cache.ts'
import { BackgroundScrub } from './scrub/background-scrub.ts'
import { isSameSegment } from './scrub/check-segment.ts'
import { type PassOptions, type ScrubSource, scrubPass } from './scrub/scrub-pass.ts'
import { type RepairedSegment, SegmentRepair } from './scrub/segment-repair.ts'
import type { ScrubFinding, ScrubOptions, ScrubReport, ScrubStats } from './scrub/types.ts'
import type {
  Batch,
  Entry,
  EntryRange,
  FetchOptions,
  LogFigures,
  LogLimits,
  LogOwner,
  Lsn,
  OwnedLog,
  PartToSave,
  SaveOptions,
  Snapshot,
  Ticket,
} from './seam.ts'
import type { FoundState } from './snapshot/find-state.ts'
import { PartReader } from './snapshot/part-reader.ts'
import { Snapshots } from './snapshot/snapshots.ts'
import { Compaction } from './space/compaction.ts'
import type { RetentionLimits } from './space/retention.ts'
import { RetiredFiles } from './space/retired-files.ts'
import { Retirement } from './space/retirement.ts'
import type { SegmentSupply } from './space/supply.ts'
import { figuresOf, statsOf } from './stats.ts'
import { firstBlockTimeMs, type IndexName } from './survey.ts'
import type { MergingStats, Message, ReadOptions } from './types.ts'
import type { LogView, ReadableSegment } from './view.ts'
import { VisibleSegments } from './visible-segments.ts'
import { reportPart } from './writer-report.ts'

/** Damage that is remembered for `stats()`; more is only counted where it is met again. */
const GAPS_KEPT_MAX = 10_000

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

export class SegmentLog implements OwnedLog, LogView {
  readonly directory: string
  readonly epoch: number
  readonly limits: LogLimits
  readonly skipsGaps: boolean
  readonly loop: CommitLoop
  readonly gaps: Gap[]
  /** Recovery wrote GAP records for what was lost there before anything was shown. */
  readonly tailGaps: readonly Gap[] = []
  readonly pins = new ReaderPins()
  readonly tail = new TailCache()
  readonly #parts: SegmentLogParts
  readonly #system: System
  readonly #retirement: Retirement
  readonly #compaction: Compaction
  readonly #checkpoints: CheckpointWriter
  readonly #snapshots: Snapshots
  readonly #segments: VisibleSegments
  readonly #fetcher: Fetcher
  readonly #scrub: BackgroundScrub | undefined
  readonly #waiters = new ChangeWaiters()
  #closing: Promise<void> | undefined

  constructor(parts: SegmentLogParts) {
    this.#parts = parts
    this.#system = parts.system
    this.directory = parts.directory
    this.epoch = parts.epoch
    this.limits = parts.limits
    this.skipsGaps = parts.skipsGaps
    this.gaps = [...parts.gaps]
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
    for (const gap of this.gaps) this.loop.events.damage(gap)
    this.#segments = new VisibleSegments(this.loop, parts.lost)
    this.#fetcher = new Fetcher({
      open: (onGap) => this.reader({ onGap }),
      isThere: (id) => this.#isThere(id),
      endId: () => this.loop.settlement.visibleNextId,
      skipsGaps: parts.skipsGaps,
      after: (delayMs, callback) => parts.system.clock.after(delayMs, callback),
    })
    this.loop.onVisible = () => this.#changed()
    this.#retirement = this.#makeRetirement()
    this.#compaction = this.#makeCompaction()
    this.#checkpoints = new CheckpointWriter({
      ...parts,
      stateIndex: parts.found.stateIndex,
      loop: this.loop,
      names: parts.supply.names,
      report: () => reportPart(statsOf(this, 'open', parts.commit.mode), this.#nowMs(), 0),
    })
    this.#snapshots = this.#makeSnapshots()
    this.loop.settlement.onResolved = ({ segment, offset, pieces }) =>
      this.tail.add(segment.number, offset, pieces)
    this.loop.onSealed = (entry, index) => {
      this.loop.events.segment('full', entry)
      this.noteIndex(segmentFileName(entry.number, entry.generation), index)
      this.#retirement.sealed(entry)
      this.#compaction.sealed(entry)
      // The full segment's descriptor is free again; one that cannot be had now is asked for next time.
      const { supply } = this.#parts
      void this.loop.sealed().then(() => supply.holdBack().catch(() => undefined))
    }
    this.#retirement.expire()
    this.#scrub = this.#makeScrub()
  }

  #makeScrub(): BackgroundScrub | undefined {
    const { system, directory, scrub } = this.#parts
    return (
      scrub &&
      new BackgroundScrub({
        system,
        directory,
        ...scrub,
        repair: scrub.repair ? this.#makeRepair() : undefined,
        source: () => this.#scrubSource(),
        onFinding: (finding) => {
          // Merging goes by what is noted here, and loses nothing by half of a header.
          if (finding.row !== 'header-copy') this.noteGap(gapOf(finding))
        },
        onPass: (report) => this.loop.events.scrubbed(report),
      })
    )
  }

  #scrubSource(): ScrubSource {
    return {
      storeId: this.#parts.storeId,
      full: this.loop.durableMap,
      stillNames: (entry) => this.loop.durableMap.some((one) => isSameSegment(one, entry)),
    }
  }

  /**
   * A pass over the full segments now, which mends what one flipped bit explains. Rejects with QLOG_IO,
   * QLOG_NEWER_FORMAT, QLOG_ABORTED, QLOG_CLOSED, QLOG_FAILED.
   */
  mendNow(options: PassOptions): Promise<ScrubReport> {
    this.assertUsable()
    const how = { ...options, repair: this.#makeRepair() }
    return scrubPass(this.#system, this.directory, this.#scrubSource(), how)
  }

  #makeRepair(): SegmentRepair {
    return new SegmentRepair({
      loop: this.loop,
      retirement: this.#retirement,
      names: this.#parts.supply.names,
      nextChange: (signal) => this.#waiters.next(signal),
      onMended: (repair) => this.#noteMended(repair),
    })
  }

  /** What was lost in the old file is not, but for what is damaged in the new one too. */
  #noteMended({ file, blocks, left }: RepairedSegment): void {
    this.gaps.splice(0, this.gaps.length, ...this.gaps.filter((gap) => gap.file !== file))
    for (const finding of left) this.noteGap(gapOf(finding))
    for (const { firstId, endId } of blocks) {
      if (endId > firstId) this.#parts.owner.mended?.(firstId, endId)
    }
  }

  #makeSnapshots(): Snapshots {
    const { system, directory, found, limits, supply } = this.#parts
    return new Snapshots({
      loop: this.loop,
      reader: new PartReader(system, directory, () => this.segments(), this.pins),
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

  /**
   * Only segments wholly below this LSN may go. Without control records there is no state but that of
   * each message by itself, and so no limit.
   */
  #gcRoot(): Lsn {
    const { loop } = this
    const hasControl = loop.segment?.hasControl || loop.map.some((entry) => entry.hasControl)
    if (!hasControl && this.#snapshots.isNone) return Number.POSITIVE_INFINITY
    return this.#snapshots.root
  }

  #makeRetirement(): Retirement {
    const { system, directory, supply, retention } = this.#parts
    const files = new RetiredFiles({
      system,
      directory,
      supply,
      isDamaged: (file) => this.gaps.some((gap) => gap.file === file),
      isRead: (number) => this.pins.has(number),
    })
    return new Retirement({
      loop: this.loop,
      files,
      retention,
      gcRoot: () => this.#gcRoot(),
      nowMs: () => system.clock.nowMs(),
      after: (delayMs, callback) => system.clock.after(delayMs, callback),
      endTimeOf: (entry) => this.#endTimeOf(entry),
      onFreed: () => this.loop.admission.noteFreed(),
      onDiscarded: () => this.#compaction.discarded(),
    })
  }

  #makeCompaction(): Compaction {
    const { system, storeId, lost, segmentBytesMax, supply } = this.#parts
    return new Compaction({
      system,
      storeId,
      view: this,
      loop: this.loop,
      retirement: this.#retirement,
      // One of its own: what it packs is no append of this opening.
      compressor: this.compressor && new BlockCompressor(system.lz4),
      names: supply.names,
      segmentBytesMax,
      isDamaged: ({ number }, file) =>
        lost.has(number) || this.gaps.some((gap) => gap.file === file),
      nextChange: () => this.#waiters.next(),
    })
  }

  /** A segment ends before its successor begins. */
  async #endTimeOf({ number }: MapEntry): Promise<number | undefined> {
    const next = this.segments().find((segment) => segment.number > number)
    if (!next || next.lost !== undefined) return undefined
    return firstBlockTimeMs(this.#system, `${this.directory}/${next.file}`, next.key)
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
    return this.#scrub ? { scrub: this.#scrub.stats } : {}
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
    return new EntryReader(this.#system, this, range, this.epoch)
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

  /** One message; undefined where it was discarded or is not there yet. */
  async get(id: number): Promise<Message | undefined> {
    this.assertReadable()
    if (!this.#isThere(id)) return undefined
    const reader = this.reader({ from: id, to: id + 1 })
    try {
      return (await reader.nextBatch())?.[0]
    } finally {
      await reader.close()
    }
  }

  reader(options: ReadOptions): MessageReader {
    this.assertReadable()
    return new MessageReader(this.#system, this, options)
  }

  discard(ids: Iterable<readonly [first: number, last: number]>): void {
    this.assertReadable()
    for (const [first, last] of ids) this.#retirement.discard(first, last + 1)
  }

  segments(): readonly ReadableSegment[] {
    return this.#segments.all()
  }

  async changed(signal: AbortSignal | undefined): Promise<void> {
    throwIfAborted(signal)
    this.assertReadable()
    if (this.loop.failure) throw this.loop.failure
    await this.#waiters.next(signal)
    throwIfAborted(signal)
  }

  async stillNames(file: string): Promise<boolean> {
    return this.segments().some((segment) => segment.file === file)
  }

  noteGap(gap: Gap): void {
    const known = this.gaps.some(
      (one) => one.file === gap.file && one.offset === gap.offset && one.firstId === gap.firstId,
    )
    if (known || this.gaps.length >= GAPS_KEPT_MAX) return
    this.gaps.push(gap)
    this.loop.events.damage(gap)
  }

  noteIndex(file: string, index: BlockIndex): void {
    this.#segments.noteIndex(file, index)
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
        scrub: this.#scrub,
        snapshots: this.#snapshots,
        wakeForGood: () => this.#waiters.wake(),
        waiting,
      },
      options.timeoutMs,
    )
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

  #isThere(id: number): boolean {
    const { visibleNextId } = this.loop.settlement
    return id >= this.firstId && id < visibleNextId && !this.#retirement.isDiscarded(id)
  }

  #changed(): void {
    this.#retirement.settled()
    this.#parts.supply.keepReserve()
    this.#compaction.appended()
    this.#waiters.wake()
    this.#checkpoints.appended()
  }

  #nowMs(): number {
    return Math.floor(this.#system.clock.nowMs())
  }
}

function gapOf({ file, offset, bytes, firstId, endId, why }: ScrubFinding): Gap {
  return { file, offset, bytes, firstId, endId, why }
}
