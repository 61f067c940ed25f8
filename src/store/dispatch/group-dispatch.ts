/**
 * A group while the store is open: what of it is out, who waits for a message, and what every change of
 * the state means for its order. Derived from the state; nothing here is saved. Pure memory.
 */

import { OffsetTable } from '../containers/offset-table.ts'
import type { Exception } from '../state/exception.ts'
import type { GroupEvents, GroupState } from '../state/group-state.ts'
import type { Lane } from '../state/lane.ts'
import { heldBehind, isBehind } from './behind.ts'
import { Early } from './early.ts'
import { GroupOrder } from './group-order.ts'
import { GroupUse } from './group-use.ts'
import type { QueueDispatch } from './queue-dispatch.ts'
import { suspectsOf } from './suspects.ts'
import { Taken } from './taken.ts'
import type { Waiter } from './waiter.ts'

export class GroupDispatch implements GroupEvents {
  readonly queue: QueueDispatch
  readonly state: GroupState
  /** Messages that are out of the order, by offset. */
  readonly out = new OffsetTable<Taken>()
  /** Messages that are in it. */
  readonly order: GroupOrder
  /** Who waits for a message of this group, longest first. */
  readonly waiters = new Set<Waiter>()
  readonly use: GroupUse
  /** The group was removed: whatever holds it gets nothing more. */
  isRemoved = false
  /** Records on their way that let it begin anew. */
  seeks = 0
  /** Times that such a record, or a purge of the queue, was begun. */
  upheavals = 0
  #leased = 0
  /** Messages that were taken though they are buried. */
  readonly #dugUp = new Set<Taken>()
  readonly #early: Early
  readonly #isFinished = (offset: number): boolean => this.state.finished.has(offset)

  constructor(queue: QueueDispatch, state: GroupState) {
    this.queue = queue
    this.state = state
    this.use = new GroupUse(() => queue.elapsedMs())
    this.#early = new Early(queue)
    this.order = new GroupOrder(this)
  }

  /** Begins with what the state says. */
  begin(): void {
    this.state.events = this
    const { order } = this
    for (const lane of this.queue.state.lanes.all) order.addLane(lane)
    for (const suspect of suspectsOf(this)) order.addSuspect(suspect)
    for (const exception of this.state.exceptions()) {
      if (!order.suspects.has(exception.offset)) order.place(exception)
    }
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
    return this.order.exceptions.isDelayed(exception)
  }

  /** A record on its way changes all of it at once: until then nothing is given out. */
  get isStill(): boolean {
    return this.seeks > 0 || this.queue.isPurging
  }

  /** Messages that wait for their time. */
  get delayedCount(): number {
    const plain = this.queue.scheduledCount - this.#early.count
    return plain + this.order.exceptions.delayedCount + heldBehind(this).length
  }

  /** More may be leased now. */
  get hasRoom(): boolean {
    const { leasedMax } = this.state
    return leasedMax === 0 || this.out.size < leasedMax
  }

  /** Nothing keeps its messages from being delivered now. */
  get mayDeliver(): boolean {
    return !this.isRemoved && !this.isStill && !this.queue.isPaused && this.hasRoom
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

  /** The message is gone: the queue's schedules do not hold it any more. */
  unscheduled(offset: number): void {
    this.#early.remove(offset)
  }

  /**
   * Where attempts are not counted nobody is buried for what a neighbour does: what was leased at an unclean
   * end is ready like anything else.
   */
  trustSuspects(): void {
    const { suspects } = this.order
    if (suspects.size === 0) return
    for (const suspect of suspects.dropAll()) this.#back(suspect)
  }

  /**
   * Takes this very message, wherever it stands; undefined where it is not ready or delayed, nor buried
   * where that may be.
   */
  takeThis(id: number, offset: number, priority: number, mayBeBuried: boolean): Taken | undefined {
    if (this.isStill || !this.hasRoom || !this.isWaiting(offset, id)) return undefined
    const exception = this.state.exception(offset)
    if (exception?.state === 'buried' && !mayBeBuried) return undefined
    if (!exception) this.#early.add(offset, offset + 1)
    const taken = this.hold(id, offset, exception?.priority ?? priority)
    if (!exception) return taken
    if (exception.state === 'buried') this.#dugUp.add(taken)
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
    const suspect = this.order.drop(offset, this.state.exception(offset))
    return this.noteOut(suspect ?? new Taken(this, id, offset, priority))
  }

  /** The message has left the order. */
  noteOut(taken: Taken): Taken {
    if (this.out.has(taken.offset)) throw new Error(`message ${taken.id} is out already`)
    this.out.set(taken.offset, taken)
    return taken
  }

  /** Puts back what was taken and not changed. */
  putBack(taken: Taken): void {
    if (this.out.get(taken.offset) !== taken) return
    const { isSuspect, id, offset, priority } = taken
    this.out.delete(offset)
    this.#ended(taken)
    if (isSuspect) this.order.addSuspect(new Taken(this, id, offset, priority))
    else this.#back(taken)
  }

  /** Messages that were to leave stay after all. */
  restore(offsets: readonly number[], ids: readonly number[]): void {
    offsets.forEach((offset, row) => {
      if (this.out.has(offset) || this.order.offerSuspect(offset)) return
      const exception = this.state.exception(offset)
      if (exception && !exception.holder) this.order.place(exception)
      const facts = exception ? undefined : this.queue.find(offset)
      if (facts) this.#back(new Taken(this, ids[row] ?? facts.id, offset, facts.priority))
    })
  }

  /** A plain message has become due: its place in the lane may have been passed meanwhile. */
  due(offset: number, id: number, priority: number, lane: Lane): void {
    this.#early.remove(offset)
    if (!this.isWaiting(offset, id) || this.state.exception(offset)) return
    if (this.order.suspects.has(offset)) return
    this.order.due(offset, id, priority, lane)
    this.queue.woke(this)
  }

  changed(exception: Exception): void {
    this.#early.add(exception.offset, exception.offset + 1)
    this.order.place(exception)
    if (exception.state === 'buried') this.#letGoBehind(exception.offset, exception.offset + 1)
  }

  dropped(exception: Exception): void {
    this.order.exceptions.drop(exception)
  }

  unleased(first: number, end: number): void {
    if (this.state.finished.has(first)) {
      this.#early.add(first, end)
      this.#letGoBehind(first, end)
    }
    const { suspects } = this.order
    if (suspects.size > 0) suspects.dropFinished(first, end, this.#isFinished)
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
    this.order.ageAnew()
    this.queue.woke(this)
  }

  /** The group begins anew: what is out of it ends, and its place in every lane is that of the state. */
  restart(): void {
    this.out.forEach((taken) => {
      this.out.delete(taken.offset)
      this.#ended(taken)
    })
    this.order.restart()
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

  #unleasedOne(taken: Taken | undefined): void {
    if (!taken) return
    this.out.delete(taken.offset)
    this.#ended(taken)
    if (this.state.finished.has(taken.offset)) return
    this.#back(taken)
  }

  #ended(taken: Taken): void {
    if (taken.isSuspect) {
      this.order.suspects.ended(taken)
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
    const { offset } = taken
    const exception = this.state.exception(offset)
    if (exception) this.order.place(exception)
    // Where its time has not come, it goes on waiting for that.
    else if (this.queue.isScheduled(offset)) this.#early.remove(offset)
    else this.order.back(taken)
    this.queue.woke(this)
  }
}
