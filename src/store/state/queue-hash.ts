/** The hash of a queue's state: of what answers questions, not of how it is kept. Pure memory. */
import { PostingsCursor } from '../containers/postings-cursor.ts'
import type { StateHash } from '../containers/state-hash.ts'
import { valuesOf } from '../records/queue-settings.ts'
import type { Exception } from './exception.ts'
import type { GroupState } from './group-state.ts'
import type { QueueState } from './queue-state.ts'

export function hashQueue(hash: StateHash, queue: QueueState, elapsedMs: number): void {
  hash.number(queue.number)
  hash.text(queue.name)
  hash.number(queue.nextOffset)
  hash.number(queue.pausedUntilMs)
  hash.number(queue.pending)
  queue.done.removed.hashInto(hash)
  queue.retained.hashInto(hash)
  for (const chunk of queue.keys.chunkNumbers()) {
    for (const [key, { id, offset, untilMs }] of queue.keys.alive(chunk, elapsedMs)) {
      hash.text(key)
      for (const value of [id, offset, untilMs]) hash.number(value)
    }
  }
  queue.producers.hashInto(hash)
  for (const value of valuesOf(queue.settings)) hash.number(value)
  hash.number(queue.sizes ? queue.bytes : -1)
  queue.sizes?.hashInto(hash)
  queue.trailing.hashInto(hash)
  hashMessages(hash, queue)
  const groups = [...queue.groups.values()].sort((a, b) => a.number - b.number)
  for (const group of groups) hashGroup(hash, group)
}

/** Messages that are not gone, by priority. */
function hashMessages(hash: StateHash, queue: QueueState): void {
  const lanes = [...queue.lanes.all].sort((a, b) => a.slot - b.slot)
  for (const { slot, priority, postings } of lanes) {
    hash.number(slot)
    hash.number(priority ?? -1)
    const cursor = new PostingsCursor(postings)
    cursor.moveTo(queue.goneFloor)
    while (cursor.next()) {
      if (queue.isGone(cursor.offset)) continue
      hash.number(cursor.id)
      hash.number(cursor.offset)
      hash.number(cursor.timeMs)
      hash.number(cursor.dueMs)
      hash.number(cursor.expiresMs)
      hash.number(cursor.priority)
    }
  }
}

function hashGroup(hash: StateHash, group: GroupState): void {
  hash.number(group.number)
  hash.text(group.name)
  for (const value of [group.leasedMax, group.promoteAfterMs, group.sequenceNext]) {
    hash.number(value)
  }
  group.finished.hashInto(hash)
  group.leased.hashInto(hash)
  const exceptions = [...group.exceptions()].sort((a, b) => a.offset - b.offset)
  for (const exception of exceptions) hashException(hash, exception)
}

function hashException(hash: StateHash, exception: Exception): void {
  const { offset, id, priority, dueKind, dueMs, attempts, leases } = exception
  for (const value of [offset, id, priority, dueKind, dueMs, attempts, leases]) {
    hash.number(value)
  }
  const { timeouts, releases, buries, kicks, sequence } = exception
  for (const value of [timeouts, releases, buries, kicks, sequence]) hash.number(value)
  for (const text of [exception.state, exception.reason, exception.error]) hash.text(text)
}
