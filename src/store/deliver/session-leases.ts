/** What one session holds, how much of it is leased, and which lease ends first. Pure memory. */
import type { Taken, TakenHolder } from '../dispatch/taken.ts'

export class SessionLeases implements TakenHolder {
  /** Each knows its place, so that the last one can take it. */
  readonly #held: Taken[] = []
  #leasedCount = 0
  /** The lease that ends first; undefined where it has to be looked for. */
  #first: Taken | undefined

  get leasedCount(): number {
    return this.#leasedCount
  }

  /** The end of the lease that ends first, in the store's own time; undefined where there is none. */
  get firstEndMs(): number | undefined {
    if (this.#leasedCount === 0) return undefined
    if (!this.#first) {
      for (const taken of this.#held) if (taken.status === 'leased') this.#offer(taken)
    }
    return this.#first?.endMs
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
    if (isNew) this.#leasedCount++
    if (this.#first === taken) this.#first = undefined
    else if (this.#first) this.#offer(taken)
    else if (this.#leasedCount === 1) this.#first = taken
  }

  settling(taken: Taken): void {
    this.#leasedCount--
    if (this.#first === taken) this.#first = undefined
  }

  ended(taken: Taken): void {
    if (taken.status === 'leased') this.settling(taken)
    const last = this.#held.pop()
    if (!last) throw new Error('what ends was held')
    if (last === taken) return
    this.#held[taken.holderIndex] = last
    last.holderIndex = taken.holderIndex
  }

  #offer(taken: Taken): void {
    if (!this.#first || taken.endMs < this.#first.endMs) this.#first = taken
  }
}
