/** The ids of a queue's messages that are not gone, collected piece by piece. Pure memory. */
import type { OffsetSet } from '../containers/offset-set.ts'
import { PostingsCursor } from '../containers/postings-cursor.ts'
import type { QueueState } from '../state/queue-state.ts'

export class LiveIds {
  readonly #queue: QueueState
  readonly #cursors: PostingsCursor[]

  constructor(queue: QueueState) {
    this.#queue = queue
    this.#cursors = queue.lanes.all.map(({ postings }) => {
      const cursor = new PostingsCursor(postings)
      cursor.moveTo(queue.goneFloor)
      return cursor
    })
  }

  /** Adds the next ones, about so many; false once there are no more. */
  addSome(live: OffsetSet, count: number): boolean {
    let left = count
    while (left > 0) {
      const cursor = this.#cursors[0]
      if (!cursor) return false
      if (!cursor.next()) this.#cursors.shift()
      else if (!this.#queue.isGone(cursor.offset)) live.add(cursor.id, cursor.id + 1)
      left--
    }
    return true
  }
}
