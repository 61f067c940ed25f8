/** How late the event loop of this process is, as Node measures it. Its timer keeps nothing alive. */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { LoopDelay } from '../system.ts'

/** The timer that is measured fires so often: small beside the delays that matter, and next to no work. */
const RESOLUTION_MS = 20

export function watchLoop(): LoopDelay {
  const times = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
  times.enable()
  return {
    takeMaxMs: () => {
      // What is recorded are the times between two firings, in nanoseconds.
      const delayMs = Math.max(0, times.max / 1e6 - RESOLUTION_MS)
      times.reset()
      return delayMs
    },
    stop: () => void times.disable(),
  }
}
