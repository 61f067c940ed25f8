/**
 * What a connection may take of one turn of the event loop: what it has sent follows without an event in
 * between, and as long as that goes on no socket is read and no timer runs. Asks the clock.
 */
import type { Clock } from '../../system/system.ts'
import { LOOP_SHARE_MS } from './limits.ts'

export type LoopClock = Pick<Clock, 'soon' | 'afterEvents' | 'monotonicMs'>

/** Counts the turns of the event loop in which something is asked, for all connections of a listener. */
export class LoopTurns {
  readonly clock: LoopClock
  #number = 0
  #isOver = true

  constructor(clock: LoopClock) {
    this.clock = clock
  }

  /** Of the one that is under way. */
  get number(): number {
    if (this.#isOver) {
      this.#isOver = false
      this.#number += 1
      this.clock.afterEvents(this.#ended)
    }
    return this.#number
  }

  readonly #ended = (): void => {
    this.#isOver = true
  }
}

export class LoopShare {
  readonly #turns: LoopTurns
  /** The turn of the loop in which it asked last, and when it first did so in it. */
  #turn = 0
  #sinceMs = 0

  constructor(turns: LoopTurns) {
    this.#turns = turns
  }

  /** Goes on at the end of this event; behind what has come for others where its share is used up. */
  goOn(callback: () => void): void {
    const { clock } = this.#turns
    if (this.#isUsedUp()) clock.afterEvents(callback)
    else clock.soon(callback)
  }

  #isUsedUp(): boolean {
    const { clock, number } = this.#turns
    const nowMs = clock.monotonicMs()
    if (number !== this.#turn) {
      this.#turn = number
      this.#sinceMs = nowMs
    }
    return nowMs - this.#sinceMs >= LOOP_SHARE_MS
  }
}
