/**
 * What an opening says of itself in front of its first change: where the store's own time stands. It says so again
 * once that has gone on for long, or the wall clock was set, since whoever opens after a boot has nothing else to go
 * on from. Pure memory.
 */
import { QlogError } from '../../errors.ts'
import type { ElapsedClock } from '../elapsed-clock.ts'
import type { OpenOp } from '../records/control-ops.ts'
import { PlainOperation, type Sendable } from './operation.ts'

/** Own time that nobody knows of after a boot, at most, where the wall clock is no help. */
const TOLD_AGAIN_MS = 60_000
/** The same where the store is closed. */
const TOLD_AT_END_MS = 1_000
/** The wall clock has gone on by so much more or less than the boot's: it was set. */
const CLOCK_SET_MS = 1_000

export interface OpeningHost {
  readonly clock: ElapsedClock
  /** The disk has no room: nothing is said that could wait. */
  readonly isFull: boolean
  /** Appends it, and throws where it is turned down at once. */
  append(operation: Sendable): void
  /** What an opening would say now. */
  openOp(): OpenOp
}

export class Opening {
  /** The first change is on its way, or was written. */
  isSent = false
  isDurable = false
  readonly #host: OpeningHost
  /** What was said last; undefined before anything was. */
  #said: OpenOp | undefined
  /** Time has passed since the clocks were compared. */
  #mustLook = false

  constructor(host: OpeningHost) {
    this.#host = host
  }

  /** A group became durable. */
  applied(): void {
    this.#mustLook = true
  }

  /** Called in front of every change. Throws what the first one of the opening would be turned down with. */
  say(): void {
    if (!this.isSent) this.#sayFirst()
    else if (this.#mustLook) this.#sayAgain(TOLD_AGAIN_MS)
  }

  /** Called in front of the last change of an opening that has written. */
  sayAtEnd(): void {
    this.#sayAgain(TOLD_AT_END_MS)
  }

  #sayFirst(): void {
    this.isSent = true
    const again = () => {
      this.isSent = false
    }
    try {
      this.#append(again)
    } catch (error) {
      again()
      throw error
    }
  }

  #sayAgain(afterMs: number): void {
    this.#mustLook = false
    const said = this.#said
    if (said === undefined || this.#host.isFull || !this.#isStale(said, afterMs)) return
    // Where it is turned down, another group brings it.
    const again = () => {
      this.#said = said
    }
    try {
      this.#append(again)
    } catch (error) {
      if (!(error instanceof QlogError)) throw error
      again()
    }
  }

  #append(whenVoid: () => void): void {
    const op = this.#host.openOp()
    this.#said = op
    const durable = () => {
      this.isDurable = true
    }
    this.#host.append(new PlainOperation([op], durable, whenVoid))
  }

  #isStale({ elapsedMs, wallMs }: OpenOp, afterMs: number): boolean {
    const { clock } = this.#host
    const passedMs = clock.nowMs() - elapsedMs
    const setMs = Math.abs(clock.wallMs() - wallMs - passedMs)
    return passedMs >= afterMs || setMs >= CLOCK_SET_MS
  }
}
