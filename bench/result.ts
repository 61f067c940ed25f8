/** What a measurement says: one JSON object a line, or a table for people. */

import { median, quantile, rounded } from '../src/measure/measures.ts'
import { type RawPair, type Summary, summaryOf } from '../src/measure/summary.ts'

/** One interleaved round, with the prototype in it. */
export interface Pair extends RawPair {
  readonly bareRate: number
}

export interface Result extends Summary {
  readonly case: string
  /** `prepared`: within one zeroed segment. `sustained`: over many. */
  readonly variant: 'prepared' | 'sustained'
  /**
   * Of a sustained run. `given back`: messages are discarded and files used again, as in a queue whose
   * readers keep up. `kept`: every segment is zeroed while the one before is written.
   */
  readonly space?: 'given back' | 'kept'
  readonly sync: 'always'
  readonly bareRate: number
  /** Median of the ratios within each pair, not ratio of the medians. */
  readonly ofBare: number
  readonly ofBareQuartiles: readonly [low: number, high: number]
  readonly groupMessages?: number
  readonly groupBytes?: number
  readonly segments?: number
  /** The raw loop behind the end of a growing file, where the variant is `sustained`. */
  readonly rawGrowingRate?: number
  /**
   * How late the event loop came to a timer of 1 ms while the engine ran, that millisecond included: the
   * median of the runs' p99. Absent where appends are synchronous.
   */
  readonly loopDelayP99Ms?: number
  /** Bytes of the files a second, where a case reads. */
  readonly bytesRate?: number
  /** Reads of files a message by a follower, where a case has one. */
  readonly readsAMessage?: number
}

export function resultOf(
  name: string,
  variant: Result['variant'],
  pairs: readonly Pair[],
  latenciesMs: readonly number[],
  more: Partial<Result>,
): Result {
  const ofBare = pairs.map(({ rate, bareRate }) => rate / bareRate)
  return {
    case: name,
    variant,
    sync: 'always',
    ...summaryOf(pairs, latenciesMs),
    bareRate: rounded(median(pairs.map(({ bareRate }) => bareRate))),
    ofBare: rounded(median(ofBare)),
    ofBareQuartiles: [rounded(quantile(ofBare, 0.25)), rounded(quantile(ofBare, 0.75))],
    ...more,
  }
}

const COLUMNS = [
  { title: 'case', width: 28, left: true },
  { title: 'variant', width: 23, left: true },
  { title: 'messages/s', width: 12 },
  { title: 'of C', width: 7 },
  { title: '(quartiles)', width: 16 },
  { title: 'of bare', width: 9 },
  { title: 'p50 ms', width: 9 },
  { title: 'p99 ms', width: 9 },
  { title: 'loop p99', width: 10 },
]

export function tableHead(): string {
  return tableLine(COLUMNS.map(({ title }) => title))
}

export function tableRow(result: Result): string {
  const [low, high] = result.efficiencyQuartiles
  return tableLine([
    result.case,
    result.space === undefined ? result.variant : `sustained, ${result.space}`,
    Math.round(result.rate).toLocaleString('en-US'),
    result.efficiency.toFixed(2),
    `${low.toFixed(2)}-${high.toFixed(2)}`,
    result.ofBare.toFixed(2),
    String(result.p50Ms),
    String(result.p99Ms),
    String(result.loopDelayP99Ms ?? ''),
  ])
}

function tableLine(cells: readonly string[]): string {
  return cells
    .map((cell, i) => {
      const column = COLUMNS[i]
      return column?.left ? cell.padEnd(column.width) : cell.padStart(column?.width ?? 0)
    })
    .join('')
    .trimEnd()
}
