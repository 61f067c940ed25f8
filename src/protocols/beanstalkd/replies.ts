/** What is answered: the fixed texts, and which of them an error of the store becomes. Pure. */
import { QlogError } from '../../errors.ts'

export const Reply = {
  AUTHORIZED: 'AUTHORIZED\r\n',
  BAD_FORMAT: 'BAD_FORMAT\r\n',
  BURIED: 'BURIED\r\n',
  DEADLINE_SOON: 'DEADLINE_SOON\r\n',
  DELETED: 'DELETED\r\n',
  DRAINING: 'DRAINING\r\n',
  EXPECTED_CRLF: 'EXPECTED_CRLF\r\n',
  INTERNAL_ERROR: 'INTERNAL_ERROR\r\n',
  JOB_TOO_BIG: 'JOB_TOO_BIG\r\n',
  KICKED: 'KICKED\r\n',
  NOT_FOUND: 'NOT_FOUND\r\n',
  NOT_IGNORED: 'NOT_IGNORED\r\n',
  OUT_OF_MEMORY: 'OUT_OF_MEMORY\r\n',
  PAUSED: 'PAUSED\r\n',
  RELEASED: 'RELEASED\r\n',
  TIMED_OUT: 'TIMED_OUT\r\n',
  TOUCHED: 'TOUCHED\r\n',
  UNAUTHORIZED: 'UNAUTHORIZED\r\n',
  UNKNOWN_COMMAND: 'UNKNOWN_COMMAND\r\n',
} as const

/** No room, on the disk, in the queue or in front of the log: it may be tried again. */
const NO_ROOM: readonly string[] = ['QLOG_DISK_FULL', 'QLOG_QUEUE_FULL', 'QLOG_BUSY']

/** What a client is told of an error of the store. */
export function replyOf(error: unknown): string {
  if (!(error instanceof QlogError)) return Reply.INTERNAL_ERROR
  if (NO_ROOM.includes(error.code)) return Reply.OUT_OF_MEMORY
  if (error.code === 'QLOG_TOO_LARGE') return Reply.JOB_TOO_BIG
  // Its time ran out, or somebody deleted it, while the change was on its way.
  return error.code === 'QLOG_STALE_LEASE' ? Reply.NOT_FOUND : Reply.INTERNAL_ERROR
}

/**
 * Errors that the reply says all about. What else goes wrong is told to whoever runs the server, too: a
 * client can do nothing about it.
 */
export function isOrdinary(error: unknown): boolean {
  if (!(error instanceof QlogError)) return false
  return NO_ROOM.includes(error.code) || ORDINARY.includes(error.code)
}

const ORDINARY: readonly string[] = ['QLOG_TOO_LARGE', 'QLOG_STALE_LEASE', 'QLOG_CLOSED']
