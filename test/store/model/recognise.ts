/** Finds among everything that may have happened what a store shows after its opening. */
import { cellsAfterCrash } from './after-crash.ts'
import { difference, type Expectation, mayBeBuriedBefore, seenCell } from './compare.ts'
import type { Seen } from './look.ts'
import { type Outcome, type Reference, Violation } from './reference.ts'
import {
  type Cell,
  copyState,
  type Deadline,
  type GroupState,
  type Now,
  type Place,
  type State,
} from './state.ts'

const EARLY_MS = 2

/** What had happened, and the state that is known now. */
export interface Recognised {
  readonly outcome: Outcome
  readonly state: State
}

/** Throws where nothing that may have happened explains it. */
export function recognise(reference: Reference, seen: Seen, before: Now, now: Now): Recognised {
  const found: string[] = []
  for (const outcome of reference.outcomes()) {
    const cellsOf = (place: Place): readonly Cell[] =>
      cellsAfterCrash(outcome, reference, place, now)
    const expectation = { state: outcome.state, now, leases: new Map(), cellsOf }
    const wrong = difference(expectation, seen)
    if (wrong === undefined) return { outcome, state: adopted(expectation, seen, before) }
    const first = outcome.lost[0]?.label ?? 'the end'
    found.push(`if it ended before ${first}: ${wrong}`)
  }
  throw new Violation(`nothing that may have happened explains it:\n${found.join('\n')}`)
}

/** The state as it was seen, among what it might have been. */
function adopted(expectation: Expectation, seen: Seen, before: Now): State {
  const state = copyState(expectation.state)
  const { now } = expectation
  for (const queue of state.queues.values()) {
    const seenQueue = seen.get(queue.name)
    const there = new Set(seenQueue?.messages.map(({ id }) => id))
    for (const message of [...queue.messages.values()]) {
      if (there.has(message.id)) continue
      queue.messages.delete(message.id)
      queue.retained.delete(message.id)
      for (const group of queue.groups.values()) group.cells.delete(message.id)
    }
    for (const group of queue.groups.values()) {
      const infos = new Map(seenQueue?.groups.get(group.name)?.infos.map((info) => [info.id, info]))
      for (const message of queue.messages.values()) {
        const place = { queue: queue.name, group: group.name, id: message.id }
        const info = infos.get(message.id)
        const cell = seenCell(expectation, message, place, info)
        if (cell === undefined) continue
        const known = {
          ...cell,
          due: info ? narrowed(cell.due, info.dueInMs, before, now) : cell.due,
        }
        group.cells.set(message.id, known)
      }
      numberBuried(group, seenQueue?.groups.get(group.name)?.peeked.get('buried')?.id)
    }
  }
  return state
}

/** What was buried and nobody saw gets its place: in front is what shows itself there, if it may. */
function numberBuried(group: GroupState, seenFirst: number | undefined): void {
  const buried = [...group.cells].filter(([, { state }]) => state === 'buried')
  buried.sort(
    ([leftId, left], [rightId, right]) =>
      left.buriedAs - right.buriedAs || left.priority - right.priority || leftId - rightId,
  )
  const row = buried.findIndex(([id]) => id === seenFirst)
  const [first, one] = [buried[0]?.[1], buried[row]]
  if (first && one && mayBeBuriedBefore(one[1], first)) {
    buried.splice(row, 1)
    buried.unshift(one)
  }
  for (const [, cell] of buried) {
    cell.buriedAs = group.nextBuried
    group.nextBuried += 1
  }
}

/** A due time that was seen is known better than one that was guessed. */
function narrowed(
  due: Deadline | undefined,
  leftMs: number,
  before: Now,
  now: Now,
): Deadline | undefined {
  if (due === undefined || leftMs === 0) return due
  const name = due.kind === 'elapsed' ? 'elapsedMs' : 'wallMs'
  const lowMs = Math.max(due.lowMs, before[name] + leftMs - EARLY_MS)
  const highMs = Math.min(due.highMs, now[name] + leftMs + EARLY_MS)
  return lowMs <= highMs ? { kind: due.kind, lowMs, highMs } : due
}
