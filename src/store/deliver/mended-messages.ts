/** Messages that damage had taken and that were mended: each is put back where it stood. Decides nothing. */
import type { StoreCore } from '../store-core.ts'

/** So much of them is read at once. */
const PIECE_COUNT = 256
const PIECE_BYTES = 4 * 1024 * 1024

/** What cannot be read stays damaged. Rejects like reading the log does. */
export async function putBackMended(
  core: StoreCore,
  firstId: number,
  endId: number,
): Promise<void> {
  const ids = [...core.dispatcher.damaged].filter((id) => id >= firstId && id < endId)
  for (let first = 0; first < ids.length; ) {
    const some = ids.slice(first, first + PIECE_COUNT)
    const messages = await core.fetch.many(some, PIECE_BYTES)
    if (core.status !== 'open') return
    messages.forEach((message, row) => {
      const id = some[row]
      if (!message || id === undefined) return
      core.dispatcher.noteMended(id)
      const queue = core.state.queues.get(message.queue)
      const dispatch = queue && core.dispatcher.queue(queue)
      if (dispatch?.find(message.offset)?.id !== id) return
      for (const group of dispatch.groups.values()) group.restore([message.offset], [id])
    })
    first += Math.max(1, messages.length)
  }
}
