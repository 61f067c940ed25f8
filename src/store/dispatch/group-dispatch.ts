/**
 * Which message of a group is next: lanes read in order, and beside them whatever is no plain waiting
 * message. Derived from the state while the store is open; nothing here is saved. Pure memory.
 */

import { OffsetTable } from '../containers/offset-table.ts'
import type { PostingsCursor } from '../containers/postings-cursor.ts'
import type { Exception } from '../state/exception.ts'
import type { GroupEvents, GroupState } from '../state/group-state.ts'
import type { Lane } from '../state/lane.ts'
import { AgedOrder } from './aged-order.ts'
import { heldBehind, isBehind } from './behind.ts'
import { Early } from './early.ts'
import { ExceptionHeaps } from './exception-heaps.ts'
import { GroupUse } from './group-use.ts'
import type { LaneRow } from './lane-row.ts'
import { PlainOrder } from './plain-order.ts'
import type { QueueDispatch } from './queue-dispatch.ts'
import { Suspects, suspectsOf } from './suspects.ts'
import { Taken } from './taken.ts'
import type { Waiter } from './waiter.ts'

/** Where the best message stands. */
type Source = LaneRow | 'ready' | 'late' | 'suspect' | 'aged'

interface Promoted {
  readonly source: Source
  readonly id: number
  readonly offset: number
}

export class GroupDispatch implements GroupEvents {
  readonly queue: QueueDispatch
  readonly state: GroupState
  /** Messages that are out of the order, by offset. */
  readonly out = new OffsetTable<Taken>()
  /** Who waits for a message of this group, longest first. */
  readonly waiters = new Set<Waiter>()
  readonly use: GroupUse
  /** The group was removed: whatever holds it gets nothing more. */
  isRemoved = false
  /** Records on their way that let it begin anew. */
  seeks = 0
  /** What `settleBest` found. */
  bestPriority = 0
  bestId = 0
  #best: Source | undefined
  #leased = 0
  /** Messages that were taken though they are buried. */
  readonly #dugUp = new Set<Taken>()
  #plain = new PlainOrder()
  readonly #exceptions = new ExceptionHeaps()
  readonly #aged = new AgedOrder((id, offset) => this.#isAged(id, offset))
  #suspects = new Suspects()
  readonly #early: Early
  readonly #isOpen = (cursor: PostingsCursor): boolean => this.#isPlainReady(cursor)
  readonly #isLateOpen = (offset: number, id: number): boolean =>
    this.isWaiting(offset, id) && !this.state.exception(offset)
  readonly #isFinished = (offset: number): boolean => this.state.finished.has(offset)
  readonly #isWaiting = (offset: number, id: number): boolean => this.isWaiting(offset, id)

  constructor(queue: QueueDispatch, state: GroupState) {
    this.queue = queue
    this.state = state
    this.use = new GroupUse(() => queue.elapsedMs())
    this.#early = new Early(queue)
  }

  /** Begins with what the state says. */
  begin(): void {
    this.state.events = this
    for (const lane of this.queue.state.lanes.all) this.addLane(lane)
    for (const suspect of suspectsOf(this)) this.#addSuspect(suspect)
    for (const exception of this.state.exceptions()) {
      if (!this.#suspects.has(exception.offset)) this.#place(exception)
    }
  }

  addLane(lane: Lane): void {
    this.#plain.addLane(lane, this.state.finished.floor)
  }

  /** Deliveries whose lease has begun and not ended. */
  get leased(): number {
    return this.#leased
  }

  /** Without those that are leased: the records of their leases may be on their way yet. */
  get buriedCount(): number {
    let count = this.state.buriedCount
    for (const { leaseMs, offset } of this.#dugUp) {
      if (leaseMs > 0 && this.state.exception(offset)?.state === 'buried') count--
    }
    return count
  }

  /** The first lease of a message that is out. */
  leaseBegun(): void {
    this.#leased++
    this.state.counts.delivered++
  }

  /** The exception waits for its time, as far as anybody has looked. */
  isDelayed(exception: Exception): boolean {
    return this.#exceptions.isDelayed(exception)
  }

  /** A record on its way changes all of it at once: until then nothing is given out. */
  get isStill(): boolean {
    return this.seeks > 0 || this.queue.isPurging
  }

  /** Messages that wait for their time. */
  get delayedCount(): number {
    const plain = this.queue.scheduledCount - this.#early.count
    return plain + this.#exceptions.delayedCount + heldBehind(this).length
  }

  /** More may be leased now. */
  get hasRoom(): boolean {
    const { leasedMax } = this.state
    return leasedMax === 0 || this.out.size < leasedMax
  }

  /** Called once this has begun: looks at what the queue's schedules hold already. */
  allScheduled(): void {
    const { finished, leased, exceptionCount } = this.state
    const add = (first: number, end: number) => this.#early.add(first, end)
    this.queue.forEachScheduled(0, this.queue.state.nextOffset, (first, end) => {
      finished.forEachRange(first, end, add)
      leased.forEachRange(first, end, add)
    })
    if (exceptionCount === 0) return
    for (const { offset } of this.state.exceptions()) add(offset, offset + 1)
  }

  /** The queue's schedules are empty. */
  nothingScheduled(): void {
    this.#early.clear()
  }

  /** Called for each message that the queue's schedules get from now on. */
  scheduled(offset: number): void {
    const { state } = this
    const waits =
      !state.finished.has(offset) && !state.exception(offset) && !state.leased.has(offset)
    if (!waits) this.#early.add(offset, offset + 1)
  }

  /** Finds the best message that can be delivered now; false where there is none. */
  settleBest(): boolean {
    this.#best = undefined
    if (this.isRemoved || this.isStill || this.queue.isPaused || !this.hasRoom) return false
    this.#offerEach(this.#suspects.settle(this.#isWaiting))
    const promoted = this.#promoted()
    if (promoted) {
      this.#best = promoted.source
      this.bestPriority = -1
      this.bestId = promoted.id
    }
    return this.#best !== undefined
  }

  /** The offset of the next ready message, whether or not it could be delivered now. */
  peekBest(): number | undefined {
    const promoted = this.#promoted()
    if (promoted) return promoted.offset
    // One at a time goes out; the others are ready all the same.
    const suspect = this.#suspects.peek()
    const best = this.#offerEach(suspect)
    this.#best = undefined
    if (best === 'late') return this.#plain.lateOffset
    if (best === 'ready') return this.#exceptions.firstReady?.offset
    if (best === 'suspect') return suspect?.offset
    return best === 'aged' ? undefined : best?.cursor.offset
  }

  /**
   * Where attempts are not counted nobody is buried for what a neighbour does: what was leased at an unclean
   * end is ready like anything else.
   */
  trustSuspects(): void {
    if (this.#suspects.size === 0) return
    for (const suspect of this.#suspects.dropAll()) this.#back(suspect)
  }

  /** Takes what `settleBest` found out of the order. */
  takeBest(): Taken {
    const source = this.#best
    this.#best = undefined
    if (source === undefined) throw new Error('there is no best message to take')
    if (source === 'suspect') return this.#out(this.#suspects.take())
    if (source === 'ready') return this.#takeException(this.#exceptions.firstReady)
    if (source === 'late') return this.#takeLate()
    if (source === 'aged') return this.#takeAged()
    const { cursor, priority } = source
    source.isHead = false
    return this.#out(new Taken(this, cursor.id, cursor.offset, priority))
  }

  /** `settleBest` found a message, and nobody has taken it since. */
  get hasBest(): boolean {
    return this.#best !== undefined
  }

  /**
   * The same, and up to `count` of what follows it in its lane, as long as nothing else can come between
   * and all stand in front of what else is to be had: (priority, id).
   */
  takeRun(
    count: number,
    beforePriority = Number.POSITIVE_INFINITY,
    beforeId = Number.POSITIVE_INFINITY,
  ): Taken[] {
    const source = this.#best
    const taken = [this.takeBest()]
    if (typeof source !== 'object' || !this.#isPlainOnly) return taken
    const { cursor, priority } = source
    if (priority > beforePriority) return taken
    const endId = priority < beforePriority ? Number.POSITIVE_INFINITY : beforeId
    while (taken.length < count && this.hasRoom && source.settle(this.#isOpen)) {
      if (cursor.id >= endId) break
      source.isHead = false
      taken.push(this.#out(new Taken(this, cursor.id, cursor.offset, priority)))
    }
    return taken
  }

  /**
   * Takes this very message, wherever it stands; undefined where it is not ready or delayed, nor buried
   * where that may be.
   */
  takeThis(id: number, offset: number, priority: number, mayBeBuried: boolean): Taken | undefined {
    if (this.isStill || !this.hasRoom || !this.isWaiting(offset, id)) return undefined
    const exception = this.state.exception(offset)
    if (exception?.state === 'buried' && !mayBeBuried) return undefined
    if (exception) {
      const taken = this.#takeException(exception)
      if (exception.state === 'buried') this.#dugUp.add(taken)
      return taken
    }
    this.#suspects.drop(offset)
    this.#early.add(offset, offset + 1)
    return this.#out(new Taken(this, id, offset, priority))
  }

  /** Takes buried exceptions for a change, in order. */
  takeBuried(count: number): Exception[] {
    const taken: Exception[] = []
    while (taken.length < count) {
      const exception = this.#exceptions.firstBuried
      if (!exception) break
      this.#exceptions.drop(exception)
      if (this.isFree(exception.offset, exception.id)) taken.push(exception)
    }
    return taken
  }

  /** The message is neither finished nor out. */
  isFree(offset: number, id: number): boolean {
    return (
      !this.state.finished.has(offset) && !this.out.has(offset) && !this.queue.isLeaving(offset, id)
    )
  }

  /** The same, and it waits for no other message. */
  isWaiting(offset: number, id: number): boolean {
    return this.isFree(offset, id) && !this.isBehind(offset)
  }

  /** It comes after another of its key, with which the group is not through. */
  isBehind(offset: number): boolean {
    return this.queue.state.trailing.size > 0 && isBehind(this.state, this.queue.state, offset)
  }

  /** Takes a message out of the order while a change of it is on its way. */
  hold(id: number, offset: number, priority: number): Taken {
    const exception = this.state.exception(offset)
    if (exception) this.#exceptions.drop(exception)
    this.#suspects.drop(offset)
    return this.#out(new Taken(this, id, offset, priority))
  }

  /** Puts back what was taken and not changed. */
  putBack(taken: Taken): void {
    if (this.out.get(taken.offset) !== taken) return
    const { isSuspect, id, offset, priority } = taken
    this.out.delete(offset)
    this.#ended(taken)
    if (isSuspect) this.#addSuspect(new Taken(this, id, offset, priority))
    else this.#back(taken)
  }

  /** Messages that were to leave stay after all. */
  restore(offsets: readonly number[], ids: readonly number[]): void {
    offsets.forEach((offset, row) => {
      if (this.out.has(offset) || this.#suspects.has(offset)) return
      const exception = this.state.exception(offset)
      if (exception && !exception.holder) this.#place(exception)
      const facts = exception ? undefined : this.queue.find(offset)
      if (facts) this.#back(new Taken(this, ids[row] ?? facts.id, offset, facts.priority))
    })
  }

  /** A plain message has become due: its place in the lane may have been passed meanwhile. */
  due(offset: number, id: number, priority: number, lane: Lane): void {
    this.#early.remove(offset)
    if (!this.isWaiting(offset, id) || this.state.exception(offset)) return
    if (this.#suspects.has(offset)) return
    if (this.#plain.hasPassed(offset, lane)) this.#pushLate(priority, id, offset)
    this.queue.woke(this)
  }

  /** Makes ready what has become due, up to `count`; returns how many there were. */
  advance(elapsedMs: number, wallMs: number, count: number): number {
    for (let made = 0; made < count; made++) {
      const exception = this.#exceptions.advanceOne(elapsedMs, wallMs)
      if (!exception) return made
      this.#noteAge(exception.id, exception.offset)
      this.queue.woke(this)
    }
    return count
  }

  /** When the next exception becomes due, by either clock; infinite where none is delayed. */
  get nextElapsedMs(): number {
    return this.#exceptions.firstElapsed?.dueMs ?? Number.POSITIVE_INFINITY
  }

  get nextWallMs(): number {
    return this.#exceptions.firstWall?.dueMs ?? Number.POSITIVE_INFINITY
  }

  get firstBuried(): Exception | undefined {
    return this.#exceptions.firstBuried
  }

  get firstDelayed(): readonly (Exception | undefined)[] {
    return [this.#exceptions.firstElapsed, this.#exceptions.firstWall]
  }

  /** Exceptions that are delayed: up to `count` of each of the two kinds of time, soonest first. */
  delayed(count: number): Exception[] {
    return this.#exceptions.delayed(count)
  }

  changed(exception: Exception): void {
    this.#early.add(exception.offset, exception.offset + 1)
    this.#place(exception)
    if (exception.state === 'buried') this.#letGoBehind(exception.offset, exception.offset + 1)
  }

  dropped(exception: Exception): void {
    this.#exceptions.drop(exception)
  }

  unleased(first: number, end: number): void {
    if (this.state.finished.has(first)) {
      this.#early.add(first, end)
      this.#letGoBehind(first, end)
    }
    if (this.#suspects.size > 0) this.#suspects.dropFinished(first, end, this.#isFinished)
    if (this.out.size === 0) return
    const hadRoom = this.hasRoom
    if (end - first <= this.out.size) {
      for (let offset = first; offset < end; offset++) this.#unleasedOne(this.out.get(offset))
    } else {
      this.out.forEach((taken) => {
        if (taken.offset >= first && taken.offset < end) this.#unleasedOne(taken)
      })
    }
    if (!hadRoom && this.hasRoom) this.queue.woke(this)
  }

  settingsChanged(): void {
    this.#aged.clear()
    for (const exception of this.state.exceptions()) {
      if (this.#exceptions.isReady(exception)) this.#noteAge(exception.id, exception.offset)
    }
    this.#plain.forEachLate((id, offset) => this.#noteAge(id, offset))
    this.queue.woke(this)
  }

  /** The group begins anew: what is out of it ends, and its place in every lane is that of the state. */
  restart(): void {
    this.out.forEach((taken) => {
      this.out.delete(taken.offset)
      this.#ended(taken)
    })
    this.#suspects = new Suspects()
    this.#plain = new PlainOrder()
    for (const lane of this.queue.state.lanes.all) this.addLane(lane)
    this.#aged.clear()
    this.#early.clear()
  }

  /** The group is gone: what is out of it ends. */
  remove(): void {
    this.isRemoved = true
    this.out.forEach((taken) => {
      this.#ended(taken)
    })
    this.out.clear()
    this.use.removed(this)
  }

  /** The group is through with these: what comes after them may go. */
  #letGoBehind(first: number, end: number): void {
    const { trailing } = this.queue.state
    if (trailing.size === 0) return
    trailing.forEachBehind(first, end, (offset) => {
      if (!this.state.finished.has(offset)) this.restore([offset], [])
    })
  }

  #pushLate(priority: number, id: number, offset: number): void {
    this.#plain.pushLate(priority, id, offset)
    this.#noteAge(id, offset)
  }

  #unleasedOne(taken: Taken | undefined): void {
    if (!taken) return
    this.out.delete(taken.offset)
    this.#ended(taken)
    if (this.state.finished.has(taken.offset)) return
    this.#back(taken)
  }

  #ended(taken: Taken): void {
    if (taken.isSuspect) {
      this.#suspects.ended(taken)
      this.queue.woke(this)
    }
    if (taken.leaseMs > 0) this.#leased--
    if (this.#dugUp.size > 0) this.#dugUp.delete(taken)
    this.use.note()
    this.queue.ended(taken)
    taken.holder?.ended(taken)
    taken.status = 'ended'
  }

  #back(taken: Taken): void {
    const { offset, id, priority } = taken
    const exception = this.state.exception(offset)
    if (exception) this.#place(exception)
    else if (this.queue.isScheduled(offset)) {
      // Its time has not come: it goes on waiting for that.
      this.#early.remove(offset)
    } else if (this.#plain.hasPassedIn(offset, priority)) this.#pushLate(priority, id, offset)
    this.queue.woke(this)
  }

  #out(taken: Taken): Taken {
    if (this.out.has(taken.offset)) throw new Error(`message ${taken.id} is out already`)
    this.out.set(taken.offset, taken)
    return taken
  }

  /** Nothing but the lanes has messages that are ready, and none goes before its turn. */
  get #isPlainOnly(): boolean {
    return (
      this.#plain.lateCount === 0 &&
      this.#exceptions.readyCount === 0 &&
      this.#suspects.size === 0 &&
      this.state.promoteAfterMs === 0
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
    const { state, queue } = this
    if (state.finished.has(offset) || this.out.has(offset)) return false
    if (state.exceptionCount > 0 && state.exception(offset)) return false
    if (this.#suspects.has(offset)) return false
    if (queue.isLeaving(offset, id) || this.isBehind(offset)) return false
    // What waits for its time stands in the schedule, whatever the clock says now.
    return !cursor.hasExtras || !queue.isScheduled(offset) || state.leased.has(offset)
  }

  #settleReady(): Exception | undefined {
    for (;;) {
      const exception = this.#exceptions.firstReady
      if (!exception || this.isWaiting(exception.offset, exception.id)) return exception
      this.#exceptions.drop(exception)
    }
  }

  /** The oldest message of all, where it has waited too long. */
  #promoted(): Promoted | undefined {
    const { promoteAfterMs } = this.state
    if (promoteAfterMs === 0) return undefined
    const beforeMs = this.queue.wallMs() - promoteAfterMs
    const row = this.#plain.oldestRow(this.#isOpen, beforeMs)
    const oldest = row && { source: row, id: row.cursor.id, offset: row.cursor.offset }
    if (!this.#aged.settle()) return oldest
    const { id, offset } = this.#aged
    const putMs = this.queue.find(offset)?.timeMs ?? Number.POSITIVE_INFINITY
    if (putMs > beforeMs || (oldest && oldest.id < id)) return oldest
    return { source: 'aged', id, offset }
  }

  #isAged(id: number, offset: number): boolean {
    if (!this.isWaiting(offset, id)) return false
    const exception = this.state.exception(offset)
    return exception === undefined || this.#exceptions.isReady(exception)
  }

  /** Where age counts, what stands in no lane any more is kept in its order too. */
  #noteAge(id: number, offset: number): void {
    if (this.state.promoteAfterMs === 0) return
    this.#aged.note(id, offset, this.#exceptions.readyCount + this.#plain.lateCount)
  }

  #takeAged(): Taken {
    const { id, offset } = this.#aged
    this.#aged.pop()
    const exception = this.state.exception(offset)
    if (exception) return this.#takeException(exception)
    const priority = this.queue.find(offset)?.priority ?? 0
    return this.#out(new Taken(this, id, offset, priority))
  }

  #takeException(exception: Exception | undefined): Taken {
    if (!exception) throw new Error('there is no exception to take')
    this.#exceptions.drop(exception)
    this.#suspects.drop(exception.offset)
    const { id, offset, priority } = exception
    return this.#out(new Taken(this, id, offset, priority))
  }

  #takeLate(): Taken {
    const { latePriority, lateId, lateOffset } = this.#plain
    const taken = new Taken(this, lateId, lateOffset, latePriority)
    this.#plain.popLate()
    return this.#out(taken)
  }

  #place(exception: Exception): void {
    if (this.out.has(exception.offset)) return
    this.#exceptions.place(exception, this.queue.isDue(exception.dueKind, exception.dueMs))
    if (this.#exceptions.isReady(exception)) {
      this.#noteAge(exception.id, exception.offset)
      this.queue.woke(this)
    } else if (this.#exceptions.isDelayed(exception)) this.queue.scheduled()
  }

  #addSuspect(suspect: Taken): void {
    this.#suspects.add(suspect)
    this.queue.woke(this)
  }
}
