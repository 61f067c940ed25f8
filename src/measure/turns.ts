/** Two things in turns until their time is over, so that what else the machine does meets both. */

import { QlogError } from '../errors.ts'
import type { Place } from './place.ts'
import type { RawPair } from './summary.ts'

/** A B A B at least; more would only be wanted where runs are very short. */
const PAIRS_MIN = 2
const PAIRS_MAX = 9

/** Where, how long and how much a case may measure. */
export interface Turns {
  readonly place: Place
  readonly caseMs: number
  readonly bytesMax: number
  readonly signal: AbortSignal | undefined
}

/** Lets both run until the time is over; each tells messages a second. */
export async function inTurns(
  deadlineMs: number,
  signal: AbortSignal | undefined,
  raw: () => Promise<number>,
  engine: () => Promise<number>,
): Promise<readonly RawPair[]> {
  const pairs: RawPair[] = []
  while (pairs.length < PAIRS_MAX) {
    if (pairs.length >= PAIRS_MIN && performance.now() >= deadlineMs) break
    let [rate, rawRate] = [0, 0]
    const turns = [
      async () => {
        rawRate = await raw()
      },
      async () => {
        rate = await engine()
      },
    ]
    // Every other round runs backwards, so that a machine that slows down favours nobody.
    if (pairs.length % 2 === 1) turns.reverse()
    for (const turn of turns) {
      // The raw loop is synchronous: a signal is heard of only where the event loop comes by.
      await new Promise(setImmediate)
      throwIfAborted(signal)
      await turn()
    }
    pairs.push({ rate, rawRate })
  }
  return pairs
}

/** Rejects with QLOG_ABORTED where the caller does not want to go on. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new QlogError('QLOG_ABORTED', 'the measuring was stopped')
}
