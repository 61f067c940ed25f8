/**
 * The lock's typed errors, in words that say what stands in the way and what to do. Pure.
 */
import { QlogError, systemErrorCode } from '../../errors.ts'
import { reasonOf } from '../io-errors.ts'
import type { LockOwner } from './lock-file.ts'

/** What the kernel answers where it has no unix sockets or hard links in this directory. */
const UNSUPPORTED_CODES: ReadonlySet<string> = new Set([
  'EAFNOSUPPORT',
  'EINVAL',
  'ENAMETOOLONG',
  'ENOSYS',
  'ENOTSUP',
  'EOPNOTSUPP',
  'EPERM',
  'EPROTONOSUPPORT',
])

export function isUnsupported(error: unknown): boolean {
  if (error instanceof QlogError) return error.code === 'QLOG_UNSUPPORTED'
  return UNSUPPORTED_CODES.has(systemErrorCode(error))
}

export function unsupportedError(action: string, cause: unknown): QlogError {
  return new QlogError(
    'QLOG_UNSUPPORTED',
    `cannot ${action}: ${reasonOf(cause)}. The lock rests on unix sockets and hard links inside ` +
      'the directory; use a local file system that has them.',
    { cause },
  )
}

/** This user may not make files in the directory. */
export function isForbidden(error: unknown): boolean {
  const code = systemErrorCode(error)
  return code === 'EACCES' || code === 'EROFS'
}

export function forbiddenError(directory: string, cause: unknown): QlogError {
  const words = `the directory ${directory} is not writable (${systemErrorCode(cause)})`
  return new QlogError('QLOG_IO', words, { cause })
}

/** `isOwn`: the owner is an opening of this process. */
export function lockedError(directory: string, owner: LockOwner, isOwn: boolean): QlogError {
  const since = new Date(owner.sinceMs).toISOString()
  return new QlogError(
    'QLOG_LOCKED',
    isOwn
      ? `${directory} is open in this process already, since ${since}. Hand that log or store to ` +
          'whoever needs it, or close it first.'
      : `${directory} is in use by process ${owner.pid} on ${owner.host} since ${since}. Stop that ` +
          'process, or work beside it, with the qlog command for example.',
  )
}

export function unclearError(path: string, why: string, cause?: unknown): QlogError {
  return new QlogError(
    'QLOG_LOCK_UNCLEAR',
    `${path} neither proves that its owner lives nor that it is dead: ${why}. ` +
      'Make sure by other means that nobody uses the log, then open with breakLock: true.',
    cause === undefined ? undefined : { cause },
  )
}

export function fencedError(directory: string): QlogError {
  return new QlogError(
    'QLOG_FENCED',
    `${directory}/LOCK no longer names this process: another one took the log over`,
  )
}

export function abortedError(signal: AbortSignal): QlogError {
  return new QlogError('QLOG_ABORTED', 'taking the lock was aborted', { cause: signal.reason })
}
