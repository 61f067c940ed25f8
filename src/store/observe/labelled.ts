/**
 * Which queues and groups have metrics of their own: a scrape of a store with very many of them is bounded.
 * What is left out is counted, and nothing of it is summed: a sum of the counters of a rest that changes
 * would fall. Pure.
 */
import type { GroupStats, QueueStats } from '../types/stats.ts'
import type { MetricStats } from './metric-source.ts'

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
const known = new WeakMap<MetricStats, Labelled>()

export function labelledOf(stats: MetricStats): Labelled {
  const before = stats.labelled ?? known.get(stats)
  if (before) return before
  const labelled = choose(stats.queues ?? [])
  known.set(stats, labelled)
  return labelled
}

function choose(all: readonly QueueStats[]): Labelled {
  const queues = mostOf(all, LABELLED_QUEUES_MAX, ({ messages }) => messages)
  const omitted = { queues: all.length - queues.length, messages: 0, groups: 0 }
  for (const queue of all) {
    omitted.messages += queue.messages
    omitted.groups += queue.groups.length
  }
  for (const queue of queues) {
    omitted.messages -= queue.messages
    omitted.groups -= queue.groups.length
  }
  return chosen(queues, omitted)
}

/** These queues, of their groups as many as have room; and what was left out before. */
export function chosen(
  queues: readonly QueueStats[],
  omitted: { readonly queues: number; readonly messages: number; readonly groups: number },
): Labelled {
  const groupsOfThese = queues.flatMap(({ groups }) => groups)
  const groups = mostOf(groupsOfThese, LABELLED_GROUPS_MAX, ({ lag }) => lag)
  return {
    queues,
    groups,
    queuesOmitted: omitted.queues,
    messagesOmitted: omitted.messages,
    groupsOmitted: omitted.groups + groupsOfThese.length - groups.length,
  }
}

/** In the order of before where all have room; of equal ones the earlier, so that the next scrape has the same. */
function mostOf<T>(all: readonly T[], max: number, countOf: (one: T) => number): readonly T[] {
  if (all.length <= max) return all
  return all.toSorted((a, b) => countOf(b) - countOf(a)).slice(0, max)
}
