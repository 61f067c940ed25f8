/** The time that a writer goes on from: that of the last block, unless some clock was wrong. Pure. */
import type { System } from '../system/system.ts'

/** A recorded time this far ahead of the clock is a mistake of some clock, and not adopted. */
const TIME_AHEAD_MAX_MS = 3_600_000

/** The recorded time, or now where that lies too far ahead. */
export function adoptedTimeMs({ clock }: System, recordedMs: number): number {
  const nowMs = Math.floor(clock.nowMs())
  return recordedMs > nowMs + TIME_AHEAD_MAX_MS ? nowMs : recordedMs
}
