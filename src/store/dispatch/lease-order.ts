/**
 * Leases in the order of their ends. Most begin in that order and are over before their time: those stand
 * in a line, stale from then on until they come to its front or are too many, so that neither costs a
 * search. The others stand in a heap, stale likewise. Pure memory.
 */
import { IndexedHeap, NOT_IN_HEAP } from '../containers/heap.ts'
import { isMostlyStale } from './stale.ts'
import type { Taken } from './taken.ts'

/** An end that was given to a lease out of order. */
interface Other {
  readonly taken: Taken
  readonly endMs: number
  heapIndex: number
}

export class LeaseOrder {
  /** What ends at `#ends[i]` is `#line[i]`, if it still does; in order, from `#front` on. */
  #line: Taken[] = []
  #ends: number[] = []
  #front = 0
  readonly #others = new IndexedHeap<Other>((a, b) => a.endMs - b.endMs)
  #live = 0

  /** Leases that go on. */
  get live(): number {
    return this.#live
  }

  /** What is kept, stale or not. */
  get entries(): number {
    return this.#line.length + this.#others.size
  }

  /** A lease is about to begin, or to go on after all: its end is set, its status still what it was. */
  begin(taken: Taken): void {
    this.#live++
    this.#add(taken)
  }

  /** A lease that goes on was given another end. */
  moved(taken: Taken): void {
    this.#add(taken)
  }

  /** A lease that went on is over, by whatever. */
  end(): void {
    this.#live--
  }

  /** The lease that ends first. */
  peek(): Taken | undefined {
    const other = this.#firstOther()
    for (; this.#front < this.#line.length; this.#front++) {
      const first = this.#line[this.#front] as Taken
      if (!isLive(first, this.#ends[this.#front])) continue
      return other && other.endMs < first.endMs ? other : first
    }
    this.#keepFrom(this.#front)
    return other
  }

  #firstOther(): Taken | undefined {
    for (let first = this.#others.peek(); first; first = this.#others.peek()) {
      if (isLive(first.taken, first.endMs)) return first.taken
      this.#others.pop()
    }
    return undefined
  }

  #add(taken: Taken): void {
    if (isMostlyStale(this.entries, this.#live)) this.#dropStale()
    const { endMs } = taken
    const last = this.#line.length - 1
    if (last >= this.#front && endMs < (this.#ends[last] as number)) {
      this.#others.push({ taken, endMs, heapIndex: NOT_IN_HEAP })
      return
    }
    this.#line.push(taken)
    this.#ends.push(endMs)
  }

  #dropStale(): void {
    let kept = this.#front
    for (let at = this.#front; at < this.#line.length; at++) {
      const taken = this.#line[at] as Taken
      if (!isLive(taken, this.#ends[at])) continue
      this.#line[kept] = taken
      this.#ends[kept] = taken.endMs
      kept++
    }
    this.#line.length = kept
    this.#ends.length = kept
    this.#keepFrom(this.#front)
    for (const other of this.#others.first(this.#others.size, () => true)) {
      if (!isLive(other.taken, other.endMs)) this.#others.remove(other)
    }
  }

  #keepFrom(at: number): void {
    if (at === 0) return
    this.#line = this.#line.slice(at)
    this.#ends = this.#ends.slice(at)
    this.#front = 0
  }
}

/** It still ends then. */
function isLive(taken: Taken, endMs: number | undefined): boolean {
  return taken.status === 'leased' && taken.endMs === endMs
}
