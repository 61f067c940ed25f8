/** Messages of a queue that have a time to live: when each expires, and which have and are not out yet. Pure memory. */
import { TypedHeap } from '../containers/typed-heap.ts'
import type { DispatchHost, QueueDispatch } from './queue-dispatch.ts'
import { isMostlyStale } from './stale.ts'
import type { Taken } from './taken.ts'

/** After a refusal, or while it may yet come, what has expired is looked at again no sooner than this. */
const EXPIRE_AGAIN_MS = 250

export class Expiry {
  readonly #queue: QueueDispatch
  readonly #host: DispatchHost
  /** (expiresMs, id, offset). */
  readonly #heap = new TypedHeap()
  /** Expired, and in the heap yet: they wait for their turn, or for another try. Nobody gets them until then. */
  readonly #overdue = new Set<number>()
  /** Expired while they were leased, and out of the heap: they go when they come back, and nobody gets them. */
  readonly #awaited = new Set<number>()

  constructor(queue: QueueDispatch, host: DispatchHost) {
    this.#queue = queue
    this.#host = host
  }

  /** When the next expires; infinite where none does. */
  get nextMs(): number {
    return this.#heap.size > 0 ? this.#heap.peekKey1 : Number.POSITIVE_INFINITY
  }

  /** What is kept, of messages that are gone or not. */
  get entries(): number {
    return this.#heap.size
  }

  isOverdue(offset: number): boolean {
    return this.#overdue.has(offset) || this.#awaited.has(offset)
  }

  add(expiresMs: number, id: number, offset: number): void {
    this.#heap.push(expiresMs, id, offset)
    if (isMostlyStale(this.#heap.size, this.#queue.presentCount)) this.#heap.filter(this.#isKept)
    this.#host.scheduled(this.#queue)
  }

  /** Somebody who was about to get it has seen that its time is over: it goes in its turn. */
  noteOverdue(offset: number): void {
    const { state, leaving } = this.#queue
    if (this.#awaited.has(offset) || leaving.has(offset) || state.isGone(offset)) return
    this.#overdue.add(offset)
  }

  /** The record that was to take these out was turned down, or may be: it is tried again a little later. */
  again(ids: readonly number[], offsets: readonly number[]): void {
    const againMs = this.#host.elapsedMs() + EXPIRE_AGAIN_MS
    ids.forEach((id, row) => {
      const offset = offsets[row] ?? 0
      this.#heap.push(againMs, id, offset)
      this.#overdue.add(offset)
    })
    this.#host.scheduled(this.#queue)
  }

  /** A message is out of a group no more: what expired meanwhile goes with the last that had it. */
  ended(taken: Taken): void {
    const { offset, id } = taken
    if (!this.#awaited.has(offset)) return
    const { state } = this.#queue
    if (state.done.has(offset)) {
      this.#awaited.delete(offset)
      // The state is about to retain it, unless it was taken out.
      if (state.settings.retains === 1) this.#host.lapsed(this.#queue, [id], [offset])
    } else if (!this.#isLeased(offset)) {
      this.#awaited.delete(offset)
      // The record that takes it out may yet be turned down.
      if (this.#queue.leaving.has(offset)) this.again([id], [offset])
      else this.#host.expired(this.#queue, [id], [offset])
    }
  }

  /** Takes out what has expired by then, up to `countMax`; returns how many there were. */
  advance(elapsedMs: number, countMax: number): number {
    let count = 0
    const ids: number[] = []
    const offsets: number[] = []
    const lapsed: { ids: number[]; offsets: number[] } = { ids: [], offsets: [] }
    const { state, leaving } = this.#queue
    while (count < countMax && this.#heap.size > 0 && this.#heap.peekKey1 <= elapsedMs) {
      count++
      const id = this.#heap.peekKey2
      const offset = this.#heap.peekPayload
      this.#heap.pop()
      this.#overdue.delete(offset)
      if (state.isGone(offset)) continue
      // The record that takes it out may yet be turned down.
      if (leaving.has(offset)) this.#heap.push(elapsedMs + EXPIRE_AGAIN_MS, id, offset)
      else if (state.done.has(offset)) {
        lapsed.ids.push(id)
        lapsed.offsets.push(offset)
      } else if (this.#isLeased(offset)) this.#awaited.add(offset)
      else {
        ids.push(id)
        offsets.push(offset)
      }
    }
    if (ids.length > 0) this.#host.expired(this.#queue, ids, offsets)
    if (lapsed.ids.length > 0) this.#host.lapsed(this.#queue, lapsed.ids, lapsed.offsets)
    return count
  }

  /** Everything has left the queue. */
  clear(): void {
    this.#heap.clear()
    this.#overdue.clear()
    this.#awaited.clear()
  }

  readonly #isKept = (_expiresMs: number, _id: number, offset: number): boolean => {
    if (!this.#queue.state.isGone(offset)) return true
    this.#overdue.delete(offset)
    return false
  }

  #isLeased(offset: number): boolean {
    for (const group of this.#queue.groups.values()) {
      const taken = group.out.get(offset)
      // What is only held ready for a delivery has not begun.
      if (taken && (taken.leaseMs > 0 || taken.status === 'settling')) return true
    }
    return false
  }
}
