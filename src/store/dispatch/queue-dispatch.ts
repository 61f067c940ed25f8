/**
 * A queue while the store is open: its groups, what of it becomes due or expires and when, and what is
 * on its way out. Derived from the state; nothing here is saved. Pure memory.
 */
import { OffsetSet } from '../containers/offset-set.ts'
import { PostingsCursor } from '../containers/postings-cursor.ts'
import { TypedHeap } from '../containers/typed-heap.ts'
import { DueKind, type MessageFacts } from '../records/message-record.ts'
import type { GroupState } from '../state/group-state.ts'
import type { Lane } from '../state/lane.ts'
import type { QueueEvents, QueueState } from '../state/queue-state.ts'
import { GroupDispatch } from './group-dispatch.ts'
import type { PurgingQueues } from './purging-queues.ts'
import type { Taken } from './taken.ts'

/** A schedule's entry carries offset and priority's lane in one number. */
const SLOT_FACTOR = 64

/** After a refusal the record of what has expired is tried again no sooner than this. */
const EXPIRE_AGAIN_MS = 250

/** Of each kind, what becomes due or expires in one turn of the event loop: it takes some milliseconds. */
export const DUE_A_TURN = 2_048

/** What a queue needs of the whole. */
export interface DispatchHost {
  elapsedMs(): number
  wallMs(): number
  isDamaged(id: number): boolean
  /** Queues that a record on its way empties. */
  readonly purging: PurgingQueues
  /** A group may have something to deliver. */
  woke(group: GroupDispatch): void
  /** Something of the queue becomes due earlier than was known. */
  scheduled(queue: QueueDispatch): void
  /** A message is out no more: its lease, where it had one, is over. */
  ended(taken: Taken): void
  /** These have outlived their time: ids and offsets, in order of offset. */
  expired(queue: QueueDispatch, ids: readonly number[], offsets: readonly number[]): void
  /** The same, of messages that were finished in time and are retained. */
  lapsed(queue: QueueDispatch, ids: readonly number[], offsets: readonly number[]): void
}

export interface FoundMessage {
  readonly id: number
  readonly offset: number
  readonly timeMs: number
  readonly priority: number
  readonly dueKind: DueKind
  readonly dueMs: number
}

export class QueueDispatch implements QueueEvents {
  readonly state: QueueState
  readonly groups = new Map<number, GroupDispatch>()
  /** Offsets that a record on its way takes out of the queue. */
  readonly leaving = new Set<number>()
  /** Those of them that were retained only. */
  readonly #leavingRetained = new Set<number>()
  readonly #host: DispatchHost
  readonly #elapsed = new TypedHeap()
  readonly #wall = new TypedHeap()
  readonly #expiring = new TypedHeap()
  /** Offsets in the two schedules. */
  readonly #scheduled = new OffsetSet()
  /** Expired while leased: they go when they come back. */
  readonly #overdue = new Set<number>()
  /** Messages that the last purge took. */
  purgedCount = 0
  /** The end of the last pause that was noticed. */
  #pauseSeenMs = 0

  constructor(state: QueueState, host: DispatchHost) {
    this.state = state
    this.#host = host
  }

  /** Begins with what the state says. */
  begin(): void {
    this.state.events = this
    for (const group of this.state.groups.values()) this.groupAdded(group)
    for (const lane of this.state.lanes.all) this.#scan(lane)
  }

  get isPaused(): boolean {
    return this.state.pausedUntilMs > this.#host.elapsedMs()
  }

  /** A record on its way takes out everything that is there. */
  get isPurging(): boolean {
    return this.#host.purging.has(this.state.number)
  }

  group(name: string): GroupDispatch | undefined {
    let newest: GroupDispatch | undefined
    // One that is being removed may be followed by another of its name already.
    for (const group of this.groups.values()) if (group.state.name === name) newest = group
    return newest
  }

  put(lane: Lane, facts: MessageFacts, id: number): void {
    const { offset, dueKind, dueMs, expiresMs } = facts
    if (expiresMs > 0) {
      this.#expiring.push(expiresMs, id, offset)
      this.#host.scheduled(this)
    }
    if (this.isDue(dueKind, dueMs)) {
      for (const group of this.groups.values()) {
        if (lane.priority === undefined) group.due(offset, id, facts.priority, lane)
        else this.#host.woke(group)
      }
    } else this.#schedule(dueKind, dueMs, id, offset, lane)
  }

  laneAdded(lane: Lane): void {
    for (const group of this.groups.values()) group.order.addLane(lane)
  }

  groupAdded(state: GroupState): void {
    const group = new GroupDispatch(this, state)
    this.groups.set(state.number, group)
    group.begin()
    this.#offer(group)
  }

  groupRestarted(state: GroupState): void {
    const group = this.groups.get(state.number)
    if (!group) return
    group.restart()
    this.#offer(group)
  }

  /** Everything there is, to a group that has just begun. */
  #offer(group: GroupDispatch): void {
    group.allScheduled()
    // What stands in no lane of its own is offered message by message.
    for (const lane of this.state.lanes.all) {
      if (lane.priority === undefined) this.#offerMixed(lane, group)
    }
    this.#host.woke(group)
  }

  groupRemoved(state: GroupState): void {
    const group = this.groups.get(state.number)
    this.groups.delete(state.number)
    group?.remove()
  }

  pauseChanged(): void {
    for (const group of this.groups.values()) this.#host.woke(group)
    this.#host.scheduled(this)
  }

  purged(count: number): void {
    this.purgedCount = count
    // What has left becomes neither due nor expired.
    for (const heap of [this.#elapsed, this.#wall, this.#expiring]) heap.clear()
    this.#scheduled.setFloor(0)
    for (const group of this.groups.values()) group.nothingScheduled()
    this.#host.scheduled(this)
  }

  woke(group: GroupDispatch): void {
    this.#host.woke(group)
  }

  scheduled(): void {
    this.#host.scheduled(this)
  }

  isDue(kind: number, dueMs: number): boolean {
    if (kind === DueKind.NONE) return true
    return dueMs <= (kind === DueKind.WALL ? this.#host.wallMs() : this.#host.elapsedMs())
  }

  /** A record on its way takes the message out, until `stay`. */
  leave(offset: number): void {
    this.leaving.add(offset)
    if (this.state.retained.has(offset)) this.#leavingRetained.add(offset)
  }

  /** That record has had its outcome. */
  stay(offset: number): void {
    this.leaving.delete(offset)
    this.#leavingRetained.delete(offset)
  }

  /** Messages that leave and take room of the limits. */
  get leavingCount(): number {
    return this.leaving.size - this.#leavingRetained.size
  }

  /** A record on its way takes the message out, or damage has. */
  isLeaving(offset: number, id: number): boolean {
    return this.leaving.has(offset) || this.#overdue.has(offset) || this.#host.isDamaged(id)
  }

  /** Somebody has it, or a change of it is on its way. */
  isOut(offset: number): boolean {
    for (const { out } of this.groups.values()) {
      if ((out.get(offset)?.leaseMs ?? 0) > 0) return true
    }
    return false
  }

  wallMs(): number {
    return this.#host.wallMs()
  }

  elapsedMs(): number {
    return this.#host.elapsedMs()
  }

  /** A message is out of a group no more: what expired meanwhile goes with the last that had it. */
  ended(taken: Taken): void {
    this.#host.ended(taken)
    const { offset, id } = taken
    if (!this.#overdue.has(offset)) return
    if (this.state.done.has(offset)) {
      this.#overdue.delete(offset)
      // The state is about to retain it, unless it was taken out.
      if (this.state.settings.retains === 1) this.#host.lapsed(this, [id], [offset])
    } else if (!this.#isLeased(offset)) {
      this.#overdue.delete(offset)
      this.#expire([id], [offset])
    }
  }

  /** The record that was to take these out was turned down: it is tried again a little later. */
  expireAgain(ids: readonly number[], offsets: readonly number[]): void {
    const againMs = this.#host.elapsedMs() + EXPIRE_AGAIN_MS
    ids.forEach((id, row) => {
      this.#expiring.push(againMs, id, offsets[row] ?? 0)
    })
    this.#host.scheduled(this)
  }

  /**
   * Makes ready what has become due, and takes out what has expired: a piece of it, where it is much.
   * Returns how many there were.
   */
  advance(elapsedMs: number, wallMs: number): number {
    let count = this.#advance(this.#elapsed, elapsedMs)
    count += this.#advance(this.#wall, wallMs)
    count += this.#advanceExpiring(elapsedMs)
    for (const group of this.groups.values()) {
      count += group.order.advance(elapsedMs, wallMs, DUE_A_TURN)
    }
    const { pausedUntilMs } = this.state
    if (pausedUntilMs > this.#pauseSeenMs && pausedUntilMs <= elapsedMs) {
      this.#pauseSeenMs = pausedUntilMs
      for (const group of this.groups.values()) this.#host.woke(group)
    }
    return count
  }

  /** When the next thing happens by the store's own time; infinite where nothing does. */
  get nextElapsedMs(): number {
    let next = Number.POSITIVE_INFINITY
    if (this.#elapsed.size > 0) next = Math.min(next, this.#elapsed.peekKey1)
    if (this.#expiring.size > 0) next = Math.min(next, this.#expiring.peekKey1)
    if (this.state.pausedUntilMs > this.#pauseSeenMs)
      next = Math.min(next, this.state.pausedUntilMs)
    for (const group of this.groups.values())
      next = Math.min(next, group.order.exceptions.nextElapsedMs)
    return next
  }

  /** The same by the wall clock. */
  get nextWallMs(): number {
    let next = this.#wall.size > 0 ? this.#wall.peekKey1 : Number.POSITIVE_INFINITY
    for (const group of this.groups.values())
      next = Math.min(next, group.order.exceptions.nextWallMs)
    return next
  }

  /** What the lanes know of the message at this offset; undefined where none holds it. */
  find(offset: number): FoundMessage | undefined {
    for (const lane of this.state.lanes.all) {
      const { postings } = lane
      if (offset < postings.firstOffset || offset > postings.lastOffset) continue
      const cursor = new PostingsCursor(postings)
      cursor.moveTo(offset)
      if (!cursor.next() || cursor.offset !== offset) continue
      const { id, timeMs, dueMs } = cursor
      const priority = lane.priority ?? cursor.priority
      return { id, offset, timeMs, priority, dueKind: asDueKind(cursor.dueKind), dueMs }
    }
    return undefined
  }

  /** Messages in the schedules, whatever the groups have done with them since. */
  get scheduledCount(): number {
    return this.#scheduled.count
  }

  isScheduled(offset: number): boolean {
    return this.#scheduled.count > 0 && this.#scheduled.has(offset)
  }

  /** The first offset from `from` on that stands in a schedule; -1 where there is none. */
  nextScheduled(from: number): number {
    return this.#scheduled.nextPresent(from, this.state.nextOffset)
  }

  forEachScheduled(first: number, end: number, visit: (first: number, end: number) => void): void {
    if (this.#scheduled.count > 0) this.#scheduled.forEachRange(first, end, visit)
  }

  /** Plain messages that wait for their time, soonest first: (dueMs, id, offset). */
  get schedules(): readonly { readonly heap: TypedHeap; readonly kind: DueKind }[] {
    return [
      { heap: this.#elapsed, kind: DueKind.ELAPSED },
      { heap: this.#wall, kind: DueKind.WALL },
    ]
  }

  /** What a schedule's payload says. */
  offsetOf(payload: number): number {
    return Math.floor(payload / SLOT_FACTOR)
  }

  #schedule(kind: DueKind, dueMs: number, id: number, offset: number, lane: Lane): void {
    const heap = kind === DueKind.WALL ? this.#wall : this.#elapsed
    heap.push(dueMs, id, offset * SLOT_FACTOR + lane.slot)
    this.#scheduled.add(offset, offset + 1)
    for (const group of this.groups.values()) group.scheduled(offset)
    this.#host.scheduled(this)
  }

  #advance(heap: TypedHeap, nowMs: number): number {
    let count = 0
    for (; count < DUE_A_TURN && heap.size > 0 && heap.peekKey1 <= nowMs; count++) {
      const id = heap.peekKey2
      const { offset, lane } = this.#unpack(heap.peekPayload)
      heap.pop()
      this.#scheduled.remove(offset, offset + 1)
      const priority = lane?.priority ?? this.find(offset)?.priority
      if (!lane || priority === undefined) continue
      for (const group of this.groups.values()) group.due(offset, id, priority, lane)
    }
    return count
  }

  #advanceExpiring(elapsedMs: number): number {
    let count = 0
    const ids: number[] = []
    const offsets: number[] = []
    const lapsed: { ids: number[]; offsets: number[] } = { ids: [], offsets: [] }
    while (count < DUE_A_TURN && this.#expiring.size > 0 && this.#expiring.peekKey1 <= elapsedMs) {
      count++
      const id = this.#expiring.peekKey2
      const offset = this.#expiring.peekPayload
      this.#expiring.pop()
      if (this.state.isGone(offset) || this.leaving.has(offset)) continue
      if (this.state.done.has(offset)) {
        lapsed.ids.push(id)
        lapsed.offsets.push(offset)
      } else if (this.#isLeased(offset)) this.#overdue.add(offset)
      else {
        ids.push(id)
        offsets.push(offset)
      }
    }
    if (ids.length > 0) this.#expire(ids, offsets)
    if (lapsed.ids.length > 0) this.#host.lapsed(this, lapsed.ids, lapsed.offsets)
    return count
  }

  #expire(ids: readonly number[], offsets: readonly number[]): void {
    this.#host.expired(this, ids, offsets)
  }

  #isLeased(offset: number): boolean {
    for (const group of this.groups.values()) {
      const taken = group.out.get(offset)
      // What is only held ready for a delivery has not begun.
      if (taken && (taken.leaseMs > 0 || taken.status === 'settling')) return true
    }
    return false
  }

  #unpack(payload: number): { readonly offset: number; readonly lane: Lane | undefined } {
    const offset = this.offsetOf(payload)
    const slot = payload - offset * SLOT_FACTOR
    return { offset, lane: this.state.lanes.all.find((one) => one.slot === slot) }
  }

  /** Looks through a lane for what has a time of its own. */
  #scan(lane: Lane): void {
    const cursor = new PostingsCursor(lane.postings)
    cursor.moveTo(this.state.goneFloor)
    while (cursor.next()) {
      if (!cursor.hasExtras) {
        cursor.skip(cursor.runLength)
        continue
      }
      const { id, offset, dueMs, expiresMs } = cursor
      const dueKind = asDueKind(cursor.dueKind)
      if (this.state.isGone(offset)) continue
      if (expiresMs > 0) {
        this.#expiring.push(expiresMs, id, offset)
        this.#host.scheduled(this)
      }
      if (!this.isDue(dueKind, dueMs)) this.#schedule(dueKind, dueMs, id, offset, lane)
    }
  }

  #offerMixed(lane: Lane, group: GroupDispatch): void {
    const cursor = new PostingsCursor(lane.postings)
    cursor.moveTo(group.state.finished.floor)
    while (cursor.next()) {
      const { offset, id, priority, dueMs } = cursor
      if (this.isDue(asDueKind(cursor.dueKind), dueMs)) group.due(offset, id, priority, lane)
    }
  }
}

function asDueKind(kind: number): DueKind {
  return kind === DueKind.ELAPSED
    ? DueKind.ELAPSED
    : kind === DueKind.WALL
      ? DueKind.WALL
      : DueKind.NONE
}
