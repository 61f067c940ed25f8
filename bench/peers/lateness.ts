/** Percentiles of how late messages were, over all rounds together. Pure. */

import { rounded } from '../../src/measure/measures.ts'
import type { Lateness } from './verbs.ts'

/** The thousandth part of fewer messages is a handful of them. */
const SAMPLES_FOR_P999 = 5000

export interface LatenessFigures {
  readonly p50Ms: number
  readonly p99Ms: number
  readonly p999Ms?: number
  readonly maxMs: number
  readonly runs: number
  readonly samples: number
  readonly p99sMs: readonly number[]
  readonly unfinished?: number
}

export function latenessFiguresOf(runs: readonly Lateness[]): LatenessFigures {
  const samples = runs.reduce((sum, { lateMs }) => sum + lateMs.length, 0)
  const all = new Float64Array(samples)
  let at = 0
  for (const { lateMs } of runs) {
    all.set(lateMs, at)
    at += lateMs.length
  }
  all.sort()
  const unfinished = runs.reduce((sum, run) => sum + run.unfinished, 0)
  return {
    p50Ms: rounded(ofSorted(all, 0.5)),
    p99Ms: rounded(ofSorted(all, 0.99)),
    ...(samples >= SAMPLES_FOR_P999 && { p999Ms: rounded(ofSorted(all, 0.999)) }),
    // A stall in one round is a stall.
    maxMs: rounded(ofSorted(all, 1)),
    runs: runs.length,
    samples,
    p99sMs: runs.map(({ lateMs }) => rounded(ofSorted(lateMs.toSorted(), 0.99))),
    ...(unfinished > 0 && { unfinished }),
  }
}

function ofSorted(sorted: Float64Array, share: number): number {
  const value = sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]
  if (value === undefined) throw new Error('a percentile of nothing')
  return value
}
