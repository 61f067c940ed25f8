/**
 * Leases in the order of their ends. Most begin in that order and are over before their time: those stand
 * in a line, stale from then on until they come to its front or are too many, so that neither costs a
 * search. The others stand in a heap. Pure memory.
 */
import { IndexedHeap } from '../containers/heap.ts'
import type { Taken } from './taken.ts'

/** Stale entries of the line beside as many as there are leases. */
const STALE_MAX = 1024

export class LeaseOrder {
  /** What ends at `#ends[i]` is `#line[i]`, if it still does; in order, from `#front` on. */
  #line: Taken[] = []
  #ends: number[] = []
  #front = 0
  readonly #others = new IndexedHeap<Taken>((a, b) => a.endMs - b.endMs)
  #live = 0

  /** Leases that go on. */
  get live(): number {
    return this.#live
  }

  /** What is kept, stale or not. */
  get entries(): number {
    return this.#line.length + this.#others.size
  }

  /** A lease begins, or goes on after all: its end is set, its status is still to be. */
  begin(taken: Taken): void {
    this.#live++
    this.#add(taken)
  }

  /** A lease that goes on gets another end. */
  move(taken: Taken, endMs: number): void {
    if (taken.endMs === endMs) return
    if (taken.heapIndex >= 0) this.#others.remove(taken)
    taken.endMs = endMs
    this.#add(taken)
  }

  /** A lease that went on is over, by whatever. */
  end(taken: Taken): void {
    this.#live--
    if (taken.heapIndex >= 0) this.#others.remove(taken)
  }

  /** The lease that ends first. */
  peek(): Taken | undefined {
    const other = this.#others.peek()
    for (; this.#front < this.#line.length; this.#front++) {
      const first = this.#line[this.#front] as Taken
      if (!this.#isLive(this.#front)) continue
      return other && other.endMs < first.endMs ? other : first
    }
    this.#keepFrom(this.#front)
    return other
  }

  #add(taken: Taken): void {
    const { endMs } = taken
    const last = this.#line.length - 1
    if (last >= this.#front && endMs < (this.#ends[last] as number)) {
      this.#others.push(taken)
      return
    }
    if (this.#line.length > 2 * this.#live + STALE_MAX) this.#dropStale()
    this.#line.push(taken)
    this.#ends.push(endMs)
  }

  #dropStale(): void {
    let kept = this.#front
    for (let at = this.#front; at < this.#line.length; at++) {
      if (!this.#isLive(at)) continue
      this.#line[kept] = this.#line[at] as Taken
      this.#ends[kept] = this.#ends[at] as number
      kept++
    }
    this.#line.length = kept
    this.#ends.length = kept
    this.#keepFrom(this.#front)
  }

  #keepFrom(at: number): void {
    if (at === 0) return
    this.#line = this.#line.slice(at)
    this.#ends = this.#ends.slice(at)
    this.#front = 0
  }

  #isLive(at: number): boolean {
    const taken = this.#line[at] as Taken
    return taken.status === 'leased' && taken.endMs === this.#ends[at] && taken.heapIndex < 0
  }
}
