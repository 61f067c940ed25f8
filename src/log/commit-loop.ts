/**
 * The commit loop: takes batches into the pending group, sends one group after the other, and tells
 * the owner in order what became durable, what will never appear, and what nobody can know. It
 * writes only to segments of its own, and resolves nothing before the lock was seen held.
 */
import { QlogError } from '../errors.ts'
import type { Link, MapEntry, SegmentMap } from '../format/link.ts'
import type { System } from '../system/system.ts'
import { BlockIndex } from './block-index.ts'
import { type Flight, writePieces, writePiecesSync } from './flight.ts'
import { CommitGroup } from './group.ts'
import type { Lock } from './lock.ts'
import type { LogOwner, Ticket } from './seam.ts'
import type { OwnSegment } from './segment-file.ts'
import type { SegmentSupply } from './segment-supply.ts'
import { linkBytes, linkPairBytes, pairGroup, sealBytes, TAIL_RESERVE_BYTES } from './special-groups.ts'
import { WriterStats } from './writer-stats.ts'

/** Writes under way at once. More than one would hide the thread pool's hop; see docs/decisions. */
const FLIGHTS_MAX = 1

export interface CommitOptions {
  readonly mode: 'always' | 'interval' | 'never'
  readonly intervalMs: number
  readonly intervalBytes: number
  readonly idleSyncMs: number
  /** Written to LINK: no more bytes than this are ever between D and the end of a write. */
  readonly inFlightBytesBound: number
}

/** Where this opening begins: what recovery found. */
export interface CommitStart {
  readonly map: readonly MapEntry[]
  readonly nextId: number
  /** LSN of the next segment's first byte. */
  readonly nextBase: number
  readonly timeMs: number
  /** The segment that recovery wrote, which goes on being written. */
  readonly segment?: OwnSegment
}

export type CommitState = 'open' | 'failed' | 'fenced' | 'closed'

export class CommitLoop {
  readonly stats = new WriterStats()
  state: CommitState = 'open'
  failure: Error | undefined
  /** The segment being written; undefined until the first group of this opening. */
  segment: OwnSegment | undefined
  /** Segments in front of it, by number. */
  map: readonly MapEntry[]
  /** Blocks of `segment` so far. */
  blockIndex = new BlockIndex()
  /** Everything of `segment` below this offset has resolved. */
  visibleEnd = 0
  visibleNextId: number
  /** Called after every change of what readers may see. */
  onVisible: () => void = () => undefined
  /** Called when a segment is full: its final map entry, its blocks, and the way to its bytes. */
  onSealed: (segment: OwnSegment, entry: MapEntry, index: BlockIndex) => void = () => undefined

  readonly #system: System
  readonly #lock: Lock
  readonly #owner: LogOwner
  readonly #supply: SegmentSupply
  readonly #options: CommitOptions
  readonly epoch: number

  #nextId: number
  #nextTicket: Ticket = 1
  #nextBase: number
  #timeMs: number
  #pending: CommitGroup
  #pendingBytes = 0
  readonly #spareGroups: CommitGroup[] = []
  readonly #flights: Flight[] = []
  #flightBytes = 0
  #writing = 0
  #pumpScheduled = false
  #full = false
  /** Files whose retirement the map in memory says and no durable map does yet. */
  #retiring: (() => void)[] = []
  #mapChanged = false
  #syncDue = false
  #cleanDue: (() => void) | undefined
  #lastWasSync = true
  #cancelIdle: (() => void) | undefined
  #cancelInterval: (() => void) | undefined
  #flushing: Promise<void> | undefined
  #flushedNextId: number
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
  ) {
    this.#system = system
    this.#lock = lock
    this.epoch = epoch
    this.#owner = owner
    this.#supply = supply
    this.#options = options
    this.map = start.map
    this.#nextId = start.nextId
    this.visibleNextId = start.nextId
    this.#flushedNextId = start.nextId
    this.#nextBase = start.nextBase
    this.#timeMs = start.timeMs
    this.#pending = new CommitGroup(system.crc32)
    this.#pending.reset(start.nextId)
    if (start.segment) {
      this.segment = start.segment
      this.visibleEnd = start.segment.sentEnd
      this.#lastWasSync = false
    }
  }

  get nextId(): number {
    return this.#nextId
  }

  /** The next id behind everything that a flush covered. */
  get durableNextId(): number {
    return this.#flushedNextId
  }

  get timeMs(): number {
    return this.#timeMs
  }

  /** Bytes taken and not yet resolved. */
  get bytesWaiting(): number {
    return this.#pending.byteLength + this.#flightBytes
  }

  /** LSN up to which everything is durable (outside `always`: written). */
  get visibleLsn(): number {
    return this.segment === undefined ? this.#nextBase : this.segment.base + this.visibleEnd
  }

  /** The group that takes the next batch, ready for records; `endAppend` must follow at once. */
  beginAppend(): CommitGroup {
    this.#assertOpen()
    const pending = this.#pending
    if (pending.isEmpty) {
      pending.timeMs = this.#now()
      pending.firstTicket = this.#nextTicket
      if (this.segment) pending.attach(this.segment, this.segment.sentEnd, this.segment.sentEnd)
    }
    return pending
  }

  /** Ends what `beginAppend` began: gives it a ticket and sees that it leaves. */
  endAppend(bodyBytes: number): Ticket {
    const ticket = this.#nextTicket++
    this.#pending.lastTicket = ticket
    this.#pendingBytes += bodyBytes
    this.#nextId = this.#pending.nextId
    this.#schedulePump()
    return ticket
  }

  /** Sends everything that waits, synchronously, and resolves it in order. */
  commitSync(): void {
    this.#assertOpen()
    try {
      this.#resendFlightsSync()
      const own = this.#placeForPendingSync()
      const flight = own ? this.#openingFlight(own) : this.#pendingFlight()
      this.#launch(flight)
      writePiecesSync(flight)
      if (this.#flushesEachGroup) flight.segment.handle.flushSync()
      flight.written = true
    } catch (error) {
      if (error instanceof QlogError && error.code === 'QLOG_DISK_FULL') this.#refusePending(error)
      else this.#stop('failed', this.#failedError(error))
      throw this.failure ?? error
    }
    this.#advanceMarks()
    this.#confirmSync()
    this.#settleReady()
    this.#schedulePump()
  }

  /** Takes segments out of the map; `done` runs once that is durable. */
  retire(entries: readonly MapEntry[], done: () => void): void {
    const gone = new Set(entries)
    this.map = this.map.filter((entry) => !gone.has(entry))
    this.#retiring.push(done)
    this.#mapChanged = true
    this.#schedulePump()
  }

  /** Resolves when less than `bytesMax` waits. */
  async room(bytesMax: number): Promise<void> {
    while (this.state === 'open' && this.bytesWaiting >= bytesMax) {
      await new Promise<void>((resolve) => this.#roomWaiters.push(resolve))
    }
  }

  /** Resolves when nothing waits any more, whether it became durable or the loop stopped. */
  async drained(): Promise<void> {
    while (this.state === 'open' && !this.#isIdle) {
      this.#schedulePump()
      await new Promise<void>((resolve) => this.#drainWaiters.push(resolve))
    }
  }

  /** Confirms the end with a CLEAN pair, where this opening wrote anything. */
  async finish(): Promise<void> {
    await this.drained()
    this.#cancelTimers()
    if (this.state !== 'open') return
    if (this.segment) {
      await this.#flushing
      await new Promise<void>((resolve) => {
        this.#cleanDue = resolve
        this.#drainWaiters.push(resolve)
        this.#schedulePump()
      })
    }
  }

  /** Lets go of files and timers. Appends that still wait become indeterminate or rejected. */
  async dispose(): Promise<void> {
    this.#cancelTimers()
    if (this.state === 'open') {
      this.#failWaiting(new QlogError('QLOG_CLOSED', 'the log was closed before this was durable'))
      this.state = 'closed'
      this.#wakeAll()
    }
    await this.#flushing?.catch(() => undefined)
    await this.segment?.handle.close()
  }

  get #isIdle(): boolean {
    return this.#pending.isEmpty && this.#flights.length === 0 && !this.#mapChanged
  }

  get #flushesEachGroup(): boolean {
    return this.#options.mode === 'always' && this.#system.files.durableWrites === 'flush'
  }

  #now(): number {
    this.#timeMs = Math.max(this.#timeMs, Math.floor(this.#system.clock.nowMs()))
    return this.#timeMs
  }

  #assertOpen(): void {
    if (this.state === 'open') return
    if (this.failure) throw this.failure
    throw new QlogError('QLOG_CLOSED', 'the log is closed')
  }

  /** Appends of one tick share a group: the pump runs when the caller's code has returned. */
  #schedulePump(): void {
    if (this.#pumpScheduled) return
    this.#pumpScheduled = true
    queueMicrotask(this.#pumpNow)
  }

  readonly #pumpNow = (): void => {
    this.#pumpScheduled = false
    if (this.state !== 'open') return
    try {
      this.#pump()
    } catch (error) {
      this.#stopOnError(error)
    }
  }

  /** Sends what can be sent now; called whenever something changed. */
  #pump(): void {
    if (this.#writing >= FLIGHTS_MAX) return
    // The first group of a segment resolves before anything follows: else a later D would claim
    // what a fenced writer cannot know.
    if (this.#flights[0]?.opensSegment) return
    const { segment } = this
    if (this.#mapChanged) {
      if (this.#flights.length > 0) return
      if (segment && this.#sendPair('map')) return
      this.#roll()
      return
    }
    if (!this.#pending.isEmpty) {
      if (segment && this.#fits(segment)) this.#send(this.#pendingFlight())
      else if (this.#flights.length === 0) this.#roll()
      return
    }
    if (this.#flights.length > 0) return
    if (this.#cleanDue && segment) this.#sendPair('clean')
    else if (this.#syncDue && segment) this.#sendPair('sync')
    else this.#idle()
  }

  #fits(segment: OwnSegment): boolean {
    return segment.sentEnd + this.#pending.byteLength <= segment.fileBytes - TAIL_RESERVE_BYTES
  }

  /** Begins the next segment; everything before must be durable first, in every mode. */
  #roll(): void {
    const { segment } = this
    if (segment && segment.durableOffset < segment.writtenEnd) {
      this.#flush().then(() => this.#schedulePump(), this.#stopOnError)
      return
    }
    const own = this.#supply.take(this.#neededBytes())
    if (own) {
      this.#send(this.#openingFlight(own))
      return
    }
    this.#supply.prepare(this.#neededBytes()).then(
      () => this.#schedulePump(),
      (error: unknown) => {
        if (this.state === 'open') this.#refusePending(error)
      },
    )
  }

  #neededBytes(): number {
    return 4096 + linkPairBytes(this.#link(0)) + this.#pending.byteLength + TAIL_RESERVE_BYTES
  }

  /** A segment for the pending group if it needs a new one, made synchronously. */
  #placeForPendingSync(): OwnSegment | undefined {
    const { segment } = this
    if (segment && this.#fits(segment)) return undefined
    if (segment && segment.durableOffset < segment.writtenEnd) {
      segment.handle.flushSync()
      segment.durableOffset = segment.writtenEnd
      this.#flushedNextId = this.visibleNextId
    }
    const bytes = this.#neededBytes()
    return this.#supply.take(bytes) ?? this.#supply.makeSync(bytes)
  }

  #link(base: number): Link {
    const last = this.map.at(-1)
    const { segment } = this
    const entries = segment ? [...this.map, this.#entryOf(segment)] : this.map
    const before = segment ? entries.at(-1) : last
    const { identity } = this.#system
    return {
      epoch: this.epoch,
      bootId: identity.bootId,
      bootTimeMs: Math.max(0, Math.floor(identity.bootTimeMs)),
      mode: this.#options.mode,
      inFlightBytesMax: this.#options.inFlightBytesBound,
      base,
      ...(before && {
        predecessor: { number: before.number, generation: before.generation, cut: before.cut },
      }),
      nextId: this.#pending.nextId - this.#pending.messages,
      snapshots: [0, 0],
      map: entries,
    }
  }

  /** The map entry of a segment of our own that ends where its last group was sent. */
  #entryOf(segment: OwnSegment): MapEntry {
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
      endId: this.visibleNextId,
      coversTo: segment.number,
    }
  }

  /** Makes `own` the current segment: its LINK and the pending group, as one flight. */
  #openingFlight(own: OwnSegment): Flight {
    const sealed = this.segment
    const entry = sealed && this.#entryOf(sealed)
    own.base = sealed ? sealed.base + sealed.fileBytes : this.#nextBase
    if (own.base + own.fileBytes > Number.MAX_SAFE_INTEGER) {
      throw new QlogError('QLOG_UNSUPPORTED', 'the log has used up its 2^53 bytes of positions')
    }
    const link = this.#link(own.base)
    own.firstId = link.nextId
    own.startedMs = this.#system.clock.monotonicMs()
    const timeMs = this.#now()
    const pending = this.#pending
    const pair = linkBytes(own, link, timeMs, pending.isEmpty, this.#system.crc32)
    const { offset, end, pieces } = this.#opened(own, pair)
    const oldIndex = this.blockIndex
    this.map = link.map
    this.segment = own
    this.visibleEnd = 0
    this.blockIndex = new BlockIndex()
    const retired = this.#takeRetiring()
    const flight = this.#flight(own, pieces, offset, end, !pending.isEmpty, {
      opensSegment: true,
      mustFlush: retired !== undefined,
      resolved: () => {
        if (sealed && entry) this.#sealFile(sealed, entry, oldIndex)
        retired?.()
      },
    })
    this.#noteBlocks(own)
    this.#pendingLeft()
    return flight
  }

  #opened(
    own: OwnSegment,
    pair: Uint8Array,
  ): { offset: number; end: number; pieces: Uint8Array[] } {
    const offset = own.sentEnd
    const pending = this.#pending
    if (pending.isEmpty) return { offset, end: offset + pair.length, pieces: [pair] }
    pending.attach(own, offset + pair.length, offset)
    const records = pending.finish()
    return { offset, end: offset + pair.length + records.length, pieces: [pair, records] }
  }

  #pendingFlight(): Flight {
    const { segment } = this
    if (!segment) throw new Error('a group needs a segment')
    const offset = segment.sentEnd
    this.#pending.attach(segment, offset, offset)
    const records = this.#pending.finish()
    const flight = this.#flight(segment, [records], offset, offset + records.length, true, {})
    this.#noteBlocks(segment)
    this.#pendingLeft()
    return flight
  }

  #flight(
    segment: OwnSegment,
    pieces: readonly Uint8Array[],
    offset: number,
    end: number,
    carries: boolean,
    more: Partial<Pick<Flight, 'opensSegment' | 'mustFlush' | 'resolved'>>,
  ): Flight {
    const pending = this.#pending
    return {
      segment,
      pieces,
      offset,
      end,
      group: carries ? pending : undefined,
      firstTicket: carries ? pending.firstTicket : 0,
      lastTicket: carries ? pending.lastTicket : 0,
      messages: carries ? pending.messages : 0,
      messageBytes: carries ? this.#pendingBytes : 0,
      nextId: this.#pending.nextId,
      timeMs: carries ? pending.timeMs : this.#timeMs,
      opensSegment: false,
      mustFlush: false,
      startedMs: this.#system.clock.monotonicMs(),
      written: false,
      confirmed: false,
      settled: false,
      ...more,
    }
  }

  #noteBlocks(segment: OwnSegment): void {
    const pending = this.#pending
    if (pending.hasControl) segment.hasControl = true
    for (let i = 0; ; i++) {
      const block = pending.blockAt(i)
      if (!block) return
      this.blockIndex.note(block.firstId, pending.fileOffset + block.start)
    }
  }

  #pendingLeft(): void {
    if (this.#pending.isEmpty) return
    const next = this.#spareGroups.pop() ?? new CommitGroup(this.#system.crc32)
    next.reset(this.#nextId)
    this.#pending = next
    this.#pendingBytes = 0
  }

  #sendPair(type: 'map' | 'sync' | 'clean'): boolean {
    const { segment } = this
    if (!segment) return false
    if (type === 'sync') this.#syncDue = false
    if (type !== 'map' && segment.durableOffset < segment.writtenEnd) {
      this.#flush().then(() => this.#schedulePump(), this.#stopOnError)
      return true
    }
    const map: SegmentMap = { epoch: this.epoch, snapshots: [0, 0], map: this.map }
    const what = type === 'map' ? { type, map } : { type }
    const bytes = pairGroup(segment, what, this.#nextId, this.#now(), this.#system.crc32)
    const clean = type === 'clean' ? this.#cleanDue : undefined
    if (type === 'clean') this.#cleanDue = undefined
    if (!bytes) {
      clean?.()
      return false
    }
    const retired = type === 'map' ? this.#takeRetiring() : undefined
    const offset = segment.sentEnd
    const flight = this.#flight(segment, [bytes], offset, offset + bytes.length, false, {
      mustFlush: type !== 'sync',
      resolved: () => {
        this.#lastWasSync = true
        retired?.()
        clean?.()
      },
    })
    this.#send(flight)
    return true
  }

  #takeRetiring(): (() => void) | undefined {
    this.#mapChanged = false
    if (this.#retiring.length === 0) return undefined
    const retiring = this.#retiring
    this.#retiring = []
    return () => {
      for (const done of retiring) done()
    }
  }

  #launch(flight: Flight): void {
    this.#cancelIdle?.()
    this.#cancelIdle = undefined
    flight.segment.sentEnd = flight.end
    this.#flights.push(flight)
    this.#flightBytes += flight.end - flight.offset
    this.#lastWasSync = false
  }

  #send(flight: Flight): void {
    this.#launch(flight)
    this.#writing++
    this.#write(flight).then(
      () => this.#returned(flight),
      (error: unknown) => {
        this.#writing--
        this.#stop('failed', this.#failedError(error))
      },
    )
    this.#supply.prepareAhead(flight.segment)
  }

  async #write(flight: Flight): Promise<void> {
    await writePieces(flight)
    const durable = this.#options.mode === 'always'
    // Handles of the mode always are opened durable where the platform has that; see the supply.
    if (durable ? this.#flushesEachGroup : flight.mustFlush) await flight.segment.handle.flush()
  }

  #returned(flight: Flight): void {
    this.#writing--
    if (flight.settled) {
      this.#reuse(flight)
      this.#schedulePump()
      return
    }
    flight.written = true
    if (this.state !== 'open') return
    this.#advanceMarks()
    this.#lock.isHeld().then(
      (held) => {
        if (this.state !== 'open') return
        if (!held) {
          this.#stop('fenced', fencedError())
          return
        }
        flight.confirmed = true
        this.#settleReady()
        this.#pump()
      },
      (error: unknown) => this.#stop('failed', this.#failedError(error)),
    )
    this.#pump()
  }

  /** Moves the marks over every group whose write returned, in order. */
  #advanceMarks(): void {
    for (const flight of this.#flights) {
      if (!flight.written) return
      const { segment } = flight
      segment.writtenEnd = Math.max(segment.writtenEnd, flight.end)
      if (this.#options.mode === 'always' || flight.mustFlush) {
        segment.durableOffset = Math.max(segment.durableOffset, flight.end)
      }
    }
  }

  /** Resolves groups from the front, as far as they are written and the lock was seen held. */
  #settleReady(): void {
    let settled = false
    for (;;) {
      const flight = this.#flights[0]
      if (!flight?.written || !flight.confirmed) break
      this.#flights.shift()
      this.#settle(flight)
      settled = true
    }
    if (!settled) return
    this.onVisible()
    this.#afterSettling()
    wake(this.#roomWaiters)
    if (this.#isIdle) wake(this.#drainWaiters)
  }

  #settle(flight: Flight): void {
    this.#flightBytes -= flight.end - flight.offset
    this.visibleEnd = flight.end
    this.visibleNextId = Math.max(this.visibleNextId, flight.nextId)
    if (this.#options.mode === 'always') this.#flushedNextId = this.visibleNextId
    this.stats.settled(
      flight.messages,
      flight.messageBytes,
      this.#system.clock.monotonicMs() - flight.startedMs,
    )
    if (flight.lastTicket > 0) {
      this.#owner.committed(flight.lastTicket, flight.segment.base + flight.offset, flight.timeMs)
      if (this.#full) {
        this.#full = false
        this.#owner.space('ok')
      }
    }
    flight.resolved?.()
    if (flight.settled) return
    flight.settled = true
    this.#reuse(flight)
  }

  #reuse(flight: Flight): void {
    if (flight.group && this.#spareGroups.length < 2) this.#spareGroups.push(flight.group)
  }

  #afterSettling(): void {
    const { mode, intervalBytes, intervalMs } = this.#options
    const { segment } = this
    if (mode !== 'interval' || !segment) return
    const unflushed = segment.writtenEnd - segment.durableOffset
    if (unflushed >= intervalBytes) {
      this.#flush().catch(this.#stopOnError)
    } else if (unflushed > 0 && !this.#cancelInterval) {
      this.#cancelInterval = this.#system.clock.after(intervalMs, () => {
        this.#cancelInterval = undefined
        if (this.state === 'open') this.#flush().catch(this.#stopOnError)
      })
    }
  }

  /** Flushes what is written; one at a time, and what came later starts another. */
  async #flush(): Promise<void> {
    await this.#flushing
    const { segment } = this
    if (!segment || this.state !== 'open') return
    const end = segment.writtenEnd
    const nextId = this.visibleNextId
    this.#flushing = segment.handle.flush()
    try {
      await this.#flushing
    } finally {
      this.#flushing = undefined
    }
    segment.durableOffset = Math.max(segment.durableOffset, end)
    this.#flushedNextId = Math.max(this.#flushedNextId, nextId)
  }

  readonly #stopOnError = (error: unknown): void => {
    this.#stop('failed', this.#failedError(error))
  }

  #idle(): void {
    const { idleSyncMs, mode } = this.#options
    if (idleSyncMs === 0 || mode !== 'always' || this.#lastWasSync || this.#cancelIdle) return
    this.#cancelIdle = this.#system.clock.after(idleSyncMs, () => {
      this.#cancelIdle = undefined
      this.#syncDue = true
      this.#schedulePump()
    })
  }

  /** Full, or no descriptor: nothing was written, and the log goes on. */
  #refusePending(error: unknown): void {
    const cause = error instanceof Error ? error : new Error(String(error))
    const pending = this.#pending
    if (!pending.isEmpty) {
      const { firstTicket, lastTicket } = pending
      this.#nextId = pending.nextId - pending.messages
      pending.reset(this.#nextId)
      this.#pendingBytes = 0
      this.#owner.refused(firstTicket, lastTicket, cause)
    }
    if (error instanceof QlogError && error.code === 'QLOG_DISK_FULL' && !this.#full) {
      this.#full = true
      this.#owner.space('full')
    }
    this.#cleanDue?.()
    this.#mapChanged = false
    wake(this.#roomWaiters)
    wake(this.#drainWaiters)
  }

  #resendFlightsSync(): void {
    for (const flight of this.#flights) {
      if (flight.written) continue
      writePiecesSync(flight)
      if (flight.mustFlush && this.#options.mode !== 'always') flight.segment.handle.flushSync()
    }
    const last = this.#flights.at(-1)
    if (!last) return
    if (this.#flushesEachGroup) last.segment.handle.flushSync()
    for (const flight of this.#flights) flight.written = true
    this.#advanceMarks()
    this.#confirmSync()
    this.#settleSync()
  }

  /** Settles groups whose asynchronous write has yet to return: their buffers stay theirs. */
  #settleSync(): void {
    const stillWriting = this.#flights.slice(this.#flights.length - this.#writing)
    for (const flight of stillWriting) flight.settled = true
    this.#settleReady()
  }

  #confirmSync(): void {
    if (!this.#lock.isHeldSync()) {
      this.#stop('fenced', fencedError())
      throw this.failure ?? fencedError()
    }
    for (const flight of this.#flights) flight.confirmed = true
  }

  #stop(state: 'failed' | 'fenced', failure: Error): void {
    if (this.state !== 'open') return
    this.state = state
    this.failure = failure
    this.#cancelTimers()
    this.#failWaiting(failure)
    this.#wakeAll()
  }

  /** The pending group was never written; what is under way may appear or not. */
  #failWaiting(cause: Error): void {
    if (!this.#pending.isEmpty) {
      this.#owner.failed(this.#pending.firstTicket, 'rejected', cause)
    }
    const first = this.#flights.find((flight) => flight.lastTicket > 0)
    if (first) this.#owner.failed(first.firstTicket, 'indeterminate', cause)
  }

  #wakeAll(): void {
    this.onVisible()
    wake(this.#roomWaiters)
    wake(this.#drainWaiters)
  }

  #failedError(error: unknown): QlogError {
    const lost =
      this.#options.mode !== 'always' && this.#flushedNextId < this.visibleNextId
        ? `; resolved ids ${this.#flushedNextId} to ${this.visibleNextId - 1} may be lost`
        : ''
    return new QlogError('QLOG_FAILED', `a write or flush failed, the log has stopped${lost}`, {
      cause: error,
    })
  }

  #cancelTimers(): void {
    this.#cancelIdle?.()
    this.#cancelIdle = undefined
    this.#cancelInterval?.()
    this.#cancelInterval = undefined
  }

  #sealFile(segment: OwnSegment, entry: MapEntry, index: BlockIndex): void {
    this.onSealed(segment, entry, index)
    const seal = {
      firstId: entry.firstId,
      endId: entry.endId,
      messages: entry.endId - entry.firstId,
      controls: 0,
      blockFirstIds: Float64Array.from(index.firstIds),
      blockOffsets: Uint32Array.from(index.offsets),
    }
    const bytes = sealBytes(segment, seal, this.#timeMs, this.#system.crc32)
    // SEAL is a cache: whether it arrives does not matter.
    const written = bytes ? segment.handle.write(bytes, segment.sentEnd) : Promise.resolve(0)
    written.catch(() => 0).then(() => segment.handle.close().catch(() => undefined))
  }
}

function wake(waiters: (() => void)[]): void {
  for (const waiter of waiters.splice(0)) waiter()
}

function fencedError(): QlogError {
  return new QlogError('QLOG_FENCED', 'another process has taken over this log')
}
