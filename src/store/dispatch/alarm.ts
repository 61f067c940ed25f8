/**
 * One timer for everything that becomes due in a store. Wall-clock times are looked at every second at
 * the latest, since the wall clock may be set.
 */
import type { Clock } from '../../system/system.ts'

const WALL_LOOK_MS = 1_000
/** Longest wait of one timer; a longer one is armed again. */
const WAIT_MS_MAX = 3_600_000

export class Alarm {
  readonly #clock: Clock
  readonly #ring: () => void
  #dueMs = Number.POSITIVE_INFINITY
  #cancel: (() => void) | undefined
  #isClosed = false

  constructor(clock: Clock, ring: () => void) {
    this.#clock = clock
    this.#ring = ring
  }

  /** Rings in so many milliseconds, unless it rings earlier. */
  ringIn(delayMs: number, hasWallTimes = false): void {
    if (this.#isClosed || (delayMs === Number.POSITIVE_INFINITY && !hasWallTimes)) return
    const boundMs = hasWallTimes ? WALL_LOOK_MS : WAIT_MS_MAX
    const waitMs = Math.min(Math.max(delayMs, 0), boundMs)
    const dueMs = this.#clock.monotonicMs() + waitMs
    if (dueMs >= this.#dueMs) return
    this.#cancel?.()
    this.#dueMs = dueMs
    this.#cancel = this.#clock.after(waitMs, () => {
      this.#dueMs = Number.POSITIVE_INFINITY
      this.#cancel = undefined
      this.#ring()
    })
  }

  close(): void {
    this.#isClosed = true
    this.#cancel?.()
    this.#cancel = undefined
  }
}
