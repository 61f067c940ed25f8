/**
 * Which queues and groups have metrics of their own: a scrape of a store with very many of them is bounded.
 * What is left out is counted, and nothing of it is summed: a sum of the counters of a rest that changes
 * would fall. Pure.
 */
import type { GroupStats, QueueStats, StoreStats } from '../types/stats.ts'

/** Those with the most unfinished messages. */
export const LABELLED_QUEUES_MAX = 1_000
/** Over all of these queues together, those first that have the most to finish. */
export const LABELLED_GROUPS_MAX = 2_000

export interface Labelled {
  readonly queues: readonly QueueStats[]
  readonly groups: readonly GroupStats[]
  readonly queuesOmitted: number
  /** Unfinished messages of the queues that are left out. */
  readonly messagesOmitted: number
  /** With those of the queues that are left out. */
  readonly groupsOmitted: number
}

/** Each metric asks for it, of the same figures. */
const known = new WeakMap<StoreStats, Labelled>()

export function labelledOf(stats: StoreStats): Labelled {
  const before = known.get(stats)
  if (before) return before
  const labelled = choose(stats.queues)
  known.set(stats, labelled)
  return labelled
}

function choose(all: readonly QueueStats[]): Labelled {
  const queues = mostOf(all, LABELLED_QUEUES_MAX, ({ messages }) => messages)
  const groupsOfThese = queues.flatMap(({ groups }) => groups)
  const groups = mostOf(groupsOfThese, LABELLED_GROUPS_MAX, ({ lag }) => lag)
  let messagesOmitted = 0
  let groupsOmitted = -groups.length
  for (const queue of all) {
    messagesOmitted += queue.messages
    groupsOmitted += queue.groups.length
  }
  for (const queue of queues) messagesOmitted -= queue.messages
  return {
    queues,
    groups,
    queuesOmitted: all.length - queues.length,
    messagesOmitted,
    groupsOmitted,
  }
}

/** In the order of before where all have room; of equal ones the earlier, so that the next scrape has the same. */
function mostOf<T>(all: readonly T[], max: number, countOf: (one: T) => number): readonly T[] {
  if (all.length <= max) return all
  return all.toSorted((a, b) => countOf(b) - countOf(a)).slice(0, max)
}
