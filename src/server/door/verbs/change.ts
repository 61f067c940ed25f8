/** The verbs that change what is there: kick, pause, delete, compact. */
import { QlogTypeError } from '../../../errors.ts'
import { existingGroup, existingQueue } from './places.ts'
import type { Verb, VerbTypes } from './types.ts'

export const kick: Verb<VerbTypes['kick']> = async ({ store, args }) => {
  const group = existingGroup(store, args)
  if ('ids' in args) checkIds(args.ids)
  // Where nobody has read the queue yet, to make a delayed message ready is what begins its group.
  const target = group ?? store.queue(args.queue).group()
  const kicked = 'ids' in args ? await target.kick(args.ids) : await target.kick(args.count)
  return { kicked }
}

export const pause: Verb<VerbTypes['pause']> = async ({ store, args }) => {
  await existingQueue(store, args.queue).pause(args.pauseMs)
  return {}
}

export const remove: Verb<VerbTypes['delete']> = async ({ store, args }) => {
  checkIds(args.ids)
  return { deleted: await existingQueue(store, args.queue).delete(args.ids) }
}

export const compact: Verb<VerbTypes['compact']> = async ({ store }) => {
  await store.compact()
  return {}
}

function checkIds(ids: unknown): void {
  if (!Array.isArray(ids)) throw new QlogTypeError('ids must be an array')
}
