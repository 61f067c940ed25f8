/** Waits that end by themselves. Touches the clock it is given. */
import type { Clock } from '../../system/system.ts'

/**
 * What the promise becomes, or `late()` where that takes over `timeoutMs`. The timer keeps nothing alive
 * unless `keepsAlive` says so.
 */
export async function within<T, L>(
  clock: Clock,
  timeoutMs: number,
  promise: Promise<T>,
  late: () => L,
  keepsAlive = false,
): Promise<T | L> {
  let cancel: () => void = () => undefined
  const timeout = new Promise<L>((resolve, reject) => {
    const end = (): void => {
      try {
        resolve(late())
      } catch (error) {
        reject(error)
      }
    }
    cancel = clock.after(timeoutMs, end, keepsAlive)
  })
  try {
    return await Promise.race([promise, timeout])
  } finally {
    cancel()
  }
}
