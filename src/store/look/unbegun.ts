/**
 * What a group would see of a queue that has not begun: everything that is not gone, ready or delayed as it
 * was put. So looking at a group makes none. Changes nothing.
 */
import { PostingsCursor } from '../containers/postings-cursor.ts'
import type { FoundMessage, QueueDispatch } from '../dispatch/queue-dispatch.ts'
import type { DueKind } from '../records/message-record.ts'
import type { Lane } from '../state/lane.ts'
import type { StoreCore } from '../store-core.ts'
import { dueInMs, unbegunState } from './looking.ts'

/** The next message in the order of the state; nothing is buried where there is no group. */
export function firstUnbegun(
  core: StoreCore,
  queue: QueueDispatch,
  state: 'ready' | 'delayed' | 'buried',
): FoundMessage | undefined {
  if (state === 'buried') return undefined
  return state === 'ready' ? firstReady(queue) : firstDelayed(core, queue)
}

function firstReady(queue: QueueDispatch): FoundMessage | undefined {
  let best: FoundMessage | undefined
  for (const lane of queue.state.lanes.all) {
    if (best && lane.priority !== undefined && lane.priority > best.priority) continue
    const first = firstReadyIn(queue, lane)
    if (first && (!best || isBefore(first, best))) best = first
  }
  return best
}

/** The lowest offset of a priority of its own; of a lane with several all have to be looked at. */
function firstReadyIn(
  queue: QueueDispatch,
  { postings, priority }: Lane,
): FoundMessage | undefined {
  let best: FoundMessage | undefined
  const cursor = new PostingsCursor(postings)
  cursor.moveTo(queue.state.goneFloor)
  while (cursor.next()) {
    const { id, offset, timeMs, dueMs } = cursor
    if (!isThere(queue, offset, id) || unbegunState(queue, offset) !== 'ready') continue
    const dueKind = cursor.dueKind as DueKind
    const one = { id, offset, timeMs, dueKind, dueMs, priority: priority ?? cursor.priority }
    if (priority !== undefined) return one
    if (!best || isBefore(one, best)) best = one
  }
  return best
}

function firstDelayed(core: StoreCore, queue: QueueDispatch): FoundMessage | undefined {
  let first: { readonly offset: number; readonly id: number; readonly inMs: number } | undefined
  queue.state.trailing.forEach((offset) => {
    const found = queue.find(offset)
    if (!found || !isThere(queue, offset, found.id)) return
    if (!first || first.inMs > 0 || found.id < first.id) first = { offset, id: found.id, inMs: 0 }
  })
  for (const { kind, heap } of queue.schedules) {
    heap.visitInOrder((dueMs, id, payload) => {
      const offset = queue.offsetOf(payload)
      if (!isThere(queue, offset, id)) return true
      const inMs = dueInMs(core, kind, dueMs)
      if (!first || inMs < first.inMs) first = { offset, id, inMs }
      return false
    })
  }
  return first && queue.find(first.offset)
}

function isThere(queue: QueueDispatch, offset: number, id: number): boolean {
  return !queue.state.isGone(offset) && !queue.isLeaving(offset, id)
}

function isBefore(one: FoundMessage, other: FoundMessage): boolean {
  return one.priority < other.priority || (one.priority === other.priority && one.id < other.id)
}
