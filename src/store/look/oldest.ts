/** How long messages have waited: since when the oldest one that is ready was put. Changes nothing. */
import type { GroupDispatch } from '../dispatch/group-dispatch.ts'
import type { QueueDispatch } from '../dispatch/queue-dispatch.ts'

/** Unfinished messages looked at: figures must not take long, however many are leased or buried in front. */
const LOOKED_AT_MAX = 4096

/** Milliseconds since the oldest ready message of the group was put; undefined where none is ready. */
export function oldestReadyMs(group: GroupDispatch): number | undefined {
  const { queue, state } = group
  const { nextOffset } = queue.state
  let offset = state.finished.nextAbsent(state.finished.floor)
  for (let looked = 0; offset < nextOffset && looked < LOOKED_AT_MAX; looked++) {
    const ageMs = isReady(group, offset) ? ageOf(queue, offset) : undefined
    if (ageMs !== undefined) return ageMs
    offset = state.finished.nextAbsent(offset + 1)
  }
  const next = offset < nextOffset ? group.order.peekBest() : undefined
  return next === undefined ? undefined : ageOf(queue, next)
}

/** Of a queue that no group reads: since the oldest message was put that is not gone. */
export function oldestUnreadMs(queue: QueueDispatch): number | undefined {
  const { done, nextOffset } = queue.state
  const { removed } = done
  const offset = removed.nextAbsent(removed.floor)
  return offset < nextOffset ? ageOf(queue, offset) : undefined
}

/** The same as `stateOf` says, without looking for the message in its lane. */
function isReady(group: GroupDispatch, offset: number): boolean {
  const { queue, state } = group
  if ((group.out.get(offset)?.leaseMs ?? 0) > 0) return false
  const exception = state.exception(offset)
  if (exception) return exception.state !== 'buried' && !group.isDelayed(exception)
  return !queue.isScheduled(offset) || state.leased.has(offset)
}

/** Undefined where no lane holds the message: it was lost to damage. */
function ageOf(queue: QueueDispatch, offset: number): number | undefined {
  const found = queue.find(offset)
  return found && Math.max(0, queue.wallMs() - found.timeMs)
}
