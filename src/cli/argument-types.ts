/** Words of the command line -> values, with an error that says what would be right. Pure. */
import { InvalidArgumentError } from 'commander'
import type { GroupStart, SyncMode } from '../index.ts'

/** A parser of whole numbers from `least` to `most`. */
export function wholeNumber(least: number, most: number): (word: string) => number {
  return (word) => {
    const value = /^\d+$/.test(word) ? Number(word) : Number.NaN
    if (value >= least && value <= most) return value
    throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`)
  }
}

/** A parser of seconds, with a fraction, that gives milliseconds; at most `mostSeconds`. */
export function seconds(mostSeconds: number): (word: string) => number {
  return (word) => {
    const value = /^\d+(\.\d{1,3})?$/.test(word) ? Number(word) : Number.NaN
    if (value <= mostSeconds) return Math.round(value * 1000)
    throw new InvalidArgumentError(`It must be seconds from 0 to ${mostSeconds}, like 2 or 0.5.`)
  }
}

const RATE_UNITS: ReadonlyMap<string, number> = new Map([
  ['', 1],
  ['k', 1e3],
  ['m', 1e6],
  ['g', 1e9],
  ['ki', 1024],
  ['mi', 1024 ** 2],
  ['gi', 1024 ** 3],
])

/** Below that a unit was forgotten: a pass would take years, and say nothing. */
const BYTES_PER_SECOND_MIN = 64_000

/** Bytes a second, like 32MB/s, 512KiB or 4000000. */
export function bytesPerSecond(word: string): number {
  const [, count, unit = ''] = /^(\d+(?:\.\d+)?) ?([kmg]i?)?b?(?:\/s)?$/i.exec(word) ?? []
  const value = Math.round(Number(count) * (RATE_UNITS.get(unit.toLowerCase()) ?? Number.NaN))
  if (value >= BYTES_PER_SECOND_MIN && value <= Number.MAX_SAFE_INTEGER) return value
  const isBare = unit === '' && value >= 1
  const hint = isBare ? `${count} is ${count} bytes a second: say ${count}MB/s. ` : ''
  throw new InvalidArgumentError(
    `${hint}It must be bytes a second, like 32MB/s or 512KiB/s, and at least 64KB/s.`,
  )
}

/** What stands for a setting that is taken away. commander would make an empty text of null. */
export const NONE = 'none'
export type None = typeof NONE

/** What the store is asked for. */
export function nullOfNone<T>(value: T | None): T | null {
  return value === NONE ? null : value
}

/** A parser that also takes the word `none`. */
export function orNone<T>(parse: (word: string) => T): (word: string) => T | None {
  return (word) => {
    if (word === NONE) return NONE
    try {
      return parse(word)
    } catch (error) {
      if (!(error instanceof InvalidArgumentError)) throw error
      throw new InvalidArgumentError(`${error.message.replace(/\.$/, '')}, or none.`)
    }
  }
}

/** Where a group begins: first, next, the id of a message, or a time. */
export function groupStart(word: string): GroupStart {
  if (word === 'first' || word === 'next') return word
  if (/^\d+$/.test(word)) return { id: wholeNumber(1, Number.MAX_SAFE_INTEGER)(word) }
  try {
    return { timeMs: timeMs(word) }
  } catch (error) {
    if (!(error instanceof InvalidArgumentError)) throw error
    throw new InvalidArgumentError(
      'It must be first, next, the id of a message, or a time like 2026-01-05T10:00:00Z.',
    )
  }
}

/** Gathers what an option that may be given several times says: NAME=VALUE. */
export function nameAndValue(
  word: string,
  before: Readonly<Record<string, string>> | undefined,
): Readonly<Record<string, string>> {
  const at = word.indexOf('=')
  if (at < 1) throw new InvalidArgumentError('It must be NAME=VALUE, for example tenant=17.')
  const pair = { [word.slice(0, at)]: word.slice(at + 1) }
  return { ...before, ...pair }
}

/** Gathers whole numbers from 1, given one by one. */
export function idsOf(word: string, before: readonly number[] | undefined): readonly number[] {
  return [...(before ?? []), wholeNumber(1, Number.MAX_SAFE_INTEGER)(word)]
}

/** A time as the commands print it, UTC unless it says otherwise, in milliseconds since 1970. */
export function timeMs(word: string): number {
  const parts =
    /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?) ?(UTC|Z|[+-]\d\d:\d\d)?)?$/
  const [, day, time = '00:00', zone = 'Z'] = parts.exec(word) ?? []
  const value = Date.parse(`${day}T${time}${zone === 'UTC' ? 'Z' : zone}`)
  if (value >= 0) return value
  throw new InvalidArgumentError(
    'It must be a time like 2026-01-05T10:00:00Z, or a day like 2026-01-05.',
  )
}

/** always, never, or interval:MS. */
export function parseSync(word: string): SyncMode {
  if (word === 'always' || word === 'never') return word
  const milliseconds = /^interval:(\d{1,9})$/.exec(word)?.[1]
  if (milliseconds !== undefined && Number(milliseconds) >= 1) {
    return { intervalMs: Number(milliseconds) }
  }
  throw new InvalidArgumentError(
    'It must be always, never, or interval:MS with whole milliseconds, for example interval:50.',
  )
}
