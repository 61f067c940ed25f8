/**
 * The commit loop: takes what is appended, sees that it leaves, and tells the owner what will never appear
 * and what nobody can know. It writes only to segments of its own, and lets nothing resolve before the
 * lock was seen held.
 */
import { QlogError } from '../errors.ts'
import type { MapEntry, SnapshotPlaces } from '../format/link.ts'
import type { System } from '../system/system.ts'
import type { BlockCompressor } from './block-compressor.ts'
import type { BlockIndex } from './block-index.ts'
import { Composer, type SnapshotBlock } from './composer.ts'
import { DuePairs } from './due-pairs.ts'
import { FlightQueue } from './flight-queue.ts'
import { FlightWriter, fencedError } from './flight-writer.ts'
import type { CommitGroup } from './group.ts'
import { GroupSender } from './group-sender.ts'
import { IntervalFlush, type IntervalOptions } from './interval-flush.ts'
import { isFenced } from './io-errors.ts'
import type { Lock } from './lock.ts'
import type { LogEvents } from './log-events.ts'
import type { LogOwner, Lsn, Ticket } from './seam.ts'
import type { OwnSegment } from './segment-file.ts'
import { type LinkOptions, SegmentTurn, type TurnStart } from './segment-turn.ts'
import { Settlement } from './settlement.ts'
import { SnapshotTurn } from './snapshot/snapshot-turn.ts'
import { Admission } from './space/admission.ts'
import { Refusals } from './space/refusals.ts'
import type { SegmentSupply, SegmentUse } from './space/supply.ts'
import { SyncAppend } from './sync-append.ts'

export interface CommitOptions extends IntervalOptions, LinkOptions {
  readonly idleSyncMs: number
  /** Packs blocks; absent where they are stored as they are. */
  readonly compressor: BlockCompressor | undefined
}

/** Where this opening begins: what recovery found. */
export interface CommitStart extends TurnStart {
  readonly nextId: number
  readonly timeMs: number
}

export type CommitState = 'open' | 'failed' | 'fenced' | 'closed'

export class CommitLoop {
  state: CommitState = 'open'
  failure: Error | undefined
  /** Called after every change of what readers may see. */
  onVisible: () => void = () => undefined
  /** Called when a segment is full: its final map entry and where its blocks stand. */
  onSealed: (entry: MapEntry, index: BlockIndex) => void = () => undefined
  readonly epoch: number
  /** What has resolved, and what readers may see of it. */
  readonly settlement: Settlement
  /** What is taken while the disk is full. */
  readonly admission: Admission
  /** What is told of this log. */
  readonly events: LogEvents

  readonly #owner: LogOwner
  readonly #nextBase: number
  readonly #turn: SegmentTurn
  readonly #composer: Composer
  readonly #flights: FlightQueue
  readonly #writer: FlightWriter
  readonly #flush: IntervalFlush
  readonly #pairs: DuePairs
  readonly #sender: GroupSender
  readonly #sync: SyncAppend
  readonly #refusals: Refusals
  readonly #snapshots = new SnapshotTurn()
  readonly #roomWaiters: (() => void)[] = []
  readonly #drainWaiters: (() => void)[] = []

  constructor(
    system: System,
    lock: Lock,
    epoch: number,
    owner: LogOwner,
    supply: SegmentSupply,
    options: CommitOptions,
    start: CommitStart,
    events: LogEvents,
  ) {
    this.epoch = epoch
    this.events = events
    this.#owner = owner
    this.#nextBase = start.nextBase
    this.#composer = new Composer(system, start.nextId, start.timeMs, options.compressor)
    this.#flights = new FlightQueue(options.mode === 'always')
    const { nextId } = start
    this.settlement = new Settlement(system, owner, this.#flights, this.#composer, events, nextId)
    this.#writer = this.#newWriter(lock, options, system)
    this.#flush = new IntervalFlush(system, options, events, start.nextId, this.#stopOnError)
    this.#turn = new SegmentTurn({
      system,
      epoch,
      options,
      start,
      supply,
      composer: this.#composer,
      writer: this.#writer,
      flush: this.#flush,
      onPrepared: (error, use) => this.#prepared(error, use),
      failed: this.#stopOnError,
      onSealed: (entry, index) => this.onSealed(entry, index),
    })
    this.#pairs = new DuePairs({
      system,
      epoch,
      composer: this.#composer,
      map: this.#turn.map,
      // In the other modes SYNC would need a flush that nobody asked for.
      idleSyncMs: options.mode === 'always' ? options.idleSyncMs : 0,
      onDue: () => this.#sender.schedule(),
    })
    this.#sender = new GroupSender({
      clock: system.clock,
      options,
      supply,
      composer: this.#composer,
      flights: this.#flights,
      settlement: this.settlement,
      writer: this.#writer,
      flush: this.#flush,
      turn: this.#turn,
      pairs: this.#pairs,
      snapshots: this.#snapshots,
      isOpen: () => this.state === 'open',
      isDiskFull: () => this.admission.isDiskFull,
      failed: this.#stopOnError,
    })
    this.#sync = new SyncAppend({
      composer: this.#composer,
      turn: this.#turn,
      sender: this.#sender,
      writer: this.#writer,
      settle: () => this.#settleReady(),
      refused: (error) => this.#refusals.refusePending(error, 'messages'),
      failed: this.#stopOnError,
    })
    this.admission = new Admission({
      system,
      owner,
      events,
      supply,
      composer: this.#composer,
      turn: this.#turn,
      onTried: () => this.#sender.schedule(),
      failed: this.#stopOnError,
    })
    this.#refusals = this.#newRefusals(supply)
    if (start.segment) {
      this.settlement.visibleEnd = start.segment.sentEnd
      this.#pairs.noteSent(false)
      this.#sender.schedule()
    }
  }

  #newWriter(lock: Lock, { mode }: CommitOptions, system: System): FlightWriter {
    const { durableWrites } = system.files
    return new FlightWriter(lock, this.#flights, mode, durableWrites, {
      isOpen: () => this.state === 'open',
      moved: () => {
        this.#settleReady()
        this.#sender.pump()
      },
      released: (flight) => {
        this.#composer.reuse(flight)
        this.#sender.schedule()
      },
      failed: this.#stopOnError,
      fenced: () => this.#stop('fenced', fencedError()),
      roomier: () => this.#sender.schedule(),
    })
  }

  #newRefusals(supply: SegmentSupply): Refusals {
    return new Refusals({
      composer: this.#composer,
      flights: this.#flights,
      turn: this.#turn,
      snapshots: this.#snapshots,
      supply,
      admission: this.admission,
      onRefused: () => {
        this.#wakeAll()
        this.#sender.schedule()
      },
      failed: this.#stopOnError,
    })
  }

  /** The segment being written; undefined until the first group of this opening. */
  get segment(): OwnSegment | undefined {
    return this.#turn.segment
  }

  /** Blocks of `segment` so far. */
  get blockIndex(): BlockIndex {
    return this.#turn.blockIndex
  }

  get nextId(): number {
    return this.#composer.nextId
  }

  /** Segments in front of the current one, by number, as the next LINK or MAP names them. */
  get map(): readonly MapEntry[] {
    return this.#turn.map.entries
  }

  /** The same as a durable map names them: what readers see, and where the log begins. */
  get durableMap(): readonly MapEntry[] {
    return this.#turn.map.durable
  }

  /** The next id behind everything that a flush covered. */
  get durableNextId(): number {
    return this.#flush.flushedNextId
  }

  get timeMs(): number {
    return this.#composer.timeMs
  }

  /** First id that has not been retired, as a durable map has it. */
  get firstId(): number {
    return (this.durableMap[0] ?? this.segment)?.firstId ?? this.settlement.visibleNextId
  }

  /** The last ticket that was given. */
  get lastTicket(): Ticket {
    return this.#composer.lastTicket
  }

  /** No ticket up to this one waits any more: each has resolved or was refused. */
  get settledTicket(): Ticket {
    const { pending, lastTicket } = this.#composer
    const waiting =
      this.#flights.firstTicket || (pending.isEmpty ? lastTicket + 1 : pending.firstTicket)
    return waiting - 1
  }

  /** Bytes taken of the owner and not yet resolved. */
  get bytesWaiting(): number {
    return this.#composer.pending.byteLength + this.#flights.bytes - this.#snapshots.bytesInFlight
  }

  /** The last LSN up to which everything is durable (outside `always`: written); what comes is behind it. */
  get visibleLsn(): Lsn {
    const { segment } = this
    const end = segment ? segment.base + this.settlement.visibleEnd : this.#nextBase
    return Math.max(0, end - 1)
  }

  /** Resolves when nothing is being written to the file of a full segment any more. */
  sealed(): Promise<void> {
    return this.#turn.sealed()
  }

  /** The group that takes the next batch, ready for records; `endAppend` must follow at once. */
  beginAppend(): CommitGroup {
    this.#assertOpen()
    return this.#composer.begin(this.segment)
  }

  /** Ends what `beginAppend` began: gives it a ticket and sees that it leaves. */
  endAppend(bodyBytes: number): Ticket {
    const ticket = this.#composer.end(bodyBytes)
    this.#sender.appended()
    return ticket
  }

  /** Whether a message of so many bytes may be sent by `appendSync` now; else what waits has to leave first. */
  mayAppendSync(bytes: number): boolean {
    return this.#sender.mayJoinPending(bytes)
  }

  /**
   * Sends what `append` begins, and everything that waits, synchronously, and resolves it in order. `append`
   * returns the bytes of its bodies. Throws QLOG_IO where the file cannot be opened for it: then nothing has
   * changed.
   */
  appendSync(append: () => number): void {
    this.#assertOpen()
    try {
      this.#sync.run(append)
    } catch (error) {
      throw this.failure ?? error
    }
    try {
      this.#settleReady()
    } catch (error) {
      // The append is durable, and its owner has been told: only the log ends here.
      this.#stopOnError(error)
    }
    this.#sender.schedule()
  }

  /** No segment could be made for a map: it goes out with the next one that can. */
  get isMapPostponed(): boolean {
    return this.#turn.map.isWaiting && !this.#turn.map.isDue
  }

  /** Takes segments out of the map, `instead` into it; `done` runs once that is durable. */
  retire(entries: readonly MapEntry[], done: () => void, instead?: MapEntry): void {
    this.#turn.map.retire(entries, done, instead)
    this.#sender.schedule()
  }

  /** A map that waits, since no segment could be made for it, is tried again. */
  retryMap(): void {
    const { map } = this.#turn
    if (!map.isWaiting) return
    map.isDue = true
    this.#sender.schedule()
  }

  /** The same as `retire`, by the next map that leaves for another reason. */
  retireLater(entries: readonly MapEntry[], done: () => void): void {
    this.#turn.map.retireLater(entries, done)
  }

  /** A map of now finds room behind what was sent: none has to begin a segment. */
  get fitsMap(): boolean {
    return this.#pairs.fitsMap(this.segment)
  }

  /**
   * Writes blocks of a snapshot, each a group of its own, in one write between the appends, and resolves
   * with their LSNs; an end is durable then, and all in front of it. One call at a time. Rejects where it cannot be written, or
   * where the log stops.
   */
  writeSnapshotBlocks(blocks: readonly SnapshotBlock[]): Promise<readonly Lsn[]> {
    this.#assertOpen()
    const written = this.#snapshots.begin(blocks)
    this.#sender.schedule()
    return written
  }

  /**
   * Names other snapshots in LINK and MAP; resolves once one that does is durable. Rejects where no segment
   * can be made for it, and where the log stops; the next one names them then.
   */
  nameSnapshots(places: SnapshotPlaces): Promise<void> {
    this.#assertOpen()
    const named = this.#snapshots.name((resolve) => this.#turn.map.nameSnapshots(places, resolve))
    this.#sender.schedule()
    return named
  }

  /** The snapshots that LINK and MAP name from now on. */
  get snapshotPlaces(): SnapshotPlaces {
    return this.#turn.map.snapshots
  }

  /** Resolves when everything that has been written is durable; in `always` it is. */
  async flushed(): Promise<void> {
    const { segment } = this
    if (this.state !== 'open' || !segment) return
    if (segment.durableOffset >= segment.writtenEnd) return
    try {
      await this.#flush.flush(segment, this.settlement.visibleNextId)
    } catch (error) {
      this.#stopOnError(error)
      throw this.failure ?? error
    }
  }

  /** Resolves when less than `bytesMax` waits. */
  async room(bytesMax: number): Promise<void> {
    while (this.state === 'open' && this.bytesWaiting >= bytesMax) {
      await new Promise<void>((resolve) => this.#roomWaiters.push(resolve))
    }
  }

  /** Resolves when nothing is under way, or never will be again. */
  async idle(): Promise<void> {
    while (this.state === 'open' && !this.#isIdle) {
      this.#sender.schedule()
      await new Promise<void>((resolve) => this.#drainWaiters.push(resolve))
    }
  }

  /** Waits for what is under way and confirms the end with CLEAN, where this opening wrote. */
  async finish(): Promise<void> {
    await this.idle()
    this.#cancelTimers()
    if (this.state !== 'open' || !this.segment) return
    await new Promise<void>((resolve) => {
      this.#pairs.end(resolve)
      this.#drainWaiters.push(resolve)
      this.#sender.schedule()
    })
  }

  /** Lets go of files and timers. Appends that still wait become indeterminate or rejected. */
  async dispose(): Promise<void> {
    this.#cancelTimers()
    if (this.state === 'open') {
      this.state = 'closed'
      this.#failWaiting(new QlogError('QLOG_CLOSED', 'the log was closed before this was durable'))
      this.#wakeAll()
    }
    await this.#flush.settled()
    await this.#turn.sealed()
    // A descriptor closed under a write could be another file's when the write gets to it.
    await this.#writer.returned()
    await this.#turn.close()
  }

  get #isIdle(): boolean {
    const { pending } = this.#composer
    const isEmpty = pending.isEmpty && this.#flights.isEmpty
    return isEmpty && !this.#turn.map.isDue && !this.#snapshots.waiting
  }

  #assertOpen(): void {
    if (this.state === 'open') return
    throw this.failure ?? new QlogError('QLOG_CLOSED', 'the log is closed')
  }

  /** A segment was made, or could not be. */
  #prepared(error: unknown, use: SegmentUse): void {
    if (this.state !== 'open') return
    this.#refusals.prepared(error, use)
    this.#sender.schedule()
  }

  /** Lets resolve what can, and tells everybody who waits for that. */
  #settleReady(): void {
    if (!this.settlement.settleReady()) return
    if (this.segment) this.#flush.written(this.segment, this.settlement.visibleNextId)
    this.onVisible()
    wake(this.#roomWaiters)
    if (this.#isIdle) wake(this.#drainWaiters)
  }

  readonly #stopOnError = (error: unknown): void => {
    if (error instanceof QlogError && isFenced(error)) {
      this.#stop('fenced', error)
      return
    }
    const lost =
      this.#flush.flushedNextId < this.settlement.visibleNextId
        ? `; resolved ids ${this.#flush.flushedNextId} to ${this.settlement.visibleNextId - 1} may be lost`
        : ''
    const message = `a write or flush failed, the log has stopped${lost}`
    this.#stop('failed', new QlogError('QLOG_FAILED', message, { cause: error }))
  }

  #stop(state: 'failed' | 'fenced', failure: Error): void {
    if (this.state !== 'open') return
    this.state = state
    this.failure = failure
    this.events.failed(failure)
    this.#cancelTimers()
    this.#failWaiting(failure)
    this.#wakeAll()
  }

  /** The pending group was never written; what is under way may appear or not. */
  #failWaiting(cause: Error): void {
    const { pending } = this.#composer
    if (!pending.isEmpty) this.#owner.failed(pending.firstTicket, 'rejected', cause)
    const { firstTicket } = this.#flights
    if (firstTicket > 0) this.#owner.failed(firstTicket, 'indeterminate', cause)
    // Whoever waits for something else has to hear of it too.
    const isIdle = pending.isEmpty && firstTicket === 0
    if (isIdle && this.state !== 'closed') {
      this.#owner.failed(this.lastTicket + 1, 'rejected', cause)
    }
    this.#snapshots.stop(cause)
  }

  #wakeAll(): void {
    this.onVisible()
    wake(this.#roomWaiters)
    wake(this.#drainWaiters)
  }

  #cancelTimers(): void {
    this.admission.end()
    this.#pairs.cancel()
    this.#flush.cancel()
  }
}

function wake(waiters: (() => void)[]): void {
  for (const waiter of waiters.splice(0)) waiter()
}
