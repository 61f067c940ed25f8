/** How long each producer may live, so that all rounds and comparisons fit into the time. Pure. */

/** Share of the remaining time that producers get; the rest is for starting and comparing. */
const APPENDING_SHARE = 0.45
const COMPARING_SHARE = 0.35
/** A kill comes no earlier than in this part of a round: at its very start little is in flight. */
const KILL_EARLIEST = 0.2

const LAST_ROUND_MS_MAX = 400
/** Several flushes long, so that a kill falls into every part of one. */
const EXTRA_MS_MAX = 8

export interface PlanState {
  /** Rounds still to run, this one included. */
  readonly roundsLeft: number
  readonly remainingMs: number
  /** Messages in the log so far. */
  readonly messages: number
  /** How many the log must hold in the end, at least. */
  readonly messagesMin: number
  /** More than this would not fit on the disk. */
  readonly messagesMax: number
  /** Messages compared a millisecond, as measured. */
  readonly comparedPerMs: number
  /** The last round is not killed, so that a clean close is seen too. */
  readonly last: boolean
}

export interface RoundPlan {
  readonly afterMs: number
  readonly afterMessages: number
  /** Waited for on top, so that a kill does not always follow right after an acknowledgement. */
  readonly extraMs: number
}

export function planRound(state: PlanState, random: () => number): RoundPlan {
  const { roundsLeft, messages, comparedPerMs } = state
  const remainingMs = Math.max(0, state.remainingMs)
  const sliceMs = Math.max(50, (remainingMs * APPENDING_SHARE) / roundsLeft)
  // All messages are compared after each round. With c more a round, n rounds compare about
  // n x (messages + c x n / 2); solved for c.
  const affordable = remainingMs * COMPARING_SHARE * comparedPerMs
  const byTime = ((affordable / roundsLeft - messages) * 2) / roundsLeft
  const needed = Math.ceil((state.messagesMin - messages) / roundsLeft)
  const room = Math.max(1, Math.floor((state.messagesMax - messages) / roundsLeft))
  const count = Math.min(room, Math.max(1, needed, Math.floor(byTime)))
  if (state.last) {
    // It ends when both are reached: enough for steady figures of flushes, and all that is missing.
    const stillNeeded = Math.max(1, state.messagesMin - messages)
    return { afterMs: Math.min(sliceMs, LAST_ROUND_MS_MAX), afterMessages: stillNeeded, extraMs: 0 }
  }
  const share = KILL_EARLIEST + (1 - KILL_EARLIEST) * random()
  return {
    afterMs: sliceMs * share,
    afterMessages: Math.max(1, Math.floor(count * share)),
    extraMs: EXTRA_MS_MAX * random(),
  }
}
