/** What a reserve may answer: the lowest (priority, id) of what is ready in the watched groups. */
import { Violation } from './reference.ts'
import {
  type Answer,
  cellOf,
  groupOf,
  isExpired,
  isPaused,
  isReady,
  type MessageFacts,
  type Now,
  type Place,
  queueOf,
  type State,
} from './state.ts'

export interface Watched {
  readonly queue: string
  readonly group: string
}

export interface Reserving {
  readonly watched: readonly Watched[]
  readonly count: number
  readonly bytesMax: number | undefined
  /** What may have counted while it was decided, and when that was. */
  readonly states: readonly State[]
  readonly moments: readonly Now[]
  /** Leases of the group that may have run out meanwhile. */
  endingIn(watched: Watched): number
  /** One that was delivered so often is buried instead of given. */
  attemptsMaxOf(place: Place): number
}

interface Candidate {
  readonly place: Place
  readonly message: MessageFacts
  readonly priority: number
  readonly ready: Answer
  readonly isUsedUp: boolean
  readonly isSuspect: boolean
}

/** Throws where something else was given than the best, or something was held back. */
export function expectReserved(reserving: Reserving, given: readonly Place[]): void {
  const candidates = candidatesOf(reserving).sort(byRank)
  const ranks = new Map(candidates.map((one, rank) => [keyOf(one.place), { one, rank }]))
  if (given.length > reserving.count) throw new Violation(`${given.length} deliveries`)
  let last = -1
  const taken = new Set<string>()
  for (const place of given) {
    const found = ranks.get(keyOf(place))
    if (found === undefined || found.one.ready === 'no') {
      throw new Violation(`${keyOf(place)} was given and is not ready: ${told(candidates)}`)
    }
    if (found.one.isUsedUp) throw new Violation(`${keyOf(place)} has had all its attempts`)
    // The same message may be there for two groups.
    const before = candidates[last]
    if (before && byRank(before, found.one) > 0) {
      throw new Violation(`${keyOf(place)} was given out of order`)
    }
    last = Math.max(last, found.rank)
    taken.add(keyOf(place))
  }
  expectBounds(reserving, candidates, taken)
  expectNothingHeldBack(reserving, candidates, taken, last)
}

function candidatesOf(reserving: Reserving): Candidate[] {
  const found: Candidate[] = []
  const newest = reserving.states.at(-1)
  if (newest === undefined) return found
  for (const { queue, group } of reserving.watched) {
    const messages = new Map<number, MessageFacts>()
    for (const state of reserving.states) {
      for (const [id, message] of queueOf(state, queue).messages) messages.set(id, message)
    }
    for (const message of messages.values()) {
      const place = { queue, group, id: message.id }
      const cells = reserving.states.map((state) => cellOf(state, place))
      const cell = cells.findLast((one) => one !== undefined)
      found.push({
        place,
        message,
        priority: cell?.priority ?? 0,
        ready: readiness(reserving, message, place),
        isUsedUp: (cell?.attempts ?? 0) >= reserving.attemptsMaxOf(place),
        isSuspect: cell?.suspect === 'waiting',
      })
    }
  }
  return found
}

/** 'yes' where it is ready in every state at every moment, 'no' where it is in none. */
function readiness(reserving: Reserving, message: MessageFacts, place: Place): Answer {
  const answers = new Set<Answer>()
  for (const state of reserving.states) {
    const queue = state.queues.get(place.queue)
    const cell = cellOf(state, place)
    for (const now of reserving.moments) {
      if (queue === undefined || cell === undefined) answers.add('no')
      else {
        const paused = isPaused(queue, now)
        const ready = isReady(message, cell, now)
        answers.add(paused === 'yes' ? 'no' : paused === 'maybe' && ready !== 'no' ? paused : ready)
      }
    }
  }
  const [only, ...others] = answers
  return only === undefined || others.length > 0 ? 'maybe' : only
}

/** Neither more bytes nor more leases than the limits allow. */
function expectBounds(
  reserving: Reserving,
  candidates: readonly Candidate[],
  taken: ReadonlySet<string>,
): void {
  const given = candidates.filter(({ place }) => taken.has(keyOf(place)))
  const bytes = given.reduce((sum, { message }) => sum + message.body.length, 0)
  const { bytesMax } = reserving
  if (bytesMax !== undefined && bytes > bytesMax && given.length > 1) {
    throw new Violation(`${bytes} bytes were given, with ${bytesMax} allowed`)
  }
  for (const watched of reserving.watched) {
    const count = given.filter(({ place }) => isOf(place, watched)).length
    const { most } = roomIn(reserving, watched)
    if (count > most + reserving.endingIn(watched))
      throw new Violation(`${watched.queue}/${watched.group}: over leasedMax`)
  }
}

function expectNothingHeldBack(
  reserving: Reserving,
  candidates: readonly Candidate[],
  taken: ReadonlySet<string>,
  last: number,
): void {
  const { bytesMax, count } = reserving
  const given = candidates.filter(({ place }) => taken.has(keyOf(place)))
  const bytes = given.reduce((sum, { message }) => sum + message.body.length, 0)
  for (const [rank, candidate] of candidates.entries()) {
    const { place, message, ready } = candidate
    if (ready !== 'yes' || candidate.isUsedUp || taken.has(keyOf(place))) continue
    // What is buried instead is out until that is durable.
    const gone = candidates.filter((one) => taken.has(keyOf(one.place)) || isBuried(one))
    if (waitsForSuspect(reserving, candidate, gone)) continue
    // What may be on its way takes room as well.
    const isTaking = (one: Candidate): boolean => gone.includes(one) || one.ready === 'maybe'
    const taking = candidates.filter((one) => isTaking(one) && isOf(one.place, place))
    if (taking.length >= roomIn(reserving, place).least) continue
    if (rank < last) throw new Violation(`${keyOf(place)} was passed over: ${told(candidates)}`)
    if (given.length >= count) return
    // A better one that did not fit, or may not have been ready, ends the answer as well.
    if (bytesMax !== undefined && given.length > 0 && bytes + message.body.length > bytesMax) return
    if (bytesMax !== undefined && candidates.some((one) => one.ready === 'maybe')) return
    throw new Violation(`${keyOf(place)} was not given: ${told(candidates)}`)
  }
}

function isBuried({ isUsedUp, ready }: Candidate): boolean {
  return isUsedUp && ready !== 'no'
}

/** One of those that may have ended an earlier opening is out, and this is another of them. */
function waitsForSuspect(
  reserving: Reserving,
  candidate: Candidate,
  gone: readonly Candidate[],
): boolean {
  if (!candidate.isSuspect) return false
  const { queue, group } = candidate.place
  if (gone.some((one) => one.isSuspect && isOf(one.place, candidate.place))) return true
  return reserving.states.some((state) =>
    [...(groupOf(state, queue, group)?.cells.values() ?? [])].some(
      (cell) => cell.suspect === 'out',
    ),
  )
}

/**
 * What has had all its attempts and is buried by this reserve, in this order. Undefined where it cannot be
 * told, because something may be ready and may not.
 */
export function buriedInstead(reserving: Reserving): readonly Place[] | undefined {
  const candidates = candidatesOf(reserving).sort(byRank)
  const usedUp = candidates.filter((one) => one.isUsedUp && one.ready !== 'no')
  if (usedUp.length === 0) return []
  if (candidates.some(({ ready }) => ready === 'maybe')) return undefined
  const rooms = reserving.watched.map((watched) => roomIn(reserving, watched))
  if (rooms.some(({ least, most }) => least < most)) return undefined
  const gone: Candidate[] = []
  let given = 0
  for (const candidate of candidates) {
    if (candidate.ready !== 'yes' || given >= reserving.count) continue
    if (waitsForSuspect(reserving, candidate, gone)) continue
    const own = gone.filter(({ place }) => isOf(place, candidate.place)).length
    if (own >= roomIn(reserving, candidate.place).least) continue
    gone.push(candidate)
    if (!candidate.isUsedUp) given += 1
  }
  return gone.filter(({ isUsedUp }) => isUsedUp).map(({ place }) => place)
}

/** How many more of the group may be leased, at least and at most. */
function roomIn(reserving: Reserving, watched: Watched): { least: number; most: number } {
  const rooms = reserving.states.flatMap((state) => {
    const queue = state.queues.get(watched.queue)
    const group = queue?.groups.get(watched.group)
    const max = group?.leasedMax ?? Number.POSITIVE_INFINITY
    const leased = [...(group?.cells ?? [])].filter(([, cell]) => cell.state === 'leased')
    // Of what outlived its time nobody knows whether it has come back yet.
    const known = leased.filter(([id]) => {
      const message = queue?.messages.get(id)
      return message && reserving.moments.every((now) => isExpired(message, now) === 'no')
    })
    return [Math.max(0, max - leased.length), Math.max(0, max - known.length)]
  })
  return { least: Math.min(...rooms), most: Math.max(...rooms) }
}

function byRank(left: Candidate, right: Candidate): number {
  return left.priority - right.priority || left.place.id - right.place.id
}

function isOf(place: Place, watched: Watched): boolean {
  return place.queue === watched.queue && place.group === watched.group
}

function keyOf({ queue, group, id }: Place): string {
  return `${queue}/${group}/${id}`
}

function told(candidates: readonly Candidate[]): string {
  const some = candidates.filter(({ ready }) => ready !== 'no').slice(0, 8)
  return some.map(({ place, priority, ready }) => `${keyOf(place)}@${priority} ${ready}`).join(', ')
}
