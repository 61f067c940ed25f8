/** Redrive: buried messages come back, all of a group or those that a filter names, by ranges of offsets. */
import { QlogTypeError } from '../../errors.ts'
import { checkInteger, checkOptionNames } from '../check.ts'
import type { GroupDispatch } from '../dispatch/group-dispatch.ts'
import { rangesOf } from '../records/offset-ranges.ts'
import type { Exception } from '../state/exception.ts'
import type { RedriveOptions } from '../types/groups.ts'
import type { MessagePlace } from '../types/messages.ts'
import type { WholeChange } from './whole.ts'

/** Messages of one record at most, so that nothing waits for it long. */
const MESSAGES_A_RECORD = 16_384
/** Ranges of one record at most: it fits the smallest log. */
const RANGES_A_RECORD = 1_024

/** Which buried messages, checked. */
export interface BuriedFilter {
  readonly count: number
  /** Offsets or ids; all unless told. */
  readonly from: MessagePlace
  readonly to: MessagePlace
  readonly reason: string | undefined
}

export function checkRedrive(options: RedriveOptions = {}): BuriedFilter {
  checkOptionNames('the options of redrive', options, ['count', 'from', 'to', 'reason'])
  const { count, from, to, reason } = options
  const { MAX_SAFE_INTEGER } = Number
  if (count !== undefined) checkInteger('count', count, 1, MAX_SAFE_INTEGER)
  if (reason !== undefined && typeof reason !== 'string') {
    throw new QlogTypeError('reason must be a text')
  }
  return {
    count: count ?? Number.POSITIVE_INFINITY,
    from: from === undefined ? { offset: 0 } : checkMessagePlace('from', from),
    to: to === undefined ? { offset: MAX_SAFE_INTEGER } : checkMessagePlace('to', to),
    reason,
  }
}

/** Throws unless it names a message by its offset or its id. */
export function checkMessagePlace(what: string, place: unknown): MessagePlace {
  if (typeof place === 'object' && place !== null) {
    const { MAX_SAFE_INTEGER } = Number
    if ('offset' in place) {
      return { offset: checkInteger(`${what}.offset`, place.offset, 0, MAX_SAFE_INTEGER) }
    }
    if ('id' in place) return { id: checkInteger(`${what}.id`, place.id, 1, MAX_SAFE_INTEGER) }
  }
  throw new QlogTypeError(`${what} must be { offset } or { id }`)
}

/** Offsets of the buried messages that are meant and no other change concerns, rising. */
export function buriedIn(group: GroupDispatch, filter: BuriedFilter): number[] {
  const found: Exception[] = []
  if (group.isStill || group.state.buriedCount === 0) return []
  for (const exception of group.state.exceptions()) {
    if (isMeant(exception, filter) && isBuried(group, exception.offset)) found.push(exception)
  }
  if (found.length > filter.count) found.sort((a, b) => a.sequence - b.sequence)
  const offsets = found.slice(0, filter.count).map(({ offset }) => offset)
  return offsets.sort((a, b) => a - b)
}

/** The message is buried, and no change of it is on its way. */
export function isBuried(group: GroupDispatch, offset: number): boolean {
  const exception = group.state.exception(offset)
  if (exception?.state !== 'buried' || group.isStill) return false
  return group.isFree(offset, exception.id)
}

/** The same offsets, as many together as one record takes. */
export function redrivePieces(offsets: readonly number[]): (readonly number[])[] {
  const pieces: (readonly number[])[] = []
  let first = 0
  let ranges = 0
  for (const [row, offset] of offsets.entries()) {
    const isNewRange = row === first || offset !== (offsets[row - 1] ?? 0) + 1
    const isFull = row - first === MESSAGES_A_RECORD || (isNewRange && ranges === RANGES_A_RECORD)
    if (isFull) {
      pieces.push(offsets.slice(first, row))
      first = row
      ranges = 0
    }
    if (isNewRange || isFull) ranges++
  }
  if (first < offsets.length) pieces.push(offsets.slice(first))
  return pieces
}

/** Takes these out of the order until their record is durable. */
export function beginRedrive(group: GroupDispatch, offsets: readonly number[]): WholeChange {
  const of = { queue: group.queue.state.number, group: group.state.number }
  const held = offsets.map((offset) => {
    const exception = group.state.exception(offset)
    if (!exception) throw new Error(`offset ${offset} is not buried`)
    const taken = group.hold(exception.id, offset, exception.priority)
    taken.status = 'settling'
    return taken
  })
  return {
    ops: redrivePieces(offsets).map((piece) => ({
      kind: 'redrive',
      ...of,
      ranges: rangesOf(piece),
    })),
    done: () => undefined,
    undo: () => {
      // Where the group began anew meanwhile, others may have these messages.
      for (const taken of held) group.putBack(taken)
    },
  }
}

function isMeant({ state, id, offset, reason }: Exception, filter: BuriedFilter): boolean {
  const { from, to } = filter
  if (state !== 'buried') return false
  if (filter.reason !== undefined && reason !== filter.reason) return false
  const isFrom = 'id' in from ? id >= from.id : offset >= from.offset
  return isFrom && ('id' in to ? id < to.id : offset < to.offset)
}
