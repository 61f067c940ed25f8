/** An error as words on stderr: one line what, its code, one line what to do. */

import type { ErrorCode } from '../errors.ts'
import { ERROR_CODES } from '../errors.ts'
import { EXIT, exitCodeOf } from './exit-codes.ts'
import type { Output } from './output.ts'
import { OutputClosedError, oneLine } from './output.ts'
import { UsageError } from './usage-error.ts'

const UNEXPECTED_REMEDY =
  'This should not happen. Set QLOG_DEBUG=1 to see where, and report it with that output.'

export function reportError(output: Output, error: unknown, environment: NodeJS.ProcessEnv): void {
  output.progress(undefined)
  if (error instanceof OutputClosedError) return
  // Whoever pressed Ctrl-C knows that it was pressed.
  if (exitCodeOf(error) === EXIT.interrupted) return
  const { bold, red, dim } = output.errorStyles
  const { code, remedy } = explainError(error)
  const message = oneLine(error instanceof Error ? error.message : String(error))
  output.words(`${bold(red('qlog:'))} ${message}${code === '' ? '' : dim(` (${code})`)}`)
  output.words(`  ${remedy}`)
  if ((environment['QLOG_DEBUG'] ?? '') === '') return
  output.words(error instanceof Error ? (error.stack ?? message) : message)
  if (error instanceof Error && error.cause !== undefined) output.words(`cause: ${error.cause}`)
}

function explainError(error: unknown): { readonly code: string; readonly remedy: string } {
  if (error instanceof UsageError) return { code: '', remedy: error.remedy }
  const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined
  if (isErrorCode(code)) return { code, remedy: ERROR_CODES[code].remedy }
  if (typeof code === 'string') return { code, remedy: ERROR_CODES.QLOG_IO.remedy }
  return { code: '', remedy: UNEXPECTED_REMEDY }
}

function isErrorCode(code: unknown): code is ErrorCode {
  return typeof code === 'string' && Object.hasOwn(ERROR_CODES, code)
}
