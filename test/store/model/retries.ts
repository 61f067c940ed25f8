/** How often the queues of a test try a message. */
import type { Place, State } from './state.ts'

/** What each queue of a test is opened with. */
export const RETRIES = {
  a: { attemptsMax: 3, backoffMs: 500, backoffMaxMs: 2_000 },
  b: { attemptsMax: 2, backoffMs: 500, backoffMaxMs: 600 },
  c: { attemptsMax: 10, backoffMs: 700, backoffMaxMs: 1_500 },
} as const
export type QueueName = keyof typeof RETRIES
export const QUEUES = Object.keys(RETRIES) as readonly QueueName[]

/** What the queue is set to and what its handles were told: the smaller. */
export function attemptsMaxOf(state: State, { queue }: Place): number {
  const set = state.queues.get(queue)?.limit.attemptsMax ?? Number.POSITIVE_INFINITY
  return Math.min(set, RETRIES[queue as QueueName].attemptsMax)
}
