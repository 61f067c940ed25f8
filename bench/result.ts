/** What a measurement says: one JSON object a line, or a table for people. */

import { median, quantile, rounded } from './measures.ts'

/** One interleaved round: messages a second of each, in whatever order they ran. */
export interface Pair {
  readonly rate: number
  readonly rawRate: number
  readonly bareRate: number
}

export interface Result {
  readonly case: string
  /** `prepared`: within one zeroed segment. `sustained`: over many. */
  readonly variant: 'prepared' | 'sustained'
  /**
   * Of a sustained run. `given back`: messages are discarded and files used again, as in a queue whose
   * readers keep up. `kept`: every segment is zeroed while the one before is written.
   */
  readonly space?: 'given back' | 'kept'
  readonly sync: 'always'
  /** Messages a second, as are the other rates. */
  readonly rate: number
  /** The raw loop with as many bytes a group, always into a prepared file. */
  readonly rawRate: number
  readonly bareRate: number
  /** Medians of the ratios within each pair, not ratios of the medians. */
  readonly efficiency: number
  readonly ofBare: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly pairs: number
  /** First and third quartile of the pairs' efficiency: how far to trust it. */
  readonly efficiencyQuartiles: readonly [number, number]
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
  const efficiencies = pairs.map(({ rate, rawRate }) => rate / rawRate)
  return {
    case: name,
    variant,
    sync: 'always',
    rate: rounded(median(pairs.map(({ rate }) => rate))),
    rawRate: rounded(median(pairs.map(({ rawRate }) => rawRate))),
    bareRate: rounded(median(pairs.map(({ bareRate }) => bareRate))),
    efficiency: rounded(median(efficiencies)),
    ofBare: rounded(median(pairs.map(({ rate, bareRate }) => rate / bareRate))),
    p50Ms: rounded(quantile(latenciesMs, 0.5)),
    p99Ms: rounded(quantile(latenciesMs, 0.99)),
    pairs: pairs.length,
    efficiencyQuartiles: [
      rounded(quantile(efficiencies, 0.25)),
      rounded(quantile(efficiencies, 0.75)),
    ],
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
