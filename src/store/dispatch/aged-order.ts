/**
 * What stands in no lane of a group any more, by age: ready exceptions and plain messages whose place
 * was passed. Kept only where age counts. Pure memory.
 */
import { TypedHeap } from '../containers/typed-heap.ts'
import { isMostlyStale } from './stale.ts'

export class AgedOrder {
  /** (id, 0, offset); some are stale. */
  readonly #heap = new TypedHeap()
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

  /** `readyCount` is how many there are that are not stale, at most. */
  note(id: number, offset: number, readyCount: number): void {
    this.#heap.push(id, 0, offset)
    if (!isMostlyStale(this.#heap.size, readyCount)) return
    this.#heap.filter((one, _zero, at) => this.#isReady(one, at))
  }

  /** Lets go of what was taken since, or is not ready; false where nothing is left. */
  settle(): boolean {
    while (this.#heap.size > 0) {
      if (this.#isReady(this.#heap.peekKey1, this.#heap.peekPayload)) return true
      this.#heap.pop()
    }
    return false
  }

  pop(): void {
    this.#heap.pop()
  }

  clear(): void {
    this.#heap.clear()
  }
}
