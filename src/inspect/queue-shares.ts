/** Which queues the messages of a stretch of ids are of, as a store's state knows them. Pure. */

import type { Postings } from '../store/containers/postings.ts'
import { PostingsCursor } from '../store/containers/postings-cursor.ts'
import type { QueueState } from '../store/state/queue-state.ts'

export interface QueueShare {
  readonly queue: string
  /** Those that are not gone: some group, or nobody yet, has still to finish them. */
  readonly messages: number
}

export interface IdStretch {
  readonly firstId: number
  /** One past the last id. */
  readonly endId: number
}

/** For each stretch the queues that have messages there, most first. Stretches rise and are disjoint. */
export function sharesOf(
  queues: Iterable<QueueState>,
  stretches: readonly IdStretch[],
): readonly (readonly QueueShare[])[] {
  const shares = stretches.map((): QueueShare[] => [])
  for (const queue of queues) {
    const counts = new Map<number, number>()
    for (const { postings } of queue.lanes.all) count(queue, postings, stretches, counts)
    for (const [row, messages] of counts) shares[row]?.push({ queue: queue.name, messages })
  }
  for (const row of shares) {
    row.sort((a, b) => b.messages - a.messages || (a.queue < b.queue ? -1 : 1))
  }
  return shares
}

/** Ids of a list rise, as those of the stretches do: one way through both. */
function count(
  queue: QueueState,
  postings: Postings,
  stretches: readonly IdStretch[],
  counts: Map<number, number>,
): void {
  const cursor = new PostingsCursor(postings)
  let row = 0
  while (cursor.next()) {
    while (row < stretches.length && cursor.id >= (stretches[row]?.endId ?? 0)) row++
    const stretch = stretches[row]
    if (stretch === undefined) return
    if (cursor.id < stretch.firstId || queue.isGone(cursor.offset)) continue
    counts.set(row, (counts.get(row) ?? 0) + 1)
  }
}
