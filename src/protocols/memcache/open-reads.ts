/** Reads of one connection that are open, by the key of their reader, oldest first. Plain memory. */
import type { Delivery } from '../../index.ts'

export class OpenReads {
  readonly #byKey = new Map<string, Delivery[]>()
  #total = 0
  #bytes = 0

  get total(): number {
    return this.#total
  }

  /** Of their bodies. */
  get bytes(): number {
    return this.#bytes
  }

  count(key: string): number {
    return this.#byKey.get(key)?.length ?? 0
  }

  add(key: string, delivery: Delivery): void {
    const deliveries = this.#byKey.get(key)
    if (deliveries) deliveries.push(delivery)
    else this.#byKey.set(key, [delivery])
    this.#total++
    this.#bytes += delivery.body.length
  }

  /** Takes out the oldest, as many as there are. */
  shift(key: string, count: number): readonly Delivery[] {
    const deliveries = this.#byKey.get(key)
    if (!deliveries) return []
    const taken = deliveries.splice(0, count)
    if (deliveries.length === 0) this.#byKey.delete(key)
    this.#total -= taken.length
    for (const { body } of taken) this.#bytes -= body.length
    return taken
  }

  shiftAll(): readonly Delivery[] {
    return [...this.#byKey.keys()].flatMap((key) => this.shift(key, this.count(key)))
  }
}
