/** What metrics are read from, and where a store tells that for less than all of its `stats()`. */
import type { QueueStats, StoreStats } from '../types/stats.ts'
import type { Store } from '../types/store.ts'
import type { Labelled } from './labelled.ts'

/** All figures of a store will do, or those of the queues that are shown. */
export interface MetricStats
  extends Pick<
    StoreStats,
    | 'status'
    | 'pinning'
    | 'stateBytes'
    | 'appendedBytes'
    | 'snapshotBytes'
    | 'snapshots'
    | 'snapshotAgeMs'
    | 'space'
    | 'log'
    | 'damaged'
  > {
  readonly queues?: readonly QueueStats[]
  readonly labelled?: Labelled
}

/** A store's own way to tell them. */
export const METRIC_STATS = Symbol('metric stats')

export interface MetricSource {
  [METRIC_STATS](): MetricStats
}

export function metricStatsOf(store: Pick<Store, 'stats'> & Partial<MetricSource>): MetricStats {
  return store[METRIC_STATS]?.() ?? store.stats()
}
