/** An error as words on stderr: one line what, its code, one line what to do. */

import type { ErrorCode } from '../errors.ts'
import { ERROR_CODES, systemErrorCode } from '../errors.ts'
import { EXIT, exitCodeOf } from './exit-codes.ts'
import type { Output } from './output.ts'
import { OutputClosedError, oneLine } from './output.ts'
import { UsageError } from './usage-error.ts'

const UNEXPECTED_REMEDY =
  'This should not happen. Set QLOG_DEBUG=1 to see where, and report it with that output.'

/** Where the remedy of the table speaks to whoever writes a program. */
const COMMAND_REMEDIES: { readonly [Code in ErrorCode]?: string } = {
  QLOG_LOCKED:
    'Stop the process that the message names. Beside it the commands on queues work through it, and `qlog read` and `qlog verify` look into the files.',
  QLOG_QUEUE_FULL:
    'Try again when something was finished, raise the limit (`qlog configure DIR QUEUE --messages-max N`, `--bytes-max`), or let it make room: `--when-full drop-oldest`.',
  QLOG_QUEUE_IN_USE:
    'Finish or purge its messages, stop who reads it, and remove it then. Keys stay taken for their window: wait for its end, or say --forget-keys.',
}

const MISSING_REMEDY =
  'Name one that is there: only `put`, `append`, `serve` and `import` make one.'

export function reportError(output: Output, error: unknown, environment: NodeJS.ProcessEnv): void {
  output.progress(undefined)
  if (error instanceof OutputClosedError) return
  // Whoever pressed Ctrl-C knows that it was pressed.
  if (exitCodeOf(error) === EXIT.interrupted) return
  const { bold, red, dim } = output.errorStyles
  const { code, remedy } = explainError(error)
  const message = oneLine(messageOf(error))
  output.words(`${bold(red('qlog:'))} ${message}${code === '' ? '' : dim(` (${code})`)}`)
  output.words(`  ${remedy}`)
  if ((environment['QLOG_DEBUG'] ?? '') === '') return
  output.words(error instanceof Error ? (error.stack ?? message) : message)
  if (error instanceof Error && error.cause !== undefined) output.words(`cause: ${error.cause}`)
}

/** What to do about it, and its code, which is empty where it has none. */
export function explainError(error: unknown): { readonly code: string; readonly remedy: string } {
  if (error instanceof UsageError) return { code: '', remedy: error.remedy }
  const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined
  if (isErrorCode(code)) {
    const isMissing = code === 'QLOG_NOT_A_LOG' && systemErrorCode(causeOf(error)) === 'ENOENT'
    const remedy = COMMAND_REMEDIES[code] ?? ERROR_CODES[code].remedy
    return { code, remedy: isMissing ? MISSING_REMEDY : remedy }
  }
  if (typeof code === 'string') return { code, remedy: ERROR_CODES.QLOG_IO.remedy }
  return { code: '', remedy: UNEXPECTED_REMEDY }
}

/** With the cause's words where the remedy sends to them, and the message does not have them. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const { message } = error
  const cause = causeOf(error)
  const causeCode = systemErrorCode(cause)
  const isNamed = causeCode === '' || message.includes(causeCode)
  if (isNamed || systemErrorCode(error) !== 'QLOG_IO') return message
  const words = cause instanceof Error ? cause.message : causeCode
  // `ENOENT: no such file or directory, scandir 'x'`: the path stands in the message.
  return `${message}: ${/^E[A-Z0-9]+: [^,]+/.exec(words)?.[0] ?? words}`
}

function causeOf(error: unknown): unknown {
  return error instanceof Error ? error.cause : undefined
}

function isErrorCode(code: unknown): code is ErrorCode {
  return typeof code === 'string' && Object.hasOwn(ERROR_CODES, code)
}
