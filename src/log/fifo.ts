/**
 * A list that is added to behind and taken from in front. Taking moves nothing: `shift` of an array copies all that
 * is left of a long one. Pure memory.
 */

/** Places in front that were taken are given back once they are so many, and half of all. */
const TAKEN_MAX = 32

export class Fifo<T> {
  #items: (T | undefined)[] = []
  /** Where the first one stands. */
  #head = 0

  get length(): number {
    return this.#items.length - this.#head
  }

  /** Undefined where there is none, as of the others. */
  get first(): T | undefined {
    return this.#items[this.#head]
  }

  get last(): T | undefined {
    return this.length > 0 ? this.#items.at(-1) : undefined
  }

  /** The one behind so many; undefined where there are no more, or where the number is negative. */
  at(index: number): T | undefined {
    return index < 0 ? undefined : this.#items[this.#head + index]
  }

  push(item: T): void {
    this.#items.push(item)
  }

  take(): T | undefined {
    const item = this.first
    if (this.length === 0) return undefined
    this.#items[this.#head++] = undefined
    if (this.#head > TAKEN_MAX && 2 * this.#head > this.#items.length) {
      this.#items = this.#items.slice(this.#head)
      this.#head = 0
    }
    return item
  }

  /** All of them, front to back; nothing is left. */
  takeAll(): T[] {
    const all = this.#items.slice(this.#head) as T[]
    this.#items = []
    this.#head = 0
    return all
  }

  some(isWanted: (item: T) => boolean): boolean {
    for (let row = this.#head; row < this.#items.length; row++) {
      if (isWanted(this.#items[row] as T)) return true
    }
    return false
  }
}
