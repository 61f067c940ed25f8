/**
 * The exceptions of a group that nobody has, each in the heap of what it waits for: a delivery, its time
 * by either clock, or a kick. Pure memory.
 */
import { IndexedHeap } from '../containers/heap.ts'
import { DueKind } from '../records/message-record.ts'
import type { Exception } from '../state/exception.ts'
import { byPriority } from './taken.ts'

export class ExceptionHeaps {
  readonly #ready = new IndexedHeap<Exception>(byPriority)
  readonly #buried = new IndexedHeap<Exception>((a, b) => a.sequence - b.sequence)
  readonly #elapsed = new IndexedHeap<Exception>(byDue)
  readonly #wall = new IndexedHeap<Exception>(byDue)

  get readyCount(): number {
    return this.#ready.size
  }

  get delayedCount(): number {
    return this.#elapsed.size + this.#wall.size
  }

  get firstReady(): Exception | undefined {
    return this.#ready.peek()
  }

  get firstBuried(): Exception | undefined {
    return this.#buried.peek()
  }

  get firstElapsed(): Exception | undefined {
    return this.#elapsed.peek()
  }

  get firstWall(): Exception | undefined {
    return this.#wall.peek()
  }

  /** When the next becomes due by the store's own time; infinite where none does. */
  get nextElapsedMs(): number {
    return this.#elapsed.peek()?.dueMs ?? Number.POSITIVE_INFINITY
  }

  /** The same by the wall clock. */
  get nextWallMs(): number {
    return this.#wall.peek()?.dueMs ?? Number.POSITIVE_INFINITY
  }

  /** Up to `count` of each of the two kinds of time, soonest first. */
  delayed(count: number): Exception[] {
    const all = () => true
    return [...this.#elapsed.first(count, all), ...this.#wall.first(count, all)]
  }

  isReady({ holder }: Exception): boolean {
    return holder === this.#ready
  }

  isDelayed({ holder }: Exception): boolean {
    return holder === this.#elapsed || holder === this.#wall
  }

  /** Puts it where its state says; what is due is ready. */
  place(exception: Exception, isDue: boolean): void {
    this.drop(exception)
    const heap = this.#heapFor(exception, isDue)
    exception.holder = heap
    heap.push(exception)
  }

  drop(exception: Exception): void {
    exception.holder?.remove(exception)
    exception.holder = undefined
  }

  /** The next one that has become due, made ready; undefined where there is none. */
  advanceOne(elapsedMs: number, wallMs: number): Exception | undefined {
    return this.#advanceOne(this.#elapsed, elapsedMs) ?? this.#advanceOne(this.#wall, wallMs)
  }

  #advanceOne(heap: IndexedHeap<Exception>, nowMs: number): Exception | undefined {
    const exception = heap.peek()
    if (!exception || exception.dueMs > nowMs) return undefined
    heap.pop()
    exception.holder = this.#ready
    this.#ready.push(exception)
    return exception
  }

  #heapFor(exception: Exception, isDue: boolean): IndexedHeap<Exception> {
    if (exception.state === 'buried') return this.#buried
    if (exception.state === 'ready' || isDue) return this.#ready
    return exception.dueKind === DueKind.WALL ? this.#wall : this.#elapsed
  }
}

function byDue(a: Exception, b: Exception): number {
  return a.dueMs - b.dueMs || a.id - b.id
}
