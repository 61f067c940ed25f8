/** Lets everything else have its turn, in the middle of work that takes long. */
import type { Clock } from '../system/system.ts'

/** Keeps the process alive: whoever calls is in the middle of something. */
export function turn(clock: Clock): Promise<void> {
  return new Promise((resolve) => clock.after(0, resolve, true))
}
