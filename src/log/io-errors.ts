/**
 * Errors of the operating system as the log tells them, and calls that all have their turn where some fail.
 * Pure.
 */
import { isUnreadError, QlogError, systemErrorCode } from '../errors.ts'

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

/** The same for opening a log. One that the disk does not give is for `qlog recover`, and it says so. */
export function openingError(directory: string, error: unknown): Error {
  if (!isUnreadError(error)) return ioError(`open the log ${directory}`, error)
  return unreadError(directory, reasonOf(error), error)
}

/** Where a log ends must not be guessed: what the disk does not give now may be acknowledged. */
export function unreadError(directory: string, why: string, cause?: unknown): QlogError {
  const words = `bytes that tell where the log ${directory} ends cannot be read (${why})`
  const remedy = `\`qlog recover ${directory} --out NEWDIR\` saves all that can`
  return new QlogError('QLOG_IO', `${words}; ${remedy}`, cause === undefined ? {} : { cause })
}

/** Somebody else owns the log by now: what its names stand for is not ours any more. */
export function isFenced(error: unknown): boolean {
  return error instanceof QlogError && error.code === 'QLOG_FENCED'
}

/** The disk has no room, in the log's own words. */
export function isFullDisk(error: unknown): error is QlogError {
  return error instanceof QlogError && error.code === 'QLOG_DISK_FULL'
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

/** Tells beside `error` what failed cleaning up behind it. Its class and code stay. */
export function withLater(error: Error, later: readonly unknown[]): Error {
  const causes = error.cause === undefined ? later : [error.cause, ...later]
  if (later.length > 0) error.cause = allOf(causes[0], causes.slice(1))
  return error
}

/** One error that holds all of them, for a cause. */
export function allOf(first: unknown, later: readonly unknown[]): unknown {
  if (later.length === 0) return first
  return new AggregateError([first, ...later], 'a call failed, and so did cleaning up behind it')
}

/** The words of an error, for a message that goes on. */
export function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause)
}
