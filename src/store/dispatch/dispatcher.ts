/**
 * Who gets what and when: serves waiting sessions in order of their waiting, keeps leases and lets them
 * end, wakes what becomes due. What it decides about messages goes into the log through `Decisions`.
 */

import type { Clock } from '../../system/system.ts'
import { IndexedHeap } from '../containers/heap.ts'
import type { ElapsedClock } from '../elapsed-clock.ts'
import type { QueueState } from '../state/queue-state.ts'
import type { StateEvents, StoreState } from '../state/store-state.ts'
import { Alarm } from './alarm.ts'
import type { GroupDispatch } from './group-dispatch.ts'
import { type DispatchHost, QueueDispatch } from './queue-dispatch.ts'
import type { Taken } from './taken.ts'
import type { Waiter } from './waiter.ts'
import type { Watch } from './watch.ts'

/** What the dispatcher decides and the log has to record. */
export interface Decisions {
  timedOut(taken: readonly Taken[]): void
  attemptsUsedUp(taken: Taken): void
  expired(queue: QueueDispatch, ids: readonly number[], offsets: readonly number[]): void
}

export class Dispatcher implements DispatchHost, StateEvents {
  readonly #clock: ElapsedClock
  readonly #decisions: Decisions
  readonly #alarm: Alarm
  readonly #queues = new Map<number, QueueDispatch>()
  readonly #leases = new IndexedHeap<Taken>((a, b) => a.endMs - b.endMs)
  readonly #damaged = new Set<number>()
  readonly #woken = new Set<GroupDispatch>()
  #isServing = false
  /** Something becomes due at a time that the alarm may not know. */
  #mustArm = true
  #isScheduled = false
  #isClosed = false

  constructor(systemClock: Clock, clock: ElapsedClock, decisions: Decisions) {
    this.#clock = clock
    this.#decisions = decisions
    this.#alarm = new Alarm(systemClock, () => this.#ring())
  }

  /** Begins with what the state says. */
  begin(state: StoreState): void {
    state.events = this
    for (const queue of state.queues.values()) this.queueAdded(queue)
  }

  queueAdded(state: QueueState): void {
    const queue = new QueueDispatch(state, this)
    this.#queues.set(state.number, queue)
    queue.begin()
  }

  queue(state: QueueState): QueueDispatch {
    const queue = this.#queues.get(state.number)
    if (!queue) throw new Error(`queue ${state.name} is not dispatched`)
    return queue
  }

  elapsedMs(): number {
    return this.#clock.nowMs()
  }

  wallMs(): number {
    return this.#clock.wallMs()
  }

  get damaged(): ReadonlySet<number> {
    return this.#damaged
  }

  isDamaged(id: number): boolean {
    return this.#damaged.size > 0 && this.#damaged.has(id)
  }

  noteDamaged(id: number): void {
    this.#damaged.add(id)
  }

  /** Messages leased now, in all groups. */
  get leased(): number {
    return this.#leases.size
  }

  woke(group: GroupDispatch): void {
    if (group.waiters.size === 0) return
    this.#woken.add(group)
    this.#serveSoon()
  }

  scheduled(): void {
    this.#mustArm = true
    this.#serveSoon()
  }

  expired(queue: QueueDispatch, ids: readonly number[], offsets: readonly number[]): void {
    this.#decisions.expired(queue, ids, offsets)
  }

  /** The best messages of these groups, as many as there are up to `count`, out of the order. */
  take(watches: readonly Watch[], count: number): Taken[] {
    this.#endLeases()
    const elapsedMs = this.#clock.nowMs()
    const wallMs = this.#clock.wallMs()
    for (const { group } of watches) group.queue.advance(elapsedMs, wallMs)
    const taken: Taken[] = []
    while (taken.length < count) {
      const watch = bestOf(watches)
      if (!watch) break
      const { group } = watch
      const one = group.takeBest()
      const attempts = group.state.attempts(one.offset)
      if (attempts >= watch.attemptsMax()) {
        this.#decisions.attemptsUsedUp(one)
        // Turned down, it stands where it stood: to take it again would never end.
        if (one.status === 'ended') break
        continue
      }
      one.attempt = attempts + 1
      taken.push(one)
    }
    return taken
  }

  /** Calls the waiter's `serve` once there is something for it, unless `stopWaiting` comes first. */
  wait(waiter: Waiter): void {
    for (const { group } of waiter.watches) this.waitIn(group, waiter)
  }

  /** The same for one more group. */
  waitIn(group: GroupDispatch, waiter: Waiter): void {
    group.waiters.add(waiter)
    this.woke(group)
  }

  stopWaiting(waiter: Waiter): void {
    for (const { group } of waiter.watches) group.waiters.delete(waiter)
  }

  /** The lease begins, or is given more time. */
  lease(taken: Taken, leaseMs: number): void {
    taken.leaseMs = leaseMs
    taken.endMs = this.#clock.nowMs() + leaseMs
    taken.status = 'leased'
    if (taken.heapIndex >= 0) this.#leases.update(taken)
    else this.#leases.push(taken)
    this.#alarm.ringIn(leaseMs)
  }

  /** The lease is over, or about to be: it does not time out any more. */
  settle(taken: Taken): void {
    taken.status = 'settling'
    if (taken.heapIndex >= 0) this.#leases.remove(taken)
  }

  /** The lease has ended by whatever it was: nothing is left to time out. */
  ended(taken: Taken): void {
    if (taken.heapIndex >= 0) this.#leases.remove(taken)
  }

  /** The change that was to end the lease was turned down: it goes on as far as its time does. */
  unsettle(taken: Taken): void {
    if (taken.status !== 'settling') return
    taken.status = 'leased'
    this.#leases.push(taken)
    this.#alarm.ringIn(Math.max(RETRY_MS, taken.endMs - this.#clock.nowMs()))
  }

  /** Makes ready what has become due, ends leases whose time is over. */
  advance(): void {
    this.#endLeases()
    const elapsedMs = this.#clock.nowMs()
    const wallMs = this.#clock.wallMs()
    for (const queue of this.#queues.values()) queue.advance(elapsedMs, wallMs)
  }

  #endLeases(): void {
    const elapsedMs = this.#clock.nowMs()
    const late: Taken[] = []
    for (let first = this.#leases.peek(); first; first = this.#leases.peek()) {
      if (first.endMs > elapsedMs) break
      this.settle(first)
      late.push(first)
    }
    if (late.length > 0) this.#decisions.timedOut(late)
  }

  close(): void {
    this.#isClosed = true
    this.#alarm.close()
  }

  #ring(): void {
    if (this.#isClosed) return
    this.#mustArm = true
    this.advance()
    this.#serveSoon()
  }

  #serveSoon(): void {
    if (this.#isScheduled || this.#isClosed) return
    this.#isScheduled = true
    queueMicrotask(this.#serve)
  }

  readonly #serve = (): void => {
    this.#isScheduled = false
    if (this.#isServing || this.#isClosed) return
    this.#isServing = true
    try {
      for (const group of this.#woken) {
        this.#woken.delete(group)
        this.#serveGroup(group)
      }
    } finally {
      this.#isServing = false
    }
    if (this.#mustArm) this.#arm()
  }

  #serveGroup(group: GroupDispatch): void {
    for (const waiter of group.waiters) {
      if (waiter.isOver) continue
      const taken = this.take(waiter.watches, waiter.count)
      if (taken.length === 0) {
        // Nothing for this one: the others of this group watch it too.
        if (!group.settleBest()) return
        continue
      }
      this.stopWaiting(waiter)
      waiter.serve(taken)
    }
  }

  #arm(): void {
    this.#mustArm = false
    let next = Number.POSITIVE_INFINITY
    let nextWall = Number.POSITIVE_INFINITY
    for (const queue of this.#queues.values()) {
      next = Math.min(next, queue.nextElapsedMs)
      nextWall = Math.min(nextWall, queue.nextWallMs)
    }
    const lease = this.#leases.peek()
    if (lease) next = Math.min(next, lease.endMs)
    const delayMs = Math.min(next - this.#clock.nowMs(), nextWall - this.#clock.wallMs())
    this.#alarm.ringIn(delayMs, nextWall !== Number.POSITIVE_INFINITY)
  }
}

/** After a change that was turned down, an ended lease is looked at again no sooner than this. */
const RETRY_MS = 250

function bestOf(watches: readonly Watch[]): Watch | undefined {
  let best: Watch | undefined
  for (const watch of watches) {
    const { group } = watch
    if (!group.settleBest()) continue
    const isBetter =
      best === undefined ||
      group.bestPriority < best.group.bestPriority ||
      (group.bestPriority === best.group.bestPriority && group.bestId < best.group.bestId)
    if (isBetter) best = watch
  }
  return best
}
