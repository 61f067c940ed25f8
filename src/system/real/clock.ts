/** The real clocks and timers. A timer keeps the process alive only where it is asked to. */
import { soon } from '../soon.ts'
import type { Clock } from '../system.ts'

/** Longer delays make setTimeout fire at once, so they are waited for in parts. */
const TIMER_DELAY_MS_MAX = 0x7fff_ffff

/**
 * When this process's own clock stood at zero. hrtime is CLOCK_MONOTONIC on Linux and its like
 * elsewhere: its zero is the boot, not the process; but asking it costs a BigInt each time.
 */
const startedMs = Number(process.hrtime.bigint() / 1000n) / 1000 - performance.now()

export const realClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  sinceBootMs: () => startedMs + performance.now(),
  soon,
  afterEvents: (callback) => void setImmediate(callback),
  hold() {
    const timer = setInterval(() => undefined, TIMER_DELAY_MS_MAX)
    return () => clearInterval(timer)
  },
  after(delayMs, callback, keepsAlive = false) {
    let remainingMs = delayMs
    let timer: NodeJS.Timeout
    const arm = (): void => {
      const partMs = Math.min(remainingMs, TIMER_DELAY_MS_MAX)
      remainingMs -= partMs
      timer = setTimeout(() => (remainingMs > 0 ? arm() : callback()), partMs)
      if (!keepsAlive) timer.unref()
    }
    arm()
    return () => clearTimeout(timer)
  },
}
