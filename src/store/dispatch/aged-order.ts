/**
 * What stands in no lane of a group any more, by age: ready exceptions and plain messages whose place
 * was passed. Kept only where age counts. Pure memory.
 */
import { OffsetSet } from '../containers/offset-set.ts'
import { TypedHeap } from '../containers/typed-heap.ts'
import { isMostlyStale } from './stale.ts'

export class AgedOrder {
  /** (id, 0, offset); some are stale. */
  readonly #heap = new TypedHeap()
  /** Each stands there once, however often it was given back. */
  readonly #offsets = new OffsetSet()
  readonly #isReady: (id: number, offset: number) => boolean

  /** `isReady` tells what is stale. */
  constructor(isReady: (id: number, offset: number) => boolean) {
    this.#isReady = isReady
  }

  /** Of the oldest, after `settle` said that there is one. */
  get id(): number {
    return this.#heap.peekKey1
  }

  get offset(): number {
    return this.#heap.peekPayload
  }

  /** What is kept, stale or not. */
  get entries(): number {
    return this.#heap.size
  }

  /** `readyCount` is how many there are that are not stale, at most. */
  note(id: number, offset: number, readyCount: number): void {
    if (this.#offsets.add(offset, offset + 1) === 0) return
    this.#heap.push(id, 0, offset)
    if (isMostlyStale(this.#heap.size, readyCount)) this.#heap.filter(this.#isKept)
  }

  /** Lets go of what was taken since, or is not ready; false where nothing is left. */
  settle(): boolean {
    while (this.#heap.size > 0) {
      if (this.#isReady(this.#heap.peekKey1, this.#heap.peekPayload)) return true
      this.pop()
    }
    return false
  }

  pop(): void {
    const offset = this.#heap.peekPayload
    this.#offsets.remove(offset, offset + 1)
    this.#heap.pop()
  }

  clear(): void {
    this.#heap.clear()
    this.#offsets.setFloor(0)
  }

  readonly #isKept = (id: number, _zero: number, offset: number): boolean => {
    if (this.#isReady(id, offset)) return true
    this.#offsets.remove(offset, offset + 1)
    return false
  }
}
