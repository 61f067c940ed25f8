/**
 * What a store holds, as plain maps: the reference that a real store is compared with. One message a
 * map entry, one cell for what a message is to a group; nothing is clever here.
 */

/** Two clocks at one moment. */
export interface Now {
  /** No setting of a clock moves it; it goes on across boots. */
  readonly elapsedMs: number
  readonly wallMs: number
}

/** A time that was decided somewhere between two readings of a clock. */
export interface Deadline {
  readonly kind: 'elapsed' | 'wall'
  readonly lowMs: number
  readonly highMs: number
}

export type Answer = 'yes' | 'no' | 'maybe'

export interface Counters {
  leases: number
  timeouts: number
  releases: number
  buries: number
  kicks: number
}

/** What was buried and nobody saw comes behind all others: from here on, by the end of its lease where it had one. */
export const BURIED_UNSEEN = 1e9

/** What one message is to one group. Waiting is ready or delayed, by its due time. */
export interface Cell {
  state: 'waiting' | 'leased' | 'buried' | 'finished'
  priority: number
  due: Deadline | undefined
  attempts: number
  counters: Counters
  reason: string | undefined
  error: string | undefined
  /** Its place among the buried of the group. */
  buriedAs: number
  /** Nothing ever happened to it but a first lease in its turn. */
  isPlain: boolean
  /** It was leased at an unclean end: such go out one at a time, and one may be out. */
  suspect: 'no' | 'waiting' | 'out'
}

/** Never changed once made. */
export interface MessageFacts {
  readonly id: number
  readonly queue: string
  readonly offset: number
  readonly body: Uint8Array
  readonly priority: number
  readonly due: Deadline | undefined
  readonly expires: Deadline | undefined
  /** What its put asked its leases to be. */
  readonly leaseMs: number | undefined
  readonly key: string | undefined
  readonly producer: string | undefined
  readonly sequence: number
  readonly headers: Readonly<Record<string, string>>
  /** Wall clock, as the put was called and as it was durable. */
  readonly put: Deadline
}

export interface TakenKey {
  readonly id: number
  readonly offset: number
  readonly until: Deadline
}

export interface GroupState {
  readonly name: string
  leasedMax: number | undefined
  /** By id; one for each message that is not gone. */
  readonly cells: Map<number, Cell>
  nextBuried: number
}

export interface Limit {
  readonly messagesMax: number | undefined
  readonly dropsOldest: boolean
  readonly countsBytes: boolean
  /** What every group has finished stays. */
  readonly retains: boolean
  /** Deliveries of a message that count, for whoever takes it. */
  readonly attemptsMax: number | undefined
}

export const NO_LIMIT: Limit = {
  messagesMax: undefined,
  dropsOldest: false,
  countsBytes: false,
  retains: false,
  attemptsMax: undefined,
}

export interface QueueState {
  readonly name: string
  nextOffset: number
  pausedUntil: Deadline | undefined
  limit: Limit
  /** Messages that are not gone, by id. */
  readonly messages: Map<number, MessageFacts>
  /** Those of them that every group has finished, and that are kept. */
  readonly retained: Set<number>
  readonly keys: Map<string, TakenKey>
  /** What producers have put: producer and number. */
  readonly sent: Set<string>
  readonly groups: Map<string, GroupState>
}

export interface State {
  nextId: number
  readonly queues: Map<string, QueueState>
}

export function emptyState(): State {
  return { nextId: 1, queues: new Map() }
}

export function copyState(state: State): State {
  const queues = new Map<string, QueueState>()
  for (const [name, queue] of state.queues) {
    const groups = new Map<string, GroupState>()
    for (const [groupName, group] of queue.groups) {
      const cells = new Map<number, Cell>()
      for (const [id, cell] of group.cells) cells.set(id, copyCell(cell))
      groups.set(groupName, { ...group, cells })
    }
    const messages = new Map(queue.messages)
    const keys = new Map(queue.keys)
    const retained = new Set(queue.retained)
    queues.set(name, { ...queue, messages, retained, keys, sent: new Set(queue.sent), groups })
  }
  return { nextId: state.nextId, queues }
}

export function copyCell(cell: Cell): Cell {
  return { ...cell, counters: { ...cell.counters } }
}

export function passed(deadline: Deadline | undefined, now: Now): Answer {
  if (deadline === undefined) return 'yes'
  const ms = deadline.kind === 'elapsed' ? now.elapsedMs : now.wallMs
  if (ms >= deadline.highMs) return 'yes'
  return ms < deadline.lowMs ? 'no' : 'maybe'
}

/** Whether a message's time to live has run out. */
export function isExpired(message: MessageFacts, now: Now): Answer {
  return message.expires === undefined ? 'no' : passed(message.expires, now)
}

export function isPaused(queue: QueueState, now: Now): Answer {
  const over = passed(queue.pausedUntil, now)
  return over === 'maybe' ? over : over === 'yes' ? 'no' : 'yes'
}

/** Whether the group may be given the message, for all that the message itself says. */
export function isReady(message: MessageFacts, cell: Cell, now: Now): Answer {
  if (cell.state !== 'waiting') return 'no'
  const due = passed(cell.due, now)
  const expired = isExpired(message, now)
  if (due === 'no' || expired === 'yes') return 'no'
  return due === 'maybe' || expired === 'maybe' ? 'maybe' : 'yes'
}

export function queueOf(state: State, name: string): QueueState {
  const known = state.queues.get(name)
  if (known !== undefined) return known
  const queue: QueueState = {
    name,
    nextOffset: 0,
    pausedUntil: undefined,
    limit: NO_LIMIT,
    messages: new Map(),
    retained: new Set(),
    keys: new Map(),
    sent: new Set(),
    groups: new Map(),
  }
  state.queues.set(name, queue)
  return queue
}

/** Undefined where the queue has none. */
export function limitOf(
  state: State,
  queue: string,
): { readonly messagesMax: number; readonly dropsOldest: boolean } | undefined {
  const { messagesMax, dropsOldest = false } = state.queues.get(queue)?.limit ?? {}
  return messagesMax === undefined ? undefined : { messagesMax, dropsOldest }
}

export function groupOf(state: State, queue: string, name: string): GroupState | undefined {
  return state.queues.get(queue)?.groups.get(name)
}

export function cellOf(state: State, place: Place): Cell | undefined {
  return groupOf(state, place.queue, place.group)?.cells.get(place.id)
}

/** Names a cell. */
export interface Place {
  readonly queue: string
  readonly group: string
  readonly id: number
}

export function newCell(message: MessageFacts): Cell {
  return {
    state: 'waiting',
    priority: message.priority,
    due: message.due,
    attempts: 0,
    counters: { leases: 0, timeouts: 0, releases: 0, buries: 0, kicks: 0 },
    reason: undefined,
    error: undefined,
    buriedAs: 0,
    isPlain: true,
    suspect: 'no',
  }
}
