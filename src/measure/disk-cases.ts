/** What `qlog bench` measures and what it tells of each case, as data. Pure. */

import type { Workload } from './driver.ts'
import type { Summary } from './summary.ts'

/** What is measured, in this order, for each size of message. */
export interface DiskCase extends Workload {
  readonly kind: 'append' | 'sustained' | 'replay'
}

/** One case, with the names that `npm run bench -- efficiency --json` uses. */
export interface DiskResult extends Summary {
  readonly case: string
  readonly variant: 'prepared' | 'sustained'
  readonly space?: 'given back'
  readonly sync: 'always'
  readonly messageBytes: number
  /** Bytes of messages a second. */
  readonly bodyBytesRate: number
  readonly groupMessages?: number
  readonly groupBytes?: number
  readonly segments?: number
  /** Median of the runs' p99, the timer's own millisecond included; absent where calls are synchronous. */
  readonly loopDelayP99Ms?: number
}

const SIZES = [
  { label: '100B', messageBytes: 100 },
  { label: '1KiB', messageBytes: 1024 },
] as const

const SHAPES = [
  { kind: 'append', name: 'appendSync', call: 'sync', batch: 1, callers: 1 },
  { kind: 'append', name: 'append-awaited', call: 'one', batch: 1, callers: 1 },
  { kind: 'append', name: 'append-1000-in-flight', call: 'one', batch: 1, callers: 1000 },
  { kind: 'append', name: 'appendMany-100', call: 'many', batch: 100, callers: 4 },
  { kind: 'append', name: 'appendMany-1000', call: 'many', batch: 1000, callers: 4 },
  { kind: 'sustained', name: 'appendMany-1000', call: 'many', batch: 1000, callers: 4 },
  { kind: 'replay', name: 'replay-batches', call: 'many', batch: 1000, callers: 1 },
] as const

/** All cases; names are those of `bench/cases.ts`. */
export const DISK_CASES: readonly DiskCase[] = SIZES.flatMap(({ label, messageBytes }) =>
  SHAPES.map(({ name, ...shape }) => ({ ...shape, name: `${name}/${label}`, messageBytes })),
)
