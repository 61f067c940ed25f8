/**
 * Every error code of qlog, once. This table is the single source: `docs/errors.md` is generated
 * from it (`npm run docs:errors`), and {@link QlogError} accepts no code that is not in it.
 *
 * Errors from outside (disk, network, input) are `QlogError`s with a stable `code`; messages may
 * change between releases, codes may not. Broken invariants throw plain `Error`s at once.
 */

export interface ErrorCodeEntry {
  /** When it happens, in one sentence. */
  readonly when: string
  /** What to do about it, in one or two sentences. */
  readonly remedy: string
}

export const ERROR_CODES = {
  QLOG_ABORTED: {
    when: 'An AbortSignal handed to a call was aborted. The error has the name AbortError.',
    remedy: 'Nothing: you asked for it. An append that was already taken may still become durable.',
  },
  QLOG_ADDRESS: {
    when: 'A server cannot listen at its address; cause has the system’s error.',
    remedy:
      'Choose an address that is free and of this machine, or stop the process that listens there. Ports below 1024 may need the right to use them.',
  },
  QLOG_BUSY: {
    when: 'The low-level append was called while inFlightBytesMax already waits for its flush; or 512 MiB of messages wait already, each counted with 512 bytes beside its own; or appendSync was called while others wait; or the process that holds the store has too much of others on its way.',
    remedy:
      'Nothing was taken. Wait until some of what you appended or put has resolved, then again; at the low-level append, for room().',
  },
  QLOG_CLOSED: {
    when: 'A log, reader or iterator was used after close().',
    remedy: 'Open the log again.',
  },
  QLOG_CODEC: {
    when: 'The codec of a queue could not encode a value, and nothing was put, or could not decode a body; cause has its error.',
    remedy:
      'Put what the codec takes. A message that no codec reads is buried by workers after its last attempt: get() has its bytes.',
  },
  QLOG_DAMAGED: {
    when: 'Bytes below the durable mark fail their checksum, or a file that must exist is missing.',
    remedy:
      'Run `qlog verify DIR` for the exact ids and bytes, then `qlog recover DIR --out NEWDIR`, or open with onDamage: "quarantine" (a store: log: { onDamage: "quarantine" }) to go on without them.',
  },
  QLOG_DISCONNECTED: {
    when: 'The connection to the process that holds the store ended before the answer came.',
    remedy:
      'What was asked may have been done or not: look (`qlog list`, `qlog stats`), then ask again. A put with a key can be repeated safely.',
  },
  QLOG_DISK_FULL: {
    when: 'A new segment cannot be made for want of space or quota. Nothing was written.',
    remedy: 'Free space and append again: the log stays open.',
  },
  QLOG_FAILED: {
    when: 'An earlier write or flush failed, so the log has stopped for good; cause has that first error.',
    remedy: 'Mend the cause and open the log again: recovery tells what became durable.',
  },
  QLOG_FENCED: {
    when: 'Another process took over the lock while this one was paused or cut off.',
    remedy: 'Stop using this instance; the other process owns the log now.',
  },
  QLOG_INDETERMINATE: {
    when: 'The flush of this append failed: it may or may not appear after reopening.',
    remedy: 'Open the log again and compare nextId, or look for the message.',
  },
  QLOG_INVALID_ARGUMENT: {
    when: 'An option or argument has the wrong type or is out of range.',
    remedy: 'Pass what the message asks for: it names the types, range or words that there are.',
  },
  QLOG_IO: {
    when: 'The operating system refused a call; cause has its error.',
    remedy: 'Mend what the cause names (permissions, descriptors, the disk), then try again.',
  },
  QLOG_IS_A_STORE: {
    when: 'A directory was opened as a plain log, and holds a store. Nothing was written.',
    remedy:
      'Open it with openStore(), put into its queues with `qlog put`, and give a log a directory of its own. openReader() and `qlog read` look into it.',
  },
  QLOG_LOCKED: {
    when: 'A living process owns this log: another one, or this one has opened it already.',
    remedy:
      'Stop the process that the message names, or close it where that is this one. Beside it the qlog command and openStoreThrough() use a store, and openReader() reads a log.',
  },
  QLOG_LOCK_UNCLEAR: {
    when: 'The lock neither proves that its owner lives nor that it is dead.',
    remedy:
      'Make sure by other means that nobody uses the log, then open with breakLock: true (a store: log: { breakLock: true }).',
  },
  QLOG_NEWER_FORMAT: {
    when: 'The files need a format or feature that this version does not know.',
    remedy: 'Use a version of qlog that knows it; nothing was changed.',
  },
  QLOG_NOT_A_LOG: {
    when: 'The path is not a directory, or holds files that are not a log.',
    remedy: 'Name a directory that is empty, missing, or holds a log.',
  },
  QLOG_NOT_A_STORE: {
    when: 'A directory was opened as a store, and holds a log whose messages no store has put. Nothing was changed.',
    remedy: 'Open it with openLog(), and give a store a directory of its own.',
  },
  QLOG_NOT_EMPTY: {
    when: 'A new directory was to be made, and the path holds something already. Nothing was touched.',
    remedy: 'Name a path where nothing is, or an empty directory.',
  },
  QLOG_NOT_FOUND: {
    when: 'A verb of the door, and so a command, names a queue or group that is not there. Nothing was made.',
    remedy:
      'Name one that the message lists, or see `qlog queues DIR` and `qlog groups DIR`. `qlog take --create-group` and `qlog group` make a group that is missing.',
  },
  QLOG_NO_DOOR: {
    when: 'The store is open in another process, and that one does not answer, or not to this: an older version of qlog, a plain log, or a process that is stopped or busy. Or none holds it, where only its owner was to be asked (`onlyOwned`).',
    remedy:
      'Stop the process that the message names and try again, or let both use the same version of qlog. `qlog read` and `qlog verify` need no answer.',
  },
  QLOG_OVERTAKEN: {
    when: 'A log could not be copied beside its writer, which filled and retired segments faster than they could be looked at. Nothing was copied, and nothing is known to be damaged.',
    remedy:
      'Try again, when the writer or the machine has less to do. Larger segments (segmentBytesMin, segmentBytesMax) fill less often.',
  },
  QLOG_QUEUE_FULL: {
    when: 'A queue holds as much as its messagesMax or bytesMax allows, or what is put is larger than that. Nothing was put.',
    remedy:
      'Put again when something was finished, raise the limit with configure(), or let it make room: whenFull: "drop-oldest".',
  },
  QLOG_QUEUE_IN_USE: {
    when: 'A queue was to be removed that somebody may miss; the message says why. Nothing was changed.',
    remedy:
      'Finish or purge its messages, stop who reads it, and remove it then. Keys stay taken for their window: wait for its end, or say forgetKeys: true.',
  },
  QLOG_READ_ONLY: {
    when: 'A changing call on a log that was opened read-only.',
    remedy: 'Open the log with openLog().',
  },
  QLOG_REJECTED: {
    when: 'This append was not written and will never appear; cause says why.',
    remedy: 'Open the log again and append it again.',
  },
  QLOG_SOURCE: {
    when: 'The beanstalkd that jobs are imported from cannot be reached, hung up, was silent for too long, or answers what is no answer of beanstalkd.',
    remedy:
      'Look at the server that the message names, then import again: jobs that have come over, if any, are known by their keys for an hour from the put of each, and come over once.',
  },
  QLOG_STALE_LEASE: {
    when: 'A delivery was settled or extended after its lease had ended, or for a second time.',
    remedy:
      'Nothing is lost: the message was given to somebody else or is finished. Extend leases in time, or make them longer.',
  },
  QLOG_TOO_LARGE: {
    when: 'A message or batch is larger than the limit that the message names.',
    remedy: 'Split it, or raise messageBytesMax where the limit is yours.',
  },
  QLOG_UNSUPPORTED: {
    when: 'This platform or file system lacks something the promise rests on.',
    remedy: 'Run `qlog doctor DIR` to see what is missing, and use another file system.',
  },
} as const satisfies Record<string, ErrorCodeEntry>

export type ErrorCode = keyof typeof ERROR_CODES

/** An error from outside, with a stable {@link ErrorCode}. */
export class QlogError extends Error {
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.code = code
    this.name = code === 'QLOG_ABORTED' ? 'AbortError' : 'QlogError'
  }
}

/** What a call rejects with whose signal was aborted. */
export function abortError(signal: AbortSignal): QlogError {
  return new QlogError('QLOG_ABORTED', 'the call was aborted', { cause: signal.reason })
}

/** Throws QLOG_ABORTED where the signal was aborted. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw abortError(signal)
}

/** Misuse by the caller: a TypeError that carries a code, thrown before anything was done. */
export class QlogTypeError extends TypeError {
  readonly code = 'QLOG_INVALID_ARGUMENT' satisfies ErrorCode
}

/** Bytes that were lost to rot: where they stood and which messages they held. */
export interface Gap {
  /** Name of the file inside the log's directory. */
  readonly file: string
  /** First damaged byte in that file. */
  readonly offset: number
  /** Number of damaged bytes. */
  readonly bytes: number
  /** First lost id; equal to `endId` where no message was lost. */
  readonly firstId: number
  /** One past the last lost id. */
  readonly endId: number
  /** Why these bytes count as rot, in words. */
  readonly why: string
}

/** Damage in acknowledged data, with an exact list of what is lost. */
export class DamagedError extends QlogError {
  readonly gaps: readonly Gap[]

  constructor(message: string, gaps: readonly Gap[], options?: { cause?: unknown }) {
    super('QLOG_DAMAGED', message, options)
    this.gaps = gaps
  }
}

/** The `code` of a Node system error (`ENOSPC`, `EIO` ...), or '' where there is none. */
export function systemErrorCode(error: unknown): string {
  if (typeof error === 'object' && error !== null && 'code' in error) {
    return typeof error.code === 'string' ? error.code : ''
  }
  return ''
}

/** What the kernel answers where the disk, or what the file system keeps on it, is at fault. */
const MEDIUM_CODES: ReadonlySet<string> = new Set([
  'EIO',
  'EUCLEAN',
  'EBADMSG',
  'ENODATA',
  'EILSEQ',
])

/**
 * True where bytes cannot be had because of the disk they stand on. All else that keeps a file from being
 * opened or read (rights, descriptors, memory, a signal) says nothing about its bytes.
 */
export function isMediumError(error: unknown): boolean {
  // What was read before a close that fails has been read.
  if (error instanceof Error && 'syscall' in error && error.syscall === 'close') return false
  return MEDIUM_CODES.has(systemErrorCode(error))
}

/** True where that is so of bytes that were to be read. */
export function isUnreadError(error: unknown): boolean {
  return (
    isMediumError(error) && error instanceof Error && 'syscall' in error && error.syscall === 'read'
  )
}

/** A write that took nothing and named no error: as good as refused by the disk, and told like that. */
export function nothingTakenError(): Error {
  const error = new Error('EIO: a write took no byte and named no error')
  return Object.assign(error, { code: 'EIO', syscall: 'write' })
}

/** True where the error says that there is no space left for this user or file. */
export function isSpaceError(error: unknown): boolean {
  const code = systemErrorCode(error)
  return code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG'
}
