/** Plain messages of a queue that wait for their time, soonest first by each of the two clocks. Pure memory. */
import { OffsetSet } from '../containers/offset-set.ts'
import { TypedHeap } from '../containers/typed-heap.ts'
import { DueKind } from '../records/message-record.ts'

/** An entry carries offset and priority's lane in one number. */
const SLOT_FACTOR = 64

export class Schedules {
  /** (dueMs, id, offset and slot of the lane). */
  readonly #elapsed = new TypedHeap()
  readonly #wall = new TypedHeap()
  /** Offsets in the two. */
  readonly #offsets = new OffsetSet()

  /** Messages in them, whatever the groups have done with them since. */
  get count(): number {
    return this.#offsets.count
  }

  has(offset: number): boolean {
    return this.#offsets.count > 0 && this.#offsets.has(offset)
  }

  /** What is kept, of messages that are gone or not. */
  get entries(): number {
    return this.#elapsed.size + this.#wall.size
  }

  /** The first offset from `from` up to `end` that stands in one; -1 where there is none. */
  next(from: number, end: number): number {
    return this.#offsets.nextPresent(from, end)
  }

  forEachRange(first: number, end: number, visit: (first: number, end: number) => void): void {
    if (this.#offsets.count > 0) this.#offsets.forEachRange(first, end, visit)
  }

  get lists(): readonly { readonly heap: TypedHeap; readonly kind: DueKind }[] {
    return [
      { heap: this.#elapsed, kind: DueKind.ELAPSED },
      { heap: this.#wall, kind: DueKind.WALL },
    ]
  }

  /** What an entry's payload says. */
  offsetOf(payload: number): number {
    return Math.floor(payload / SLOT_FACTOR)
  }

  /** When the next becomes due by the store's own time; infinite where none does. */
  get nextElapsedMs(): number {
    return this.#elapsed.size > 0 ? this.#elapsed.peekKey1 : Number.POSITIVE_INFINITY
  }

  /** The same by the wall clock. */
  get nextWallMs(): number {
    return this.#wall.size > 0 ? this.#wall.peekKey1 : Number.POSITIVE_INFINITY
  }

  add(kind: DueKind, dueMs: number, id: number, offset: number, slot: number): void {
    this.#heapOf(kind).push(dueMs, id, offset * SLOT_FACTOR + slot)
    this.#offsets.add(offset, offset + 1)
  }

  /** Takes out what is due by then, up to `count`; returns how many there were. */
  take(
    kind: DueKind,
    nowMs: number,
    count: number,
    due: (id: number, offset: number, slot: number) => void,
  ): number {
    const heap = this.#heapOf(kind)
    let taken = 0
    for (; taken < count && heap.size > 0 && heap.peekKey1 <= nowMs; taken++) {
      const id = heap.peekKey2
      const payload = heap.peekPayload
      const offset = this.offsetOf(payload)
      heap.pop()
      this.#offsets.remove(offset, offset + 1)
      due(id, offset, payload - offset * SLOT_FACTOR)
    }
    return taken
  }

  /** Lets go of messages for which `isGone` is true. */
  dropGone(isGone: (offset: number) => boolean): void {
    const isKept = (_dueMs: number, _id: number, payload: number): boolean => {
      const offset = this.offsetOf(payload)
      if (!isGone(offset)) return true
      this.#offsets.remove(offset, offset + 1)
      return false
    }
    this.#elapsed.filter(isKept)
    this.#wall.filter(isKept)
  }

  clear(): void {
    this.#elapsed.clear()
    this.#wall.clear()
    this.#offsets.setFloor(0)
  }

  #heapOf(kind: DueKind): TypedHeap {
    return kind === DueKind.WALL ? this.#wall : this.#elapsed
  }
}
