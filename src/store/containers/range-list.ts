/**
 * A set of integers as sorted ranges that neither touch nor overlap, for sets of few ranges: a change
 * moves everything behind it. Pure memory.
 *
 * The ranges lie flat, first and end in turn. So the number of boundaries at or below a value is odd
 * exactly where the value is in the set, and a change replaces the boundaries it covers.
 */

export class RangeList {
  #boundaries: number[] = []

  /** How many ranges there are. */
  get ranges(): number {
    return this.#boundaries.length / 2
  }

  has(value: number): boolean {
    return (this.#atOrBelow(value) & 1) === 1
  }

  /** Adds [first, end) and returns how many of them were not in. */
  add(first: number, end: number): number {
    const low = this.#below(first)
    const high = this.#atOrBelow(end)
    const added = end - first - this.#overlap(low, high, first, end)
    this.#replace(low, high, (low & 1) === 0 ? first : -1, (high & 1) === 0 ? end : -1)
    return added
  }

  /** Removes [first, end) and returns how many of them were in. */
  remove(first: number, end: number): number {
    const low = this.#below(first)
    const high = this.#atOrBelow(end)
    const removed = this.#overlap(low, high, first, end)
    this.#replace(low, high, (low & 1) === 1 ? first : -1, (high & 1) === 1 ? end : -1)
    return removed
  }

  /** The first value from `from` on that is not in. */
  nextAbsent(from: number): number {
    const index = this.#atOrBelow(from)
    return (index & 1) === 1 ? (this.#boundaries[index] as number) : from
  }

  /** The first value from `from` on that is in; -1 if none. */
  nextPresent(from: number): number {
    const index = this.#atOrBelow(from)
    return (index & 1) === 1 ? from : (this.#boundaries[index] ?? -1)
  }

  clear(): void {
    this.#boundaries = []
  }

  clone(): RangeList {
    const copy = new RangeList()
    copy.#boundaries = this.#boundaries.slice()
    return copy
  }

  /** How many values of [first, end) are in; `low` and `high` are where its boundaries lie. */
  #overlap(low: number, high: number, first: number, end: number): number {
    let overlap = 0
    let start = (low & 1) === 1 ? first : -1
    for (let index = low; index < high; index++) {
      const boundary = this.#boundaries[index] as number
      if ((index & 1) === 0) start = boundary
      else overlap += boundary - start
    }
    return (high & 1) === 1 ? overlap + end - start : overlap
  }

  /** Puts up to two boundaries (-1: none) in the place of those from `low` up to `high`. */
  #replace(low: number, high: number, one: number, two: number): void {
    const boundaries = this.#boundaries
    const added = (one < 0 ? 0 : 1) + (two < 0 ? 0 : 1)
    if (added === high - low) {
      // The usual case, a range that grows by its neighbour: nothing moves.
      if (one >= 0) boundaries[low] = one
      if (two >= 0) boundaries[high - 1] = two
    } else if (added === 2) boundaries.splice(low, high - low, one, two)
    else if (added === 1) boundaries.splice(low, high - low, one < 0 ? two : one)
    else boundaries.splice(low, high - low)
  }

  #below(value: number): number {
    return this.#atOrBelow(value - 1)
  }

  /** How many boundaries are at or below the value. */
  #atOrBelow(value: number): number {
    const boundaries = this.#boundaries
    let low = 0
    let high = boundaries.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((boundaries[middle] as number) <= value) low = middle + 1
      else high = middle
    }
    return low
  }
}
