/**
 * The openings of this very process, by their randoms: a lock that one of them holds is told in other words
 * than that of another process. A pid would not do: another container may have the same.
 */
import type { System } from '../../system/system.ts'

/** There is one clock a process, a simulated one as well. */
const byClock = new WeakMap<System['clock'], Set<string>>()

export function ownOpenings({ clock }: Pick<System, 'clock'>): Set<string> {
  let own = byClock.get(clock)
  if (own === undefined) {
    own = new Set()
    byClock.set(clock, own)
  }
  return own
}
