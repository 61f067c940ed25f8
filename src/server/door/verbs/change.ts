/** The verbs that change what is there: kick, redrive, move, purge, seek, pause, delete, compact. */
import { QlogTypeError } from '../../../errors.ts'
import { GROUP_DEFAULT } from '../../../store/types/groups.ts'
import { existingGroup, existingQueue, groupToChange } from './places.ts'
import type { Verb, VerbTypes } from './types.ts'

export const kick: Verb<VerbTypes['kick']> = async ({ store, args }) => {
  const group = groupToChange(store, args)
  if ('ids' in args) checkIds(args.ids)
  // Where nobody has read the queue yet, to make a delayed message ready is what begins its group.
  const target = group ?? store.queue(args.queue).group()
  const kicked = 'ids' in args ? await target.kick(args.ids) : await target.kick(args.count)
  return { kicked }
}

export const redrive: Verb<VerbTypes['redrive']> = async ({ store, args }) => {
  const { count, reason } = args
  const options = { ...(count !== undefined && { count }), ...(reason !== undefined && { reason }) }
  // Without a group nothing was ever buried.
  return { redriven: (await groupToChange(store, args)?.redrive(options)) ?? 0 }
}

export const move: Verb<VerbTypes['move']> = async ({ store, args, signal }) => {
  const { queue, target, state = 'ready', count } = args
  const known = groupToChange(store, args)
  // Where nobody has read the queue yet nothing was buried, and whoever takes messages out is its first
  // reader.
  if (!known && state === 'buried') return { moved: 0, isNew: false }
  const group = known ?? store.queue(queue).group()
  const isNew = !store.queues().includes(target)
  const options = { state, signal, ...(count !== undefined && { count }) }
  const moved = await group.move(target, options)
  return { moved, isNew: isNew && moved > 0 }
}

export const purge: Verb<VerbTypes['purge']> = async ({ store, args }) => ({
  purged: await existingQueue(store, args.queue).purge(),
})

export const seek: Verb<VerbTypes['seek']> = async ({ store, args }) => {
  const { queue, group: name = GROUP_DEFAULT, from } = args
  const group = existingGroup(store, { queue, group: name })
  await group?.seek(from)
  return { left: group?.stats().lag ?? 0 }
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
