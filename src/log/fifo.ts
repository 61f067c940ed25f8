/**
 * A list that is added to behind and taken from in front: a ring, in which neither moves anything. `shift` of a long
 * array copies all that is left of it, and one that is cut now and then is made anew each time. Pure memory.
 */

/** A power of two, as every size is. */
const PLACES_MIN = 16
/** Of no more than so many none are given back. */
const PLACES_KEPT = 16 * 1024

export class Fifo<T> {
  readonly #placesKept: number
  #places: (T | undefined)[] = new Array(PLACES_MIN)
  /** Where the first one stands. */
  #head = 0
  #length = 0

  constructor(placesKept = PLACES_KEPT) {
    this.#placesKept = placesKept
  }

  get length(): number {
    return this.#length
  }

  /** Undefined where there is none, as of the others. */
  get first(): T | undefined {
    return this.#places[this.#head]
  }

  get last(): T | undefined {
    return this.at(this.#length - 1)
  }

  /** The one behind so many; undefined where there are no more, or where the number is negative. */
  at(index: number): T | undefined {
    if (index < 0 || index >= this.#length) return undefined
    return this.#places[this.#placeOf(index)]
  }

  push(item: T): void {
    if (this.#length === this.#places.length) this.#resize(2 * this.#length)
    this.#places[this.#placeOf(this.#length)] = item
    this.#length++
  }

  take(): T | undefined {
    if (this.#length === 0) return undefined
    const item = this.#places[this.#head]
    this.#places[this.#head] = undefined
    this.#head = this.#placeOf(1)
    this.#length--
    const { length } = this.#places
    if (length > this.#placesKept && 8 * this.#length < length) this.#resize(length / 2)
    return item
  }

  /** All of them, front to back; nothing is left. */
  takeAll(): T[] {
    const all = this.#inOrder()
    this.#places = new Array(PLACES_MIN)
    this.#head = 0
    this.#length = 0
    return all as T[]
  }

  some(isWanted: (item: T) => boolean): boolean {
    for (let index = 0; index < this.#length; index++) {
      if (isWanted(this.#places[this.#placeOf(index)] as T)) return true
    }
    return false
  }

  #placeOf(index: number): number {
    return (this.#head + index) & (this.#places.length - 1)
  }

  #inOrder(): (T | undefined)[] {
    const end = this.#head + this.#length
    const inOrder = this.#places.slice(this.#head, end)
    const { length } = this.#places
    return end <= length ? inOrder : inOrder.concat(this.#places.slice(0, end - length))
  }

  #resize(places: number): void {
    const inOrder = this.#inOrder()
    inOrder.length = places
    this.#places = inOrder
    this.#head = 0
  }
}
