/** The first difference between what a store shows and what it should show. */
import type { MessageInfo, MessageState } from '../../../src/store/types/messages.ts'
import { isSameBody } from '../../simulation/bodies.ts'
import { PEEKED, type Seen, type SeenGroup, type SeenQueue } from './look.ts'
import { type Lease, nameOf } from './reference.ts'
import {
  BURIED_UNSEEN,
  type Cell,
  cellOf,
  type Deadline,
  type GroupState,
  isExpired,
  isPaused,
  isReady,
  type MessageFacts,
  type Now,
  type Place,
  passed,
  type QueueState,
  type State,
} from './state.ts'

/** What is told in milliseconds left may be off by so much, since looking takes time. */
const LOOK_MS = 300
const TIE_MS = 5

export interface Expectation {
  readonly state: State
  readonly now: Now
  readonly leases: ReadonlyMap<string, Lease>
  /** What a cell may be, where that is not one thing alone. */
  cellsOf?(place: Place): readonly Cell[]
}

export function difference(expected: Expectation, seen: Seen): string | undefined {
  const { state } = expected
  const names = [...state.queues.keys()].sort().join()
  const seenNames = [...seen.keys()].sort().join()
  if (names !== seenNames) return `queues: ${names} expected, ${seenNames} seen`
  for (const queue of state.queues.values()) {
    const seenQueue = seen.get(queue.name)
    const found = seenQueue && queueDifference(expected, queue, seenQueue)
    if (found) return `${queue.name}: ${found}`
  }
  return undefined
}

function queueDifference(
  expected: Expectation,
  queue: QueueState,
  seen: SeenQueue,
): string | undefined {
  const { now } = expected
  const { stats } = seen
  if (stats.nextOffset !== queue.nextOffset) {
    return `next offset ${queue.nextOffset} expected, ${stats.nextOffset} seen`
  }
  const paused = isPaused(queue, now)
  if (paused === 'no' && stats.pausedMs > 0) return `paused for ${stats.pausedMs} ms`
  if (paused === 'yes' && !isLeft(expected, queue.pausedUntil, stats.pausedMs)) {
    return `paused for ${stats.pausedMs} ms, not until ${JSON.stringify(queue.pausedUntil)}`
  }
  const { messagesMax, whenFull, retention, attemptsMax } = stats.settings
  const { limit: own } = queue
  const limit = `${own.messagesMax} ${own.dropsOldest} ${own.retains} ${own.attemptsMax}`
  const seenDrop = whenFull === 'drop-oldest'
  const seenLimit = `${messagesMax} ${seenDrop} ${retention === 'all'} ${attemptsMax}`
  if (limit !== seenLimit) return `limit ${limit} expected, ${seenLimit} seen`
  const { retained } = queue
  const isAnyExpiring = [...queue.messages.values()].some(({ expires }) => expires)
  if (!isAnyExpiring && stats.retained !== retained.size) {
    return `${retained.size} retained expected, ${stats.retained} seen`
  }
  const groups = [...queue.groups.keys()].sort().join()
  const seenGroups = [...seen.groups.keys()].sort().join()
  if (groups !== seenGroups) return `groups: ${groups} expected, ${seenGroups} seen`
  return messagesDifference(expected, queue, seen) ?? groupsDifference(expected, queue, seen)
}

function groupsDifference(
  expected: Expectation,
  queue: QueueState,
  seen: SeenQueue,
): string | undefined {
  for (const group of queue.groups.values()) {
    const seenGroup = seen.groups.get(group.name)
    const found = seenGroup && groupDifference(expected, queue, group, seenGroup)
    if (found) return `${group.name}: ${found}`
  }
  return undefined
}

function messagesDifference(
  expected: Expectation,
  queue: QueueState,
  seen: SeenQueue,
): string | undefined {
  const found = new Map(seen.messages.map((message) => [message.id, message]))
  const offsets = seen.messages.map(({ offset }) => offset)
  if (offsets.some((offset, row) => row > 0 && offset <= (offsets[row - 1] ?? 0))) {
    return `read goes through the offsets ${offsets.join()}`
  }
  for (const message of queue.messages.values()) {
    const one = found.get(message.id)
    found.delete(message.id)
    const expired = isExpired(message, expected.now)
    if (one === undefined && expired === 'no') return `message ${message.id} is missing`
    if (one !== undefined && expired === 'yes' && !isHeld(expected, message)) {
      return `message ${message.id} has outlived its time`
    }
    const wrong = one && factsDifference(message, one)
    if (wrong) return wrong
    if (one && !isSameBody(one.body, message.body)) return `message ${message.id} has another body`
  }
  const [extra] = found.keys()
  return extra === undefined ? undefined : `message ${extra} should not be there`
}

/** What is leased as its time runs out goes when it comes back. */
function isHeld(expected: Expectation, { id }: MessageFacts): boolean {
  return [...expected.leases.values()].some(({ place }) => place.id === id)
}

/** What never changes of a message. */
export function factsDifference(
  message: MessageFacts,
  seen: {
    readonly id: number
    readonly offset: number
    readonly headers: Readonly<Record<string, string>>
    readonly key: string | undefined
    readonly leaseMs?: number | undefined
  },
): string | undefined {
  if (seen.offset !== message.offset) {
    return `message ${message.id} has offset ${seen.offset}, not ${message.offset}`
  }
  if ('counters' in seen && seen.leaseMs !== message.leaseMs) {
    return `message ${message.id} asks for leases of ${seen.leaseMs} ms`
  }
  if (seen.key !== message.key) return `message ${message.id} has key ${seen.key}`
  if (textOf(seen.headers) !== textOf(message.headers)) {
    return `message ${message.id} has headers ${textOf(seen.headers)}`
  }
  return undefined
}

function textOf(headers: Readonly<Record<string, string>>): string {
  return JSON.stringify(Object.entries(headers).sort())
}

function groupDifference(
  expected: Expectation,
  queue: QueueState,
  group: GroupState,
  seen: SeenGroup,
): string | undefined {
  if (seen.stats.leasedMax !== group.leasedMax) {
    return `leasedMax ${group.leasedMax} expected, ${seen.stats.leasedMax} seen`
  }
  const infos = new Map(seen.infos.map((info) => [info.id, info]))
  for (const message of queue.messages.values()) {
    const info = infos.get(message.id)
    infos.delete(message.id)
    const found = cellDifference(expected, message, group.name, info)
    if (found) return `message ${message.id}: ${found}`
  }
  const [extra] = infos.keys()
  if (extra !== undefined) return `message ${extra} should not be there`
  // Of these the answers need not agree with each other.
  const isUnclear = (message: MessageFacts): boolean =>
    passed(group.cells.get(message.id)?.due, expected.now) === 'maybe' ||
    isExpired(message, expected.now) === 'maybe' ||
    (isExpired(message, expected.now) === 'yes' && isHeld(expected, message))
  const isAnyUnclear = [...queue.messages.values()].some(isUnclear)
  if (isAnyUnclear) return undefined
  return seenDifference(expected, queue, group, seen) ?? figuresDifference(expected.now, seen)
}

/** Undefined where the cell is, or one of those it may be is, what was seen. */
function cellDifference(
  expected: Expectation,
  message: MessageFacts,
  group: string,
  info: MessageInfo | undefined,
): string | undefined {
  const place: Place = { queue: message.queue, group, id: message.id }
  const cells = cellsAt(expected, place)
  const expired = isExpired(message, expected.now)
  if (info === undefined) {
    if (expired !== 'no' || cells.some(({ state }) => state === 'finished')) return undefined
    return `${cells[0]?.state} expected, and it is missing`
  }
  if (expired === 'yes') {
    return isHeld(expected, message) ? undefined : 'it has outlived its time'
  }
  let first: string | undefined
  for (const cell of cells) {
    const found = infoDifference(expected, message, cell, place, info)
    if (found === undefined) return factsDifference(message, info)
    first ??= found
  }
  return first ?? 'it should not be there'
}

function cellsAt(expected: Expectation, place: Place): readonly Cell[] {
  const own = cellOf(expected.state, place)
  return expected.cellsOf?.(place) ?? (own ? [own] : [])
}

/** The cell among those possible that was seen. */
export function seenCell(
  expected: Expectation,
  message: MessageFacts,
  place: Place,
  info: MessageInfo | undefined,
): Cell | undefined {
  const cells = cellsAt(expected, place)
  if (info === undefined) return cells.find(({ state }) => state === 'finished') ?? cells[0]
  return cells.find((cell) => !infoDifference(expected, message, cell, place, info))
}

function infoDifference(
  expected: Expectation,
  message: MessageFacts,
  cell: Cell,
  place: Place,
  info: MessageInfo,
): string | undefined {
  const { now } = expected
  const states = statesOf(message, cell, now)
  if (!states.includes(info.state)) return `${states.join(' or ')} expected, ${info.state} seen`
  if (info.priority !== cell.priority) {
    return `priority ${cell.priority} expected, ${info.priority} seen`
  }
  if (info.state === 'delayed' && !isLeft(expected, cell.due, info.dueInMs)) {
    return `due in ${info.dueInMs} ms, not at ${JSON.stringify(cell.due)} of ${JSON.stringify(now)}`
  }
  const lease = expected.leases.get(nameOf(place))
  if (info.state === 'leased' && lease && !isLeft(expected, lease.end, info.leaseLeftMs)) {
    return `leased for ${info.leaseLeftMs} ms, not until ${JSON.stringify(lease.end)}`
  }
  if (info.attempts !== cell.attempts) {
    return `${cell.attempts} attempts expected, ${info.attempts} seen`
  }
  for (const name of ['leases', 'timeouts', 'releases', 'buries', 'kicks'] as const) {
    const count = info.counters[name]
    if (count !== cell.counters[name]) {
      return `${cell.counters[name]} ${name} expected, ${count} seen`
    }
  }
  if (cell.state === 'buried' && cell.reason !== undefined && info.reason !== cell.reason) {
    return `reason ${cell.reason} expected, ${info.reason} seen`
  }
  if (info.error !== cell.error) return `error ${cell.error} expected, ${info.error} seen`
  if (info.bodyBytes !== message.body.length) return `${info.bodyBytes} bytes`
  return undefined
}

function statesOf(message: MessageFacts, cell: Cell, now: Now): readonly MessageState[] {
  if (cell.state !== 'waiting') return [cell.state]
  const ready = isReady({ ...message, expires: undefined }, cell, now)
  return ready === 'yes' ? ['ready'] : ready === 'no' ? ['delayed'] : ['ready', 'delayed']
}

/** Whether so many milliseconds may be left of it. */
function isLeft(expected: Expectation, deadline: Deadline | undefined, leftMs: number): boolean {
  if (deadline === undefined) return leftMs === 0
  const { now } = expected
  const nowMs = deadline.kind === 'elapsed' ? now.elapsedMs : now.wallMs
  const low = deadline.lowMs - nowMs - LOOK_MS
  return leftMs >= low && leftMs <= deadline.highMs - nowMs + LOOK_MS
}

/** What the store says of itself in several ways must agree. */
function seenDifference(
  expected: Expectation,
  queue: QueueState,
  group: GroupState,
  seen: SeenGroup,
): string | undefined {
  const { stats, infos, peeked } = seen
  for (const state of ['ready', 'delayed', 'leased', 'buried'] as const) {
    const count = infos.filter((info) => info.state === state).length
    if (count !== stats[state]) return `${stats[state]} ${state} in stats, ${count} in the list`
  }
  const first = Math.min(queue.nextOffset, ...infos.map(({ offset }) => offset))
  if (stats.floor > first) return `the floor is ${stats.floor}, but offset ${first} is not finished`
  const cellOfInfo = (info: MessageInfo | undefined): Cell | undefined => {
    const message = info && queue.messages.get(info.id)
    const place = { queue: queue.name, group: group.name, id: info?.id ?? 0 }
    return message && seenCell(expected, message, place, info)
  }
  const best: Record<(typeof PEEKED)[number], number | undefined> = {
    ready: lowest(infos, 'ready', ({ priority }) => priority),
    delayed: lowest(infos, 'delayed', ({ dueInMs }) => dueInMs),
    buried: lowest(infos, 'buried', (info) => cellOfInfo(info)?.buriedAs ?? 0),
  }
  for (const state of PEEKED) {
    const id = peeked.get(state)?.id
    const [one, other] = [id, best[state]].map((of) => infos.find((info) => info.id === of))
    const isTie =
      state === 'delayed'
        ? isDueWith(one, other)
        : state === 'buried' && mayBeBuriedBefore(cellOfInfo(one), cellOfInfo(other))
    if (id !== best[state] && !isTie) return `peek ${state} gives ${id}, not ${best[state]}`
  }
  return undefined
}

/** Figures that follow from the others. */
function figuresDifference({ wallMs }: Now, { stats, infos }: SeenGroup): string | undefined {
  const { lag, oldestMs } = stats
  const unfinished = stats.ready + stats.delayed + stats.leased + stats.buried
  if (lag !== unfinished) return `a lag of ${lag}, and ${unfinished} in all states`
  const ready = infos.filter(({ state }) => state === 'ready')
  if (ready.length === 0) return oldestMs === undefined ? undefined : 'an age, and nothing is ready'
  const ageMs = Math.max(0, wallMs - Math.min(...ready.map(({ putMs }) => putMs)))
  const isRight = oldestMs !== undefined && Math.abs(oldestMs - ageMs) <= LOOK_MS
  return isRight ? undefined : `the oldest is ${ageMs} ms old, not ${oldestMs}`
}

/** Due at the same time, by two clocks that were not read at once. */
function isDueWith(one: MessageInfo | undefined, other: MessageInfo | undefined): boolean {
  if (one === undefined || other === undefined) return false
  return Math.abs(one.dueInMs - other.dueInMs) <= TIE_MS
}

/** Nobody saw either of them buried, and when their leases ended is not known so well. */
export function mayBeBuriedBefore(one: Cell | undefined, other: Cell | undefined): boolean {
  if (one === undefined || other === undefined || one.state !== 'buried') return false
  if (other.buriedAs < BURIED_UNSEEN) return false
  return one.buriedAs - other.buriedAs <= LOOK_MS
}

function lowest(
  infos: readonly MessageInfo[],
  state: MessageState,
  rank: (info: MessageInfo) => number,
): number | undefined {
  const of = infos.filter((info) => info.state === state)
  return of.sort((left, right) => rank(left) - rank(right) || left.id - right.id)[0]?.id
}
