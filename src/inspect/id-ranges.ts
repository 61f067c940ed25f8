/** A set of ids as sorted, disjoint ranges. Memory in proportion to the number of ranges. */
export class IdRanges {
  readonly #firsts: number[] = []
  readonly #ends: number[] = []

  get rangeCount(): number {
    return this.#firsts.length
  }

  /** Ids in the set. */
  get idCount(): number {
    return this.#firsts.reduce((sum, first, row) => sum + (this.#ends[row] ?? first) - first, 0)
  }

  /** Rising. */
  get ranges(): readonly { readonly firstId: number; readonly endId: number }[] {
    return this.#firsts.map((firstId, row) => ({ firstId, endId: this.#ends[row] ?? firstId }))
  }

  add(firstId: number, endId: number): void {
    if (endId <= firstId) return
    // All ranges that touch the new one are in [low, high).
    const low = lowerBound(this.#ends, firstId)
    let high = low
    let first = firstId
    let end = endId
    while (high < this.#firsts.length && (this.#firsts[high] ?? 0) <= endId) {
      first = Math.min(first, this.#firsts[high] ?? first)
      end = Math.max(end, this.#ends[high] ?? end)
      high++
    }
    this.#firsts.splice(low, high - low, first)
    this.#ends.splice(low, high - low, end)
  }

  /** True where every id of [firstId, endId) is in the set. */
  covers(firstId: number, endId: number): boolean {
    if (endId <= firstId) return true
    const row = lowerBound(this.#ends, firstId + 1)
    return (
      row < this.#firsts.length &&
      (this.#firsts[row] ?? 0) <= firstId &&
      (this.#ends[row] ?? 0) >= endId
    )
  }

  has(id: number): boolean {
    return this.covers(id, id + 1)
  }

  /** Forgets all ids below. */
  dropBelow(id: number): void {
    const row = lowerBound(this.#ends, id + 1)
    this.#firsts.splice(0, row)
    this.#ends.splice(0, row)
    if ((this.#firsts[0] ?? id) < id) this.#firsts[0] = id
  }
}

/** First row whose value is at least `value`. */
function lowerBound(values: readonly number[], value: number): number {
  let low = 0
  let high = values.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((values[middle] ?? 0) < value) low = middle + 1
    else high = middle
  }
  return low
}
