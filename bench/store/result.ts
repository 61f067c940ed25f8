/** What `bench -- store` says: one JSON object a case, its figures beside what the design asks. Pure. */

import { median, quantile, rounded } from '../../src/measure/measures.ts'

export type Unit = 'messages/s' | 'ms' | 's' | 'B/message' | 'ratio' | 'share'

/** What engine.md asks of a figure. */
export interface Bar {
  readonly atLeast?: number
  readonly atMost?: number
  readonly met: boolean
}

export interface Figure {
  readonly name: string
  readonly value: number
  readonly unit: Unit
  /** First and third quartile, where the value is a median of several. */
  readonly quartiles?: readonly [number, number]
  readonly bar?: Bar
}

export interface StoreResult {
  readonly case: string
  readonly sync: 'always'
  /** Messages of one run; of a backlog, those that wait. */
  readonly messages: number
  /** Runs, or pairs where the figures are ratios. */
  readonly runs: number
  readonly figures: readonly Figure[]
}

type Limit = { readonly atLeast: number } | { readonly atMost: number }

export function figureOf(name: string, unit: Unit, value: number, limit?: Limit): Figure {
  return { name, value: rounded(value), unit, ...(limit && { bar: barOf(value, limit) }) }
}

/** The median of several, with its quartiles. */
export function medianOf(
  name: string,
  unit: Unit,
  values: readonly number[],
  limit?: Limit,
): Figure {
  const figure = figureOf(name, unit, median(values), limit)
  if (values.length < 2) return figure
  const quartiles = [rounded(quantile(values, 0.25)), rounded(quantile(values, 0.75))] as const
  return { ...figure, quartiles }
}

/** The median of the ratios within each pair, not the ratio of the medians. */
export function ratioOf(
  name: string,
  values: readonly number[],
  others: readonly number[],
  limit?: Limit,
): Figure {
  const ratios = values.map((value, pair) => value / (others[pair] ?? Number.NaN))
  return medianOf(name, 'ratio', ratios, limit)
}

function barOf(value: number, limit: Limit): Bar {
  const met = 'atLeast' in limit ? value >= limit.atLeast : value <= limit.atMost
  return { ...limit, met }
}
