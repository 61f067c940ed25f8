/**
 * The lock's typed errors, in words that say what stands in the way and what to do. Pure.
 */
import { QlogError, systemErrorCode } from '../../errors.ts'
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

/**
 * The operating system refused `action`; `later` failed cleaning up behind it and stands in the
 * cause. An error that is typed already, or a broken invariant, stays what it is.
 */
export function ioError(action: string, first: unknown, later: readonly unknown[] = []): Error {
  const cause = allOf(first, later)
  if (first instanceof QlogError) {
    return later.length === 0 ? first : new QlogError(first.code, first.message, { cause })
  }
  if (first instanceof Error && systemErrorCode(first) === '') return first
  return new QlogError('QLOG_IO', `cannot ${action}: ${reasonOf(first)}`, { cause })
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

function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause)
}

/** Runs every step even where earlier ones fail, and returns what failed. */
export async function runAll(steps: readonly (() => Promise<void>)[]): Promise<unknown[]> {
  const errors: unknown[] = []
  for (const step of steps) {
    try {
      await step()
    } catch (error) {
      errors.push(error)
    }
  }
  return errors
}

/** One error that holds all of them, for a cause. */
export function allOf(first: unknown, later: readonly unknown[]): unknown {
  if (later.length === 0) return first
  return new AggregateError([first, ...later], 'a call failed, and so did cleaning up behind it')
}
