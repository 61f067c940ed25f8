/** Queues as a protocol uses them. Public entries only. */
import { QlogTypeError, type Queue, type RetryOptions, type Store } from '../index.ts'

/** With this retry, unless whoever serves the store, or another protocol, has named one before. */
export function queueOf(store: Store, name: string, retry: RetryOptions): Queue {
  try {
    return store.queue(name, { retry })
  } catch (error) {
    if (!(error instanceof QlogTypeError)) throw error
    return store.queue(name)
  }
}
