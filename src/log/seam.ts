/**
 * The interface between a log and its owner (the store, or the built-in owner behind `openLog`).
 * Nothing here knows a path, a descriptor, a segment or a byte offset, so that another kind of log
 * can stand under the same owner; how many segments there are is a figure to be shown. Types only.
 */
import type { ScrubStats } from './scrub/types.ts'

/** Position of an entry: grows with every entry, never used again; only its order means something. */
export type Lsn = number
/** Number of a message: dense in order of appending, never used again, kept when its bytes move. */
export type MessageId = number
/** Number of an append in this opening: 1, 2, 3 ... */
export type Ticket = number

/** The owner's bytes, encoded straight into the log's buffer: no second copy. */
export interface Encodable {
  readonly byteLength: number
  encodeInto(target: Uint8Array, at: number): void
}

/** Becomes durable as a whole or not at all. */
export interface Batch {
  /** Numbered nextId, nextId + 1, ...; live until discarded. */
  readonly messages: readonly Encodable[]
  /** Unnumbered; dead once a snapshot covers them. */
  readonly control: readonly Encodable[]
}

export interface Entry {
  readonly lsn: Lsn
  /** Of the writer that appended it. */
  readonly epoch: number
  /** That writer's clock; never runs backwards within a log. */
  readonly timeMs: number
  readonly ids: ArrayLike<MessageId>
  readonly messages: readonly Uint8Array[]
  readonly control: readonly Uint8Array[]
}

export interface EntryRange {
  /** Entries behind this LSN; 0 = from the start. */
  readonly after: Lsn
  /** Wait at the end for more. */
  readonly follow?: boolean
  readonly bytesMax?: number
  readonly signal?: AbortSignal
}

/** What a log tells its owner: in order, once a group; no promise a message at the seam. */
export interface LogOwner {
  committed(upTo: Ticket, lsn: Lsn, timeMs: number): void
  /** This ticket and all later ones, for good. */
  failed(from: Ticket, outcome: 'rejected' | 'indeterminate', cause: Error): void
  /** These tickets alone were not written and never will be; later ones are not touched. */
  refused(from: Ticket, upTo: Ticket, cause: Error): void
  /** full: batches with messages are refused, control-only batches still go. */
  space(state: 'ok' | 'full'): void
  /** Messages that damage had taken can be fetched again. */
  mended?(firstId: MessageId, endId: MessageId): void
}

export interface LogLimits {
  readonly messageBytesMax: number
  readonly batchBytesMax: number
  readonly inFlightBytesMax: number
  /** Most bytes of one part of a snapshot. */
  readonly partBytesMax: number
}

export interface FetchOptions {
  /**
   * Bodies stop where they come to more than this, but for the first: the answer is shorter than what
   * was asked for then. No limit unless told.
   */
  readonly bytesMax?: number
  readonly signal?: AbortSignal
}

/** One part of the owner's state as it was saved. */
export interface SavedPart {
  /** It stands for every entry up to this LSN: those are not applied to it again. */
  readonly at: Lsn
  /** Its bytes, checked; for as long as no newer state has been saved. Rejects with QLOG_DAMAGED. */
  read(): Promise<Uint8Array>
}

export interface Snapshot {
  readonly parts: ReadonlyMap<string, SavedPart>
}

/**
 * A part to be saved; one that equals the last snapshot's of that name is named, not written again: the
 * last that was saved, or that opening gave. Names that begin with `log/` are the log's own.
 */
export type PartToSave = readonly [name: string, at: Lsn, bytes: Uint8Array | 'unchanged']

export interface SaveOptions {
  /** Writes every part anew, into the log itself, so that nothing older has to be kept for its sake. */
  readonly whole?: boolean
}

/** How often a log made something durable since it was opened, and how long that took. */
export interface FlushFigures {
  /** Groups that were made durable by one flush each, or by whatever stands for it. */
  readonly flushes: number
  /**
   * The same by the time that each took: up to the first of FLUSH_BUCKETS_MS, up to the second ..., and in
   * the end those that took longer than the last. The sum is `flushes`.
   */
  readonly flushCounts: readonly number[]
  /** Milliseconds of all of them together. */
  readonly flushSumMs: number
  /** Percentiles over the last 1,024 of them; 0 where there are none. */
  readonly flushP50Ms: number
  readonly flushP99Ms: number
  readonly flushMaxMs: number
}

/** What a log says of itself in numbers, as of now. */
export interface LogFigures extends FlushFigures {
  /** Bytes that were taken of the owner and are not known to be durable. */
  readonly inFlightBytes: number
  /** Pieces in which space is given back, and what they take; all 0 where the log lies on no disk. */
  readonly segments: number
  readonly diskBytes: number
  readonly liveBytes: number
  readonly deadBytes: number
  /** What scrubbing did since the log was opened; absent without it. */
  readonly scrub?: ScrubStats
}

/** The reading side of a log, for an owner or beside one. */
export interface LogSource {
  readonly firstLsn: Lsn
  /** The last one: whatever is appended from here on stands behind it. Never moves back. */
  readonly durableLsn: Lsn
  /** Whole entries in order, none that could still be un-happened; `follow` waits at the end. */
  read(range: EntryRange): AsyncIterableIterator<readonly Entry[]>
  /**
   * Bodies in the order asked; undefined = discarded. QLOG_DAMAGED names the ids; never wrong bytes. Each
   * is the caller's own: what is done to it changes no other, of this call or a later one.
   */
  fetch(
    ids: ArrayLike<MessageId>,
    options?: FetchOptions,
  ): Promise<readonly (Uint8Array | undefined)[]>
  /** The newest state that was saved whole and can be read; undefined where there is none. */
  snapshot(): Promise<Snapshot | undefined>
}

/** The owner's side of a log. */
export interface OwnedLog extends LogSource {
  /** Fencing token: higher than every earlier writer's. */
  readonly epoch: number
  readonly nextId: MessageId
  readonly limits: LogLimits
  /**
   * Takes the bytes before it returns. Throws QLOG_TOO_LARGE, QLOG_DISK_FULL, QLOG_BUSY (over
   * inFlightBytesMax), QLOG_FENCED, QLOG_FAILED, QLOG_CLOSED with nothing taken.
   */
  append(batch: Batch): Ticket
  /** Resolves when less than limits.inFlightBytesMax waits for its flush. */
  room(signal?: AbortSignal): Promise<void>
  /**
   * These messages will never be fetched again. A hint: not durable, may be lost or repeated, and is ignored
   * from the call of `close` on until that has its outcome, so that it never throws within `committed`.
   */
  discard(ids: Iterable<readonly [first: MessageId, last: MessageId]>): void
  /**
   * Saves the owner's state in parts of at most `limits.partBytesMax`, each with the LSN it stands for:
   * complete or absent. Where it lies so that it costs least is the log's affair: a call may do no more
   * than keep it for `close`. One call at a time. Rejects with QLOG_INVALID_ARGUMENT where a part stands
   * for what is not durable or there is no part at all, which would stand for no LSN, QLOG_TOO_LARGE,
   * QLOG_DISK_FULL, QLOG_DAMAGED where what is unchanged or was written cannot be read back, QLOG_FENCED,
   * QLOG_FAILED, QLOG_CLOSED; then the one before stays.
   */
  saveSnapshot(parts: AsyncIterable<PartToSave>, options?: SaveOptions): Promise<void>
  /** Much space is kept only until the state is saved again: `saveSnapshot` would be worth it now. */
  readonly isSnapshotDue: boolean
  /** Figures as of now, also of a log that has stopped or is closed. Counts never fall. Never throws. */
  figures(): LogFigures
  /** Gives back what space can be given back now, and resolves when that is done. */
  compact(): Promise<void>
  close(options?: { readonly timeoutMs?: number }): Promise<void>
}

/** Opens a log for its owner, whose first word comes after this resolved. */
export type OpenLog = (
  owner: LogOwner,
  options: { readonly signal?: AbortSignal },
) => Promise<OwnedLog>
