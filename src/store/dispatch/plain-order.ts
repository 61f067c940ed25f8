/**
 * The plain messages of a group in their order: lanes read front to end, and beside them those whose
 * place in their lane was passed before they could go. Pure memory.
 */
import { OffsetSet } from '../containers/offset-set.ts'
import type { PostingsCursor } from '../containers/postings-cursor.ts'
import { TypedHeap } from '../containers/typed-heap.ts'
import type { Lane } from '../state/lane.ts'
import { LaneRow } from './lane-row.ts'

export class PlainOrder {
  /** By priority. */
  readonly rows: LaneRow[] = []
  /** (priority, id, offset). */
  readonly #late = new TypedHeap()
  /** Each stands there once, however often it was given back. */
  readonly #lateOffsets = new OffsetSet()

  addLane(lane: Lane, fromOffset: number): void {
    if (lane.priority === undefined) return
    this.rows.push(new LaneRow(lane, lane.priority, fromOffset))
    this.rows.sort((a, b) => a.priority - b.priority)
  }

  /** The best row that stands at an entry for which `isOpen` is true. */
  settleRows(isOpen: (cursor: PostingsCursor) => boolean): LaneRow | undefined {
    for (const row of this.rows) if (row.settle(isOpen)) return row
    return undefined
  }

  /** Of the rows that stand at an entry put before that time, the one with the oldest. */
  oldestRow(isOpen: (cursor: PostingsCursor) => boolean, beforeMs: number): LaneRow | undefined {
    let oldest: LaneRow | undefined
    for (const row of this.rows) {
      if (!row.settle(isOpen) || row.cursor.timeMs > beforeMs) continue
      if (!oldest || row.cursor.id < oldest.cursor.id) oldest = row
    }
    return oldest
  }

  /** No row comes to this offset of the lane any more. */
  hasPassed(offset: number, lane: Lane): boolean {
    const row = this.rows.find((one) => one.lane === lane)
    return !row || row.hasPassed(offset)
  }

  /** The same, of the lane with this priority. */
  hasPassedIn(offset: number, priority: number): boolean {
    const row = this.rows.find((one) => one.priority === priority)
    return !row || row.hasPassed(offset)
  }

  get lateCount(): number {
    return this.#late.size
  }

  /** Of the best late one, after `settleLate` said that there is one. */
  get latePriority(): number {
    return this.#late.peekKey1
  }

  get lateId(): number {
    return this.#late.peekKey2
  }

  get lateOffset(): number {
    return this.#late.peekPayload
  }

  pushLate(priority: number, id: number, offset: number): void {
    if (this.#lateOffsets.add(offset, offset + 1) > 0) this.#late.push(priority, id, offset)
  }

  popLate(): void {
    const offset = this.#late.peekPayload
    this.#lateOffsets.remove(offset, offset + 1)
    this.#late.pop()
  }

  /** Lets go of late ones that are not open any more; false where none is left. */
  settleLate(isOpen: (offset: number, id: number) => boolean): boolean {
    while (this.#late.size > 0) {
      if (isOpen(this.#late.peekPayload, this.#late.peekKey2)) return true
      this.popLate()
    }
    return false
  }

  /** Lets go of late ones that are finished: nobody may ever come to their places. */
  dropLate(isFinished: (offset: number) => boolean): void {
    this.#late.filter((_priority, _id, offset) => {
      if (!isFinished(offset)) return true
      this.#lateOffsets.remove(offset, offset + 1)
      return false
    })
  }

  forEachLate(visit: (id: number, offset: number) => void): void {
    this.#late.forEach((_priority, id, offset) => {
      visit(id, offset)
    })
  }
}
