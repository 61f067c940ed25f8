/**
 * A heap of objects that know their place in it, so that any of them can be removed or moved after its
 * key changed. Pure memory.
 */

/** What stands in `heapIndex` of an item that is in no heap. */
export const NOT_IN_HEAP = -1

interface Place<T> {
  readonly item: T
  readonly index: number
  heapIndex: number
}

export class IndexedHeap<T extends { heapIndex: number }> {
  readonly #compare: (one: T, other: T) => number
  readonly #items: T[] = []

  /** `compare` is negative where the first of its items comes first. */
  constructor(compare: (one: T, other: T) => number) {
    this.#compare = compare
  }

  get size(): number {
    return this.#items.length
  }

  /** The first item, which stays. */
  peek(): T | undefined {
    return this.#items[0]
  }

  /** Takes an item that is in no heap. */
  push(item: T): void {
    if (item.heapIndex !== NOT_IN_HEAP) throw new Error('the item is in a heap already')
    this.#items.push(item)
    this.#rise(item, this.#items.length - 1)
  }

  /** Takes the first item out. */
  pop(): T | undefined {
    const first = this.#items[0]
    if (first !== undefined) this.remove(first)
    return first
  }

  /** Takes an item out that is in this heap. */
  remove(item: T): void {
    const index = this.#indexOf(item)
    const last = this.#items.pop() as T
    item.heapIndex = NOT_IN_HEAP
    if (last !== item) this.#settle(last, index)
  }

  /** Moves an item of this heap to where its changed key belongs. */
  update(item: T): void {
    this.#settle(item, this.#indexOf(item))
  }

  /** Up to `count` items, first to last, for which `isWanted` is true; they all stay. */
  first(count: number, isWanted: (item: T) => boolean): T[] {
    const found: T[] = []
    // Of every item that was looked at its children may come next.
    const next = new IndexedHeap<Place<T>>((a, b) => this.#compare(a.item, b.item))
    const add = (index: number): void => {
      const item = index < this.#items.length ? this.#items[index] : undefined
      if (item) next.push({ item, index, heapIndex: NOT_IN_HEAP })
    }
    add(0)
    while (found.length < count) {
      const place = next.pop()
      if (!place) break
      if (isWanted(place.item)) found.push(place.item)
      add(2 * place.index + 1)
      add(2 * place.index + 2)
    }
    return found
  }

  clear(): void {
    for (const item of this.#items) item.heapIndex = NOT_IN_HEAP
    this.#items.length = 0
  }

  #indexOf(item: T): number {
    const index = item.heapIndex
    if (this.#items[index] !== item) throw new Error('the item is not in this heap')
    return index
  }

  #settle(item: T, index: number): void {
    if (index > 0 && this.#compare(item, this.#items[(index - 1) >>> 1] as T) < 0) {
      this.#rise(item, index)
    } else this.#sink(item, index)
  }

  #rise(item: T, from: number): void {
    const items = this.#items
    let index = from
    while (index > 0) {
      const parentIndex = (index - 1) >>> 1
      const parent = items[parentIndex] as T
      if (this.#compare(item, parent) >= 0) break
      items[index] = parent
      parent.heapIndex = index
      index = parentIndex
    }
    items[index] = item
    item.heapIndex = index
  }

  #sink(item: T, from: number): void {
    const items = this.#items
    const length = items.length
    let index = from
    for (;;) {
      let childIndex = 2 * index + 1
      if (childIndex >= length) break
      let child = items[childIndex] as T
      // Asking an array beyond its end is slow.
      if (childIndex + 1 < length) {
        const right = items[childIndex + 1] as T
        if (this.#compare(right, child) < 0) {
          child = right
          childIndex++
        }
      }
      if (this.#compare(item, child) <= 0) break
      items[index] = child
      child.heapIndex = index
      index = childIndex
    }
    items[index] = item
    item.heapIndex = index
  }
}
