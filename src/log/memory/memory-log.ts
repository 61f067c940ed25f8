/**
 * A log in memory behind the seam: for stores that need not outlive their process, and for tests. What is
 * durable lives in a {@link MemoryMedium}; a pace decides when appends become durable.
 */
import { abortError, QlogError, throwIfAborted } from '../../errors.ts'
import { copyOf } from '../../format/bytes.ts'
import { checkSizes, RECORD_BYTES } from '../batch-sizes.ts'
import { ChangeWaiters } from '../change-waiters.ts'
import { FlushTimes } from '../flush-times.ts'
import type {
  Batch,
  Entry,
  EntryRange,
  FetchOptions,
  LogFigures,
  LogLimits,
  LogOwner,
  Lsn,
  MessageId,
  OpenLog,
  OwnedLog,
  PartToSave,
  Snapshot,
  Ticket,
} from '../seam.ts'
import { encodeOwn } from './arena.ts'
import { StoredEntry } from './bodies.ts'
import { checkLimits } from './limits.ts'
import type { KeptPart, MediumWriter, MemoryMedium } from './medium.ts'
import { type MemoryPace, type MemorySystem, type PacedLog, TurnPace } from './pace.ts'
import { MemoryPending } from './pending.ts'
import { MemoryReader } from './reader.ts'
import { collectParts, snapshotOf } from './snapshot.ts'

/** Limits of a log in memory; those of a log on files unless told. */
export type MemoryLogOptions = Partial<LogLimits>

/**
 * Opens a log on `medium`. All appends of one turn of the event loop become durable together, in its
 * microtasks. An older opening of the same medium is fenced.
 */
export function openMemoryLog(
  system: MemorySystem,
  medium: MemoryMedium,
  options: MemoryLogOptions = {},
): OpenLog {
  const limits = checkLimits(options)
  return async (owner, { signal }) => {
    throwIfAborted(signal)
    return new MemoryLog(system, medium, owner, limits, new TurnPace(system))
  }
}

export class MemoryLog implements OwnedLog, MediumWriter, PacedLog {
  readonly epoch: number
  readonly limits: LogLimits
  readonly #system: MemorySystem
  readonly #medium: MemoryMedium
  readonly #owner: LogOwner
  readonly #pace: MemoryPace
  readonly #pending = new MemoryPending()
  readonly #waiters = new ChangeWaiters()
  /** From the time of a group until it is durable, by the wall clock. */
  readonly #flushTimes = new FlushTimes()
  #nextId: MessageId
  #visibleNextId: MessageId
  #lastLsn: Lsn
  #durableLsn: Lsn
  #lastTicket: Ticket = 0
  #timeMs: number
  /** Appends join the group that is being gathered, which has one time. */
  #gathers = false
  #saving = false
  #failure: QlogError | undefined
  #closing: Promise<void> | undefined
  #hasEnded = false
  #vanished = false

  constructor(
    system: MemorySystem,
    medium: MemoryMedium,
    owner: LogOwner,
    limits: LogLimits,
    pace: MemoryPace,
  ) {
    this.#system = system
    this.#medium = medium
    this.#owner = owner
    this.#pace = pace
    this.limits = limits
    this.epoch = medium.enter(this)
    this.#nextId = medium.nextId
    this.#visibleNextId = medium.nextId
    this.#lastLsn = medium.lastLsn
    this.#durableLsn = medium.lastLsn
    this.#timeMs = medium.timeMs
  }

  get nextId(): MessageId {
    return this.#nextId
  }

  get firstLsn(): Lsn {
    return this.#medium.entryAt(0)?.lsn ?? this.#durableLsn
  }

  get durableLsn(): Lsn {
    return this.#durableLsn
  }

  /** The last ticket that was given. */
  get lastTicket(): Ticket {
    return this.#lastTicket
  }

  /** Bytes taken and not yet durable. */
  get bytesWaiting(): number {
    return this.#pending.bytes
  }

  append(batch: Batch): Ticket {
    this.assertUsable()
    const { messages, control } = batch
    const bodyBytes = checkSizes(this.limits, messages, control)
    if (this.#pending.bytes >= this.limits.inFlightBytesMax) {
      throw new QlogError('QLOG_BUSY', `${this.#pending.bytes} bytes wait already`)
    }
    // Where an encoder throws, nothing was taken yet.
    const messageBytes = encodeOwn(messages)
    const controlBytes = encodeOwn(control)
    const ids: MessageId[] = []
    for (let i = 0; i < messages.length; i++) ids.push(this.#nextId++)
    if (!this.#gathers) {
      this.#gathers = true
      this.#timeMs = Math.max(this.#timeMs, Math.floor(this.#system.clock.nowMs()))
    }
    const lsn = ++this.#lastLsn
    const ticket = ++this.#lastTicket
    this.#pending.push(
      new StoredEntry(lsn, this.epoch, this.#timeMs, ids, messageBytes, controlBytes),
      ticket,
      bodyBytes + RECORD_BYTES * (messages.length + control.length),
    )
    this.#pace.appended(this)
    return ticket
  }

  endGroup(): void {
    this.#gathers = false
  }

  commit(upTo: Ticket): void {
    if (this.#failure || this.#vanished) return
    if (upTo >= this.#lastTicket) this.#gathers = false
    // A group has one time, and the owner has to hear the time of each.
    while (this.#pending.first > 0 && this.#pending.first <= upTo) {
      const { entries, lastTicket } = this.#pending.takeGroup(upTo)
      for (const entry of entries) this.#medium.add(entry)
      const { lsn, timeMs } = entries.at(-1) as StoredEntry
      this.#durableLsn = lsn
      this.#visibleNextId = this.#medium.nextId
      this.#flushTimes.record(Math.max(0, Math.floor(this.#system.clock.nowMs()) - timeMs))
      this.#owner.committed(lastTicket, lsn, timeMs)
      // What the owner did in there may have been the end of this log.
      if (this.#failure || this.#vanished) return
    }
    this.#waiters.wake()
  }

  /** Batches with messages behind a ticket are turned away; control records stay. */
  refuseMessages(after: Ticket, cause: QlogError): void {
    const { refused, firstId } = this.#pending.dropMessages(after)
    if (firstId > 0) this.#nextId = firstId
    for (const { from, upTo } of refused) this.#owner.refused(from, upTo, cause)
    this.#waiters.wake()
  }

  stop(failure: QlogError): void {
    if (this.#failure || this.#vanished) return
    this.#failure = failure
    const sent = this.#pace.sentTicket
    this.#land()
    const rejected = this.#pending.firstAfter(sent)
    const unknown = this.#pending.first
    this.#pending.clear()
    if (rejected > 0) this.#owner.failed(rejected, 'rejected', failure)
    if (unknown > 0 && unknown <= sent) this.#owner.failed(unknown, 'indeterminate', failure)
    this.#waiters.wake()
  }

  fence(): void {
    this.stop(new QlogError('QLOG_FENCED', 'somebody else has taken over this log'))
  }

  vanish(): void {
    if (!this.#failure) this.#land()
    this.#vanished = true
    this.#pending.clear()
    this.#waiters.wake()
  }

  async room(signal?: AbortSignal): Promise<void> {
    throwIfAborted(signal)
    this.assertUsable()
    while (this.#pending.bytes >= this.limits.inFlightBytesMax) {
      await this.changed(signal)
      this.assertUsable()
    }
  }

  read(range: EntryRange): AsyncIterableIterator<readonly Entry[]> {
    this.#assertReadable()
    return new MemoryReader(this.#medium, this, range)
  }

  async fetch(
    ids: ArrayLike<MessageId>,
    options: FetchOptions = {},
  ): Promise<readonly (Uint8Array | undefined)[]> {
    this.#assertReadable()
    throwIfAborted(options.signal)
    const bytesMax = options.bytesMax ?? Number.POSITIVE_INFINITY
    const bodies: (Uint8Array | undefined)[] = []
    let bytes = 0
    let found = 0
    for (let row = 0; row < ids.length; row++) {
      const id = ids[row] as MessageId
      const body = id < this.#visibleNextId ? this.#medium.bodies.get(id) : undefined
      if (body) {
        bytes += body.length
        if (found > 0 && bytes > bytesMax) break
        found += 1
      }
      // What its user does to it is not done to what is kept.
      bodies.push(body && copyOf(body))
    }
    return bodies
  }

  async snapshot(): Promise<Snapshot | undefined> {
    this.#assertReadable()
    const { parts } = this.#medium
    return parts && snapshotOf(parts)
  }

  discard(ids: Iterable<readonly [first: MessageId, last: MessageId]>): void {
    // An owner may give it within the last words of a log that ends.
    if (this.#closing && !this.#hasEnded) return
    this.#assertReadable()
    // One that was fenced has no say any more; a discard may be lost.
    if (this.#failure) return
    for (const [first, last] of ids) {
      this.#medium.discard(first, Math.min(last, this.#visibleNextId - 1))
    }
  }

  async saveSnapshot(parts: AsyncIterable<PartToSave>): Promise<void> {
    this.assertUsable()
    if (this.#saving) throw new Error('a snapshot is being saved already')
    this.#saving = true
    let saved: ReadonlyMap<string, KeptPart>
    try {
      const last = this.#medium.parts
      saved = await collectParts(parts, last, this.limits.partBytesMax, () => this.#durableLsn)
    } finally {
      this.#saving = false
    }
    this.assertUsable()
    this.#medium.save(saved)
  }

  /** Nothing lies on a disk: what a snapshot lets go of can wait for the next one. */
  get isSnapshotDue(): boolean {
    return false
  }

  figures(): LogFigures {
    const inFlightBytes = this.#pending.bytes
    const disk = { segments: 0, diskBytes: 0, liveBytes: 0, deadBytes: 0 }
    return { ...this.#flushTimes.figures(), inFlightBytes, ...disk }
  }

  async compact(): Promise<void> {
    this.assertUsable()
    this.#medium.trim()
  }

  close(options: { readonly timeoutMs?: number } = {}): Promise<void> {
    this.#closing ??= this.#close(options.timeoutMs)
    return this.#closing
  }

  /** Resolves at the next change of what is durable, waits or is over. */
  async changed(signal?: AbortSignal): Promise<void> {
    throwIfAborted(signal)
    await this.#waiters.next(signal)
    if (signal?.aborted) throw abortError(signal)
  }

  /** Throws where appending is over. */
  assertUsable(): void {
    this.#assertReadable()
    if (this.#failure) throw this.#failure
  }

  /** Throws where a reader that came to the end has nothing to wait for. */
  assertReadable(): void {
    this.#assertReadable()
  }

  #assertReadable(): void {
    if (this.#closing || this.#vanished) throw new QlogError('QLOG_CLOSED', 'the log is closed')
  }

  /** What the pace had on its way and lets survive becomes durable, though nobody is told. */
  #land(): void {
    const survivor = this.#pace.survivor()
    this.#pace.end()
    for (const entry of this.#pending.upTo(survivor)) this.#medium.add(entry)
  }

  async #close(timeoutMs: number | undefined): Promise<void> {
    let late = timeoutMs === 0
    const cancel =
      timeoutMs === undefined || late
        ? undefined
        : this.#system.clock.after(
            timeoutMs,
            () => {
              late = true
              this.#waiters.wake()
            },
            true,
          )
    while (!late && !this.#failure && !this.#vanished && this.#pending.first > 0) {
      await this.changed()
    }
    cancel?.()
    this.stop(new QlogError('QLOG_CLOSED', 'the log was closed before this was durable'))
    this.#medium.leave(this)
    this.#hasEnded = true
    this.#waiters.wake()
  }
}
