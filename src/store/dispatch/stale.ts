/** Heaps whose entries go stale where they stand, and are let go of when they come up. Pure memory. */

/** Entries that may be stale, beside as many as are not. */
const STALE_MAX = 1024

/**
 * Most are stale, where so many may not be: then all are looked through. That halves them at least, so it
 * costs each entry that is pushed no more than one or two looks.
 */
export function isMostlyStale(entries: number, liveMax: number): boolean {
  return entries > 2 * liveMax + STALE_MAX
}
