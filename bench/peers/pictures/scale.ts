/** Logarithmic scales: from a value to a place, and the decades in between. Pure. */

export interface Scale {
  readonly place: (value: number) => number
  readonly ticks: readonly number[]
}

/** Room beyond the outermost values, in decades, so that no marker lies on the edge. */
const BEYOND = 0.08
/** For decades that are whole but for the last bits of a logarithm. */
const NEARLY = 1e-9

/**
 * Around these values, from `start` to `end`, with ticks at decades: at least two, for which the scale is made
 * wider where the values are close together. No tick is nearer to the next than `apart`.
 */
export function decades(
  values: readonly number[],
  start: number,
  end: number,
  apart: number,
): Scale {
  const logs = values.filter((value) => value > 0).map(Math.log10)
  if (logs.length === 0) throw new Error('a scale of nothing')
  let low = Math.min(...logs) - BEYOND
  let high = Math.max(...logs) + BEYOND
  if (Math.floor(high) - Math.ceil(low) < 1) {
    low = Math.floor(low + BEYOND + NEARLY)
    high = Math.max(low + 1, Math.ceil(high - BEYOND - NEARLY))
  }
  const perDecade = (end - start) / (high - low)
  const step = Math.max(1, Math.ceil(apart / Math.abs(perDecade)))
  const ticks: number[] = []
  for (let decade = Math.ceil(low - NEARLY); decade <= high + NEARLY; decade += step)
    ticks.push(10 ** decade)
  return { place: (value) => start + (Math.log10(value) - low) * perDecade, ticks }
}
