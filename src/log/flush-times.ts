/** How long flushes took: by bucket since the log was opened, and percentiles of the last. Memory only. */
import type { FlushFigures } from './seam.ts'

/**
 * Upper ends of the buckets in which flushes are counted, milliseconds: those of etcd, from 1 ms to 8 s.
 * What took longer is counted in one more.
 */
export const FLUSH_BUCKETS_MS: readonly number[] = [
  1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192,
]

/** Percentiles are of so many, the last. */
const TIMES_KEPT = 1024

export class FlushTimes {
  #count = 0
  #sumMs = 0
  #maxMs = 0
  readonly #counts: number[] = [...FLUSH_BUCKETS_MS, Number.POSITIVE_INFINITY].map(() => 0)
  readonly #lastMs = new Float64Array(TIMES_KEPT)

  record(tookMs: number): void {
    this.#lastMs[this.#count % TIMES_KEPT] = tookMs
    this.#count++
    this.#sumMs += tookMs
    if (tookMs > this.#maxMs) this.#maxMs = tookMs
    let row = 0
    while (tookMs > (FLUSH_BUCKETS_MS[row] ?? Number.POSITIVE_INFINITY)) row++
    this.#counts[row] = (this.#counts[row] ?? 0) + 1
  }

  figures(): FlushFigures {
    const last = this.#lastMs.slice(0, Math.min(this.#count, TIMES_KEPT)).sort()
    return {
      flushes: this.#count,
      flushCounts: [...this.#counts],
      flushSumMs: this.#sumMs,
      flushP50Ms: percentileOf(last, 0.5),
      flushP99Ms: percentileOf(last, 0.99),
      flushMaxMs: this.#maxMs,
    }
  }
}

/** What this share of the sorted times stayed at or below; 0 where there is none. */
function percentileOf(sorted: Float64Array, share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
}
