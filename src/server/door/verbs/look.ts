/** The verbs that look: queues, groups, peek, list, stats. They change nothing and make nothing. */
import { checkInteger } from '../../../store/check.ts'
import type { MessageInfo, MessageState } from '../../../store/types/messages.ts'
import type { Queue } from '../../../store/types/queues.ts'
import { rowsOf } from '../../queue-rows.ts'
import { existingGroup, existingQueue } from './places.ts'
import type { Verb, VerbCall, VerbTypes } from './types.ts'

const LIMIT_DEFAULT = 100
/** Messages that are looked up at once. */
const PAGE = 1_000
/** Without a group bodies are read to be looked at: no more than these bytes at once. */
const PAGE_BYTES = 4 * 1024 * 1024

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

export const peek: Verb<VerbTypes['peek']> = async ({ store, args, item, signal }) => {
  const { state = 'ready' } = args
  const group = existingGroup(store, args)
  if (group) {
    const found = await group.peek(state)
    if (!found) return {}
    const { body, ...info } = found
    await item(info, body)
    return {}
  }
  // Nobody has read this queue yet: the first by offset, for there is no order without a reader.
  for await (const { body, ...info } of unread(store.queue(args.queue), 0, signal)) {
    if (info.state !== state) continue
    await item(info, body)
    break
  }
  return {}
}

export const list: Verb<VerbTypes['list']> = async (call) => {
  const { store, args, signal, item } = call
  const { state, from = 0, limit = LIMIT_DEFAULT } = args
  checkInteger('from', from, 0, Number.MAX_SAFE_INTEGER)
  checkInteger('limit', limit, 1, Number.MAX_SAFE_INTEGER)
  if (existingGroup(store, args)) return listGroup(call, state, from, limit)
  let left = limit
  for await (const { body: _body, ...info } of unread(store.queue(args.queue), from, signal)) {
    if (state !== undefined && info.state !== state) continue
    await item(info)
    left -= 1
    if (left === 0) break
  }
  return {}
}

async function listGroup(
  { store, args, signal, item }: VerbCall<VerbTypes['list']>,
  state: MessageState | undefined,
  from: number,
  limit: number,
): Promise<object> {
  let next = from
  let left = limit
  while (left > 0 && !signal.aborted) {
    const wanted = Math.min(left, PAGE)
    const group = existingGroup(store, args)
    const infos = await group?.list({
      from: next,
      limit: wanted,
      ...(state !== undefined && { state }),
    })
    for (const info of infos ?? []) await item(info)
    const last: MessageInfo | undefined = infos?.at(-1)
    // Those that damage has taken are not listed, so a page may be short before the end.
    if (last === undefined) break
    next = last.offset + 1
    left -= infos?.length ?? 0
  }
  return {}
}

/** Messages of a queue that no group reads, page by page. */
async function* unread(queue: Queue, from: number, signal: AbortSignal) {
  for (let next = from; !signal.aborted; ) {
    const page = await queue.read({ from: { offset: next }, limit: PAGE, bytesMax: PAGE_BYTES })
    const last = page.at(-1)
    if (last === undefined) return
    yield* page
    next = last.offset + 1
  }
}
