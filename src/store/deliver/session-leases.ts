/** What one session holds, how much of it is leased, and which lease ends first. Pure memory. */
import { TypedHeap } from '../containers/typed-heap.ts'
import type { Taken, TakenHolder } from '../dispatch/taken.ts'

/** Entries of the order by ends that may be stale, beside as many as there are leases. */
const STALE_MAX = 1024

export class SessionLeases implements TakenHolder {
  /** The number of each, in order of taking. */
  readonly #numbers = new Map<Taken, number>()
  /** Leases that have begun, and no change is on its way that ends them. */
  readonly #leased = new Map<number, Taken>()
  /** The same by their ends: (endMs, 0, number); some are stale. */
  readonly #ends = new TypedHeap()
  #nextNumber = 0

  get leasedCount(): number {
    return this.#leased.size
  }

  /** The end of the lease that ends first, in the store's own time; undefined where there is none. */
  get firstEndMs(): number | undefined {
    while (this.#ends.size > 0) {
      const endMs = this.#ends.peekKey1
      if (this.#isLeased(endMs, this.#ends.peekPayload)) return endMs
      this.#ends.pop()
    }
    return undefined
  }

  /** From now on it is this session's, until it ends. */
  hold(taken: Taken): void {
    this.#numbers.set(taken, this.#nextNumber++)
    taken.holder = this
  }

  all(): readonly Taken[] {
    return [...this.#numbers.keys()]
  }

  leased(taken: Taken): void {
    const number = this.#numbers.get(taken)
    if (number === undefined) return
    this.#leased.set(number, taken)
    this.#ends.push(taken.endMs, 0, number)
    if (this.#ends.size <= 2 * this.#leased.size + STALE_MAX) return
    this.#ends.filter((endMs, _zero, one) => this.#isLeased(endMs, one))
  }

  settling(taken: Taken): void {
    const number = this.#numbers.get(taken)
    if (number !== undefined) this.#leased.delete(number)
  }

  ended(taken: Taken): void {
    this.settling(taken)
    this.#numbers.delete(taken)
  }

  #isLeased(endMs: number, number: number): boolean {
    return this.#leased.get(number)?.endMs === endMs
  }
}
