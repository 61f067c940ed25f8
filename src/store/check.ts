/**
 * Checks what the caller asked for before anything is touched. Throws QlogTypeError, and QLOG_TOO_LARGE for
 * a body over the log's limit.
 */

import { QlogError, QlogTypeError } from '../errors.ts'
import { copyOf } from '../format/bytes.ts'
import { PLAIN_PUT, type PutPlan } from './commit/put.ts'
import type { ElapsedClock } from './elapsed-clock.ts'
import { DueKind, type Headers, NO_HEADERS } from './records/message-record.ts'
import { type OnDuplicate, PRIORITY_DEFAULT, PRIORITY_MAX, type PutOptions } from './types/puts.ts'

const NAME_BYTES_MAX = 200
const KEY_BYTES_MAX = 1024
const HEADER_BYTES_MAX = 16 * 1024
const HEADERS_MAX = 64
/** Texts of a burying or a failed attempt are cut to this. */
const TEXT_CHARS_MAX = 1024
const KEY_WINDOW_MS_DEFAULT = 600_000
/** What 32 bits of seconds hold, 136 years: more is a mistake, and sums stay far below 2^53. */
export const MS_MAX = 4_294_967_295_000

const encoder = new TextEncoder()

export function checkName(what: string, name: unknown): string {
  if (typeof name !== 'string' || name === '' || !name.isWellFormed()) {
    throw new QlogTypeError(`${what} must be a text that is not empty, not ${shown(name)}`)
  }
  if (encoder.encode(name).length > NAME_BYTES_MAX) {
    throw new QlogTypeError(
      `${what} must have at most ${NAME_BYTES_MAX} bytes: ${name.slice(0, 40)}...`,
    )
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  if (/[\u0000-\u001f\u007f]/.test(name)) {
    throw new QlogTypeError(`${what} must have no control characters: ${JSON.stringify(name)}`)
  }
  return name
}

export function checkInteger(what: string, value: unknown, min: number, max: number): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) {
    return value
  }
  throw new QlogTypeError(
    `${what} must be a whole number from ${min} to ${max}, not ${shown(value)}`,
  )
}

/** Milliseconds, which may have a fraction; whole ones come back. */
export function checkMs(what: string, value: unknown, minMs = 0): number {
  if (typeof value === 'number' && value >= minMs && value <= MS_MAX) return Math.ceil(value)
  throw new QlogTypeError(
    `${what} must be milliseconds from ${minMs} to ${MS_MAX}, not ${shown(value)}`,
  )
}

export function checkPriority(priority: unknown): number {
  return checkInteger('priority', priority, 0, PRIORITY_MAX)
}

export function checkOptionNames(what: string, options: unknown, known: readonly string[]): void {
  if (options === undefined) return
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new QlogTypeError(`${what} must be an object, not ${shown(options)}`)
  }
  for (const name of Object.keys(options)) {
    if (!known.includes(name)) {
      throw new QlogTypeError(`unknown option "${name}" in ${what}; known are ${known.join(', ')}`)
    }
  }
}

export function checkBody(body: unknown, messageBytesMax: number): Uint8Array {
  const bytes = typeof body === 'string' ? encoder.encode(body) : body
  if (!(bytes instanceof Uint8Array)) {
    throw new QlogTypeError(
      `a message must be a text or a Uint8Array, not ${shown(body)}; json() is a codec for values`,
    )
  }
  if (bytes.length > messageBytesMax) {
    throw new QlogError(
      'QLOG_TOO_LARGE',
      `a message of ${bytes.length} bytes is over the limit of ${messageBytesMax}`,
    )
  }
  return bytes
}

/** The same, kept for later: the caller may use its bytes again. */
export function checkOwnBody(body: unknown, messageBytesMax: number): Uint8Array {
  const bytes = checkBody(body, messageBytesMax)
  return typeof body === 'string' ? bytes : copyOf(bytes)
}

const PUT_OPTIONS = [
  ...['priority', 'delayMs', 'at', 'ttlMs', 'key', 'keyWindowMs', 'onDuplicate', 'headers'],
  ...['producer', 'sequence', 'leaseMs'],
]
const NOT_DUE = { dueKind: DueKind.NONE, dueMs: 0 } as const
const NOT_NUMBERED = { producer: undefined, sequence: 0 } as const
const ON_DUPLICATE: readonly OnDuplicate[] = ['drop', 'replace', 'trailing']

/** What a put asks for, its times in the store's own terms. */
export function checkPut(
  options: PutOptions | undefined,
  clock: ElapsedClock,
  what = 'the options of put',
): PutPlan {
  if (options === undefined) return PLAIN_PUT
  checkOptionNames(what, options, PUT_OPTIONS)
  const { priority, ttlMs, key, keyWindowMs, onDuplicate = 'drop', leaseMs, headers } = options
  if (key !== undefined) checkKey(key)
  if (keyWindowMs !== undefined && key === undefined) {
    throw new QlogTypeError('keyWindowMs needs a key')
  }
  if (!ON_DUPLICATE.includes(onDuplicate)) {
    throw new QlogTypeError(`onDuplicate must be one of ${ON_DUPLICATE.join(', ')}`)
  }
  if (options.onDuplicate !== undefined && key === undefined) {
    throw new QlogTypeError('onDuplicate needs a key')
  }
  const windowMs =
    key === undefined ? 0 : checkMs('keyWindowMs', keyWindowMs ?? KEY_WINDOW_MS_DEFAULT, 1)
  const due = checkDue(options, clock)
  const numbered = checkProducer(options)
  // Field by field: this runs once a message.
  return {
    priority: priority === undefined ? PRIORITY_DEFAULT : checkPriority(priority),
    dueKind: due.dueKind,
    dueMs: due.dueMs,
    expiresMs: ttlMs === undefined ? 0 : clock.nowMs() + checkMs('ttlMs', ttlMs, 1),
    key,
    keyWindowMs: windowMs,
    keyUntilMs: key === undefined ? 0 : clock.nowMs() + windowMs,
    producer: numbered.producer,
    sequence: numbered.sequence,
    after: -1,
    leaseMs: leaseMs === undefined ? 0 : checkMs('leaseMs', leaseMs, 1),
    onDuplicate,
    headers: headers === undefined ? NO_HEADERS : checkHeaders(headers),
  }
}

/** When something becomes due that is asked for with `delayMs` or `at`. */
export function checkDue(
  options: { readonly delayMs?: number; readonly at?: Date | number },
  clock: ElapsedClock,
): { readonly dueKind: DueKind; readonly dueMs: number } {
  const { delayMs, at } = options
  if (delayMs !== undefined && at !== undefined) {
    throw new QlogTypeError('delayMs and at exclude each other')
  }
  if (delayMs !== undefined) {
    const ms = checkMs('delayMs', delayMs)
    if (ms === 0) return NOT_DUE
    return { dueKind: DueKind.ELAPSED, dueMs: clock.nowMs() + ms }
  }
  if (at === undefined) return NOT_DUE
  const dueMs = checkAt(at)
  if (dueMs <= clock.wallMs()) return NOT_DUE
  return { dueKind: DueKind.WALL, dueMs }
}

function checkAt(at: unknown): number {
  const atMs = at instanceof Date ? at.getTime() : at
  if (typeof atMs === 'number' && atMs >= 0 && atMs <= MS_MAX) return Math.ceil(atMs)
  throw new QlogTypeError(
    `at must be a Date, or milliseconds since 1970 from 0 to ${MS_MAX}, not ${shown(at)}`,
  )
}

/** A text that somebody gave as the reason of something: whatever it is, it is kept as text. */
export function textOf(value: unknown): string {
  return rawTextOf(value).slice(0, TEXT_CHARS_MAX).toWellFormed()
}

function rawTextOf(value: unknown): string {
  try {
    return value instanceof Error ? `${value.name}: ${value.message}` : String(value ?? '')
  } catch {
    // Somebody threw what has no text, or whose text throws: that it was thrown is what counts.
    return 'a value that cannot be shown'
  }
}

export function checkKey(key: unknown): string {
  if (typeof key !== 'string' || key === '' || !key.isWellFormed()) {
    throw new QlogTypeError(`key must be a text that is not empty, not ${shown(key)}`)
  }
  if (encoder.encode(key).length > KEY_BYTES_MAX) {
    throw new QlogTypeError(`key must have at most ${KEY_BYTES_MAX} bytes`)
  }
  return key
}

function checkProducer({ producer, sequence, key }: PutOptions): {
  readonly producer: string | undefined
  readonly sequence: number
} {
  if (producer === undefined) {
    if (sequence === undefined) return NOT_NUMBERED
    throw new QlogTypeError('sequence needs a producer')
  }
  checkName('producer', producer)
  // What a key turns down has no record, so its number would not be remembered.
  if (key !== undefined) throw new QlogTypeError('producer and key exclude each other')
  // Its range ends one above.
  return { producer, sequence: checkInteger('sequence', sequence, 0, Number.MAX_SAFE_INTEGER - 1) }
}

export function checkHeaders(headers: unknown): Headers {
  if (typeof headers !== 'object' || headers === null || Array.isArray(headers)) {
    throw new QlogTypeError(`headers must be an object of texts, not ${shown(headers)}`)
  }
  const entries = Object.entries(headers)
  if (entries.length > HEADERS_MAX) throw new QlogTypeError(`at most ${HEADERS_MAX} headers`)
  let bytes = 0
  for (const [name, value] of entries) {
    if (typeof value !== 'string' || !value.isWellFormed() || !name.isWellFormed()) {
      throw new QlogTypeError(`header "${name}" must be a text, not ${shown(value)}`)
    }
    bytes += encoder.encode(name).length + encoder.encode(value).length
  }
  if (bytes > HEADER_BYTES_MAX) {
    throw new QlogTypeError(`headers must have at most ${HEADER_BYTES_MAX} bytes together`)
  }
  return entries.length === 0 ? NO_HEADERS : Object.freeze({ ...headers })
}

/** A wrong value in the words of an error. */
export function shown(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.slice(0, 60))
  if (typeof value === 'bigint') return `${value}n`
  if (typeof value === 'function') return 'a function'
  if (typeof value !== 'object' || value === null) return String(value)
  if (Array.isArray(value)) return 'an array'
  return value instanceof Date ? String(value) : Object.prototype.toString.call(value)
}
