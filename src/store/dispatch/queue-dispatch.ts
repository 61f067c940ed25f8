/**
 * A queue while the store is open: its groups, what of it becomes due or expires and when, and what is
 * on its way out. Derived from the state; nothing here is saved. Pure memory.
 */
import { PostingsCursor } from '../containers/postings-cursor.ts'
import type { TypedHeap } from '../containers/typed-heap.ts'
import { DueKind, type MessageFacts } from '../records/message-record.ts'
import type { GroupState } from '../state/group-state.ts'
import type { Lane } from '../state/lane.ts'
import type { QueueEvents, QueueState } from '../state/queue-state.ts'
import { Expiry } from './expiry.ts'
import { GroupDispatch } from './group-dispatch.ts'
import type { PurgingQueues } from './purging-queues.ts'
import { Schedules } from './schedules.ts'
import { isMostlyStale } from './stale.ts'
import type { Taken } from './taken.ts'

/**
 * Of each kind, what becomes due or expires in one turn of the event loop: it takes some milliseconds. The
 * page on states tells what that means for the order.
 */
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
  readonly #schedules = new Schedules()
  readonly #expiry: Expiry
  /** Messages that the last purge took. */
  purgedCount = 0
  /** The store's own time, as of the last look. */
  #seenMs = 0
  /** The end of the last pause that was noticed. */
  #pauseSeenMs = 0

  constructor(state: QueueState, host: DispatchHost) {
    this.state = state
    this.#host = host
    this.#expiry = new Expiry(this, host)
  }

  /** Begins with what the state says. */
  begin(): void {
    this.state.events = this
    for (const lane of this.state.lanes.all) this.#scan(lane)
    // What is offered to a group is what the schedules do not hold.
    for (const group of this.state.groups.values()) this.groupAdded(group)
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
    if (expiresMs > 0) this.#expiry.add(expiresMs, id, offset)
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
    this.#schedules.clear()
    this.#expiry.clear()
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
    return this.leaving.has(offset) || this.#expiry.isOverdue(offset) || this.#host.isDamaged(id)
  }

  /** Somebody has leased it, or what ends the lease is on its way; held ready does not count. */
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

  /** A message is out of a group no more. */
  ended(taken: Taken): void {
    this.#host.ended(taken)
    this.#expiry.ended(taken)
  }

  /** Its time is over as far as anybody has looked, whether or not it had its turn to go. */
  hasExpired(expiresMs: number): boolean {
    return expiresMs > 0 && expiresMs <= this.#seenMs
  }

  /** Somebody who was about to get it has seen that its time is over. */
  noteOverdue(offset: number): void {
    this.#expiry.noteOverdue(offset)
  }

  /** The record that was to take these out was turned down: it is tried again a little later. */
  expireAgain(ids: readonly number[], offsets: readonly number[]): void {
    this.#expiry.again(ids, offsets)
  }

  /**
   * Makes ready what has become due, and takes out what has expired: a piece of it, where it is much.
   * Returns how many there were.
   */
  advance(elapsedMs: number, wallMs: number): number {
    this.#seenMs = elapsedMs
    let count = this.#schedules.take(DueKind.ELAPSED, elapsedMs, DUE_A_TURN, this.#due)
    count += this.#schedules.take(DueKind.WALL, wallMs, DUE_A_TURN, this.#due)
    count += this.#expiry.advance(elapsedMs, DUE_A_TURN)
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

  /** Something has become due, and was more than one piece: it is not ready yet. */
  hasDue(elapsedMs: number, wallMs: number): boolean {
    const { nextElapsedMs, nextWallMs } = this.#schedules
    if (nextElapsedMs <= elapsedMs || nextWallMs <= wallMs) return true
    for (const { order } of this.groups.values()) {
      const { exceptions } = order
      if (exceptions.nextElapsedMs <= elapsedMs || exceptions.nextWallMs <= wallMs) return true
    }
    return false
  }

  /** When the next thing happens by the store's own time; infinite where nothing does. */
  get nextElapsedMs(): number {
    let next = Math.min(this.#schedules.nextElapsedMs, this.#expiry.nextMs)
    if (this.state.pausedUntilMs > this.#pauseSeenMs)
      next = Math.min(next, this.state.pausedUntilMs)
    for (const group of this.groups.values())
      next = Math.min(next, group.order.exceptions.nextElapsedMs)
    return next
  }

  /** The same by the wall clock. */
  get nextWallMs(): number {
    let next = this.#schedules.nextWallMs
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

  /** Messages that are not gone. */
  get presentCount(): number {
    return this.state.pending + this.state.retained.count
  }

  /** What is kept for times to come, of messages that are gone or not. */
  get timedEntries(): number {
    return this.#schedules.entries + this.#expiry.entries
  }

  /** Messages in the schedules, whatever the groups have done with them since. */
  get scheduledCount(): number {
    return this.#schedules.count
  }

  isScheduled(offset: number): boolean {
    return this.#schedules.has(offset)
  }

  /** The first offset from `from` on that stands in a schedule; -1 where there is none. */
  nextScheduled(from: number): number {
    return this.#schedules.next(from, this.state.nextOffset)
  }

  forEachScheduled(first: number, end: number, visit: (first: number, end: number) => void): void {
    this.#schedules.forEachRange(first, end, visit)
  }

  /** Plain messages that wait for their time, soonest first: (dueMs, id, offset). */
  get schedules(): readonly { readonly heap: TypedHeap; readonly kind: DueKind }[] {
    return this.#schedules.lists
  }

  /** What a schedule's payload says. */
  offsetOf(payload: number): number {
    return this.#schedules.offsetOf(payload)
  }

  #schedule(kind: DueKind, dueMs: number, id: number, offset: number, lane: Lane): void {
    this.#schedules.add(kind, dueMs, id, offset, lane.slot)
    for (const group of this.groups.values()) group.scheduled(offset)
    if (isMostlyStale(this.#schedules.entries, this.presentCount)) {
      this.#schedules.dropGone(this.#unscheduled)
    }
    this.#host.scheduled(this)
  }

  /** True where the message is gone, and waits for nothing any more. */
  readonly #unscheduled = (offset: number): boolean => {
    if (!this.state.isGone(offset)) return false
    for (const group of this.groups.values()) group.unscheduled(offset)
    return true
  }

  /** The message has left its schedule. */
  readonly #due = (id: number, offset: number, slot: number): void => {
    const lane = this.state.lanes.all.find((one) => one.slot === slot)
    const priority = lane?.priority ?? this.find(offset)?.priority
    // What is gone may stand in no lane any more, and is the business of no group.
    if (!lane || priority === undefined) {
      for (const group of this.groups.values()) group.unscheduled(offset)
      return
    }
    for (const group of this.groups.values()) group.due(offset, id, priority, lane)
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
      if (expiresMs > 0) this.#expiry.add(expiresMs, id, offset)
      if (!this.isDue(dueKind, dueMs)) this.#schedule(dueKind, dueMs, id, offset, lane)
    }
  }

  #offerMixed(lane: Lane, group: GroupDispatch): void {
    const cursor = new PostingsCursor(lane.postings)
    cursor.moveTo(group.state.finished.floor)
    while (cursor.next()) {
      const { offset, id, priority } = cursor
      // What has left its schedule is ready, whatever the clock says now: nothing offers it again.
      if (!this.isScheduled(offset)) group.due(offset, id, priority, lane)
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
