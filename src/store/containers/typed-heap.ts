/**
 * A heap of (key, second key, payload) as plain numbers, lowest keys first: 24 bytes an item, for
 * schedules of millions. Pure memory.
 */

const ITEMS_FIRST = 16
/** Where fewer than one in so many places are used, half of them are given back. */
const SHRINK_BELOW = 4
/** Most heaps never have an item, and there are several in every queue: those share this. */
const NONE = new Float64Array(0)

export class TypedHeap {
  #key1s = NONE
  #key2s = NONE
  #payloads = NONE
  #size = 0

  get size(): number {
    return this.#size
  }

  /** Bytes of memory. */
  get byteLength(): number {
    return 3 * this.#key1s.byteLength
  }

  /** The lowest key; NaN where the heap is empty, as with the next two. */
  get peekKey1(): number {
    return this.#size > 0 ? (this.#key1s[0] as number) : Number.NaN
  }

  /** The second key of the first item. */
  get peekKey2(): number {
    return this.#size > 0 ? (this.#key2s[0] as number) : Number.NaN
  }

  /** The payload of the first item. */
  get peekPayload(): number {
    return this.#size > 0 ? (this.#payloads[0] as number) : Number.NaN
  }

  push(key1: number, key2: number, payload: number): void {
    if (this.#size === this.#key1s.length) this.#resize(Math.max(ITEMS_FIRST, 2 * this.#size))
    this.#rise(this.#size++, key1, key2, payload)
  }

  /** Takes the first item out; its parts are asked for before, by the peeks. */
  pop(): void {
    if (this.#size === 0) throw new Error('the heap is empty')
    const last = --this.#size
    if (last > 0) this.#sinkFrom(0, last)
    this.#shrink()
  }

  /** Keeps only the items for which `keep` is true. */
  filter(keep: (key1: number, key2: number, payload: number) => boolean): void {
    let kept = 0
    for (let index = 0; index < this.#size; index++) {
      const key1 = this.#key1s[index] as number
      const key2 = this.#key2s[index] as number
      const payload = this.#payloads[index] as number
      if (keep(key1, key2, payload)) this.#put(kept++, key1, key2, payload)
    }
    this.#size = kept
    this.#shrink()
    this.#restore()
  }

  /** Puts the first `size` items of the arrays in the place of all that is there; copies them. */
  heapify(
    key1s: ArrayLike<number>,
    key2s: ArrayLike<number>,
    payloads: ArrayLike<number>,
    size = key1s.length,
  ): void {
    this.clear()
    if (size > this.#key1s.length) this.#resize(size)
    for (let index = 0; index < size; index++) {
      const payload = payloads[index] as number
      this.#put(index, key1s[index] as number, key2s[index] as number, payload)
    }
    this.#size = size
    this.#restore()
  }

  /** Visits every item, in no order that means anything; `visit` must not change the heap. */
  forEach(visit: (key1: number, key2: number, payload: number) => void): void {
    for (let index = 0; index < this.#size; index++) {
      const payload = this.#payloads[index] as number
      visit(this.#key1s[index] as number, this.#key2s[index] as number, payload)
    }
  }

  /**
   * Visits items lowest first until `visit` returns false: costs as much as are visited, not as there
   * are. `visit` must not change the heap.
   */
  visitInOrder(visit: (key1: number, key2: number, payload: number) => boolean): void {
    if (this.#size === 0) return
    // Of every item that was visited its children may come next.
    const next = new TypedHeap()
    const add = (index: number): void => {
      if (index >= this.#size) return
      next.push(this.#key1s[index] as number, this.#key2s[index] as number, index)
    }
    add(0)
    while (next.size > 0) {
      const index = next.peekPayload
      const payload = this.#payloads[index] as number
      if (!visit(next.peekKey1, next.peekKey2, payload)) return
      next.pop()
      add(2 * index + 1)
      add(2 * index + 2)
    }
  }

  clear(): void {
    this.#size = 0
    this.#key1s = NONE
    this.#key2s = NONE
    this.#payloads = NONE
  }

  /** Makes a heap of items in any order. */
  #restore(): void {
    for (let index = (this.#size >>> 1) - 1; index >= 0; index--) this.#sinkFrom(index, index)
  }

  #rise(from: number, key1: number, key2: number, payload: number): void {
    const key1s = this.#key1s
    let index = from
    while (index > 0) {
      const parent = (index - 1) >>> 1
      const parentKey1 = key1s[parent] as number
      if (parentKey1 < key1 || (parentKey1 === key1 && (this.#key2s[parent] as number) <= key2)) {
        break
      }
      this.#move(parent, index)
      index = parent
    }
    this.#put(index, key1, key2, payload)
  }

  /** Puts the item that stands at `source` where it belongs at or below `from`. */
  #sinkFrom(from: number, source: number): void {
    const key1s = this.#key1s
    const key2s = this.#key2s
    const key1 = key1s[source] as number
    const key2 = key2s[source] as number
    const payload = this.#payloads[source] as number
    let index = from
    for (;;) {
      let child = 2 * index + 1
      if (child >= this.#size) break
      if (child + 1 < this.#size && this.#isBefore(child + 1, child)) child++
      const childKey1 = key1s[child] as number
      if (key1 < childKey1 || (key1 === childKey1 && key2 <= (key2s[child] as number))) break
      this.#move(child, index)
      index = child
    }
    this.#put(index, key1, key2, payload)
  }

  #isBefore(one: number, other: number): boolean {
    const key1 = this.#key1s[one] as number
    const otherKey1 = this.#key1s[other] as number
    if (key1 !== otherKey1) return key1 < otherKey1
    return (this.#key2s[one] as number) < (this.#key2s[other] as number)
  }

  #move(from: number, to: number): void {
    this.#key1s[to] = this.#key1s[from] as number
    this.#key2s[to] = this.#key2s[from] as number
    this.#payloads[to] = this.#payloads[from] as number
  }

  #put(index: number, key1: number, key2: number, payload: number): void {
    this.#key1s[index] = key1
    this.#key2s[index] = key2
    this.#payloads[index] = payload
  }

  #shrink(): void {
    const length = this.#key1s.length
    if (length <= ITEMS_FIRST || this.#size * SHRINK_BELOW >= length) return
    this.#resize(Math.max(ITEMS_FIRST, 2 * this.#size))
  }

  #resize(length: number): void {
    if (length === this.#key1s.length) return
    this.#key1s = resized(this.#key1s, length, this.#size)
    this.#key2s = resized(this.#key2s, length, this.#size)
    this.#payloads = resized(this.#payloads, length, this.#size)
  }
}

function resized(
  values: Float64Array<ArrayBuffer>,
  length: number,
  used: number,
): Float64Array<ArrayBuffer> {
  const other = new Float64Array(length)
  other.set(values.subarray(0, used))
  return other
}
