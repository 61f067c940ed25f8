/** Everything that a store shows of itself. */
import type { MessageInfo, StoredMessage } from '../../../src/store/types/messages.ts'
import type { GroupStats, QueueStats } from '../../../src/store/types/stats.ts'
import type { Store } from '../../../src/store/types/store.ts'

const ALL = 10_000
export const PEEKED = ['ready', 'delayed', 'buried'] as const

export interface SeenGroup {
  readonly stats: GroupStats
  /** All but what is finished, by offset. */
  readonly infos: readonly MessageInfo[]
  readonly peeked: ReadonlyMap<string, StoredMessage | undefined>
}

export interface SeenQueue {
  readonly stats: QueueStats
  readonly messages: readonly StoredMessage[]
  readonly groups: ReadonlyMap<string, SeenGroup>
}

export type Seen = ReadonlyMap<string, SeenQueue>

export async function look(store: Store): Promise<Seen> {
  const seen = new Map<string, SeenQueue>()
  for (const name of store.queues()) {
    const queue = store.queue(name)
    const stats = queue.stats()
    const groups = new Map<string, SeenGroup>()
    for (const groupStats of stats.groups) {
      const group = queue.group(groupStats.group)
      const peeked = new Map<string, StoredMessage | undefined>()
      for (const state of PEEKED) peeked.set(state, await group.peek(state))
      const infos = await group.list({ limit: ALL })
      groups.set(groupStats.group, { stats: group.stats(), infos, peeked })
    }
    seen.set(name, { stats, messages: await queue.read({ limit: ALL }), groups })
  }
  return seen
}
