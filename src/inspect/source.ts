/**
 * Where the tools begin: a directory judged as recovery would judge it, beside a living writer too.
 * Files that vanish while they are read (they were retired) make it look again. Reads only.
 */
import { isUnreadError, QlogError, systemErrorCode, throwIfAborted } from '../errors.ts'
import { type Assessment, assess } from '../log/assess.ts'
import { reasonOf, unreadError } from '../log/io-errors.ts'
import { type LockState, readLock } from '../log/lock.ts'
import { type SeenHeads, surveyDirectory } from '../log/survey.ts'
import type { System } from '../system/system.ts'
import type { UnreadFiles } from './unread-files.ts'

/** A directory that changes under every look is looked at so often. */
export const LOOKS_MAX = 20

/** Who owns the log, as far as a reader can tell. */
export interface OwnerState {
  /** `none`: nobody ever took the lock, or its file is gone. */
  readonly state: LockState['state']
  /** A writer is at work, or may be. */
  readonly live: boolean
  readonly pid?: number
  readonly host?: string
}

export function ownerState(lock: LockState): OwnerState {
  const live = lock.state === 'alive' || lock.state === 'unclear'
  const owner = lock.state === 'none' ? undefined : lock.owner
  return { state: lock.state, live, ...(owner && { pid: owner.pid, host: owner.host }) }
}

/** True where nobody can have written between the two looks at the lock. */
export function isQuiet(before: LockState, after: LockState): boolean {
  if (ownerState(before).live || ownerState(after).live || before.state !== after.state)
    return false
  const one = before.state === 'none' ? undefined : before.owner
  const other = after.state === 'none' ? undefined : after.owner
  return one?.random === other?.random
}

/** How a directory is looked at. */
export interface LookOptions {
  /** Of earlier looks within one call. */
  readonly seenHeads?: SeenHeads
  /** Goes on around what the medium does not give: whoever asks for it tells of what is noted here. */
  readonly unread?: UnreadFiles
}

/**
 * Surveys and judges. Rejects with QLOG_NOT_A_LOG where nothing of a log is there, QLOG_NEWER_FORMAT,
 * QLOG_IO, QLOG_ABORTED.
 */
export async function lookAt(
  system: System,
  directory: string,
  signal?: AbortSignal | undefined,
  { seenHeads, unread }: LookOptions = {},
): Promise<Assessment> {
  for (let look = 1; ; look++) {
    throwIfAborted(signal)
    try {
      const survey = await surveyDirectory(system, directory, seenHeads && { heads: seenHeads })
      const { heads, names, index } = survey
      if (heads.length === 0 && index === undefined && !names.includes('LOCK')) {
        throw new QlogError('QLOG_NOT_A_LOG', `${directory} holds no segment, no index and no LOCK`)
      }
      const assessment = await (unread
        ? assess(unread.system, survey, true)
        : assess(system, survey))
      if (look < LOOKS_MAX && (await hasCome(system, directory, assessment))) continue
      return assessment
    } catch (error) {
      if (systemErrorCode(error) === 'ENOENT' && look < LOOKS_MAX) continue
      if (isUnreadError(error)) throw unreadError(directory, reasonOf(error), error)
      throw asIoError(error, `cannot read the log ${directory}`)
    }
  }
}

/** Whether a file that the map names came in after the names were listed, as merged ones do. */
async function hasCome(system: System, directory: string, { files }: Assessment): Promise<boolean> {
  for (const { row, file } of files) {
    if (row !== 'rot-missing') continue
    const isThere = await system.files.stat(`${directory}/${file}`).then(
      () => true,
      () => false,
    )
    if (isThere) return true
  }
  return false
}

export function lockOf(system: System, directory: string): Promise<LockState> {
  return readLock(system, directory)
}

/** Errors of the operating system become QLOG_IO; all others stay what they are. */
export function asIoError(error: unknown, what: string): unknown {
  if (error instanceof QlogError || systemErrorCode(error) === '') {
    return isAbort(error)
      ? new QlogError('QLOG_ABORTED', 'the call was aborted', { cause: error })
      : error
  }
  return new QlogError('QLOG_IO', `${what} (${systemErrorCode(error)})`, { cause: error })
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError' && !(error instanceof QlogError)
}
