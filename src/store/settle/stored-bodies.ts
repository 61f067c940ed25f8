/**
 * Bodies as they stand in the log, of deliveries that do not know them: a letter may be made of one whose
 * holder was given its very bytes, since nobody knew of that then. They are read again in front of the entry.
 */
import { LeasedDelivery } from '../deliver/delivery.ts'
import type { Taken } from '../dispatch/taken.ts'
import type { StoreCore } from '../store-core.ts'
import type { Delivery } from '../types/deliveries.ts'

export class StoredBodies {
  readonly #core: StoreCore
  /** Work that reads first, until its outcome. */
  readonly #working = new Set<Promise<unknown>>()

  constructor(core: StoreCore) {
    this.#core = core
  }

  /** A verb of this delivery may put its body into another queue, as the settings are now. */
  mayBecomeLetter({ attempt, group }: Taken): boolean {
    const { deadLetters, lastAttempts, settings } = this.#core
    if (settings.isEmpty || !deadLetters.isFor(group.queue)) return false
    return attempt >= lastAttempts.maxOf(group.queue.state)
  }

  /** The same, and only the log knows it. */
  mustRead(delivery: Delivery): boolean {
    return isLent(delivery) && this.mayBecomeLetter(delivery.taken)
  }

  /** From now on these deliveries know their bodies, but for what is lost. */
  async read(deliveries: readonly Delivery[]): Promise<void> {
    const lent = deliveries.filter(isLent)
    const ids = lent.map(({ id }) => id)
    const records = await this.#core.fetch.records(ids, undefined)
    for (const [row, record] of records.entries()) if (record) lent[row]?.restore(record)
  }

  /** Work that reads first. Whoever closes the store waits for it, as for what is on its way already. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    const working = work()
    this.#working.add(working)
    try {
      return await working
    } finally {
      this.#working.delete(working)
    }
  }

  /** Resolves once such work has had its outcome. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#working)
  }
}

function isLent(delivery: Delivery): delivery is LeasedDelivery {
  return delivery instanceof LeasedDelivery && delivery.storedBody === undefined
}
