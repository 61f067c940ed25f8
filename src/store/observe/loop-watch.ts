/**
 * Watches the event loop while somebody listens to that, or while work runs whose leases are extended by
 * it: tells of delays on the channel, and warns of those that are as long as a lease may be short.
 */
import { isHeard, publish } from '../../channels.ts'
import { RareWarning } from '../../log/rare-warning.ts'
import type { LoopDelay, System } from '../../system/system.ts'

const LOOK_MS = 1_000
/** A longer delay is told of. */
export const LOOP_DELAY_MS = 100
/** A longer one is worth a warning. */
export const LOOP_DELAY_WARNING_MS = 1_000

type LoopSystem = Pick<System, 'clock' | 'watchLoop' | 'warn'>

export class LoopWatch {
  readonly #system: LoopSystem
  readonly #directory: string
  readonly #warning: RareWarning
  #works = 0
  #delay: LoopDelay | undefined
  #cancelTimer: (() => void) | undefined
  #isClosed = false

  constructor(system: LoopSystem, directory: string) {
    this.#system = system
    this.#directory = directory
    this.#warning = new RareWarning(system, 'QLOG_LOOP_DELAY')
  }

  /** Called now and then: nobody says when somebody begins to listen. */
  look(): void {
    if (this.#delay !== undefined || this.#isClosed || !this.#isWanted) return
    this.#delay = this.#system.watchLoop()
    this.#arm()
  }

  /** Work has begun; what this returns is called once it is over. */
  workBegun(): () => void {
    this.#works++
    this.look()
    let isOver = false
    return () => {
      if (!isOver) this.#works--
      isOver = true
    }
  }

  close(): void {
    this.#isClosed = true
    this.#end()
  }

  get #isWanted(): boolean {
    return this.#works > 0 || isHeard('qlog:loop-delay')
  }

  #arm(): void {
    this.#cancelTimer = this.#system.clock.after(LOOK_MS, this.#measure)
  }

  readonly #measure = (): void => {
    if (!this.#isWanted) {
      this.#end()
      return
    }
    const delayMs = this.#delay?.takeMaxMs() ?? 0
    if (delayMs > LOOP_DELAY_MS && isHeard('qlog:loop-delay')) {
      publish('qlog:loop-delay', { directory: this.#directory, delayMs })
    }
    if (delayMs > LOOP_DELAY_WARNING_MS) {
      const seconds = (delayMs / 1000).toFixed(1)
      this.#warning.tell(`the event loop was held up for ${seconds} s: leases may end meanwhile`)
    }
    this.#arm()
  }

  #end(): void {
    this.#cancelTimer?.()
    this.#cancelTimer = undefined
    this.#delay?.stop()
    this.#delay = undefined
  }
}
