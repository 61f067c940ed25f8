/**
 * A log that behaves like one far away: it acknowledges late, takes small entries only, fills up, fails,
 * and is taken over, all under one seed. What is durable lives in a {@link MemoryMedium}.
 */
import { QlogError, throwIfAborted } from '../errors.ts'
import { checkLimits } from '../log/memory/limits.ts'
import type { KeptPart, MediumWriter, MemoryMedium } from '../log/memory/medium.ts'
import { MemoryLog, type MemoryLogOptions } from '../log/memory/memory-log.ts'
import type { MemorySystem } from '../log/memory/pace.ts'
import { collectParts } from '../log/memory/snapshot.ts'
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
  OwnedLog,
  PartToSave,
  SaveOptions,
  Snapshot,
  Ticket,
} from '../log/seam.ts'
import { Random } from '../system/simulated/random.ts'
import { SlowPace } from './slow-pace.ts'

const KIB = 1024

/** As small as those of a replicated stream may be, so that an owner finds out what it must split. */
const LIMITS: LogLimits = {
  messageBytesMax: 48 * KIB,
  batchBytesMax: 64 * KIB,
  inFlightBytesMax: 256 * KIB,
  partBytesMax: 16 * KIB,
}

/** How slow, and how likely to go wrong. */
export interface SlowLogOptions extends MemoryLogOptions {
  /** Decides every delay, every fault by chance, and what survives; 1 unless told. */
  readonly seed?: number
  /** Shortest time until a group is acknowledged; 1 unless told. */
  readonly delayMsMin?: number
  /** Longest time until a group is acknowledged; 50 unless told. */
  readonly delayMsMax?: number
  /** Longest time until `fetch` and `snapshot` answer; 5 unless told. */
  readonly readDelayMsMax?: number
  /** Groups on their way at once, acknowledged in order; 2 unless told. */
  readonly groupsInFlightMax?: number
  /** Chance of each append that somebody else takes over before it commits; 0 unless told. */
  readonly fenceChance?: number
  /** Chance of each append that it fails, its outcome unknown; 0 unless told. */
  readonly failChance?: number
  /**
   * Chance of each snapshot that is not saved `whole` to be kept back until the log is closed, so that a
   * crash loses it; 0.5 unless told.
   */
  readonly keepBackChance?: number
}

/**
 * Opens a {@link SlowLog} on `medium`; fits where an `OpenLog` is asked for. After `medium.crash()` some of
 * what was on its way is there, whole entries from the front, as the seed has it.
 */
export function openSlowLog(
  system: MemorySystem,
  medium: MemoryMedium,
  options: SlowLogOptions = {},
): (owner: LogOwner, options: { readonly signal?: AbortSignal }) => Promise<SlowLog> {
  return async (owner, { signal }) => {
    throwIfAborted(signal)
    return new SlowLog(system, medium, owner, options)
  }
}

export class SlowLog implements OwnedLog {
  readonly #log: MemoryLog
  readonly #medium: MemoryMedium
  readonly #owner: LogOwner
  readonly #pace: SlowPace
  readonly #random: Random
  readonly #fenceChance: number
  readonly #failChance: number
  readonly #keepBackChance: number
  /** The snapshot that was given last, where it is kept back. */
  #keptBack: ReadonlyMap<string, KeptPart> | undefined
  #isSaving = false
  #isFull = false

  constructor(
    system: MemorySystem,
    medium: MemoryMedium,
    owner: LogOwner,
    options: SlowLogOptions = {},
  ) {
    const {
      seed = 1,
      delayMsMin = 1,
      delayMsMax = 50,
      readDelayMsMax = 5,
      groupsInFlightMax = 2,
      fenceChance = 0,
      failChance = 0,
      keepBackChance = 0.5,
      ...limits
    } = options
    // Openings of one medium differ, though they have one seed.
    this.#random = new Random(seed + medium.epoch)
    this.#medium = medium
    this.#owner = owner
    this.#fenceChance = fenceChance
    this.#failChance = failChance
    this.#keepBackChance = keepBackChance
    this.#pace = new SlowPace(system.clock, this.#random, {
      delayMsMin,
      delayMsMax,
      readDelayMsMax,
      groupsInFlightMax,
      takeOver: () => this.fence(),
    })
    const checked = checkLimits({ ...LIMITS, ...limits })
    this.#log = new MemoryLog(system, medium, owner, checked, this.#pace)
  }

  get epoch(): number {
    return this.#log.epoch
  }

  get nextId(): MessageId {
    return this.#log.nextId
  }

  get limits(): LogLimits {
    return this.#log.limits
  }

  get firstLsn(): Lsn {
    return this.#log.firstLsn
  }

  get durableLsn(): Lsn {
    return this.#log.durableLsn
  }

  /** The last ticket that was given. */
  get lastTicket(): Ticket {
    return this.#log.lastTicket
  }

  /** Somebody else takes over now: nothing that waits commits, though some of it may be there. */
  fence(): void {
    this.#medium.enter(STRANGER)
  }

  /** Somebody else takes over before this ticket commits; those before it do. */
  fenceAt(ticket: Ticket): void {
    this.#pace.plan({ ticket, kind: 'fenced' })
  }

  /**
   * This ticket and all later ones fail; those before it commit. 'rejected': none of them is there after
   * reopening; 'indeterminate': some may be, from the front.
   */
  failAt(ticket: Ticket, outcome: 'rejected' | 'indeterminate' = 'indeterminate'): void {
    this.#pace.plan({ ticket, kind: outcome })
  }

  /**
   * Full or not from now on. While it is, batches with messages are turned away, those that were not sent
   * yet too; control records alone still go.
   */
  setFull(full: boolean): void {
    if (full === this.#isFull || this.#pace.isOver) return
    this.#isFull = full
    this.#owner.space(full ? 'full' : 'ok')
    if (full) this.#log.refuseMessages(this.#pace.sentTicket, fullError())
  }

  append(batch: Batch): Ticket {
    this.#log.assertUsable()
    if (this.#isFull && batch.messages.length > 0) throw fullError()
    const ticket = this.#log.append(batch)
    if (this.#random.chance(this.#fenceChance)) this.fenceAt(ticket)
    if (this.#random.chance(this.#failChance)) this.failAt(ticket)
    return ticket
  }

  room(signal?: AbortSignal): Promise<void> {
    return this.#log.room(signal)
  }

  read(range: EntryRange): AsyncIterableIterator<readonly Entry[]> {
    return this.#log.read(range)
  }

  async fetch(
    ids: ArrayLike<MessageId>,
    options: FetchOptions = {},
  ): Promise<readonly (Uint8Array | undefined)[]> {
    this.#log.assertReadable()
    throwIfAborted(options.signal)
    // Taken at the call, like everything an owner hands over.
    const asked = Array.from(ids)
    await this.#pace.readDelay()
    return this.#log.fetch(asked, options)
  }

  async snapshot(): Promise<Snapshot | undefined> {
    this.#log.assertReadable()
    await this.#pace.readDelay()
    return this.#log.snapshot()
  }

  discard(ids: Iterable<readonly [first: MessageId, last: MessageId]>): void {
    this.#log.discard(ids)
  }

  async saveSnapshot(parts: AsyncIterable<PartToSave>, options: SaveOptions = {}): Promise<void> {
    this.#log.assertUsable()
    if (this.#isSaving) throw new Error('a snapshot is being saved already')
    this.#isSaving = true
    try {
      const last = this.#keptBack ?? this.#medium.parts
      const { partBytesMax } = this.limits
      this.#keptBack = await collectParts(
        this.#slowly(parts),
        last,
        partBytesMax,
        () => this.durableLsn,
      )
    } finally {
      this.#isSaving = false
    }
    this.#log.assertUsable()
    if (options.whole || !this.#random.chance(this.#keepBackChance)) this.#saveKeptBack()
  }

  get isSnapshotDue(): boolean {
    return this.#log.isSnapshotDue
  }

  figures(): LogFigures {
    return this.#log.figures()
  }

  compact(): Promise<void> {
    return this.#log.compact()
  }

  close(options: { readonly timeoutMs?: number } = {}): Promise<void> {
    this.#saveKeptBack()
    return this.#log.close(options)
  }

  #saveKeptBack(): void {
    if (!this.#keptBack || this.#pace.isOver) return
    this.#medium.save(this.#keptBack)
    this.#keptBack = undefined
  }

  /** The snapshot is complete some time behind its last part. */
  async *#slowly(parts: AsyncIterable<PartToSave>): AsyncGenerator<PartToSave> {
    yield* parts
    await this.#pace.delay()
  }
}

/** Who takes over when a fault says so, and never writes. */
const STRANGER: MediumWriter = {
  fence: () => undefined,
  vanish: () => undefined,
}

function fullError(): QlogError {
  return new QlogError('QLOG_DISK_FULL', 'no space is left')
}
