/**
 * Delays of the event loop as lines of a server's log. A busy machine causes one every few seconds: one line
 * a minute tells the longest and how many there were. Pure but for the clock that it is given.
 */
import type { ServeLog } from './serve-log.ts'

const LINE_EVERY_MS = 60_000

/** What to call for each delay. What came since the last line is told with the next one. */
export function loopDelayLines(
  log: ServeLog,
  nowMs: () => number = () => performance.now(),
): (delayMs: number) => void {
  let saidMs = Number.NEGATIVE_INFINITY
  let longestMs = 0
  let count = 0
  return (delayMs) => {
    count += 1
    longestMs = Math.max(longestMs, Math.round(delayMs))
    const now = nowMs()
    if (now - saidMs < LINE_EVERY_MS) return
    const often = count === 1 ? '' : `, the longest of ${count} times since the last such line`
    const words = `was not given the processor, or was busy, for ${longestMs} ms${often}`
    log.say('warn', 'loop-delay', words, { delayMs: longestMs, count })
    saidMs = now
    longestMs = 0
    count = 0
  }
}
