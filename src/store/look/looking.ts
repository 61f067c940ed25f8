/**
 * Looking at messages without taking them: what state each is in for a group, in which order they stand,
 * and their bodies. Changes nothing.
 */
import { PostingsCursor } from '../containers/postings-cursor.ts'
import { isHeldBehind } from '../dispatch/behind.ts'
import type { GroupDispatch } from '../dispatch/group-dispatch.ts'
import type { FoundMessage, QueueDispatch } from '../dispatch/queue-dispatch.ts'
import type { Taken } from '../dispatch/taken.ts'
import { type DecodedMessage, DueKind } from '../records/message-record.ts'
import type { Exception } from '../state/exception.ts'
import type { QueueState } from '../state/queue-state.ts'
import type { StoreCore } from '../store-core.ts'
import type { MessageInfo, MessageState } from '../types/messages.ts'

/** What a group knows of a message, found in its lane. */
export function stateOf(group: GroupDispatch, found: FoundMessage): MessageState {
  const { offset } = found
  if (group.state.finished.has(offset)) return 'finished'
  const taken = group.out.get(offset)
  if (taken && taken.leaseMs > 0) return 'leased'
  const exception = group.state.exception(offset)
  if (exception?.state === 'buried') return 'buried'
  if (isHeldBehind(group, offset)) return 'delayed'
  // The same facts as delivering goes by: what has become due stays ready where a clock is set back.
  if (exception) return group.isDelayed(exception) ? 'delayed' : 'ready'
  return group.queue.isScheduled(offset) && !group.state.leased.has(offset) ? 'delayed' : 'ready'
}

/** The same for a group that has not begun. What comes after another of its key waits for that one. */
export function unbegunState(queue: QueueDispatch, offset: number): 'ready' | 'delayed' {
  const isBehind = queue.state.trailing.after(offset) !== undefined
  return isBehind || queue.isScheduled(offset) ? 'delayed' : 'ready'
}

/** Everything but the body; without a group as a group would see it that has not begun. */
export function infoOf(
  core: StoreCore,
  queue: QueueDispatch,
  group: GroupDispatch | undefined,
  groupName: string,
  found: FoundMessage,
  message: DecodedMessage,
): MessageInfo {
  const { id, offset } = found
  const exception = group?.state.exception(offset)
  const taken = group?.out.get(offset)
  // The lease of a delivery counts from its beginning on, also while its record is on its way.
  const unrecorded = group && taken && isUnrecorded(group, taken) ? 1 : 0
  const due = exception ?? found
  const state = group ? stateOf(group, found) : unbegunState(queue, offset)
  return {
    queue: queue.state.name,
    group: groupName,
    id,
    offset,
    state,
    priority: exception?.priority ?? found.priority,
    putMs: found.timeMs,
    dueInMs: state === 'delayed' ? dueInMs(core, due.dueKind, due.dueMs) : 0,
    leaseLeftMs: taken?.status === 'leased' ? Math.max(0, taken.endMs - core.clock.nowMs()) : 0,
    attempts: (group?.state.attempts(offset) ?? 0) + unrecorded,
    counters: countersOf(group, offset, exception, unrecorded),
    reason: state === 'buried' ? exception?.reason : undefined,
    error: exception?.error ? exception.error : undefined,
    leaseMs: message.leaseMs === 0 ? undefined : message.leaseMs,
    headers: message.headers,
    key: message.key,
    bodyBytes: message.body.length,
  }
}

/** One message by its id; undefined where it is gone, or stands in another queue than that of this name. */
export async function lookAt(
  core: StoreCore,
  id: number,
  group: string,
  queueName?: string,
): Promise<{ readonly info: MessageInfo; readonly body: Uint8Array } | undefined> {
  const message = await core.fetch.one(id)
  core.dispatcher.advance()
  const state = message && core.state.queues.get(message.queue)
  if (!state || (queueName !== undefined && state.name !== queueName)) return undefined
  const queue = core.dispatcher.queue(state)
  const found = queue.find(message.offset)
  if (!found || state.isGone(found.offset)) return undefined
  const info = infoOf(core, queue, queue.group(group), group, found, message)
  return { info, body: message.body }
}

function isUnrecorded(group: GroupDispatch, taken: Taken): boolean {
  return taken.leaseMs > 0 && group.state.attempts(taken.offset) < taken.attempt
}

function countersOf(
  group: GroupDispatch | undefined,
  offset: number,
  exception: Exception | undefined,
  unrecorded: number,
): MessageInfo['counters'] {
  if (!exception) {
    const leases = (group?.state.attempts(offset) ?? 0) + unrecorded
    return { leases, timeouts: 0, releases: 0, buries: 0, kicks: 0 }
  }
  const { timeouts, releases, buries, kicks } = exception
  const leases = exception.leases + unrecorded
  return { leases, timeouts, releases, buries, kicks }
}

export function dueInMs(core: StoreCore, kind: DueKind, dueMs: number): number {
  if (kind === DueKind.NONE) return 0
  const nowMs = kind === DueKind.WALL ? core.clock.wallMs() : core.clock.nowMs()
  return Math.max(0, dueMs - nowMs)
}

/** Walks the messages of a queue by offset, all lanes together. */
export class QueueWalk {
  readonly #rows: { readonly cursor: PostingsCursor; readonly priority: number | undefined }[] = []

  constructor(queue: QueueState, fromOffset: number) {
    const from = Math.max(fromOffset, queue.goneFloor)
    for (const { postings, priority } of queue.lanes.all) {
      const cursor = new PostingsCursor(postings)
      cursor.moveTo(from)
      if (cursor.next()) this.#rows.push({ cursor, priority })
    }
  }

  /** The next message; undefined at the end. */
  next(): FoundMessage | undefined {
    let first = this.#rows[0]
    for (const row of this.#rows) if (first && row.cursor.offset < first.cursor.offset) first = row
    if (!first) return undefined
    const { cursor, priority } = first
    const { id, offset, timeMs, dueMs } = cursor
    const dueKind = cursor.dueKind as DueKind
    const found = { id, offset, timeMs, dueKind, dueMs, priority: priority ?? cursor.priority }
    if (!cursor.next()) this.#rows.splice(this.#rows.indexOf(first), 1)
    return found
  }
}

/** The offset of the first message for which `isFrom` is true; of the next one where none is. */
export function offsetWhere(
  queue: QueueState | undefined,
  nextOffset: number,
  isFrom: (id: number, timeMs: number) => boolean,
): number {
  let lowest = nextOffset
  for (const { postings } of queue?.lanes.all ?? []) {
    const cursor = new PostingsCursor(postings)
    cursor.moveTo(postings.offsetBefore(isFrom))
    while (cursor.next()) {
      if (isFrom(cursor.id, cursor.timeMs)) {
        lowest = Math.min(lowest, cursor.offset)
        break
      }
      // Ids grow by one within a run, and its time is one.
      if (!isFrom(cursor.id + cursor.runLength, cursor.timeMs)) cursor.skip(cursor.runLength)
    }
  }
  return lowest
}

/** The plain message that becomes due first for the group, of those that are no exceptions. */
export function firstPlainDelayed(core: StoreCore, group: GroupDispatch): FoundMessage | undefined {
  const [first] = plainDelayed(core, group, 1)
  return first
}

/** Plain delayed messages of the group, soonest first. */
export function plainDelayed(core: StoreCore, group: GroupDispatch, count: number): FoundMessage[] {
  const all: { readonly offset: number; readonly id: number; readonly inMs: number }[] = []
  for (const { kind, heap } of group.queue.schedules) {
    let left = count
    heap.visitInOrder((dueMs, id, payload) => {
      const offset = group.queue.offsetOf(payload)
      // What has been delivered was due, and stays ready where a clock is set back.
      const isPlain = !group.state.exception(offset) && !group.state.leased.has(offset)
      if (!isPlain || !group.isWaiting(offset, id)) return true
      all.push({ offset, id, inMs: dueInMs(core, kind, dueMs) })
      return --left > 0
    })
  }
  all.sort((a, b) => a.inMs - b.inMs || a.id - b.id)
  const found: FoundMessage[] = []
  for (const { offset } of all.slice(0, count)) {
    const one = group.queue.find(offset)
    if (one) found.push(one)
  }
  return found
}
