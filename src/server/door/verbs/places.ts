/** Finds the queue and group that a verb names, without making them: whoever looks changes nothing. */
import { QlogError } from '../../../errors.ts'
import { checkName } from '../../../store/check.ts'
import { GROUP_DEFAULT, type Group } from '../../../store/types/groups.ts'
import type { Queue } from '../../../store/types/queues.ts'
import type { Store } from '../../../store/types/store.ts'
import type { Place } from './types.ts'

const NAMES_SHOWN_MAX = 10

/** Throws QLOG_NOT_FOUND where there is no such queue. */
export function existingQueue(store: Store, queue: unknown): Queue {
  const name = checkName('the name of a queue', queue)
  const queues = store.queues()
  if (!queues.includes(name)) {
    throw new QlogError('QLOG_NOT_FOUND', `there is no queue ${name}; ${shown('queues', queues)}`)
  }
  return store.queue(name)
}

/**
 * The group; undefined where none is named and the queue has none of that name yet. Throws
 * QLOG_NOT_FOUND where there is no such queue or group.
 */
export function existingGroup(store: Store, place: Place): Group | undefined {
  const queue = existingQueue(store, place.queue)
  const name =
    place.group === undefined ? GROUP_DEFAULT : checkName('the name of a group', place.group)
  const names = queue.stats().groups.map(({ group }) => group)
  if (names.includes(name)) return queue.group(name)
  if (place.group === undefined) return undefined
  const words = `queue ${queue.name} has no group ${name}; ${shown('groups', names.sort())}`
  throw new QlogError('QLOG_NOT_FOUND', words)
}

/** The group, which has to be named. Throws QLOG_NOT_FOUND where there is no such queue or group. */
export function namedGroup(store: Store, { queue, group }: Required<Place>): Group {
  const name = checkName('the name of a group', group)
  const found = existingGroup(store, { queue, group: name })
  if (found === undefined)
    throw new Error('a group that is named is found, or told not to be there')
  return found
}

/**
 * The group that a change is about; undefined where nobody has read the queue yet. To make one beside
 * others would hold every message back for it, so of those one has to be named.
 */
export function groupToChange(store: Store, { queue, group }: Place): Group | undefined {
  const isRead = existingQueue(store, queue).stats().groups.length > 0
  const named = group === undefined && isRead ? GROUP_DEFAULT : group
  return existingGroup(store, { queue, ...(named !== undefined && { group: named }) })
}

/**
 * Throws QLOG_NOT_FOUND where the group to be read is not there, but for the first one of a queue, `default`.
 * One that a mistyped name began would hold every message back, and nobody would know.
 */
export function checkReader(store: Store, { queue, group = GROUP_DEFAULT }: Place): void {
  const isFirst = group === GROUP_DEFAULT && existingQueue(store, queue).stats().groups.length === 0
  if (!isFirst) existingGroup(store, { queue, group })
}

function shown(what: string, names: readonly string[]): string {
  if (names.length === 0) return `there are no ${what} yet`
  const more = names.length > NAMES_SHOWN_MAX ? ` and ${names.length - NAMES_SHOWN_MAX} more` : ''
  return `the ${what} are ${names.slice(0, NAMES_SHOWN_MAX).join(', ')}${more}`
}
