/**
 * Why a contender beats qlog where it does, and what to pick instead: written by people, one entry a contender
 * and workload, for every loss of the run that docs/benchmarks.md shows. Data only.
 */

import type { LatencyWorkload, RateWorkload } from './result.ts'

export type LossWorkload =
  | RateWorkload
  | `${LatencyWorkload}-latency`
  | 'backlog-put'
  | 'backlog-take'
  | 'backlog-memory'
  | 'backlog-disk'
  | 'reopen'

export interface LossEntry {
  /** Absent where it is not known, which the page then says. No guesses. */
  readonly why?: string
  /** What a user for whom this cell decides should take. */
  readonly instead: string
}

/**
 * By the contender that wins and the workload; where the reason depends on how many messages go together, by
 * that too, which goes before: 'lmdb/put/1'.
 */
export type LossKey = `${string}/${LossWorkload}` | `${string}/${LossWorkload}/${number}`

export const LOSS_ENTRIES: Readonly<Partial<Record<LossKey, LossEntry>>> = {}
