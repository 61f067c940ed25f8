/** The jobs that one connection has reserved, by their numbers. */
import type { Delivery } from '../../index.ts'

/** Deliveries whose time ran out stay until there are so many beside those that are held. */
const STALE_MAX = 64

export class Held {
  readonly #byId = new Map<number, Delivery>()

  /** `heldNow` of them have not run out of time. */
  add(delivery: Delivery, heldNow: number): void {
    this.#byId.set(delivery.id, delivery)
    if (this.#byId.size > 2 * heldNow + STALE_MAX) this.#forgetStale()
  }

  /** The job, where it is held and its time has not run out. */
  get(id: number): Delivery | undefined {
    const delivery = this.#byId.get(id)
    if (!delivery || delivery.leaseLeftMs > 0) return delivery
    this.#byId.delete(id)
    return undefined
  }

  /** The same; it is held no more. */
  take(id: number): Delivery | undefined {
    const delivery = this.get(id)
    if (delivery) this.#byId.delete(id)
    return delivery
  }

  /** It is held after all, where nobody has it instead. */
  takeBack(delivery: Delivery): void {
    if (delivery.leaseLeftMs > 0) this.#byId.set(delivery.id, delivery)
  }

  /** All of them; they are held no more. */
  takeAll(): Delivery[] {
    this.#forgetStale()
    const all = [...this.#byId.values()]
    this.#byId.clear()
    return all
  }

  #forgetStale(): void {
    for (const [id, delivery] of this.#byId) {
      if (delivery.leaseLeftMs === 0) this.#byId.delete(id)
    }
  }
}
