/**
 * The messages of one priority of a queue, in order of id, compressed. Facts only, the same for every
 * group; what a group has done with them stands elsewhere. Pure memory.
 */
import { Postings } from '../containers/postings.ts'

/**
 * Priorities of a queue that get a lane of their own, for ever: the first ones. All others share one, in
 * which a waiting message costs some 24 bytes in every group.
 */
export const LANES_MAX = 63
/** The slot of the lane that holds several priorities, each message with its own. */
export const MIXED_SLOT = LANES_MAX
/** Slots of all lanes of a queue: 0 to 63. */
export const SLOTS = LANES_MAX + 1

export class Lane {
  readonly slot: number
  /** Of all its messages; undefined in the mixed lane. */
  readonly priority: number | undefined
  readonly postings = new Postings()

  constructor(slot: number, priority: number | undefined) {
    this.slot = slot
    this.priority = priority
  }
}
