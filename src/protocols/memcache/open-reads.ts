/** Reads of one connection that are open, by reader, oldest first. Plain memory. */
import type { Delivery } from '../../index.ts'
import type { Reader } from './readers.ts'

export class OpenReads {
  readonly #byReader = new Map<Reader, Delivery[]>()
  #total = 0
  #bytes = 0

  get total(): number {
    return this.#total
  }

  /** Of their bodies. */
  get bytes(): number {
    return this.#bytes
  }

  count(reader: Reader): number {
    return this.#byReader.get(reader)?.length ?? 0
  }

  add(reader: Reader, delivery: Delivery): void {
    const deliveries = this.#byReader.get(reader)
    if (deliveries) deliveries.push(delivery)
    else this.#byReader.set(reader, [delivery])
    this.#total++
    this.#bytes += delivery.body.length
  }

  /** Takes out the oldest, as many as there are. */
  shift(reader: Reader, count: number): readonly Delivery[] {
    const deliveries = this.#byReader.get(reader)
    if (!deliveries) return []
    const taken = deliveries.splice(0, count)
    if (deliveries.length === 0) this.#byReader.delete(reader)
    this.#total -= taken.length
    for (const { body } of taken) this.#bytes -= body.length
    return taken
  }

  shiftAll(): readonly Delivery[] {
    return [...this.#byReader.keys()].flatMap((reader) => this.shift(reader, this.count(reader)))
  }
}
