/**
 * Which message of a group is next: lanes read in order, and beside them whatever is no plain waiting
 * message. Knows what waits and where it stands; what is out, the group knows. Pure memory.
 */
import type { OffsetTable } from '../containers/offset-table.ts'
import type { PostingsCursor } from '../containers/postings-cursor.ts'
import type { Exception } from '../state/exception.ts'
import type { GroupState } from '../state/group-state.ts'
import type { Lane } from '../state/lane.ts'
import { AgedOrder } from './aged-order.ts'
import { ExceptionHeaps } from './exception-heaps.ts'
import type { GroupDispatch } from './group-dispatch.ts'
import type { LaneRow } from './lane-row.ts'
import { PlainOrder } from './plain-order.ts'
import type { QueueDispatch } from './queue-dispatch.ts'
import { isMostlyStale } from './stale.ts'
import { Suspects } from './suspects.ts'
import { Taken } from './taken.ts'

/** Where the best message stands. */
type Source = LaneRow | 'ready' | 'late' | 'suspect' | 'aged'

interface Promoted {
  readonly source: Source
  readonly id: number
  readonly offset: number
}

export class GroupOrder {
  readonly exceptions = new ExceptionHeaps()
  readonly suspects = new Suspects()
  /** What `settleBest` found. */
  bestPriority = 0
  bestId = 0
  #best: Source | undefined
  readonly #group: GroupDispatch
  readonly #queue: QueueDispatch
  readonly #state: GroupState
  readonly #out: OffsetTable<Taken>
  #plain = new PlainOrder()
  readonly #aged = new AgedOrder((id, offset) => this.#isAged(id, offset))
  readonly #isOpen = (cursor: PostingsCursor): boolean => this.#isPlainReady(cursor)
  readonly #isLateOpen = (offset: number, id: number): boolean =>
    this.#group.isWaiting(offset, id) && !this.#state.exception(offset)
  readonly #isFinished = (offset: number): boolean => this.#state.finished.has(offset)
  readonly #isWaiting = (offset: number, id: number): boolean => this.#group.isWaiting(offset, id)

  /** Empty: whoever makes it adds the lanes, the suspects and the exceptions that there are. */
  constructor(group: GroupDispatch) {
    this.#group = group
    this.#queue = group.queue
    this.#state = group.state
    this.#out = group.out
  }

  /** Finds the best message that can be delivered now; false where there is none. */
  settleBest(): boolean {
    this.#best = undefined
    if (!this.#group.mayDeliver) return false
    this.#offerEach(this.suspects.settle(this.#isWaiting))
    const promoted = this.#promoted()
    if (promoted) {
      this.#best = promoted.source
      this.bestPriority = -1
      this.bestId = promoted.id
    }
    return this.#best !== undefined
  }

  /** `settleBest` found a message, and nobody has taken it since. */
  get hasBest(): boolean {
    return this.#best !== undefined
  }

  /** The offset of the next ready message, whether or not it could be delivered now. */
  peekBest(): number | undefined {
    const promoted = this.#promoted()
    if (promoted) return promoted.offset
    // One at a time goes out; the others are ready all the same.
    const suspect = this.suspects.peek()
    const best = this.#offerEach(suspect)
    this.#best = undefined
    if (best === 'late') return this.#plain.lateOffset
    if (best === 'ready') return this.exceptions.firstReady?.offset
    if (best === 'suspect') return suspect?.offset
    return best === 'aged' ? undefined : best?.cursor.offset
  }

  /**
   * Takes what `settleBest` found out of the order, and up to `count` of what follows it in its lane, as
   * long as nothing else can come between and all stand in front of what else is to be had: (priority, id).
   */
  takeRun(
    count: number,
    beforePriority = Number.POSITIVE_INFINITY,
    beforeId = Number.POSITIVE_INFINITY,
  ): Taken[] {
    const source = this.#best
    const taken = [this.#takeBest()]
    if (typeof source !== 'object' || !this.#isPlainOnly) return taken
    const { cursor, priority } = source
    if (priority > beforePriority) return taken
    const endId = priority < beforePriority ? Number.POSITIVE_INFINITY : beforeId
    while (taken.length < count && this.#group.hasRoom && source.settle(this.#isOpen)) {
      if (cursor.id >= endId) break
      source.isHead = false
      taken.push(this.#take(cursor.id, cursor.offset, priority))
    }
    return taken
  }

  /** What is kept of messages whose place in their lane was passed, or that have none: finished or not. */
  get lateEntries(): number {
    return this.#plain.lateCount
  }

  /** The same, in the order by age. */
  get agedEntries(): number {
    return this.#aged.entries
  }

  /** Takes buried exceptions for a change, in order. */
  takeBuried(count: number): Exception[] {
    const taken: Exception[] = []
    while (taken.length < count) {
      const exception = this.exceptions.firstBuried
      if (!exception) break
      this.exceptions.drop(exception)
      if (this.#group.isFree(exception.offset, exception.id)) taken.push(exception)
    }
    return taken
  }

  addLane(lane: Lane): void {
    this.#plain.addLane(lane, this.#state.finished.floor)
  }

  addSuspect(suspect: Taken): void {
    this.suspects.add(suspect)
    this.#queue.woke(this.#group)
  }

  /** A suspect that was to leave stays after all; false where the message is none. */
  offerSuspect(offset: number): boolean {
    if (!this.suspects.offer(offset)) return false
    this.#queue.woke(this.#group)
    return true
  }

  /** Puts an exception where its state says. */
  place(exception: Exception): void {
    if (this.#out.has(exception.offset)) return
    this.exceptions.place(exception, this.#queue.isDue(exception.dueKind, exception.dueMs))
    if (this.exceptions.isReady(exception)) {
      this.#noteAge(exception.id, exception.offset)
      this.#queue.woke(this.#group)
    } else if (this.exceptions.isDelayed(exception)) this.#queue.scheduled()
  }

  /** A plain message has become due: its place in the lane may have been passed meanwhile. */
  due(offset: number, id: number, priority: number, lane: Lane): void {
    if (this.#plain.hasPassed(offset, lane)) this.#pushLate(priority, id, offset)
  }

  /** A plain message was taken and comes back: the same. */
  back({ offset, id, priority }: Taken): void {
    if (this.#plain.hasPassedIn(offset, priority)) this.#pushLate(priority, id, offset)
  }

  /** This very message is about to go out, wherever it stands: what it goes out as, where it is a suspect. */
  drop(offset: number, exception: Exception | undefined): Taken | undefined {
    if (exception) this.exceptions.drop(exception)
    return this.suspects.takeThis(offset)
  }

  /** Makes ready what has become due, up to `count`; returns how many there were. */
  advance(elapsedMs: number, wallMs: number, count: number): number {
    for (let made = 0; made < count; made++) {
      const exception = this.exceptions.advanceOne(elapsedMs, wallMs)
      if (!exception) return made
      this.#noteAge(exception.id, exception.offset)
      this.#queue.woke(this.#group)
    }
    return count
  }

  /** Age counts from now on, or does no more. */
  ageAnew(): void {
    this.#aged.clear()
    for (const exception of this.#state.exceptions()) {
      if (this.exceptions.isReady(exception)) this.#noteAge(exception.id, exception.offset)
    }
    this.#plain.forEachLate((id, offset) => this.#noteAge(id, offset))
  }

  /** The group begins anew: its place in every lane is that of the state. It has no exceptions by then. */
  restart(): void {
    this.suspects.clear()
    this.#plain = new PlainOrder()
    for (const lane of this.#queue.state.lanes.all) this.addLane(lane)
    this.#aged.clear()
  }

  /** Nothing but the lanes has messages that are ready, and none goes before its turn. */
  get #isPlainOnly(): boolean {
    return (
      this.#plain.lateCount === 0 &&
      this.exceptions.readyCount === 0 &&
      this.suspects.size === 0 &&
      this.#state.promoteAfterMs === 0
    )
  }

  /** What is best of each kind; of the suspects this one. */
  #offerEach(suspect: Taken | undefined): Source | undefined {
    this.#best = undefined
    const plain = this.#plain
    const row = plain.settleRows(this.#isOpen)
    if (row) this.#offer(row.priority, row.cursor.id, row)
    const exception = this.#settleReady()
    if (exception) this.#offer(exception.priority, exception.id, 'ready')
    if (plain.settleLate(this.#isLateOpen)) this.#offer(plain.latePriority, plain.lateId, 'late')
    if (suspect) this.#offer(suspect.priority, suspect.id, 'suspect')
    return this.#best
  }

  #offer(priority: number, id: number, source: Source): void {
    const isBetter =
      this.#best === undefined ||
      priority < this.bestPriority ||
      (priority === this.bestPriority && id < this.bestId)
    if (!isBetter) return
    this.#best = source
    this.bestPriority = priority
    this.bestId = id
  }

  #isPlainReady(cursor: PostingsCursor): boolean {
    const { offset, id } = cursor
    const state = this.#state
    const queue = this.#queue
    if (state.finished.has(offset) || this.#out.has(offset)) return false
    if (state.exceptionCount > 0 && state.exception(offset)) return false
    if (this.suspects.has(offset)) return false
    if (queue.isLeaving(offset, id) || this.#group.isBehind(offset)) return false
    if (!cursor.hasExtras) return true
    if (queue.hasExpired(cursor.expiresMs)) return false
    // What waits for its time stands in the schedule, whatever the clock says now.
    return !queue.isScheduled(offset) || state.leased.has(offset)
  }

  #settleReady(): Exception | undefined {
    for (;;) {
      const exception = this.exceptions.firstReady
      if (!exception || this.#group.isWaiting(exception.offset, exception.id)) return exception
      this.exceptions.drop(exception)
    }
  }

  /** The oldest message of all, where it has waited too long. */
  #promoted(): Promoted | undefined {
    const { promoteAfterMs } = this.#state
    if (promoteAfterMs === 0) return undefined
    const beforeMs = this.#queue.wallMs() - promoteAfterMs
    const row = this.#plain.oldestRow(this.#isOpen, beforeMs)
    const oldest = row && { source: row, id: row.cursor.id, offset: row.cursor.offset }
    if (!this.#aged.settle()) return oldest
    const { id, offset } = this.#aged
    const putMs = this.#queue.find(offset)?.timeMs ?? Number.POSITIVE_INFINITY
    if (putMs > beforeMs || (oldest && oldest.id < id)) return oldest
    return { source: 'aged', id, offset }
  }

  #isAged(id: number, offset: number): boolean {
    if (!this.#group.isWaiting(offset, id)) return false
    const exception = this.#state.exception(offset)
    return exception === undefined || this.exceptions.isReady(exception)
  }

  /** Where age counts, what stands in no lane any more is kept in its order too. */
  #noteAge(id: number, offset: number): void {
    if (this.#state.promoteAfterMs === 0) return
    this.#aged.note(id, offset, this.exceptions.readyCount + this.#plain.lateCount)
  }

  #pushLate(priority: number, id: number, offset: number): void {
    const plain = this.#plain
    plain.pushLate(priority, id, offset)
    if (isMostlyStale(plain.lateCount, this.#unfinishedCount)) plain.dropLate(this.#isFinished)
    this.#noteAge(id, offset)
  }

  /** Messages that the group has still to finish. */
  get #unfinishedCount(): number {
    return this.#queue.state.nextOffset - this.#state.finished.count
  }

  #takeBest(): Taken {
    const source = this.#best
    this.#best = undefined
    if (source === undefined) throw new Error('there is no best message to take')
    if (source === 'suspect') return this.#group.noteOut(this.suspects.take())
    if (source === 'ready') return this.#takeException(this.exceptions.firstReady)
    if (source === 'late') return this.#takeLate()
    if (source === 'aged') return this.#takeAged()
    const { cursor, priority } = source
    source.isHead = false
    return this.#take(cursor.id, cursor.offset, priority)
  }

  #takeException(exception: Exception | undefined): Taken {
    if (!exception) throw new Error('there is no exception to take')
    const { id, offset, priority } = exception
    return this.#group.hold(id, offset, priority)
  }

  #takeLate(): Taken {
    const { latePriority, lateId, lateOffset } = this.#plain
    this.#plain.popLate()
    return this.#take(lateId, lateOffset, latePriority)
  }

  #takeAged(): Taken {
    const { id, offset } = this.#aged
    this.#aged.pop()
    const exception = this.#state.exception(offset)
    if (exception) return this.#takeException(exception)
    const priority = this.#queue.find(offset)?.priority ?? 0
    return this.#take(id, offset, priority)
  }

  #take(id: number, offset: number, priority: number): Taken {
    return this.#group.noteOut(new Taken(this.#group, id, offset, priority))
  }
}
