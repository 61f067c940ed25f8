/** Queues as a protocol uses them, with one retry for all protocols. Public entries only. */
import { QlogTypeError, type Queue, type RetryOptions, type Store } from '../index.ts'

/** Tried for ever, and what a connection leaves behind is there again at once. */
export const PROTOCOL_RETRY: RetryOptions = { attemptsMax: Number.POSITIVE_INFINITY, backoffMs: 0 }

/** Stores of which it was told that a queue has another retry than a protocol asks for. */
const told = new WeakSet<Store>()

/**
 * With this retry, unless whoever serves the store, or another protocol, has named one before: that is
 * kept to, and told once for each store.
 */
export function queueOf(
  store: Store,
  name: string,
  retry: RetryOptions,
  report: (error: Error) => void,
): Queue {
  try {
    return store.queue(name, { retry })
  } catch (error) {
    if (!(error instanceof QlogTypeError)) throw error
    const queue = store.queue(name)
    if (!told.has(store)) {
      told.add(store)
      report(error)
    }
    return queue
  }
}
