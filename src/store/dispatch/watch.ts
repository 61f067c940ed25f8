/** A group that a session takes messages of, and how often it may try each of them. */
import type { GroupDispatch } from './group-dispatch.ts'

export interface Watch {
  readonly group: GroupDispatch
  /** Infinite where there is no limit. */
  readonly attemptsMax: () => number
}
