/** Where a group is sent by a seek: the check, and the offset that is meant. Changes nothing. */
import { checkInteger } from '../check.ts'
import { START_NEXT } from '../group-options.ts'
import type { QueueState } from '../state/queue-state.ts'
import type { SeekPlace } from '../types/groups.ts'
import { checkPlace, offsetAt } from './queue-start.ts'

export function checkSeek(place: unknown): SeekPlace {
  if (place === 'first' || place === 'next') return place
  if (typeof place === 'object' && place !== null && 'offset' in place) {
    return { offset: checkInteger('from.offset', place.offset, 0, Number.MAX_SAFE_INTEGER) }
  }
  return checkPlace(place, "'first', 'next', { offset }, { id } or { timeMs }")
}

/** Which offset that is depends on what the queue holds. */
export function isLookedUp(place: SeekPlace): boolean {
  return typeof place === 'object' && !('offset' in place)
}

/** The first offset that comes; what is on its way comes in any case where it is looked for. */
export function seekOffset(queue: QueueState, place: SeekPlace): number {
  if (place === 'first') return 0
  if (place === 'next') return START_NEXT
  return 'offset' in place ? place.offset : offsetAt(queue, queue.nextOffset, place)
}
