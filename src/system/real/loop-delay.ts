/**
 * How late the event loop of this process is: how much later than asked for a timer fires, which keeps
 * nothing alive. (`monitorEventLoopDelay` of Node forgets with each reset when its timer fired last, so
 * that whatever holds the loop up right behind a look would be lost.)
 */
import type { LoopDelay } from '../system.ts'

/** The timer fires so often: small beside the delays that matter, and next to no work. */
const EVERY_MS = 20

export function watchLoop(): LoopDelay {
  let firedMs = performance.now()
  let longestMs = 0
  const fired = (): void => {
    const nowMs = performance.now()
    longestMs = Math.max(longestMs, nowMs - firedMs - EVERY_MS)
    firedMs = nowMs
  }
  const timer = setInterval(fired, EVERY_MS).unref()
  return {
    takeMaxMs: () => {
      const delayMs = longestMs
      longestMs = 0
      return delayMs
    },
    stop: () => clearInterval(timer),
  }
}
