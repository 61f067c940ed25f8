/** What each verb makes of a state: one function a verb, each the plainest way of saying it. */
import {
  type Cell,
  cellOf,
  type Deadline,
  type GroupState,
  groupOf,
  type Limit,
  type MessageFacts,
  type Now,
  newCell,
  type Place,
  passed,
  type QueueState,
  queueOf,
  type State,
} from './state.ts'

/** The error of what is buried because its leases ended, where none was told. */
export const NO_ANSWER = 'the lease ended without an answer'
/** The reason of what has no attempt left. */
export const USED_UP = 'attempts'

export interface Put {
  readonly queue: string
  readonly body: Uint8Array
  readonly priority: number
  readonly due: Deadline | undefined
  readonly expires: Deadline | undefined
  readonly leaseMs: number | undefined
  readonly key: string | undefined
  readonly keyUntil: Deadline | undefined
  readonly producer: string | undefined
  readonly sequence: number
  readonly headers: Readonly<Record<string, string>>
  readonly put: Deadline
  /** Comes in the place of the message that has the key. */
  readonly replaces?: boolean
}

export interface PutAnswer {
  readonly id: number
  readonly offset: number
  readonly duplicate: boolean
  /** A producer sent it again: which message was the first is told as long as that is on its way. */
  readonly isSentAgain?: boolean
}

export function put(state: State, what: Put, now: Now): PutAnswer {
  const queue = queueOf(state, what.queue)
  const { keyUntil, replaces, ...rest } = what
  if (what.key !== undefined) {
    const taken = queue.keys.get(what.key)
    if (taken !== undefined && passed(taken.until, now) !== 'yes') {
      if (!replaces) return { id: taken.id, offset: taken.offset, duplicate: true }
      if (!queue.retained.has(taken.id)) remove(state, what.queue, taken.id)
    }
  }
  if (what.producer !== undefined) {
    const name = sentName(what.producer, what.sequence)
    if (queue.sent.has(name)) return { id: 0, offset: -1, duplicate: true, isSentAgain: true }
    queue.sent.add(name)
  }
  const message: MessageFacts = { ...rest, id: state.nextId, offset: queue.nextOffset }
  state.nextId += 1
  queue.nextOffset += 1
  queue.messages.set(message.id, message)
  for (const group of queue.groups.values()) group.cells.set(message.id, newCell(message))
  const { id, offset } = message
  if (what.key !== undefined && keyUntil !== undefined) {
    queue.keys.set(what.key, { id, offset, until: keyUntil })
  }
  return { id, offset, duplicate: false }
}

export function sentName(producer: string, sequence: number): string {
  return `${producer} ${sequence}`
}

/** `starts` tells of each message whether the group begins with it or behind it. */
export function createGroup(
  state: State,
  queueName: string,
  name: string,
  starts: (message: MessageFacts) => boolean,
  leasedMax: number | undefined,
): void {
  const queue = queueOf(state, queueName)
  const known = queue.groups.get(name)
  if (known !== undefined) {
    if (leasedMax !== undefined) known.leasedMax = leasedMax
    return
  }
  const group: GroupState = { name, leasedMax, cells: new Map(), nextBuried: 1 }
  queue.groups.set(name, group)
  beginWith(queue, group, starts)
}

function beginWith(
  queue: QueueState,
  group: GroupState,
  starts: (message: MessageFacts) => boolean,
): void {
  for (const message of queue.messages.values()) {
    const cell = newCell(message)
    if (!starts(message)) cell.state = 'finished'
    group.cells.set(message.id, cell)
  }
  forgetFinished(queue)
}

export function removeGroup(state: State, queueName: string, name: string): void {
  const queue = queueOf(state, queueName)
  queue.groups.delete(name)
  forgetFinished(queue)
}

export function configure(
  state: State,
  queueName: string,
  name: string,
  leasedMax: number | null,
): void {
  const group = groupOf(state, queueName, name)
  if (group) group.leasedMax = leasedMax ?? undefined
}

export function lease(state: State, place: Place, isEarly = false): void {
  changeCell(state, place, (cell) => {
    if (cell.suspect !== 'no' || isEarly) cell.isPlain = false
    cell.suspect = cell.suspect === 'waiting' ? 'out' : 'no'
    cell.state = 'leased'
    cell.due = undefined
    cell.attempts += 1
    cell.counters.leases += 1
  })
}

export function ack(state: State, place: Place): void {
  changeCell(state, place, (cell) => {
    cell.state = 'finished'
  })
  forgetFinished(queueOf(state, place.queue))
}

export function release(
  state: State,
  place: Place,
  due: Deadline | undefined,
  priority: number | undefined,
  counts = false,
  attemptsMax = Number.POSITIVE_INFINITY,
): void {
  changeCell(state, place, (cell) => {
    cell.isPlain = false
    cell.state = 'waiting'
    cell.due = due
    cell.priority = priority ?? cell.priority
    if (!counts) cell.attempts -= 1
    cell.counters.releases += 1
  })
  if (isUsedUp(state, place, attemptsMax)) bury(state, place, { reason: USED_UP })
}

export function isUsedUp(state: State, place: Place, attemptsMax: number): boolean {
  return (cellOf(state, place)?.attempts ?? 0) >= attemptsMax
}

/** The holder went away in order: no attempt is counted. */
export function giveBack(state: State, place: Place): void {
  const due = state.queues.get(place.queue)?.messages.get(place.id)?.due
  changeCell(state, place, (cell) => {
    cell.state = 'waiting'
    // It was due, unless a clock is set back or the machine boots with a wrong one.
    cell.due = cell.isPlain ? due : undefined
    cell.attempts -= 1
    cell.counters.leases -= 1
  })
}

export function retry(
  state: State,
  place: Place,
  due: Deadline | undefined,
  error: string | undefined,
): void {
  changeCell(state, place, (cell) => {
    cell.isPlain = false
    cell.state = 'waiting'
    cell.due = due
    cell.error = error
  })
}

export function bury(
  state: State,
  place: Place,
  told: {
    reason?: string | undefined
    error?: string | undefined
    /** Where none was told before either. */
    errorElse?: string
    priority?: number | undefined
  },
): void {
  const group = groupOf(state, place.queue, place.group)
  if (group === undefined) return
  changeCell(state, place, (cell) => {
    cell.isPlain = false
    cell.state = 'buried'
    cell.due = undefined
    cell.priority = told.priority ?? cell.priority
    cell.reason = told.reason
    cell.error = told.error ?? cell.error ?? told.errorElse
    cell.counters.buries += 1
    cell.buriedAs = group.nextBuried
  })
  group.nextBuried += 1
}

export function timeOut(state: State, place: Place, attemptsMax: number): void {
  changeCell(state, place, (cell) => {
    cell.isPlain = false
    cell.state = 'waiting'
    cell.due = undefined
    cell.counters.timeouts += 1
  })
  const told = { reason: USED_UP, errorElse: NO_ANSWER }
  if (isUsedUp(state, place, attemptsMax)) bury(state, place, told)
}

export function kick(state: State, place: Place): void {
  changeCell(state, place, (cell) => {
    cell.isPlain = false
    cell.state = 'waiting'
    cell.due = undefined
    cell.attempts = 0
    cell.reason = undefined
    cell.counters.kicks += 1
  })
}

export function remove(state: State, queueName: string, id: number): void {
  const queue = queueOf(state, queueName)
  queue.messages.delete(id)
  queue.retained.delete(id)
  for (const group of queue.groups.values()) group.cells.delete(id)
}

export function purge(state: State, queueName: string): void {
  for (const id of [...queueOf(state, queueName).messages.keys()]) remove(state, queueName, id)
}

/** The group begins anew, as `createGroup` has it. */
export function seek(
  state: State,
  queueName: string,
  name: string,
  starts: (message: MessageFacts) => boolean,
): void {
  const queue = queueOf(state, queueName)
  const group = queue.groups.get(name)
  if (group === undefined) return
  beginWith(queue, group, starts)
}

/** Finished for its group, and put into another queue. */
export function move(
  state: State,
  place: Place,
  target: string,
  isDelayed: boolean,
  putAt: Deadline,
  now: Now,
): void {
  const message = state.queues.get(place.queue)?.messages.get(place.id)
  const cell = cellOf(state, place)
  if (message === undefined || cell === undefined) return
  const { body, expires, leaseMs, headers } = message
  const { priority } = cell
  const due = isDelayed ? cell.due : undefined
  ack(state, place)
  const facts = { queue: target, body, priority, due, expires, leaseMs, headers, put: putAt }
  const noClaim = { key: undefined, keyUntil: undefined, producer: undefined, sequence: 0 }
  put(state, { ...facts, ...noClaim }, now)
}

export function configureQueue(state: State, queueName: string, limit: Limit): void {
  const queue = queueOf(state, queueName)
  queue.limit = limit
  if (!limit.retains) for (const id of [...queue.retained]) remove(state, queueName, id)
}

export function pause(state: State, queueName: string, until: Deadline | undefined): void {
  queueOf(state, queueName).pausedUntil = until
}

function changeCell(state: State, place: Place, change: (cell: Cell) => void): void {
  const cell = cellOf(state, place)
  if (cell === undefined) return
  change(cell)
  if (cell.state !== 'leased') cell.suspect = 'no'
}

/** A message is gone once every group that exists is done with it, unless the queue retains it. */
function forgetFinished(queue: QueueState): void {
  if (queue.groups.size === 0) return
  for (const id of [...queue.messages.keys()]) {
    const cells = [...queue.groups.values()].map((group) => group.cells.get(id))
    if (cells.some((cell) => cell !== undefined && cell.state !== 'finished')) {
      queue.retained.delete(id)
    } else if (queue.limit.retains) queue.retained.add(id)
    else {
      queue.messages.delete(id)
      for (const group of queue.groups.values()) group.cells.delete(id)
    }
  }
}
