/** Where in a queue reading or a group begins: the checks, and the offset that is meant. Changes nothing. */
import { QlogTypeError } from '../../errors.ts'
import { checkInteger, checkMs } from '../check.ts'
import type { QueueState } from '../state/queue-state.ts'
import { offsetWhere } from './looking.ts'

/** A place by what stands there. */
export type PlaceBy = { readonly id: number } | { readonly timeMs: number }

/** Throws unless it names a message or a time; `words` say what else is allowed. */
export function checkPlace(from: unknown, words: string): PlaceBy {
  if (typeof from === 'object' && from !== null) {
    if ('id' in from) return { id: checkInteger('from.id', from.id, 1, Number.MAX_SAFE_INTEGER) }
    if ('timeMs' in from) return { timeMs: checkMs('from.timeMs', from.timeMs) }
  }
  throw new QlogTypeError(`from must be ${words}`)
}

/** The offset of the first message there or behind it; `nextOffset` where there is none. */
export function offsetAt(
  queue: QueueState | undefined,
  nextOffset: number,
  place: PlaceBy,
): number {
  if ('id' in place) return offsetWhere(queue, nextOffset, (id) => id >= place.id)
  return offsetWhere(queue, nextOffset, (_id, timeMs) => timeMs >= place.timeMs)
}
