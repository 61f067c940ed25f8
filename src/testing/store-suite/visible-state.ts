/** All that a store lets see of its state, so that two moments can be compared. Changes nothing. */
import type { MessageState } from '../../store/types/messages.ts'
import type { Store } from '../../store/types/store.ts'
import { textOf } from './world.ts'

const STATES: readonly MessageState[] = ['ready', 'delayed', 'leased', 'buried', 'finished']
const PEEKED = ['ready', 'delayed', 'buried'] as const
const LIMIT = 10_000

/** Comparable by value. Without what changes by itself as time passes. */
export async function visibleState(store: Store): Promise<unknown> {
  const queues: unknown[] = []
  for (const name of [...store.queues()].sort()) {
    const queue = store.queue(name)
    const { nextOffset, messages, bytes, settings, groups } = queue.stats()
    const bodies = (await queue.read({ limit: LIMIT })).map(({ id, offset, body, putMs }) => [
      id,
      offset,
      putMs,
      textOf(body),
    ])
    const seen: unknown[] = []
    for (const { group } of [...groups].sort((a, b) => (a.group < b.group ? -1 : 1))) {
      seen.push(await groupState(store, name, group))
    }
    queues.push({ name, nextOffset, messages, bytes, settings, bodies, groups: seen })
  }
  return { messages: store.stats().messages, queues }
}

async function groupState(store: Store, queue: string, name: string): Promise<unknown> {
  const group = store.queue(queue).group(name)
  const { ready, delayed, leased, buried, floor, leasedMax, promoteAfterMs } = group.stats()
  const lists: unknown[] = []
  for (const state of STATES) {
    const infos = await group.list({ state, limit: LIMIT })
    lists.push([state, infos.map(({ dueInMs, leaseLeftMs, ...rest }) => rest)])
  }
  const next: unknown[] = []
  for (const state of PEEKED) next.push((await group.peek(state))?.id)
  const counts = { ready, delayed, leased, buried, floor, leasedMax, promoteAfterMs }
  return { name, counts, lists, next }
}
