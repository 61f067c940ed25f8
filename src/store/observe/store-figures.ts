/** Figures of a store as a whole, for `stats()` and for metrics. Looks only. */
import { pinningOf } from '../space/pinning.ts'
import type { StoreCore } from '../store-core.ts'
import type { StoreStats } from '../types/stats.ts'

type StoreFigures = Pick<
  StoreStats,
  'pinning' | 'appendedBytes' | 'snapshots' | 'snapshotAgeMs' | 'space' | 'log' | 'damaged'
>

/** `messages` are those of all queues that are not finished. */
export function storeFigures(core: StoreCore, messages: number): StoreFigures {
  const { state, dispatcher, journal, watch, log, isFull } = core
  const figures = log.figures()
  return {
    pinning: pinningOf(state, messages === 0 ? 0 : figures.liveBytes / messages),
    appendedBytes: journal.appendedBytes + journal.controlBytes,
    snapshots: watch.snapshots,
    snapshotAgeMs: watch.snapshotAgeMs,
    space: isFull ? 'full' : 'ok',
    log: figures,
    damaged: [...dispatcher.damaged],
  }
}
