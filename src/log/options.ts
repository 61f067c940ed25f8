/** Checks what the caller asked for before anything is touched, and fills in the defaults. */
import { QlogTypeError } from '../errors.ts'
import { SEGMENT_FILE_BYTES_MIN } from '../format/layout.ts'
import type { ScrubOptions } from './scrub/types.ts'
import type { RetentionLimits } from './space/retention.ts'
import type { Compression, LogOptions, ReaderOptions, ReadOptions } from './types.ts'

const KIB = 1024
const MIB = 1024 * KIB
const DAY_MS = 86_400_000
const WEEK_MS = 7 * DAY_MS

/** The longest time that a close may be given: 136 years, as for all times of a store. More is a mistake. */
const CLOSE_MS_MAX = 4_294_967_295_000

/** Largest batch, and so largest message, that a commit group can carry. */
export const BATCH_BYTES_MAX = 32 * MIB

/** A snapshot is written part by part between groups: none may hold the others up for long. */
export const PART_BYTES_MAX = 256 * KIB

export interface CheckedOptions {
  readonly mode: 'always' | 'interval' | 'never'
  readonly intervalMs: number
  readonly intervalBytes: number
  readonly onDamage: 'refuse' | 'quarantine' | undefined
  readonly breakLock: boolean
  readonly messageBytesMax: number
  readonly inFlightBytesMax: number
  readonly segmentBytesMin: number
  readonly segmentBytesMax: number
  readonly idleSyncMs: number
  readonly retention: RetentionLimits
  readonly compression: Compression
  /** Absent where nothing is read in the background. */
  readonly scrub?: Required<ScrubOptions>
  readonly signal: AbortSignal | undefined
}

/** Throws QlogTypeError (QLOG_INVALID_ARGUMENT) naming the option and its range. */
export function checkOptions(options: LogOptions): CheckedOptions {
  checkNames(options, KNOWN)
  const segmentBytesMin = integer(
    'segmentBytesMin',
    options.segmentBytesMin ?? 64 * KIB,
    SEGMENT_FILE_BYTES_MIN,
    1024 * MIB,
  )
  return {
    ...checkSync(options.sync ?? 'always'),
    onDamage: checkDamage(options.onDamage),
    breakLock: options.breakLock ?? false,
    messageBytesMax: integer(
      'messageBytesMax',
      options.messageBytesMax ?? 16 * MIB,
      1,
      BATCH_BYTES_MAX,
    ),
    inFlightBytesMax: integer(
      'inFlightBytesMax',
      options.inFlightBytesMax ?? 32 * MIB,
      4 * KIB,
      256 * MIB,
    ),
    segmentBytesMin,
    segmentBytesMax: integer(
      'segmentBytesMax',
      options.segmentBytesMax ?? Math.max(64 * MIB, segmentBytesMin),
      segmentBytesMin,
      1024 * MIB,
    ),
    idleSyncMs: integer('idleSyncMs', options.idleSyncMs ?? 50, 0, 3_600_000),
    retention: checkRetention(options.retention),
    compression: checkCompression(options.compression),
    ...checkScrub(options.scrub),
    signal: options.signal,
  }
}

/** For the log of a store: its groups say what may go. */
export function checkStoreLogOptions(options: LogOptions = {}): CheckedOptions {
  checkNames(options, STORE_LOG_OPTIONS)
  return checkOptions(options)
}

const KNOWN = [
  'sync',
  'onDamage',
  'breakLock',
  'messageBytesMax',
  'inFlightBytesMax',
  'segmentBytesMin',
  'segmentBytesMax',
  'idleSyncMs',
  'retention',
  'compression',
  'scrub',
  'signal',
]

/** Those that a store takes as `log`: it has a signal of its own. */
export const STORE_LOG_OPTIONS = KNOWN.filter((name) => name !== 'retention' && name !== 'signal')

function checkNames(options: LogOptions, known: readonly string[]): void {
  if (typeof options !== 'object' || options === null) {
    throw new QlogTypeError('options must be an object')
  }
  for (const name of Object.keys(options)) {
    if (known.includes(name)) continue
    if (name === 'retention') {
      throw new QlogTypeError(
        'the log of a store has no retention: its groups say what may go, and queue.configure({ ' +
          'retention }) what stays of it',
      )
    }
    throw new QlogTypeError(`unknown option "${name}"; known are ${known.join(', ')}`)
  }
}

function checkSync(
  sync: NonNullable<LogOptions['sync']>,
): Pick<CheckedOptions, 'mode' | 'intervalMs' | 'intervalBytes'> {
  if (sync === 'always' || sync === 'never') return { mode: sync, intervalMs: 0, intervalBytes: 0 }
  if (typeof sync !== 'object' || sync === null) {
    throw new QlogTypeError(
      `sync must be 'always', 'never' or { intervalMs }, not ${JSON.stringify(sync)}`,
    )
  }
  return {
    mode: 'interval',
    intervalMs: integer('sync.intervalMs', sync.intervalMs, 1, 3_600_000),
    intervalBytes: integer('sync.bytes', sync.bytes ?? 8 * MIB, 1, 1024 * MIB),
  }
}

function checkRetention(retention: LogOptions['retention']): RetentionLimits {
  if (retention === undefined) return {}
  if (typeof retention !== 'object' || retention === null) {
    throw new QlogTypeError('retention must be an object: { ageMs, bytes, messages }')
  }
  const limits: Record<string, number> = {}
  for (const [name, value] of Object.entries(retention)) {
    if (name !== 'ageMs' && name !== 'bytes' && name !== 'messages') {
      throw new QlogTypeError(
        `unknown limit "${name}" in retention; known are ageMs, bytes, messages`,
      )
    }
    if (value === undefined) continue
    limits[name] = integer(`retention.${name}`, value, 1, Number.MAX_SAFE_INTEGER)
  }
  return limits
}

function checkDamage(onDamage: unknown): 'refuse' | 'quarantine' | undefined {
  if (onDamage === undefined || onDamage === 'refuse' || onDamage === 'quarantine') return onDamage
  throw new QlogTypeError(
    `onDamage must be 'refuse' or 'quarantine', not ${JSON.stringify(onDamage)}`,
  )
}

export function checkReaderOptions({ pin }: ReaderOptions): void {
  if (pin !== undefined && typeof pin !== 'boolean') {
    throw new QlogTypeError('pin must be true or false')
  }
}

function checkCompression(compression: unknown): Compression {
  if (compression === undefined) return 'none'
  if (compression === 'none' || compression === 'lz4') return compression
  throw new QlogTypeError(`compression must be 'none' or 'lz4', not ${JSON.stringify(compression)}`)
}

/** What `openLog` and `openStore` do unless told otherwise; who opens a log by other means asks for it. */
export function withScrub(options: LogOptions): LogOptions {
  if (typeof options !== 'object' || options === null || options.scrub !== undefined) return options
  return { ...options, scrub: {} }
}

const SCRUB_OPTIONS = ['everyMs', 'bytesPerSecond', 'repair']

function checkScrub(scrub: LogOptions['scrub']): Pick<CheckedOptions, 'scrub'> {
  if (scrub === undefined || scrub === false) return {}
  if (typeof scrub !== 'object' || scrub === null) {
    throw new QlogTypeError(
      'scrub must be an object, { everyMs, bytesPerSecond, repair }, or false',
    )
  }
  for (const name of Object.keys(scrub)) {
    if (SCRUB_OPTIONS.includes(name)) continue
    const known = SCRUB_OPTIONS.join(', ')
    throw new QlogTypeError(`unknown option "${name}" in scrub; known are ${known}`)
  }
  const { repair = false } = scrub
  if (typeof repair !== 'boolean') throw new QlogTypeError('scrub.repair must be true or false')
  return {
    scrub: {
      everyMs: integer('scrub.everyMs', scrub.everyMs ?? WEEK_MS, 1_000, 366 * DAY_MS),
      bytesPerSecond: integer(
        'scrub.bytesPerSecond',
        scrub.bytesPerSecond ?? 8 * MIB,
        4 * KIB,
        Number.MAX_SAFE_INTEGER,
      ),
      repair,
    },
  }
}

export function checkReadOptions(options: ReadOptions): ReadOptions {
  const { from, to, onGap, follow } = options
  if (from !== undefined) integer('from', from, 1, Number.MAX_SAFE_INTEGER)
  if (to !== undefined) integer('to', to, 1, Number.MAX_SAFE_INTEGER)
  if (onGap !== undefined && typeof onGap !== 'function') {
    throw new QlogTypeError('onGap must be a function')
  }
  if (follow !== undefined && typeof follow !== 'boolean') {
    throw new QlogTypeError('follow must be true or false')
  }
  return options
}

/** A log is closed once, and what is refused here has begun nothing. Milliseconds may have a fraction. */
export function checkCloseOptions(options: { readonly timeoutMs?: number }): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new QlogTypeError(`the options of close must be an object, not ${shown(options)}`)
  }
  for (const name of Object.keys(options)) {
    if (name === 'timeoutMs') continue
    throw new QlogTypeError(`unknown option "${name}" in the options of close; known are timeoutMs`)
  }
  const { timeoutMs } = options
  if (timeoutMs === undefined) return
  if (typeof timeoutMs === 'number' && timeoutMs >= 0 && timeoutMs <= CLOSE_MS_MAX) return
  throw new QlogTypeError(
    `timeoutMs must be milliseconds from 0 to ${CLOSE_MS_MAX}, not ${shown(timeoutMs)}`,
  )
}

export function checkId(name: string, id: unknown): number {
  return integer(name, id, 1, Number.MAX_SAFE_INTEGER)
}

export function checkDirectory(directory: unknown): string {
  if (typeof directory !== 'string' || directory === '' || directory.includes('\0')) {
    throw new QlogTypeError(
      `the directory must be a path, a text that is not empty, not ${shown(directory)}`,
    )
  }
  return directory.length > 1 && directory.endsWith('/') ? directory.replace(/\/+$/, '') : directory
}

function shown(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value)
  return typeof value === 'object' && value !== null ? 'an object' : String(value)
}

function integer(name: string, value: unknown, min: number, max: number): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < min || value > max) {
    throw new QlogTypeError(
      `${name} must be a whole number from ${min} to ${max}, not ${String(value)}`,
    )
  }
  return value
}
