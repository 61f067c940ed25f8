/** Medians, percentiles, rounding. Pure. */

/** The value that `share` of the others stay at or below. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = Float64Array.from(values).sort()
  const value = sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]
  if (value === undefined) throw new Error('a quantile of nothing')
  return value
}

export function median(values: readonly number[]): number {
  const sorted = Float64Array.from(values).sort()
  const upper = sorted[sorted.length >> 1]
  const lower = sorted[(sorted.length - 1) >> 1]
  if (upper === undefined || lower === undefined) throw new Error('a median of nothing')
  return (upper + lower) / 2
}

/** Three significant digits: more would claim what a shared machine cannot show. */
export function rounded(value: number): number {
  return Number(value.toPrecision(3))
}
