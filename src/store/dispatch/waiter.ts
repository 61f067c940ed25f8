/** A session's wait for its next messages. */
import type { Taken } from './taken.ts'
import type { Watch } from './watch.ts'

export interface Waiter {
  /** Whatever is watched now: it may change while this waits. */
  readonly watches: readonly Watch[]
  readonly count: number
  /** It was served, or has stopped waiting. */
  readonly isOver: boolean
  /** Called once, with at least one message. */
  serve(taken: Taken[]): void
}
