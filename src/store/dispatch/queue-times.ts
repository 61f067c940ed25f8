/**
 * When each queue has something to do next, by the store's own time and by the wall clock: only queues
 * whose time has come are looked at. A time may be too early, never too late. Pure memory.
 */
import { IndexedHeap } from '../containers/heap.ts'

/** A queue as far as its times go. */
export interface Timed {
  /** Infinite where nothing happens. */
  readonly nextElapsedMs: number
  readonly nextWallMs: number
}

class Due<T> {
  readonly queue: T
  atMs = Number.POSITIVE_INFINITY
  heapIndex = -1

  constructor(queue: T) {
    this.queue = queue
  }
}

export class QueueTimes<T extends Timed> {
  readonly #elapsed = new DueHeap<T>()
  readonly #wall = new DueHeap<T>()
  /** Something of these may happen earlier than was known. */
  readonly #changed = new Set<T>()

  changed(queue: T): void {
    this.#changed.add(queue)
  }

  /** It is gone: nothing of it happens any more. */
  removed(queue: T): void {
    this.#changed.delete(queue)
    this.#elapsed.set(queue, Number.POSITIVE_INFINITY)
    this.#wall.set(queue, Number.POSITIVE_INFINITY)
  }

  get nextElapsedMs(): number {
    this.#settle()
    return this.#elapsed.nextMs
  }

  get nextWallMs(): number {
    this.#settle()
    return this.#wall.nextMs
  }

  /** A queue whose time has come; whoever takes it looks at it, and tells `changed`. */
  take(elapsedMs: number, wallMs: number): T | undefined {
    this.#settle()
    return this.#elapsed.take(elapsedMs) ?? this.#wall.take(wallMs)
  }

  #settle(): void {
    if (this.#changed.size === 0) return
    for (const queue of this.#changed) {
      this.#elapsed.set(queue, queue.nextElapsedMs)
      this.#wall.set(queue, queue.nextWallMs)
    }
    this.#changed.clear()
  }
}

class DueHeap<T> {
  readonly #heap = new IndexedHeap<Due<T>>((a, b) => a.atMs - b.atMs)
  readonly #byQueue = new Map<T, Due<T>>()

  get nextMs(): number {
    return this.#heap.peek()?.atMs ?? Number.POSITIVE_INFINITY
  }

  set(queue: T, atMs: number): void {
    const known = this.#byQueue.get(queue)
    if (atMs === Number.POSITIVE_INFINITY) {
      if (known && known.heapIndex >= 0) this.#heap.remove(known)
      this.#byQueue.delete(queue)
      return
    }
    const due = known ?? new Due(queue)
    due.atMs = atMs
    if (!known) this.#byQueue.set(queue, due)
    if (due.heapIndex >= 0) this.#heap.update(due)
    else this.#heap.push(due)
  }

  /** Takes the first one out whose time has come. */
  take(nowMs: number): T | undefined {
    const first = this.#heap.peek()
    if (!first || first.atMs > nowMs) return undefined
    this.#heap.pop()
    return first.queue
  }
}
