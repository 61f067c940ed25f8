/** Messages of a group that come after another one of their key, as long as that is not through. */
import type { GroupState } from '../state/group-state.ts'
import type { QueueState } from '../state/queue-state.ts'
import type { GroupDispatch } from './group-dispatch.ts'

/** Another one stands in front of it, neither finished nor buried. */
export function isBehind(group: GroupState, queue: QueueState, offset: number): boolean {
  const first = queue.trailing.after(offset)
  if (first === undefined || group.finished.has(first)) return false
  return group.exception(first)?.state !== 'buried'
}

/** Offsets of those that wait for nothing else: they would be ready. In order. */
export function heldBehind(group: GroupDispatch): readonly number[] {
  const { trailing } = group.queue.state
  if (trailing.size === 0) return []
  const held: number[] = []
  trailing.forEach((offset) => {
    if (isHeldBehind(group, offset)) held.push(offset)
  })
  return held.sort((a, b) => a - b)
}

/** The message would be ready, did it not come after another one. */
export function isHeldBehind(group: GroupDispatch, offset: number): boolean {
  const { state, queue, out } = group
  if (!group.isBehind(offset) || state.finished.has(offset)) return false
  if ((out.get(offset)?.leaseMs ?? 0) > 0) return false
  const exception = state.exception(offset)
  if (exception) return exception.state !== 'buried' && !group.isDelayed(exception)
  return !queue.isScheduled(offset) || state.leased.has(offset)
}
