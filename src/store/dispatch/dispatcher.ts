/**
 * Who gets what and when: serves waiting sessions in order of their waiting, keeps leases and lets them
 * end, wakes what becomes due. What it decides about messages goes into the log through `Decisions`.
 */

import type { Clock } from '../../system/system.ts'
import type { ElapsedClock } from '../elapsed-clock.ts'
import type { QueueState } from '../state/queue-state.ts'
import type { StateEvents, StoreState } from '../state/store-state.ts'
import { Alarm } from './alarm.ts'
import type { GroupDispatch } from './group-dispatch.ts'
import type { GroupOrder } from './group-order.ts'
import { LeaseOrder } from './lease-order.ts'
import { PurgingQueues } from './purging-queues.ts'
import { type DispatchHost, DUE_A_TURN, QueueDispatch } from './queue-dispatch.ts'
import { QueueTimes } from './queue-times.ts'
import type { Taken } from './taken.ts'
import type { Waiter } from './waiter.ts'
import type { Watch } from './watch.ts'

/** What the dispatcher decides and the log has to record. */
export interface Decisions {
  timedOut(taken: readonly Taken[]): void
  attemptsUsedUp(taken: readonly Taken[]): void
  expired(queue: QueueDispatch, ids: readonly number[], offsets: readonly number[]): void
  /** These were finished in time, and are not retained any longer. */
  lapsed(queue: QueueDispatch, ids: readonly number[], offsets: readonly number[]): void
  /** The queue is gone. */
  queueRemoved(queue: QueueState): void
}

/** Leases that end, and messages whose attempts are used up, in one turn of the event loop. */
const LEASES_A_TURN = 4_096
const USED_UP_A_TURN = 1_024
/** After a change that was turned down, an ended lease is looked at again no sooner than this. */
const RETRY_MS = 250

export class Dispatcher implements DispatchHost, StateEvents {
  readonly purging = new PurgingQueues()
  readonly #clock: ElapsedClock
  readonly #decisions: Decisions
  readonly #alarm: Alarm
  readonly #queues = new Map<number, QueueDispatch>()
  readonly #leases = new LeaseOrder()
  readonly #times = new QueueTimes<QueueDispatch>()
  readonly #damaged = new Set<number>()
  readonly #woken = new Set<GroupDispatch>()
  /** They had more to look through than one turn takes. */
  readonly #unfinished = new Set<GroupDispatch>()
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
    this.#times.changed(queue)
  }

  queueRemoved(state: QueueState): void {
    const queue = this.#queues.get(state.number)
    if (!queue) return
    this.#queues.delete(state.number)
    for (const group of queue.groups.values()) {
      this.#woken.delete(group)
      this.#unfinished.delete(group)
      group.remove()
    }
    this.#times.removed(queue)
    this.#decisions.queueRemoved(state)
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

  noteMended(id: number): void {
    this.#damaged.delete(id)
  }

  /** Messages leased now, in all groups. */
  get leased(): number {
    return this.#leases.live
  }

  woke(group: GroupDispatch): void {
    if (group.waiters.size === 0) return
    this.#woken.add(group)
    this.#serveSoon()
  }

  scheduled(queue: QueueDispatch): void {
    this.#times.changed(queue)
    this.#mustArm = true
    this.#serveSoon()
  }

  expired(queue: QueueDispatch, ids: readonly number[], offsets: readonly number[]): void {
    this.#decisions.expired(queue, ids, offsets)
  }

  lapsed(queue: QueueDispatch, ids: readonly number[], offsets: readonly number[]): void {
    this.#decisions.lapsed(queue, ids, offsets)
  }

  /** The best messages of these groups, as many as there are up to `count`, out of the order. */
  take(watches: readonly Watch[], count: number): Taken[] {
    this.#endLeases()
    const elapsedMs = this.#clock.nowMs()
    const wallMs = this.#clock.wallMs()
    for (const { group, attemptsMax } of watches) {
      group.queue.advance(elapsedMs, wallMs)
      if (attemptsMax() === Number.POSITIVE_INFINITY) group.trustSuspects()
    }
    const taken: Taken[] = []
    const usedUp: Taken[] = []
    while (taken.length < count) {
      const watch = bestOf(watches) ?? bestOfMore(watches, elapsedMs, wallMs)
      if (!watch) break
      const { group } = watch
      const room = Math.min(count - taken.length, USED_UP_A_TURN - usedUp.length)
      if (room === 0) {
        this.#goOn(group)
        break
      }
      const next = secondOf(watches, group)
      const run = group.order.takeRun(room, next?.bestPriority, next?.bestId)
      const attemptsMax = watch.attemptsMax()
      for (const one of run) {
        const attempts = group.state.attempts(one.offset)
        one.attempt = attempts + 1
        if (attempts >= attemptsMax) usedUp.push(one)
        else taken.push(one)
      }
    }
    if (usedUp.length > 0) this.#decisions.attemptsUsedUp(usedUp)
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

  /** The lease begins now, or is given more time; whoever calls `expectEnd` behind it is woken at its end. */
  lease(taken: Taken, leaseMs: number, nowMs: number): void {
    const isNew = taken.status !== 'leased'
    const endMs = nowMs + leaseMs
    if (taken.leaseMs === 0) taken.group.leaseBegun()
    taken.leaseMs = leaseMs
    if (!isNew && taken.endMs === endMs) return
    taken.endMs = endMs
    if (isNew) this.#leases.begin(taken)
    else this.#leases.moved(taken)
    taken.holder?.leased(taken, isNew)
    taken.status = 'leased'
  }

  /** Leases of this length have begun. */
  expectEnd(leaseMs: number): void {
    this.#alarm.ringIn(leaseMs)
  }

  /** The lease is over, or about to be: it does not time out any more. */
  settle(taken: Taken): void {
    if (taken.status === 'leased') {
      this.#leases.end()
      taken.holder?.settling(taken)
    }
    taken.status = 'settling'
  }

  /** The lease is about to end by whatever it was: nothing is left to time out. */
  ended(taken: Taken): void {
    if (taken.status === 'leased') this.#leases.end()
  }

  /** The change that was to end the lease was turned down: it goes on as far as its time does. */
  unsettle(taken: Taken): void {
    if (taken.status !== 'settling') return
    const nowMs = this.#clock.nowMs()
    // Where that is over, its end would be tried again at once, and again.
    taken.endMs = Math.max(taken.endMs, nowMs + RETRY_MS)
    this.#leases.begin(taken)
    taken.holder?.leased(taken, true)
    taken.status = 'leased'
    this.#alarm.ringIn(taken.endMs - nowMs)
  }

  /** Makes ready what has become due, ends leases whose time is over. */
  advance(): void {
    this.#endLeases()
    const elapsedMs = this.#clock.nowMs()
    const wallMs = this.#clock.wallMs()
    const seen: QueueDispatch[] = []
    let left = DUE_A_TURN
    for (let queue = this.#times.take(elapsedMs, wallMs); queue; ) {
      seen.push(queue)
      left -= queue.advance(elapsedMs, wallMs)
      queue = left > 0 ? this.#times.take(elapsedMs, wallMs) : undefined
    }
    for (const queue of seen) this.#times.changed(queue)
    // Where something is left, the alarm rings again at once.
    if (seen.length > 0) this.#mustArm = true
  }

  /** The group is looked at again, when everything else had its turn. */
  #goOn(group: GroupDispatch): void {
    this.#unfinished.add(group)
    this.#alarm.ringIn(0)
  }

  #endLeases(): void {
    const elapsedMs = this.#clock.nowMs()
    const late: Taken[] = []
    for (let first = this.#leases.peek(); first; first = this.#leases.peek()) {
      if (first.endMs > elapsedMs || late.length === LEASES_A_TURN) break
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
    for (const group of this.#unfinished) this.woke(group)
    this.#unfinished.clear()
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
        if (!group.order.settleBest()) return
        continue
      }
      this.stopWaiting(waiter)
      waiter.serve(taken)
    }
  }

  #arm(): void {
    this.#mustArm = false
    const nextWall = this.#times.nextWallMs
    let next = this.#times.nextElapsedMs
    const lease = this.#leases.peek()
    if (lease) next = Math.min(next, lease.endMs)
    const delayMs = Math.min(next - this.#clock.nowMs(), nextWall - this.#clock.wallMs())
    this.#alarm.ringIn(delayMs, nextWall !== Number.POSITIVE_INFINITY)
  }
}

function bestOf(watches: readonly Watch[]): Watch | undefined {
  let best: Watch | undefined
  for (const watch of watches) {
    const { order } = watch.group
    if (!order.settleBest()) continue
    if (best === undefined || isBefore(order, best.group.order)) best = watch
  }
  return best
}

/** What comes behind the messages of this group; undefined where nothing does. For what `bestOf` settled. */
function secondOf(watches: readonly Watch[], best: GroupDispatch): GroupOrder | undefined {
  let second: GroupOrder | undefined
  for (const { group } of watches) {
    const { order } = group
    if (group === best || !order.hasBest) continue
    if (second === undefined || isBefore(order, second)) second = order
  }
  return second
}

/** Its best message goes before the other's. */
function isBefore(one: GroupOrder, other: GroupOrder): boolean {
  if (one.bestPriority !== other.bestPriority) return one.bestPriority < other.bestPriority
  return one.bestId < other.bestId
}

/** Where nothing is ready, of what has become due and was more than one piece. */
function bestOfMore(
  watches: readonly Watch[],
  elapsedMs: number,
  wallMs: number,
): Watch | undefined {
  for (const { group } of watches) {
    const { queue } = group
    while (queue.hasDue(elapsedMs, wallMs)) {
      queue.advance(elapsedMs, wallMs)
      const best = bestOf(watches)
      if (best) return best
    }
  }
  return undefined
}
