/**
 * The store's own time: milliseconds since its first opening, which no setting of a clock moves. Within
 * one boot it follows the boot's clock, across restarts of the process too; across boots the wall clock
 * tells how long the machine was off, so that a delay may be off by a jump.
 */
import type { Clock, Identity } from '../system/system.ts'
import type { OpenOp } from './records/control-ops.ts'

/** A recorded time this far ahead of the clock is a mistake of some clock, and not adopted. */
const TIME_AHEAD_MAX_MS = 3_600_000
/** Stands for a platform that tells no boot id: then no two boots are known to be one. */
const UNKNOWN_BOOT_ID = '0'.repeat(32)

export class ElapsedClock {
  /** The last opening recorded a time far ahead of now. */
  readonly wasAhead: boolean
  readonly #clock: Clock
  readonly #baseMs: number
  readonly #openedMs: number

  /** `last` is the opening that wrote last, `entryMs` the time of the last entry. */
  constructor(clock: Clock, identity: Identity, last: OpenOp | undefined, entryMs: number) {
    this.#clock = clock
    this.#openedMs = clock.sinceBootMs()
    const wallMs = clock.nowMs()
    this.wasAhead = last !== undefined && entryMs > wallMs + TIME_AHEAD_MAX_MS
    if (last === undefined) this.#baseMs = 1
    else if (last.bootId === identity.bootId && last.bootId !== UNKNOWN_BOOT_ID) {
      this.#baseMs = last.elapsedMs + Math.max(0, this.#openedMs - last.sinceBootMs)
    } else {
      // Whatever the clock says now, the last entry was written.
      const untilMs = this.wasAhead ? wallMs : Math.max(wallMs, entryMs)
      this.#baseMs = last.elapsedMs + Math.max(0, untilMs - last.wallMs)
    }
  }

  /** Whole milliseconds of the store's own time. */
  nowMs(): number {
    return Math.floor(this.#baseMs + this.#clock.sinceBootMs() - this.#openedMs)
  }

  /** Milliseconds since 1970. */
  wallMs(): number {
    return Math.floor(this.#clock.nowMs())
  }
}
