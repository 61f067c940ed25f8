/**
 * What the public face of a log looks like: options, messages, statistics. Types only, so that
 * every file of `log/` and the public entry agree on them.
 */
// Projects with an older library of types have no AsyncDisposable.
/// <reference lib="esnext.disposable" preserve="true" />
import type { Gap } from '../errors.ts'
import type { ScrubOptions, ScrubStats } from './scrub/types.ts'
import type { FlushFigures } from './seam.ts'

/**
 * When an append counts as done. `always` (default): its bytes are on stable storage.
 * `{ intervalMs }`: written, and flushed within that time or after `bytes` (default 8 MiB).
 * `never`: written; the operating system flushes when it likes.
 */
export type SyncMode = 'always' | 'never' | { readonly intervalMs: number; readonly bytes?: number }

/** How blocks of messages are stored. */
export type Compression = 'none' | 'lz4'

/** What to do where acknowledged data turns out to be damaged. */
export type DamagePolicy = 'refuse' | 'quarantine'

/** Limits of what a log keeps; one that is absent limits nothing. */
export interface Retention {
  /** Messages may leave once they are this old. */
  readonly ageMs?: number
  /** Messages may leave once segments of so many bytes, with their headers, stand behind theirs. */
  readonly bytes?: number
  /** Messages may leave once so many newer ones stand behind them. */
  readonly messages?: number
}

export interface LogOptions {
  readonly sync?: SyncMode
  /**
   * `quarantine` sets damaged blocks aside, reports them and goes on; `refuse` rejects with an exact
   * report. Default: opening refuses damage in the newest segment and goes on with full ones whose files
   * are lost; reading rejects where it comes upon damage, unless it was given `onGap`.
   */
  readonly onDamage?: DamagePolicy
  /** Take the lock although its owner cannot be proven dead. Only after making sure by other means. */
  readonly breakLock?: boolean
  /** Largest message in bytes, default 16 MiB, at most 32 MiB. */
  readonly messageBytesMax?: number
  /**
   * Bytes that may wait for their flush, default 32 MiB. `append` waits while there are more, and rejects with
   * QLOG_BUSY where 512 MiB wait already, each message counted with 512 bytes beside its own.
   */
  readonly inFlightBytesMax?: number
  /** Size of the first segment of an opening, default 64 KiB, at least 16 KiB. */
  readonly segmentBytesMin?: number
  /** Size that segments grow to under load, default 64 MiB. */
  readonly segmentBytesMax?: number
  /**
   * How much is kept although nobody discards it; default everything. Whole full segments leave, oldest
   * first, once all their messages are beyond one of the limits: what is within every limit stays.
   */
  readonly retention?: Retention
  /** An idle log confirms its last group after this time, default 50 ms; 0 = never. */
  readonly idleSyncMs?: number
  /**
   * Packs blocks of messages, default `none`. `lz4` takes less space and more time; the package `lz4`
   * does it where it is installed, else a codec that comes with qlog. Reading needs no option.
   */
  readonly compression?: Compression
  /**
   * Reads every full segment in the background, slowly, past the page cache where that can be had, and
   * reports damage before anybody needs the bytes. `openLog` and `openStore` do unless told `false`.
   */
  readonly scrub?: ScrubOptions | false
  readonly signal?: AbortSignal
}

export interface ReaderOptions {
  readonly signal?: AbortSignal
  /**
   * Binds a socket `pin-<random>.sock` in the directory until `close()`: while it lives the owner writes
   * to no file of a retired segment again, so that what this reader has open stays what it is. Without
   * it a slow reader passes over messages that were retired meanwhile. Default false.
   */
  readonly pin?: boolean
}

export interface Message {
  /** Dense from 1 in order of appending; never used again once its append resolved. */
  readonly id: number
  /** When it was appended, milliseconds since 1970, by the writer's clock. */
  readonly timeMs: number
  /** Stays what it is for as long as it is referenced, and is its reader's: others get bytes of their own. */
  readonly body: Uint8Array
  /** True where a reader without owner shows what no flush is known to cover. */
  readonly unconfirmed?: true
}

export interface ReadOptions {
  /** First id to return, default the first of the log. */
  readonly from?: number
  /** Stop before this id. */
  readonly to?: number
  /** Wait for new messages at the end instead of stopping. */
  readonly follow?: boolean
  readonly signal?: AbortSignal
  /**
   * Called where messages were lost to rot, then reading goes on behind them. Without it, reading
   * rejects with QLOG_DAMAGED, unless the log was opened with `onDamage: 'quarantine'`: then reading
   * goes on too, and the gap stands in `stats().gaps`.
   */
  readonly onGap?: (gap: Gap) => void
}

/** Ids `firstId` to `endId - 1`. */
export interface IdRange {
  readonly firstId: number
  readonly endId: number
}

export type LogStatus = 'open' | 'closing' | 'closed' | 'failed' | 'fenced'

export interface SegmentStats {
  readonly file: string
  readonly fileBytes: number
  readonly firstId: number
  readonly endId: number
  /** Bytes up to where the segment ends, or is readable so far. */
  readonly usedBytes: number
  /** Messages it holds, discarded ones too; fewer than ids where it was merged. */
  readonly messages: number
  /** Messages that are not discarded. */
  readonly liveMessages: number
  /** Used bytes in proportion to live messages: what merging could keep at most. */
  readonly liveBytes: number
}

/** What is kept so that control records and maps go on where the disk is full. */
export interface ReserveStats {
  readonly bytes: number
  /**
   * `whole`: it is there. `none`: not made yet. `short`: in use, or there was no space for it; messages
   * wait for it. `best effort`: it is there, but this file system writes every change to a new place,
   * so a full disk may stop control records too.
   */
  readonly state: 'whole' | 'none' | 'short' | 'best effort'
}

/** Segments that hold little are rewritten together, without what is discarded. */
export interface MergingStats {
  readonly merges: number
  /** Bytes of the files that were made. */
  readonly rewrittenBytes: number
  /** Why the last merge that failed did; it is tried again, and nothing is lost by it. */
  readonly failure?: string
}

/** Flushes are counted by group: the time from the start of its write until it was confirmed. */
export interface LogStats extends FlushFigures {
  readonly status: LogStatus
  readonly directory: string
  readonly sync: 'always' | 'interval' | 'never'
  readonly epoch: number
  /** First id that has not been retired. */
  readonly firstId: number
  readonly nextId: number
  /** Ids below this are durable (in `interval` and `never`: written). */
  readonly durableEndId: number
  readonly segments: readonly SegmentStats[]
  readonly diskBytes: number
  /** Sums over the segments. */
  readonly liveBytes: number
  readonly deadBytes: number
  /** `full`: messages are refused until there is space; looked at every 250 ms, up to 8 s after vain attempts. */
  readonly space: 'ok' | 'full'
  readonly reserve: ReserveStats
  /** Files of retired segments that wait to be used again. */
  readonly spareBytes: number
  /** Averages over the last ten seconds. */
  readonly messagesPerSecond: number
  readonly bytesPerSecond: number
  readonly appendedMessages: number
  readonly appendedBytes: number
  readonly bytesInFlight: number
  /**
   * A reader without the lock knows figures of the writer, from `liveBytes` on, only as the owner left
   * them in the index file: when that was, milliseconds since 1970. Absent where they are of now, and
   * where there are none, with zeros for them.
   */
  readonly reportedMs?: number
  readonly compression: Compression
  /** Who packs: the package `lz4`, or the codec in plain TypeScript; undefined without compression. */
  readonly codec: 'native-free' | 'lz4' | undefined
  /** Bytes of this opening's blocks, without headers, as they came and as stored; 0 without compression. */
  readonly rawBytes: number
  readonly storedBytes: number
  /** What merging did since the log was opened. */
  readonly merging: MergingStats
  /** What scrubbing did since the log was opened; absent without it. */
  readonly scrub?: ScrubStats
  /** Damage found by opening, reading or scrubbing so far. */
  readonly gaps: readonly Gap[]
}

/** Reading side of a log. */
export interface LogReader extends AsyncDisposable {
  readonly directory: string
  readonly firstId: number
  readonly nextId: number
  /** One message after the other. Leaving the loop releases everything it held. */
  read(options?: ReadOptions): AsyncIterableIterator<Message>
  /** The same in batches of up to about 64 KiB: the fastest way to read a log. */
  readBatches(options?: ReadOptions): AsyncIterableIterator<readonly Message[]>
  /** One message by id; undefined where it was discarded or is not there yet. */
  get(id: number): Promise<Message | undefined>
  stats(): LogStats
  close(): Promise<void>
}

/** A log that this process owns. */
export interface Log extends LogReader {
  readonly status: LogStatus
  /**
   * Resolves with the message's id once it is durable. Its bytes are taken before it returns. Waits where too much is
   * in flight; rejects with QLOG_BUSY where too much waits, with nothing taken.
   */
  append(body: Uint8Array | string): Promise<number>
  /** Appends all or none, as one atomic batch. */
  appendMany(bodies: readonly (Uint8Array | string)[]): Promise<IdRange>
  /**
   * Blocks until the message and all before it are durable. Throws QLOG_BUSY where appends wait for room,
   * or are so large that one write cannot hold this one too; then nothing was appended.
   */
  appendSync(body: Uint8Array | string): number
  /** These messages are not needed any more. Frees whole segments some time; not durable by itself. */
  discard(firstId: number, endId: number): void
  /**
   * Gives back the space that can be given back now: lets go of finished segments and merges those that
   * hold little, which happens in the background anyway, as appends pay for it. Rejects with
   * QLOG_DISK_FULL or QLOG_IO where it could not; nothing is lost then.
   */
  compact(): Promise<void>
  /**
   * Finishes what is in flight, confirms the end, gives up the lock. `timeoutMs` bounds the wait for
   * appends; those still waiting then are indeterminate or rejected, or QLOG_CLOSED where they waited for room.
   * Throws QLOG_INVALID_ARGUMENT for options that are none, and has begun nothing then.
   */
  close(options?: { timeoutMs?: number }): Promise<void>
}
