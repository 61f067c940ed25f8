/** How far a group has come in one lane, and the next entry there that it can deliver. Pure memory. */
import { PostingsCursor } from '../containers/postings-cursor.ts'
import type { Lane } from '../state/lane.ts'

export class LaneRow {
  readonly lane: Lane
  readonly priority: number
  readonly cursor: PostingsCursor
  /** The cursor stands at an entry that has not been taken or passed over. */
  isHead = false
  #hasBegun = false
  /** Of the entry that the cursor came to last: behind the end it tells nothing itself. */
  #lastOffset = -1

  constructor(lane: Lane, priority: number, fromOffset: number) {
    this.lane = lane
    this.priority = priority
    this.cursor = new PostingsCursor(lane.postings)
    this.cursor.moveTo(fromOffset)
  }

  /** Stands at the next entry for which `isOpen` is true; false where there is none yet. */
  settle(isOpen: (cursor: PostingsCursor) => boolean): boolean {
    const { cursor } = this
    if (this.isHead && isOpen(cursor)) return true
    this.isHead = false
    while (cursor.next()) {
      this.#hasBegun = true
      this.#lastOffset = cursor.offset
      if (isOpen(cursor)) {
        this.isHead = true
        return true
      }
    }
    return false
  }

  /** True where the cursor will not come to this offset any more. */
  hasPassed(offset: number): boolean {
    if (!this.#hasBegun) return false
    return offset < this.#lastOffset || (offset === this.#lastOffset && !this.isHead)
  }
}
