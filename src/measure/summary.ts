/** From interleaved rounds to the figures that are shown. Pure. */

import { median, quantile, rounded } from './measures.ts'

/** One interleaved round: messages a second of each, in whatever order they ran. */
export interface RawPair {
  readonly rate: number
  readonly rawRate: number
}

export interface Summary {
  /** Messages a second, as are the other rates. */
  readonly rate: number
  /** The raw loop with as many bytes a group, always into a prepared file. */
  readonly rawRate: number
  /** Median of the ratios within each pair, not ratio of the medians. */
  readonly efficiency: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly pairs: number
  /** First and third quartile of the pairs' efficiency: how far to trust it. */
  readonly efficiencyQuartiles: readonly [number, number]
}

export function summaryOf(pairs: readonly RawPair[], latenciesMs: readonly number[]): Summary {
  const efficiencies = pairs.map(({ rate, rawRate }) => rate / rawRate)
  return {
    rate: rounded(median(pairs.map(({ rate }) => rate))),
    rawRate: rounded(median(pairs.map(({ rawRate }) => rawRate))),
    efficiency: rounded(median(efficiencies)),
    p50Ms: rounded(quantile(latenciesMs, 0.5)),
    p99Ms: rounded(quantile(latenciesMs, 0.99)),
    pairs: pairs.length,
    efficiencyQuartiles: [
      rounded(quantile(efficiencies, 0.25)),
      rounded(quantile(efficiencies, 0.75)),
    ],
  }
}
