/** What one session holds, how much of it is leased, and which lease ends first. Pure memory. */
import { LeaseOrder } from '../dispatch/lease-order.ts'
import type { Taken, TakenHolder } from '../dispatch/taken.ts'

export class SessionLeases implements TakenHolder {
  /** Each knows its place, so that the last one can take it. */
  readonly #held: Taken[] = []
  /** Leases that have begun, and no change is on its way that ends them. */
  readonly #order = new LeaseOrder()

  get leasedCount(): number {
    return this.#order.live
  }

  /** The end of the lease that ends first, in the store's own time; undefined where there is none. */
  get firstEndMs(): number | undefined {
    return this.#order.peek()?.endMs
  }

  /** From now on it is this session's, until it ends. */
  hold(taken: Taken): void {
    taken.holder = this
    taken.holderIndex = this.#held.length
    this.#held.push(taken)
  }

  all(): readonly Taken[] {
    return [...this.#held]
  }

  leased(taken: Taken, isNew: boolean): void {
    if (isNew) this.#order.begin(taken)
    else this.#order.moved(taken)
  }

  settling(): void {
    this.#order.end()
  }

  ended(taken: Taken): void {
    if (taken.status === 'leased') this.#order.end()
    const last = this.#held.pop()
    if (!last) throw new Error('what ends was held')
    if (last === taken) return
    this.#held[taken.holderIndex] = last
    last.holderIndex = taken.holderIndex
  }
}
