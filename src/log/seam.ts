/**
 * The interface between a log and its owner (the store, or the built-in owner behind `openLog`).
 * Nothing here knows a path, a descriptor, a segment or a byte offset, so that another kind of log
 * can stand under the same owner. Types only.
 */

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
}

export interface LogLimits {
  readonly messageBytesMax: number
  readonly batchBytesMax: number
  readonly inFlightBytesMax: number
}

/** The owner's side of a log. Snapshots join with the store. */
export interface OwnedLog {
  /** Fencing token: higher than every earlier writer's. */
  readonly epoch: number
  readonly nextId: MessageId
  readonly firstLsn: Lsn
  /** Never moves back. */
  readonly durableLsn: Lsn
  readonly limits: LogLimits
  /**
   * Takes the bytes before it returns. Throws QLOG_TOO_LARGE, QLOG_DISK_FULL, QLOG_BUSY (over
   * inFlightBytesMax), QLOG_FENCED, QLOG_FAILED, QLOG_CLOSED with nothing taken.
   */
  append(batch: Batch): Ticket
  /** Resolves when less than limits.inFlightBytesMax waits for its flush. */
  room(signal?: AbortSignal): Promise<void>
  /** Whole entries in order, none that could still be un-happened. */
  read(range: EntryRange): AsyncIterableIterator<readonly Entry[]>
  /** Bodies in the order asked; undefined = discarded. QLOG_DAMAGED names the ids. */
  fetch(
    ids: ArrayLike<MessageId>,
    options?: { readonly signal?: AbortSignal },
  ): Promise<readonly (Uint8Array | undefined)[]>
  /** These messages will never be fetched again. A hint: not durable, may be lost or repeated. */
  discard(ids: Iterable<readonly [first: MessageId, last: MessageId]>): void
  close(options?: { readonly timeoutMs?: number }): Promise<void>
}
