/** How a command ends, as numbers that scripts can rely on. Pure. */
import { OutputClosedError } from './output.ts'
import { UsageError } from './usage-error.ts'

export const EXIT = {
  fine: 0,
  unexpected: 1,
  usage: 2,
  /** Rot in acknowledged data. */
  rot: 3,
  /** A torn tail and nothing else: nothing proven acknowledged is lost. */
  tornTail: 4,
  locked: 5,
  /** Not a log, or one in a newer format. */
  notALog: 6,
  /** An import left jobs where they were. */
  left: 7,
  /** A queue is full, or in use: nothing was done. Later it may be, but for what is over a limit by itself. */
  refused: 8,
  /** A server that was started by beanstalkd's flags finds its directory locked. */
  lockedAsBeanstalkd: 10,
  /** A server cannot listen at its address. */
  cannotListen: 111,
  interrupted: 130,
} as const

export type ExitCode = (typeof EXIT)[keyof typeof EXIT]

const EXIT_BY_ERROR_CODE: ReadonlyMap<unknown, ExitCode> = new Map<unknown, ExitCode>([
  ['QLOG_ABORTED', EXIT.interrupted],
  ['QLOG_ADDRESS', EXIT.cannotListen],
  ['QLOG_DAMAGED', EXIT.rot],
  ['QLOG_INVALID_ARGUMENT', EXIT.usage],
  ['QLOG_LOCKED', EXIT.locked],
  ['QLOG_LOCK_UNCLEAR', EXIT.locked],
  ['QLOG_NEWER_FORMAT', EXIT.notALog],
  ['QLOG_IS_A_STORE', EXIT.notALog],
  ['QLOG_NOT_A_STORE', EXIT.notALog],
  ['QLOG_NO_DOOR', EXIT.locked],
  ['QLOG_NOT_A_LOG', EXIT.notALog],
  ['QLOG_NOT_EMPTY', EXIT.usage],
  ['QLOG_NOT_FOUND', EXIT.usage],
  ['QLOG_QUEUE_FULL', EXIT.refused],
  ['QLOG_QUEUE_IN_USE', EXIT.refused],
])

/** The exit code that an error of a command stands for. */
export function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof UsageError) return EXIT.usage
  // `qlog read DIR | head` has had all it wanted: that is no failure.
  if (error instanceof OutputClosedError) return EXIT.fine
  const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined
  return EXIT_BY_ERROR_CODE.get(code) ?? EXIT.unexpected
}
