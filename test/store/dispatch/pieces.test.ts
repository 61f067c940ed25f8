/**
 * What becomes due, expires or is looked for at once is worked on in pieces: work is counted, not timed.
 */
import { describe, expect, it } from 'vitest'
import type { GroupDispatch } from '../../../src/store/dispatch/group-dispatch.ts'
import { PlainOrder } from '../../../src/store/dispatch/plain-order.ts'
import { PurgingQueues } from '../../../src/store/dispatch/purging-queues.ts'
import {
  type DispatchHost,
  DUE_A_TURN,
  QueueDispatch,
} from '../../../src/store/dispatch/queue-dispatch.ts'
import { QueueTimes } from '../../../src/store/dispatch/queue-times.ts'
import { Suspects } from '../../../src/store/dispatch/suspects.ts'
import { Taken } from '../../../src/store/dispatch/taken.ts'
import { DueKind, type MessageFacts } from '../../../src/store/records/message-record.ts'
import { QueueState } from '../../../src/store/state/queue-state.ts'

const HOUR_MS = 3_600_000
const MANY = 3 * DUE_A_TURN

class Host implements DispatchHost {
  nowMs = 0
  readonly purging = new PurgingQueues()
  readonly expiredOffsets: number[] = []

  elapsedMs(): number {
    return this.nowMs
  }

  wallMs(): number {
    return this.nowMs
  }

  isDamaged(): boolean {
    return false
  }

  woke(): void {}
  scheduled(): void {}
  ended(): void {}

  expired(_queue: QueueDispatch, _ids: readonly number[], offsets: readonly number[]): void {
    this.expiredOffsets.push(...offsets)
  }

  lapsed(_queue: QueueDispatch, _ids: readonly number[], offsets: readonly number[]): void {
    this.expiredOffsets.push(...offsets)
  }
}

/** A queue with a group. */
function emptyQueue(): { host: Host; queue: QueueDispatch } {
  const host = new Host()
  const state = new QueueState(1, 'q')
  state.addGroup(1, 'g', 0)
  const queue = new QueueDispatch(state, host)
  queue.begin()
  return { host, queue }
}

function put({ state }: QueueDispatch, some: Partial<MessageFacts>): number {
  const offset = state.nextOffset
  const facts = {
    queue: 1,
    offset,
    priority: 5,
    dueKind: DueKind.NONE,
    dueMs: 0,
    expiresMs: 0,
    key: undefined,
    keyUntilMs: 0,
    keyWindowMs: 0,
    producer: undefined,
    sequence: 0,
    after: -1,
    leaseMs: 0,
  }
  state.put({ ...facts, ...some }, offset + 1, 1, 1, 9)
  return offset
}

/** A queue whose group lets nothing wait for longer than an hour. */
function agingQueue() {
  const { host, queue } = emptyQueue()
  const group = queue.group('g')
  if (!group) throw new Error('the queue has a group')
  group.state.promoteAfterMs = HOUR_MS
  const { order } = group
  const takeBest = () => (order.settleBest() ? order.takeRun(1)[0] : undefined)
  const putBack = (one: Taken | undefined) => one && group.putBack(one)
  return { host, queue, order, takeBest, putBack }
}

/** The same with that many messages, all due, or all expiring, at 1,000. */
function queueOf(count: number, expiresMs: number): { host: Host; queue: QueueDispatch } {
  const { host, queue } = emptyQueue()
  const times = expiresMs > 0 ? { expiresMs } : { dueKind: DueKind.ELAPSED, dueMs: 1_000 }
  for (let row = 0; row < count; row++) put(queue, times)
  return { host, queue }
}

describe('a queue in which much happens at one time', () => {
  it('makes ready a bounded number in a turn, and all of them in the end', () => {
    const { host, queue } = queueOf(MANY, 0)
    host.nowMs = 1_000
    const counts: number[] = []
    for (let count = queue.advance(1_000, 0); count > 0; count = queue.advance(1_000, 0)) {
      counts.push(count)
      // What is left is due now: the alarm rings at once.
      if (queue.scheduledCount > 0) expect(queue.nextElapsedMs).toBe(1_000)
    }
    expect(counts).toEqual([DUE_A_TURN, DUE_A_TURN, DUE_A_TURN])
    expect(queue.nextElapsedMs).toBe(Number.POSITIVE_INFINITY)
    expect(queue.group('g')?.order.settleBest()).toBe(true)
  })

  it('lets a bounded number expire in a turn', () => {
    const { host, queue } = queueOf(MANY, 1_000)
    host.nowMs = 1_000
    queue.advance(1_000, 0)
    expect(host.expiredOffsets.length).toBe(DUE_A_TURN)
    while (queue.advance(1_000, 0) > 0) expect(host.expiredOffsets.length % DUE_A_TURN).toBe(0)
    expect(host.expiredOffsets.length).toBe(MANY)
  })
})

describe('what is kept for times to come', () => {
  /** So many messages are there at a time. */
  const BACKLOG = 100
  /** Entries that may be left of messages that are gone. */
  const LEFT_MAX = 2_000
  const PUTS = 10_000

  const cases: readonly [string, Partial<MessageFacts>][] = [
    ['a time to live', { expiresMs: 1_000 }],
    ['a delay', { dueKind: DueKind.ELAPSED, dueMs: 1_000 }],
    ['a due time', { dueKind: DueKind.WALL, dueMs: 1_000 }],
  ]
  it.each(cases)(
    'of messages with %s grows with those that are there, not with all there were',
    (_, times) => {
      const { host, queue } = emptyQueue()
      const { state } = queue
      for (let row = 0; row < PUTS; row++) {
        const offset = put(queue, times)
        if (offset < BACKLOG) continue
        state.remove(offset - BACKLOG, offset - BACKLOG + 1)
        state.sweep()
        expect(queue.timedEntries).toBeLessThan(LEFT_MAX)
      }
      expect(queue.scheduledCount).toBeLessThan(LEFT_MAX)
      expect(queue.group('g')?.delayedCount).toBe(times.expiresMs ? 0 : BACKLOG)
      // Those that are there have kept their times.
      host.nowMs = 1_000
      while (queue.advance(1_000, 1_000) > 0);
      expect(queue.timedEntries).toBe(0)
      const first = PUTS - BACKLOG
      if (times.expiresMs) expect(host.expiredOffsets[0]).toBe(first)
      else expect(queue.group('g')?.order.peekBest()).toBe(first)
    },
  )

  it('of messages in the shared lane grows with those that a group has to finish, though nobody reads it', () => {
    const { queue } = emptyQueue()
    const { state } = queue
    const order = queue.group('g')?.order
    for (let row = 0; row < PUTS; row++) {
      const offset = put(queue, { priority: 1_000 + (row % 200) })
      if (offset < BACKLOG) continue
      state.remove(offset - BACKLOG, offset - BACKLOG + 1)
      state.sweep()
      expect(order?.lateEntries).toBeLessThan(LEFT_MAX)
    }
    expect(order?.peekBest()).toBe(state.done.floor)
  })

  it('where age counts holds a message once, however often it comes back', () => {
    const { queue, takeBest, putBack, order } = agingQueue()
    put(queue, { priority: 5_000 })
    put(queue, { priority: 1 })
    // Both have been out once, so that they stand in no lane.
    for (const one of [takeBest(), takeBest()]) putBack(one)
    for (let turn = 0; turn < PUTS; turn++) {
      const one = takeBest()
      expect(one?.offset).toBe(1)
      putBack(one)
      expect(order.agedEntries).toBe(2)
    }
  })

  it('where age counts lets go of what is finished, and of nothing that comes back', () => {
    const { host, queue, takeBest, putBack, order } = agingQueue()
    // What is done in front of the oldest that waits goes by itself.
    const oldest = put(queue, { priority: 6_000 })
    const second = put(queue, { priority: 5_000 })
    for (const one of [takeBest(), takeBest()]) putBack(one)
    // It is out as long as the others come and go.
    const isOut = takeBest()
    expect(isOut?.offset).toBe(second)
    for (let row = 0; row < PUTS; row++) {
      const offset = put(queue, { priority: 1 })
      putBack(takeBest())
      queue.state.remove(offset, offset + 1)
      expect(order.agedEntries).toBeLessThan(LEFT_MAX)
    }
    put(queue, { priority: 1 })
    putBack(isOut)
    queue.state.remove(oldest, oldest + 1)
    expect(order.peekBest()).not.toBe(second)
    host.nowMs = 2 * HOUR_MS
    expect(order.peekBest()).toBe(second)
  })

  it('of messages whose entry in the shared lane is gone is nothing once their time comes', () => {
    const { host, queue } = emptyQueue()
    const { state } = queue
    const group = queue.group('g')
    for (let row = 0; row < PUTS; row++) {
      put(queue, { priority: 1_000 + (row % 200), dueKind: DueKind.ELAPSED, dueMs: 1_000 })
    }
    for (let offset = 0; offset < PUTS - BACKLOG; offset++) {
      state.remove(offset, offset + 1)
      state.sweep()
    }
    // It had none of the lanes that the first priorities have for themselves.
    expect(queue.find(PUTS / 2 - 1)).toBeUndefined()
    expect(group?.delayedCount).toBe(BACKLOG)
    host.nowMs = 1_000
    while (queue.advance(1_000, 1_000) > 0) expect(group?.delayedCount).toBeGreaterThanOrEqual(0)
    expect(group?.delayedCount).toBe(0)
  })
})

describe('the times of queues', () => {
  class Queue {
    nextWallMs = Number.POSITIVE_INFINITY
    asked = 0
    #nextMs: number

    constructor(nextMs: number) {
      this.#nextMs = nextMs
    }

    get nextElapsedMs(): number {
      this.asked++
      return this.#nextMs
    }

    set nextElapsedMs(nextMs: number) {
      this.#nextMs = nextMs
    }
  }

  it('ask a queue only where it changed, and give only those whose time has come', () => {
    const times = new QueueTimes<Queue>()
    const queues = Array.from({ length: 1_000 }, (_, row) => new Queue(row))
    for (const queue of queues) times.changed(queue)
    expect(times.nextElapsedMs).toBe(0)
    const late = queues[999] as Queue
    late.nextElapsedMs = -5
    times.changed(late)
    expect(times.nextElapsedMs).toBe(-5)
    expect(queues.reduce((sum, { asked }) => sum + asked, 0)).toBe(1_001)
    expect(times.take(0, 0)).toBe(late)
    expect(times.take(0, 0)).toBe(queues[0])
    expect(times.take(0, 0)).toBeUndefined()
    // Whoever took one says so: it has another time then, or none.
    late.nextElapsedMs = Number.POSITIVE_INFINITY
    times.changed(late)
    expect(times.nextElapsedMs).toBe(1)
  })

  it('know both clocks', () => {
    const times = new QueueTimes<Queue>()
    const queue = new Queue(Number.POSITIVE_INFINITY)
    queue.nextWallMs = 7
    times.changed(queue)
    expect([times.nextElapsedMs, times.nextWallMs]).toEqual([Number.POSITIVE_INFINITY, 7])
    expect(times.take(100, 6)).toBeUndefined()
    expect(times.take(0, 7)).toBe(queue)
  })
})

describe('suspects', () => {
  const group = {} as GroupDispatch
  const isWaiting = (): boolean => true

  it('go out one at a time, in order', () => {
    const suspects = new Suspects()
    for (const id of [3, 1, 2]) suspects.add(new Taken(group, id, id, 0))
    const first = suspects.settle(isWaiting)
    expect(first?.id).toBe(1)
    const out = suspects.take()
    expect(out.isSuspect).toBe(true)
    expect(suspects.settle(isWaiting)).toBeUndefined()
    expect(() => suspects.take()).toThrow('out already')
    suspects.ended(out)
    expect(suspects.settle(isWaiting)?.id).toBe(2)
    expect(() => suspects.ended(out)).toThrow('not out')
    expect(() => suspects.add(new Taken(group, 2, 2, 0))).toThrow('a suspect already')
  })

  it('are none any more where they are finished', () => {
    const suspects = new Suspects()
    for (const id of [1, 2, 3, 4]) suspects.add(new Taken(group, id, id, 0))
    suspects.dropFinished(0, 100, (offset) => offset < 3)
    suspects.dropFinished(3, 4, () => true)
    expect(suspects.size).toBe(1)
    expect(suspects.settle(isWaiting)?.id).toBe(4)
  })
})

describe('what was passed in its lane', () => {
  it('stands there once, however often it is taken and given back', () => {
    const plain = new PlainOrder()
    for (let round = 0; round < 100; round++) plain.pushLate(5, 7, 6)
    plain.pushLate(5, 8, 7)
    expect(plain.lateCount).toBe(2)
    plain.popLate()
    plain.pushLate(5, 7, 6)
    expect([plain.lateCount, plain.lateId]).toEqual([2, 7])
  })
})

describe('a lane with many that are gone', () => {
  it('is swept a piece with every change, and loses nothing that stays', () => {
    const { queue } = queueOf(60_000, 5_000)
    const { state } = queue
    const group = state.group('g')
    if (!group) throw new Error('there is a group')
    const isKept = (offset: number): boolean => offset % 10 === 0
    let most = 0
    for (let offset = 0; offset < 60_000; offset++) {
      if (isKept(offset)) continue
      const before = state.lanes.entries
      state.finish(group, offset, offset + 1)
      most = Math.max(most, before - state.lanes.entries)
    }
    expect(state.pending).toBe(6_000)
    expect(most).toBeGreaterThan(0)
    expect(most).toBeLessThanOrEqual(2 * 4_096)
    expect(state.lanes.entries).toBeLessThan(30_000)
    for (let offset = 0; offset < 60_000; offset += 10) {
      expect(queue.find(offset)?.id).toBe(offset + 1)
    }
  })
})
