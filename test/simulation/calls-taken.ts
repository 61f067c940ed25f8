/**
 * At which calls of a trace it is crashed or stopped. Each way of making writes durable takes the calls that the
 * other leaves out, unless QLOG_CRASH_SEEDS tells how often: then all, as the lab does (`npm run lab -- --only A`).
 */
import type { DurableWrites } from './exhaustive.ts'

const SEEDS = Number(process.env['QLOG_CRASH_SEEDS'] ?? 0)
const STEP = SEEDS > 0 ? 1 : 2

/** Crash seeds for each power cut. */
export const CRASH_SEEDS = Math.max(1, SEEDS)

/** For the names of tests. */
export const EVERY_CALL = STEP === 1 ? 'every call' : 'every second call'

export function callsTaken(
  { first, last }: { readonly first: number; readonly last: number },
  durableWrites: DurableWrites,
): number[] {
  const calls: number[] = []
  for (let at = durableWrites === 'flush' && STEP > 1 ? first + 1 : first; at <= last; at += STEP) {
    calls.push(at)
  }
  return calls
}
