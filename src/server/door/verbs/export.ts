/** The verb `export`: queues with their groups and messages, each as it stands when it is reached. */
import { QueueHandle } from '../../../store/queue-handle.ts'
import type { Store } from '../../../store/types/store.ts'
import { existingQueue } from './places.ts'
import type { Verb, VerbTypes } from './types.ts'

export const exportAll: Verb<VerbTypes['export']> = async ({ store, args, item, signal }) => {
  const named = args.queue === undefined ? undefined : existingQueue(store, args.queue).name
  for (const name of named === undefined ? store.queues() : [named]) {
    const queue = queueHandle(store, name)
    const { pausedMs, groups } = queue.stats()
    await item({ kind: 'queue', queue: name, pausedMs })
    const byName = [...groups].sort((a, b) => (a.group < b.group ? -1 : 1))
    for (const { group, floor, leasedMax, promoteAfterMs } of byName) {
      const settings = {
        ...(leasedMax !== undefined && { leasedMax }),
        ...(promoteAfterMs !== undefined && { promoteAfterMs }),
      }
      await item({ kind: 'group', queue: name, group, floor, ...settings })
    }
    for (let next: number | undefined = 0; next !== undefined && !signal.aborted; ) {
      const page = await queue.exportPage(next)
      for (const { body, ...message } of page.messages) {
        await item({ kind: 'message', queue: name, ...message }, body)
      }
      next = page.next
    }
  }
  return {}
}

/** What only the store of this package can do. */
export function queueHandle(store: Store, name: string): QueueHandle {
  const queue = store.queue(name)
  if (!(queue instanceof QueueHandle)) throw new Error('the queue is of another kind of store')
  return queue
}
