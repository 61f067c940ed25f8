/**
 * What one caller of the store's verbs holds between them: a session and the deliveries that were handed
 * out. It ends with the connection, and everything that is left goes back. Touches the store.
 */
import { QlogError } from '../../errors.ts'
import type { Delivery } from '../../store/types/deliveries.ts'
import type { Session } from '../../store/types/sessions.ts'
import type { Store } from '../../store/types/store.ts'
import { DELIVERIES_MAX } from './limits.ts'

export class Holder {
  readonly #store: Store
  readonly #deliveries = new Map<number, Delivery>()
  #session: Session | undefined
  #lease = 0

  constructor(store: Store) {
    this.#store = store
  }

  /** The session, watching this group alone. */
  async watch(queue: string, group: string): Promise<Session> {
    this.#session ??= this.#store.session()
    const session = this.#session
    await session.watch(queue, { group })
    for (const one of session.watched) {
      if (one.queue !== queue || one.group !== group) session.ignore(one.queue, one.group)
    }
    return session
  }

  /** How many more deliveries it may hold. */
  get room(): number {
    return DELIVERIES_MAX - this.#deliveries.size
  }

  /** Keeps a delivery; the number is its name from now on. */
  keep(delivery: Delivery): number {
    this.#lease += 1
    this.#deliveries.set(this.#lease, delivery)
    return this.#lease
  }

  /** Hands them out to be ended, once. Throws QLOG_STALE_LEASE. */
  take(leases: readonly number[]): { readonly session: Session; readonly deliveries: Delivery[] } {
    const session = this.#session
    const deliveries: Delivery[] = []
    for (const lease of leases) {
      const delivery = this.#deliveries.get(lease)
      if (!delivery) throw new QlogError('QLOG_STALE_LEASE', `there is no delivery ${lease} here`)
      deliveries.push(delivery)
    }
    if (!session) throw new QlogError('QLOG_STALE_LEASE', 'there is no delivery here')
    for (const lease of leases) this.#deliveries.delete(lease)
    return { session, deliveries }
  }

  async close(): Promise<void> {
    this.#deliveries.clear()
    await this.#session?.close()
  }
}
