/** Words of the command line -> values, with an error that says what would be right. Pure. */
import { InvalidArgumentError } from 'commander'
import type { SyncMode } from '../index.ts'

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
