/**
 * The store's own time: milliseconds since its first opening, which no setting of a clock moves. Within
 * one boot it follows the boot's clock, across restarts of the process too; across boots the wall clock
 * tells how long the machine was off, so that a delay may be off by a jump. It never falls behind what the
 * log tells of it.
 */
import type { Clock, Identity } from '../system/system.ts'
import type { OpenOp } from './records/control-ops.ts'

/** A recorded time this far ahead of the clock is a mistake of some clock, and not adopted. */
const TIME_AHEAD_MAX_MS = 3_600_000
/** Stands for a platform that tells no boot id: then no two boots are known to be one. */
const UNKNOWN_BOOT_ID = '0'.repeat(32)

/** What the log tells of time. */
export interface ToldTime {
  /** What the opening that wrote last said of itself at last. */
  readonly opened: OpenOp | undefined
  /** Time of the entry that said so, or of a later one. */
  readonly openedEntryMs: number
  /** Time of the last entry. */
  readonly timeMs: number
  /** The store's own time, as far as the entries tell. */
  readonly elapsedMs: number
}

export class ElapsedClock {
  /** The last opening recorded a time far ahead of now. */
  readonly wasAhead: boolean
  readonly #clock: Clock
  readonly #baseMs: number
  readonly #openedMs: number

  constructor(clock: Clock, identity: Identity, told: ToldTime) {
    const { opened: last, timeMs: entryMs, openedEntryMs } = told
    this.#clock = clock
    this.#openedMs = clock.sinceBootMs()
    const wallMs = clock.nowMs()
    this.wasAhead = last !== undefined && entryMs > wallMs + TIME_AHEAD_MAX_MS
    let baseMs = 1
    if (last?.bootId === identity.bootId && last.bootId !== UNKNOWN_BOOT_ID) {
      baseMs = last.elapsedMs + Math.max(0, this.#openedMs - last.sinceBootMs)
    } else if (last) {
      // Whatever the clock says now, the last entry was written.
      const workedMs = this.wasAhead ? 0 : entryMs - openedEntryMs
      baseMs = last.elapsedMs + Math.max(0, workedMs, wallMs - last.wallMs)
    }
    this.#baseMs = Math.max(baseMs, told.elapsedMs)
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
