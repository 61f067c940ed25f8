/** What is measured, in the words in which lines of failures say it: the runner and the page mean the same. Pure. */

import type { LatencyWorkload } from './result.ts'
import type { RateCell } from './scale.ts'

/** 'put, 100 B, 10 in flight'. */
export function rateWhat({ workload, bytes, inFlight, batch, batches }: RateCell): string {
  const many = inFlight === undefined ? `batches of ${batch}` : `${inFlight} in flight`
  return `${workload}, ${bytes} B, ${many}${batches === undefined ? '' : `, ${batches} under way`}`
}

/** Of all loads. */
export function latencyWhat(workload: LatencyWorkload): string {
  return `latency of ${workload}`
}

/** Of one that is offered to all; of a share of the own maximum these are other words. */
export function loadWhat(workload: LatencyWorkload, load: string): string {
  return `${latencyWhat(workload)} at ${load}`
}

export function offeredText(rate: number): string {
  return `${rate} a second`
}

export function shareText(share: number): string {
  return `${share} of its maximum`
}

/** Rates, memory and disk. Whoever cannot do this much is asked for no more. */
export function backlogWhat(waiting: number): string {
  return `backlog of ${waiting}`
}

export function reopenWhat(waiting: number): string {
  return `opening after a kill with ${waiting} waiting`
}

const BACKLOG = /^backlog of (\d+)$/

/** Messages that were to wait; undefined where this is of something else. */
export function backlogOf(what: string): number | undefined {
  const count = BACKLOG.exec(what)?.[1]
  return count === undefined ? undefined : Number(count)
}

/** True for 'latency of put' and 'latency of put at 100 a second', not for '1 in flight' and '10 in flight'. */
export function isPartOf(whole: string, part: string): boolean {
  return part === whole || (part.startsWith(whole) && /^[ ,]/.test(part.slice(whole.length)))
}
