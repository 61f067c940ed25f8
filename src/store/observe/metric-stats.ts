/**
 * The figures that metrics are read from: of a store with very many queues only of those that are shown, so
 * that a scrape does not put together the figures of all. Of each other queue it looks at two numbers, and at the
 * floor of each group for what pins most.
 */
import { queueStats } from '../queue-handle.ts'
import type { StoreCore } from '../store-core.ts'
import type { StoreStats } from '../types/stats.ts'
import { chosen, LABELLED_QUEUES_MAX } from './labelled.ts'
import type { MetricStats } from './metric-source.ts'
import { storeFigures } from './store-figures.ts'

export function metricStats(
  core: StoreCore,
  own: Pick<StoreStats, 'status' | 'stateBytes' | 'snapshotBytes'>,
): MetricStats {
  const { names, messages, groups } = mostOf(core)
  const queues = names.map((name) => queueStats(core, name))
  const omitted = { queues: core.state.queues.size - names.length, messages, groups }
  for (const queue of queues) {
    omitted.messages -= queue.messages
    omitted.groups -= queue.groups.length
  }
  return {
    ...own,
    ...storeFigures(core, messages),
    labelled: chosen(queues, omitted),
  }
}

/** The queues with the most messages, by name; and the messages and groups of all queues. */
function mostOf({ state }: StoreCore): {
  readonly names: readonly string[]
  readonly messages: number
  readonly groups: number
} {
  const counts = new Float64Array(state.queues.size)
  let row = 0
  let messages = 0
  let groups = 0
  for (const queue of state.queues.values()) {
    counts[row] = queue.pending
    row += 1
    messages += queue.pending
    groups += queue.groups.size
  }
  counts.sort()
  const least = counts[Math.max(0, counts.length - LABELLED_QUEUES_MAX)] ?? 0
  let above = 0
  for (const count of counts) above += count > least ? 1 : 0
  // Of equal ones the same as with every scrape: those that were made first.
  let room = LABELLED_QUEUES_MAX - above
  const names: string[] = []
  for (const { name, pending } of state.queues.values()) {
    if (pending === least) room -= 1
    if (pending > least || (pending === least && room >= 0)) names.push(name)
  }
  return { names: names.sort(), messages, groups }
}
