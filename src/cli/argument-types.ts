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
