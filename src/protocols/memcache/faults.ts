/** Errors of the store as a memcache client is told of them, in both protocols. Pure. */
import { type ErrorCode, QlogError, QlogTypeError } from '../../errors.ts'
import { Status } from './binary-frames.ts'

export interface Fault {
  /** A line of the text protocol. */
  readonly line: string
  /** A status of the binary protocol, and the text beside it. */
  readonly status: number
  readonly text: string
}

const FAULTS: Partial<Readonly<Record<ErrorCode, Fault>>> = {
  QLOG_QUEUE_FULL: { line: 'NOT_STORED', status: Status.NOT_STORED, text: 'Not stored.' },
  QLOG_TOO_LARGE: {
    line: 'SERVER_ERROR object too large for cache',
    status: Status.TOO_LARGE,
    text: 'Too large.',
  },
  QLOG_BUSY: server('too much waits for the disk already', Status.BUSY),
  QLOG_DISK_FULL: server('the disk is full', Status.OUT_OF_MEMORY),
  QLOG_REJECTED: server('the log has failed: this was not stored'),
  QLOG_INDETERMINATE: server('the flush failed: it is not known whether this is stored'),
  QLOG_FAILED: server('the log has failed: nothing is taken any more'),
  QLOG_FENCED: server('another process owns the store now'),
  QLOG_CLOSED: server('the server is stopping', Status.BUSY),
  QLOG_STALE_LEASE: server('the read is over: the item may come again'),
  QLOG_DAMAGED: server('the item is damaged'),
}

/** What to answer for an error; undefined where it is none of a store: a mistake of ours. */
export function faultOf(error: unknown): Fault | undefined {
  if (error instanceof QlogError) return FAULTS[error.code] ?? server(error.code)
  return error instanceof QlogTypeError ? server('the store does not take this') : undefined
}

export const INTERNAL: Fault = server('internal error')

function server(text: string, status: number = Status.INTERNAL): Fault {
  return { line: `SERVER_ERROR ${text}`, status, text }
}
