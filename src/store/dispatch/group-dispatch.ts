/**
 * Which message of a group is next: lanes read in order, and beside them whatever is no plain waiting
 * message. Derived from the state while the store is open; nothing here is saved. Pure memory.
 */

import { IndexedHeap } from '../containers/heap.ts'
import { OffsetSet } from '../containers/offset-set.ts'
import type { PostingsCursor } from '../containers/postings-cursor.ts'
import { TypedHeap } from '../containers/typed-heap.ts'
import { DueKind } from '../records/message-record.ts'
import type { Exception } from '../state/exception.ts'
import type { GroupEvents, GroupState } from '../state/group-state.ts'
import type { Lane } from '../state/lane.ts'
import { LaneRow } from './lane-row.ts'
import type { QueueDispatch } from './queue-dispatch.ts'
import { Taken } from './taken.ts'
import type { Waiter } from './waiter.ts'

/** Where the best message stands. */
type Source = LaneRow | 'ready' | 'late' | 'suspect' | 'aged'

/** Entries of the order by age that may be stale, beside as many as are not. */
const STALE_AGED_MAX = 1024

export class GroupDispatch implements GroupEvents {
  readonly queue: QueueDispatch
  readonly state: GroupState
  /** Out of the order for now, by offset. */
  readonly out = new Map<number, Taken>()
  /** Who waits for a message of this group, longest first. */
  readonly waiters = new Set<Waiter>()
  /** The group was removed: whatever holds it gets nothing more. */
  isRemoved = false
  /** What `settleBest` found. */
  bestPriority = 0
  bestId = 0
  #best: Source | undefined
  readonly #rows: LaneRow[] = []
  readonly #ready = new IndexedHeap<Exception>(byPriority)
  readonly #buried = new IndexedHeap<Exception>((a, b) => a.sequence - b.sequence)
  readonly #delayedElapsed = new IndexedHeap<Exception>(byDue)
  readonly #delayedWall = new IndexedHeap<Exception>(byDue)
  /** Plain messages whose place in their lane was passed: (priority, id, offset). */
  readonly #late = new TypedHeap()
  /** The same and the ready exceptions by age, where age counts: (id, 0, offset); some are stale. */
  readonly #aged = new TypedHeap()
  /** Leased when an earlier opening ended without a close: they go out one at a time. */
  readonly #suspects = new IndexedHeap<Taken>(byPriority)
  readonly #suspectOffsets = new Map<number, Taken>()
  #suspectOut = 0
  /** Messages of the queue's schedules that wait for no time in this group any more. */
  readonly #early = new OffsetSet()
  readonly #isOpen = (cursor: PostingsCursor): boolean => this.#isPlainReady(cursor)

  constructor(queue: QueueDispatch, state: GroupState) {
    this.queue = queue
    this.state = state
  }

  /** Begins with what the state says. */
  begin(): void {
    this.state.events = this
    for (const lane of this.queue.state.lanes) this.addLane(lane)
    this.#begunSuspects()
    for (const exception of this.state.exceptions()) {
      if (!this.#suspectOffsets.has(exception.offset)) this.#place(exception)
    }
  }

  addLane(lane: Lane): void {
    if (lane.priority === undefined) return
    const row = new LaneRow(lane, lane.priority, this.state.finished.floor)
    this.#rows.push(row)
    this.#rows.sort((a, b) => a.priority - b.priority)
  }

  /** Deliveries whose lease has begun and not ended. */
  get leased(): number {
    let leased = 0
    for (const { leaseMs } of this.out.values()) if (leaseMs > 0) leased++
    return leased
  }

  /** The exception waits for its time, as far as anybody has looked. */
  isDelayed({ holder }: Exception): boolean {
    return holder === this.#delayedElapsed || holder === this.#delayedWall
  }

  /** Messages that wait for their time. */
  get delayedCount(): number {
    const plain = this.queue.scheduledCount - this.#early.count
    return plain + this.#delayedElapsed.size + this.#delayedWall.size
  }

  /** More may be leased now. */
  get hasRoom(): boolean {
    const { leasedMax } = this.state
    return leasedMax === 0 || this.out.size < leasedMax
  }

  /** Called for each message that the queue's schedules hold when this begins, or get from now on. */
  scheduled(offset: number): void {
    const { state } = this
    const waits =
      !state.finished.has(offset) && !state.exception(offset) && !state.leased.has(offset)
    if (!waits) this.#early.add(offset, offset + 1)
  }

  /** Finds the best message that can be delivered now; false where there is none. */
  settleBest(): boolean {
    this.#best = undefined
    if (this.isRemoved || this.queue.isPaused || !this.hasRoom) return false
    const row = this.#settleRows()
    if (row) this.#offer(row.priority, row.cursor.id, row)
    const exception = this.#settleReady()
    if (exception) this.#offer(exception.priority, exception.id, 'ready')
    if (this.#settleLate()) this.#offer(this.#late.peekKey1, this.#late.peekKey2, 'late')
    const suspect = this.#settleSuspects()
    if (suspect) this.#offer(suspect.priority, suspect.id, 'suspect')
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
    const row = this.#settleRows()
    const promoted = this.#promoted()
    if (promoted) return promoted.offset
    const exception = this.#settleReady()
    const late = this.#settleLate()
    // One at a time goes out; the others are ready all the same.
    const suspect = this.#suspects.peek()
    this.#best = undefined
    if (row) this.#offer(row.priority, row.cursor.id, row)
    if (exception) this.#offer(exception.priority, exception.id, 'ready')
    if (late) this.#offer(this.#late.peekKey1, this.#late.peekKey2, 'late')
    if (suspect) this.#offer(suspect.priority, suspect.id, 'suspect')
    const best: Source | undefined = this.#best
    this.#best = undefined
    if (best === 'late') return this.#late.peekPayload
    if (best === 'ready') return exception?.offset
    if (best === 'suspect') return suspect?.offset
    return row?.cursor.offset
  }

  /** Takes what `settleBest` found out of the order. */
  takeBest(): Taken {
    const source = this.#best
    this.#best = undefined
    if (source === undefined) throw new Error('there is no best message to take')
    if (source === 'suspect') return this.#takeSuspect()
    if (source === 'ready') return this.#takeException(this.#ready.peek())
    if (source === 'late') return this.#takeLate()
    if (source === 'aged') return this.#takeAged()
    const { cursor, priority } = source
    source.isHead = false
    return this.#out(new Taken(this, cursor.id, cursor.offset, priority))
  }

  /** Takes this very message, wherever it stands; undefined where it is not ready or delayed. */
  takeThis(id: number, offset: number, priority: number): Taken | undefined {
    if (!this.hasRoom || !this.isWaiting(offset, id)) return undefined
    const exception = this.state.exception(offset)
    if (exception?.state === 'buried') return undefined
    if (exception) return this.#takeException(exception)
    this.#dropSuspect(offset)
    this.#noteEarly(offset, offset + 1)
    return this.#out(new Taken(this, id, offset, priority))
  }

  /** Takes buried exceptions for a change, in order. */
  takeBuried(count: number): Exception[] {
    const taken: Exception[] = []
    while (taken.length < count) {
      const exception = this.#buried.pop()
      if (!exception) break
      exception.holder = undefined
      if (this.isWaiting(exception.offset, exception.id)) taken.push(exception)
    }
    return taken
  }

  /** The message is neither finished nor out. */
  isWaiting(offset: number, id: number): boolean {
    return (
      !this.state.finished.has(offset) && !this.out.has(offset) && !this.queue.isLeaving(offset, id)
    )
  }

  /** Takes a message out of the order while a change of it is on its way. */
  hold(id: number, offset: number, priority: number): Taken {
    const exception = this.state.exception(offset)
    exception?.holder?.remove(exception)
    if (exception) exception.holder = undefined
    this.#dropSuspect(offset)
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
      if (this.out.has(offset) || this.#suspectOffsets.has(offset)) return
      const exception = this.state.exception(offset)
      if (exception && !exception.holder) this.#place(exception)
      const facts = exception ? undefined : this.queue.find(offset)
      if (facts) this.#back(new Taken(this, ids[row] ?? facts.id, offset, facts.priority))
    })
  }

  /** A plain message has become due: its place in the lane may have been passed meanwhile. */
  due(offset: number, id: number, priority: number, lane: Lane): void {
    if (this.#early.count > 0) this.#early.remove(offset, offset + 1)
    if (!this.isWaiting(offset, id) || this.state.exception(offset)) return
    if (this.#suspectOffsets.has(offset)) return
    const row = this.#rows.find((one) => one.lane === lane)
    if (!row || row.hasPassed(offset)) this.#pushLate(priority, id, offset)
    this.queue.woke(this)
  }

  /** Makes ready what has become due. */
  advance(elapsedMs: number, wallMs: number): void {
    this.#advance(this.#delayedElapsed, elapsedMs)
    this.#advance(this.#delayedWall, wallMs)
  }

  /** When the next exception becomes due, by either clock; infinite where none is delayed. */
  get nextElapsedMs(): number {
    return this.#delayedElapsed.peek()?.dueMs ?? Number.POSITIVE_INFINITY
  }

  get nextWallMs(): number {
    return this.#delayedWall.peek()?.dueMs ?? Number.POSITIVE_INFINITY
  }

  get firstBuried(): Exception | undefined {
    return this.#buried.peek()
  }

  get firstDelayed(): readonly (Exception | undefined)[] {
    return [this.#delayedElapsed.peek(), this.#delayedWall.peek()]
  }

  /** Exceptions that are delayed, in no order. */
  delayed(): Exception[] {
    return [...this.state.exceptions()].filter((exception) => this.isDelayed(exception))
  }

  changed(exception: Exception): void {
    this.#noteEarly(exception.offset, exception.offset + 1)
    this.#place(exception)
  }

  dropped(exception: Exception): void {
    exception.holder?.remove(exception)
    exception.holder = undefined
  }

  unleased(first: number, end: number): void {
    if (this.state.finished.has(first)) this.#noteEarly(first, end)
    if (this.#suspectOffsets.size > 0) {
      this.#finishSuspects(first, end)
    }
    if (this.out.size === 0) return
    const hadRoom = this.hasRoom
    if (end - first <= this.out.size) {
      for (let offset = first; offset < end; offset++) this.#unleasedOne(this.out.get(offset))
    } else {
      for (const taken of this.out.values()) {
        if (taken.offset >= first && taken.offset < end) this.#unleasedOne(taken)
      }
    }
    if (!hadRoom && this.hasRoom) this.queue.woke(this)
  }

  settingsChanged(): void {
    this.#aged.clear()
    for (const { id, offset, holder } of this.state.exceptions()) {
      if (holder === this.#ready) this.#noteAge(id, offset)
    }
    this.#late.forEach((_priority, id, offset) => {
      this.#noteAge(id, offset)
    })
    this.queue.woke(this)
  }

  /** The group is gone: what is out of it ends. */
  remove(): void {
    this.isRemoved = true
    for (const taken of this.out.values()) this.#ended(taken)
    this.out.clear()
  }

  #pushLate(priority: number, id: number, offset: number): void {
    this.#late.push(priority, id, offset)
    this.#noteAge(id, offset)
  }

  #noteEarly(first: number, end: number): void {
    this.queue.forEachScheduled(first, end, (from, to) => this.#early.add(from, to))
  }

  #finishSuspects(first: number, end: number): void {
    const few = end - first < this.#suspectOffsets.size
    const offsets = few ? range(first, end) : [...this.#suspectOffsets.keys()]
    for (const offset of offsets) {
      if (offset >= first && offset < end && this.state.finished.has(offset)) {
        this.#dropSuspect(offset)
      }
    }
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
      this.#suspectOut--
      this.queue.woke(this)
    }
    taken.isSuspect = false
    taken.status = 'ended'
    this.queue.ended(taken)
    taken.whenEnded?.(taken)
  }

  #back(taken: Taken): void {
    const { offset, id, priority } = taken
    const exception = this.state.exception(offset)
    if (exception) this.#place(exception)
    else if (this.queue.isScheduled(offset)) {
      // Its time has not come: it goes on waiting for that.
      if (this.#early.has(offset)) this.#early.remove(offset, offset + 1)
    } else {
      const row = this.#rows.find((one) => one.priority === priority)
      if (!row || row.hasPassed(offset)) this.#pushLate(priority, id, offset)
    }
    this.queue.woke(this)
  }

  #out(taken: Taken): Taken {
    if (this.out.has(taken.offset)) throw new Error(`message ${taken.id} is out already`)
    this.out.set(taken.offset, taken)
    return taken
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

  #settleRows(): LaneRow | undefined {
    for (const row of this.#rows) if (row.settle(this.#isOpen)) return row
    return undefined
  }

  #isPlainReady(cursor: PostingsCursor): boolean {
    const { offset, id } = cursor
    const { state, queue } = this
    if (state.finished.has(offset) || this.out.has(offset)) return false
    if (state.exceptionCount > 0 && state.exception(offset)) return false
    if (this.#suspectOffsets.size > 0 && this.#suspectOffsets.has(offset)) return false
    if (queue.isLeaving(offset, id)) return false
    // What waits for its time stands in the schedule, whatever the clock says now.
    return !cursor.hasExtras || !queue.isScheduled(offset) || state.leased.has(offset)
  }

  #settleReady(): Exception | undefined {
    for (;;) {
      const exception = this.#ready.peek()
      if (!exception || this.isWaiting(exception.offset, exception.id)) return exception
      this.#ready.pop()
      exception.holder = undefined
    }
  }

  #settleLate(): boolean {
    while (this.#late.size > 0) {
      const offset = this.#late.peekPayload
      if (this.isWaiting(offset, this.#late.peekKey2) && !this.state.exception(offset)) return true
      this.#late.pop()
    }
    return false
  }

  #settleSuspects(): Taken | undefined {
    if (this.#suspectOut > 0) return undefined
    for (let first = this.#suspects.peek(); first; first = this.#suspects.peek()) {
      if (this.isWaiting(first.offset, first.id)) return first
      this.#dropSuspect(first.offset)
    }
    return undefined
  }

  /** The oldest message of all, where it has waited too long. */
  #promoted():
    | { readonly source: Source; readonly id: number; readonly offset: number }
    | undefined {
    const { promoteAfterMs } = this.state
    if (promoteAfterMs === 0) return undefined
    let oldest: { source: Source; id: number; offset: number } | undefined
    const before = this.queue.wallMs() - promoteAfterMs
    for (const row of this.#rows) {
      if (!row.settle(this.#isOpen) || row.cursor.timeMs > before) continue
      const { id, offset } = row.cursor
      if (!oldest || id < oldest.id) oldest = { source: row, id, offset }
    }
    if (!this.#settleAged()) return oldest
    const id = this.#aged.peekKey1
    const offset = this.#aged.peekPayload
    const putMs = this.queue.find(offset)?.timeMs ?? Number.POSITIVE_INFINITY
    if (putMs > before || (oldest && oldest.id < id)) return oldest
    return { source: 'aged', id, offset }
  }

  /** Lets go of what was taken since, or is not ready. */
  #settleAged(): boolean {
    while (this.#aged.size > 0) {
      if (this.#isAged(this.#aged.peekKey1, this.#aged.peekPayload)) return true
      this.#aged.pop()
    }
    return false
  }

  #isAged(id: number, offset: number): boolean {
    if (!this.isWaiting(offset, id)) return false
    const exception = this.state.exception(offset)
    return exception === undefined || exception.holder === this.#ready
  }

  /** Where age counts, what stands in no lane any more is kept in its order too. */
  #noteAge(id: number, offset: number): void {
    if (this.state.promoteAfterMs === 0) return
    this.#aged.push(id, 0, offset)
    if (this.#aged.size <= 2 * (this.#ready.size + this.#late.size) + STALE_AGED_MAX) return
    this.#aged.filter((one, _zero, at) => this.#isAged(one, at))
  }

  #takeAged(): Taken {
    const id = this.#aged.peekKey1
    const offset = this.#aged.peekPayload
    this.#aged.pop()
    const exception = this.state.exception(offset)
    if (exception) return this.#takeException(exception)
    const priority = this.queue.find(offset)?.priority ?? 0
    return this.#out(new Taken(this, id, offset, priority))
  }

  #takeException(exception: Exception | undefined): Taken {
    if (!exception) throw new Error('there is no exception to take')
    exception.holder?.remove(exception)
    exception.holder = undefined
    this.#dropSuspect(exception.offset)
    const { id, offset, priority } = exception
    return this.#out(new Taken(this, id, offset, priority))
  }

  #takeLate(): Taken {
    const taken = new Taken(this, this.#late.peekKey2, this.#late.peekPayload, this.#late.peekKey1)
    this.#late.pop()
    return this.#out(taken)
  }

  #place(exception: Exception): void {
    if (this.out.has(exception.offset)) return
    const heap = this.#heapFor(exception)
    exception.holder?.remove(exception)
    exception.holder = heap
    heap.push(exception)
    if (heap === this.#ready) {
      this.#noteAge(exception.id, exception.offset)
      this.queue.woke(this)
    } else if (heap !== this.#buried) this.queue.scheduled()
  }

  #heapFor(exception: Exception): IndexedHeap<Exception> {
    if (exception.state === 'buried') return this.#buried
    if (exception.state === 'ready') return this.#ready
    if (this.queue.isDue(exception.dueKind, exception.dueMs)) return this.#ready
    return exception.dueKind === DueKind.WALL ? this.#delayedWall : this.#delayedElapsed
  }

  #advance(heap: IndexedHeap<Exception>, nowMs: number): void {
    for (;;) {
      const exception = heap.peek()
      if (!exception || exception.dueMs > nowMs) return
      heap.pop()
      exception.holder = this.#ready
      this.#ready.push(exception)
      this.#noteAge(exception.id, exception.offset)
      this.queue.woke(this)
    }
  }

  /** What was leased when the last opening ended, and is not finished, may be what ended it. */
  #begunSuspects(): void {
    const { leased } = this.state
    leased.forEachRange(0, this.queue.state.nextOffset, (first, end) => {
      for (let offset = first; offset < end; offset++) {
        const suspect = this.state.finished.has(offset) ? undefined : this.#suspectAt(offset)
        if (suspect) this.#addSuspect(suspect)
      }
    })
  }

  #addSuspect(suspect: Taken): void {
    suspect.isSuspect = true
    this.#suspects.push(suspect)
    this.#suspectOffsets.set(suspect.offset, suspect)
    this.queue.woke(this)
  }

  #suspectAt(offset: number): Taken | undefined {
    const exception = this.state.exception(offset)
    if (exception) {
      // A delay that was given later counts; one that is buried goes nowhere.
      if (exception.state !== 'ready') return undefined
      return new Taken(this, exception.id, offset, exception.priority)
    }
    const facts = this.queue.find(offset)
    if (!facts) return undefined
    return new Taken(this, facts.id, offset, facts.priority)
  }

  #takeSuspect(): Taken {
    const suspect = this.#suspects.pop()
    if (!suspect) throw new Error('there is no suspect to take')
    this.#suspectOffsets.delete(suspect.offset)
    this.#suspectOut++
    return this.#out(suspect)
  }

  #dropSuspect(offset: number): void {
    const suspect = this.#suspectOffsets.get(offset)
    if (!suspect) return
    this.#suspectOffsets.delete(offset)
    this.#suspects.remove(suspect)
  }
}

function range(first: number, end: number): number[] {
  return Array.from({ length: end - first }, (_, row) => first + row)
}

function byPriority(a: Ordered, b: Ordered): number {
  return a.priority - b.priority || a.id - b.id
}

interface Ordered {
  readonly priority: number
  readonly id: number
}

function byDue(a: Exception, b: Exception): number {
  return a.dueMs - b.dueMs || a.id - b.id
}
