/** The verbs that look: queues, groups, peek, list, stats. They change nothing and make nothing. */
import { checkInteger } from '../../../store/check.ts'
import type { Group } from '../../../store/types/groups.ts'
import type { Store } from '../../../store/types/store.ts'
import { rowsOf } from '../../queue-rows.ts'
import { existingGroup, existingQueue } from './places.ts'
import type { Place, Verb, VerbTypes } from './types.ts'

const LIMIT_DEFAULT = 100
/** Messages that are looked up at once. */
const PAGE = 1_000

export const queues: Verb<VerbTypes['queues']> = async ({ store, item }) => {
  for (const name of store.queues()) {
    for (const row of rowsOf(store.queue(name).stats())) await item(row)
  }
  return {}
}

export const groups: Verb<VerbTypes['groups']> = async ({ store, args, item }) => {
  const named = args.queue === undefined ? undefined : existingQueue(store, args.queue).name
  for (const name of named === undefined ? store.queues() : [named]) {
    for (const group of store.queue(name).stats().groups) await item(group)
  }
  return {}
}

export const stats: Verb<VerbTypes['stats']> = async ({ store, item }) => {
  const { queues: rows, damaged, ...figures } = store.stats()
  for (const queue of rows) for (const row of rowsOf(queue)) await item(row)
  return { ...figures, damaged: damaged.length }
}

export const peek: Verb<VerbTypes['peek']> = async ({ store, args, item }) => {
  const found = await groupToLookAt(store, args).peek(args.state ?? 'ready')
  if (!found) return {}
  const { body, ...info } = found
  await item(info, body)
  return {}
}

export const list: Verb<VerbTypes['list']> = async ({ store, args, signal, item }) => {
  const { state, from = 0, limit = LIMIT_DEFAULT } = args
  checkInteger('from', from, 0, Number.MAX_SAFE_INTEGER)
  checkInteger('limit', limit, 1, Number.MAX_SAFE_INTEGER)
  let next = from
  let left = limit
  while (left > 0 && !signal.aborted) {
    const page = { from: next, limit: Math.min(left, PAGE), ...(state !== undefined && { state }) }
    const infos = await groupToLookAt(store, args).list(page)
    for (const info of infos) await item(info)
    const last = infos.at(-1)
    // Those that damage has taken are not listed, so a page may be short before the end.
    if (last === undefined) break
    next = last.offset + 1
    left -= infos.length
  }
  return {}
}

/** Of a queue that nobody reads: what its first group would see. */
function groupToLookAt(store: Store, place: Place): Group {
  return existingGroup(store, place) ?? store.queue(place.queue).group()
}
