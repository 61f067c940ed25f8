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

/** Workloads that are mostly lost for one reason. */
export type LossClass = 'puts' | 'takes' | 'latency' | 'space' | 'opening'

export const CLASS_OF: Readonly<Record<LossWorkload, LossClass>> = {
  put: 'puts',
  batch: 'puts',
  'backlog-put': 'puts',
  drain: 'takes',
  steady: 'takes',
  'backlog-take': 'takes',
  'put-latency': 'latency',
  'through-latency': 'latency',
  'backlog-memory': 'space',
  'backlog-disk': 'space',
  reopen: 'opening',
}

export interface LossEntry {
  /** Absent where it is not known, which the page then says. No guesses. */
  readonly why?: string
  /** What a user for whom this cell decides should take. */
  readonly instead: string
}

/**
 * By the contender that wins, and the class of the workload: 'lmdb/takes'. Where the reason is that of one
 * workload, by that: 'lmdb/drain'; where it depends on how many go together, are offered or wait, by that too:
 * 'lmdb/put/1'. Where it lies with the one of qlog's that loses, whoever wins: 'qlog-log/put/1'. What says more
 * goes before what says less, and the one that wins before the one that loses.
 */
export type LossKey =
  | `${string}/${LossWorkload | LossClass}`
  | `${string}/${LossWorkload}/${number}`

export type LossEntries = Readonly<Partial<Record<LossKey, LossEntry>>>

export const LOSS_ENTRIES: LossEntries = {}
