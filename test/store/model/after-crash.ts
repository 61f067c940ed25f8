/** What a single cell may be once the process has died. */
import { nameOf, type Outcome, type Reference } from './reference.ts'
import { attemptsMaxOf } from './retries.ts'
import {
  BURIED_UNSEEN,
  type Cell,
  cellOf,
  copyCell,
  type Now,
  type Place,
  passed,
} from './state.ts'
import { NO_ANSWER, USED_UP } from './verbs.ts'

/** What a cell may be after a crash that left this outcome, most likely first. */
export function cellsAfterCrash(
  outcome: Outcome,
  reference: Reference,
  place: Place,
  now: Now,
): readonly Cell[] {
  const first = cellOf(outcome.state, place)
  if (first === undefined) return []
  const cells = [first]
  for (const { after, loose } of outcome.lost) {
    const next = cellOf(after, place)
    if (next === undefined) break
    if (loose.some((one) => isSamePlace(one, place))) cells.push(next)
    else if (!isSameCell(next, cells.at(-1) ?? first)) break
  }
  const { queue, group } = place
  const last = cells.at(-1) ?? first
  for (const one of reference.reserving) {
    if (one.queue !== queue || one.group !== group) continue
    if (last.state === 'waiting') cells.push(leased(last), buriedUnseen(last))
    if (last.state === 'buried' && one.buriedId === place.id) cells.push(leased(last))
  }
  const attemptsMax = attemptsMaxOf(reference.current, place)
  const lease = reference.deadLeases.get(nameOf(place))
  if (lease && passed(lease.end, now) !== 'no') {
    const timedOut = cells
      .filter(({ state }) => state === 'leased')
      .map(timedOutOf)
      .map((cell) => (cell.attempts >= attemptsMax ? buriedUnseen(cell, lease.end.lowMs) : cell))
    cells.push(...timedOut)
  }
  return cells.map(restarted)
}

/** Nobody holds it any more. */
function restarted(cell: Cell): Cell {
  if (cell.state !== 'leased') return cell
  return { ...copyCell(cell), state: 'waiting', due: undefined, suspect: 'waiting' }
}

function leased(cell: Cell): Cell {
  const next = copyCell(cell)
  next.state = 'leased'
  next.due = undefined
  next.attempts += 1
  next.counters.leases += 1
  return next
}

function timedOutOf(cell: Cell): Cell {
  const next = copyCell(cell)
  next.state = 'waiting'
  next.isPlain = false
  next.suspect = 'no'
  next.counters.timeouts += 1
  return next
}

/** What has no attempt left is buried instead of given, or instead of coming back as its lease ends. */
function buriedUnseen(cell: Cell, leaseEndMs = 0): Cell {
  const next = copyCell(cell)
  next.state = 'buried'
  next.isPlain = false
  next.suspect = 'no'
  next.counters.buries += 1
  next.error ??= NO_ANSWER
  next.reason = USED_UP
  next.due = undefined
  next.buriedAs = BURIED_UNSEEN + leaseEndMs
  return next
}

function isSamePlace(left: Place, right: Place): boolean {
  return nameOf(left) === nameOf(right)
}

function isSameCell(left: Cell, right: Cell): boolean {
  return JSON.stringify(left) === JSON.stringify(right)
}
