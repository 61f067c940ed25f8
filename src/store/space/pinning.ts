/**
 * Which group keeps most bytes from being given back: what it alone, of the groups of its queue, has not
 * finished. Looks at ranges of offsets and not at messages, and at no more of them than a limit. Pure.
 */
import type { GroupState } from '../state/group-state.ts'
import type { QueueState } from '../state/queue-state.ts'
import { CHUNK_SIZES } from '../state/size-table.ts'
import type { StoreState } from '../state/store-state.ts'
import type { PinningGroup } from '../types/stats.ts'

/** Steps of one look, of which each compares two numbers: about a millisecond. */
const STEPS_MAX = 100_000
/** As many steps go into finding the end of a range, */
const RANGE_STEPS = 16
/** and into the bytes of one, beside one for each chunk of sizes. */
const BYTES_STEPS = 128

/** What a group alone has not finished. */
interface Alone {
  messages: number
  bytes: number
}

interface Candidate {
  readonly queue: QueueState
  readonly meanBytes: number
  /** No group of the queue pins more. */
  readonly bytesMax: number
}

/** `meanBytes` is what a message of the store takes, for queues that nothing better is known of. */
export function pinningOf(state: StoreState, meanBytes: number): PinningGroup | undefined {
  const candidates: Candidate[] = []
  for (const queue of state.queues.values()) {
    const candidate = candidateOf(queue, meanBytes)
    if (candidate) candidates.push(candidate)
  }
  candidates.sort((a, b) => b.bytesMax - a.bytesMax)
  const budget = { steps: STEPS_MAX }
  let most: PinningGroup | undefined
  for (const candidate of candidates) {
    if (most && candidate.bytesMax <= most.bytes) break
    const found = mostOf(candidate, budget)
    if (found && found.bytes >= (most?.bytes ?? 0)) most = found
  }
  return most && budget.steps <= 0 ? { ...most, isEstimate: true } : most
}

/** Undefined where no group has anything to finish. */
function candidateOf(queue: QueueState, storeMeanBytes: number): Candidate | undefined {
  let lag = 0
  for (const { finished } of queue.groups.values()) {
    lag = Math.max(lag, queue.nextOffset - finished.count)
  }
  if (lag === 0) return undefined
  const meanBytes = queue.meanBytes ?? storeMeanBytes
  return { queue, meanBytes, bytesMax: isCounted(queue) ? queue.bytes : lag * meanBytes }
}

function mostOf(candidate: Candidate, budget: { steps: number }): PinningGroup | undefined {
  const { queue, meanBytes } = candidate
  const groups = [...queue.groups.values()]
  const counted = isCounted(queue)
  const all = aloneIn(queue, groups, counted, budget)
  let most: PinningGroup | undefined
  for (const [row, { messages, bytes: exact }] of all.entries()) {
    const bytes = counted ? exact : Math.round(messages * meanBytes)
    const isMore = messages > 0 && (most === undefined || bytes > most.bytes)
    if (!isMore) continue
    const group = groups[row]?.name ?? ''
    most = { queue: queue.name, group, messages, bytes, isEstimate: !counted }
  }
  return most
}

/** The bytes of every message that is there are known. */
function isCounted({ sizes, pending, retained }: QueueState): boolean {
  return sizes !== undefined && sizes.count === pending + retained.count
}

/** Goes from one change of any finished set to the next, lowest offsets first, as far as the steps last. */
function aloneIn(
  queue: QueueState,
  groups: readonly GroupState[],
  counted: boolean,
  budget: { steps: number },
): Alone[] {
  const [only] = groups
  // However scattered: everything that is there waits for it.
  if (groups.length === 1 && only && queue.nextOffset - only.finished.count === queue.pending) {
    return [{ messages: queue.pending, bytes: queue.bytes }]
  }
  const all = groups.map((): Alone => ({ messages: 0, bytes: 0 }))
  const isAbsent = groups.map(() => false)
  const changes = groups.map(({ finished }) => finished.floor)
  const end = queue.nextOffset
  for (let at = queue.done.floor; at < end && budget.steps > 0; ) {
    let next = end
    let absent = 0
    let last = 0
    for (let row = 0; row < groups.length; row++) {
      if (changes[row] === at) turn(queue, groups, isAbsent, changes, row, budget)
      next = Math.min(next, changes[row] ?? end)
      if (!isAbsent[row]) continue
      absent++
      last = row
    }
    const alone = absent === 1 ? all[last] : undefined
    if (alone) {
      alone.messages += next - at
      if (counted) {
        alone.bytes += queue.sizes?.bytesWithin(at, next) ?? 0
        budget.steps -= BYTES_STEPS + (next - at) / CHUNK_SIZES
      }
    }
    budget.steps -= groups.length
    at = next
  }
  return all
}

/** Here the set of this group changes from finished to not, or back: finds the next such place. */
function turn(
  { nextOffset }: QueueState,
  groups: readonly GroupState[],
  isAbsent: boolean[],
  changes: number[],
  row: number,
  budget: { steps: number },
): void {
  const finished = groups[row]?.finished
  const at = changes[row]
  if (!finished || at === undefined) return
  isAbsent[row] = !isAbsent[row]
  const next = isAbsent[row] ? finished.nextPresent(at, nextOffset) : finished.nextAbsent(at)
  changes[row] = next < 0 ? nextOffset : Math.min(next, nextOffset)
  budget.steps -= RANGE_STEPS
}
