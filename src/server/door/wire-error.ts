/** Errors on their way through the door: code and message cross, classes are made anew. Pure. */
import { ERROR_CODES, type ErrorCode, QlogError, QlogTypeError } from '../../errors.ts'

export interface WireError {
  /** Empty for what should not happen: a broken invariant of the owner. */
  readonly code: string
  readonly message: string
}

const MESSAGE_CHARS_MAX = 4_096

export function toWire(error: unknown): WireError {
  const message = error instanceof Error ? error.message : String(error)
  const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined
  return {
    code: typeof code === 'string' ? code : '',
    message: message.slice(0, MESSAGE_CHARS_MAX).toWellFormed(),
  }
}

export function fromWire(wire: unknown): Error {
  const { code, message } = (typeof wire === 'object' && wire !== null ? wire : {}) as WireError
  const words = typeof message === 'string' ? message : 'the owner failed without a word'
  if (code === 'QLOG_INVALID_ARGUMENT') return new QlogTypeError(words)
  if (isErrorCode(code)) return new QlogError(code, words)
  return new Error(`in the process that holds the store: ${words}`)
}

function isErrorCode(code: unknown): code is ErrorCode {
  return typeof code === 'string' && Object.hasOwn(ERROR_CODES, code)
}
