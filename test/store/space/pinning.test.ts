/** Which group pins most: against counting message by message, and where there is too much to look at. */
import { expect, test } from 'vitest'
import { DueKind } from '../../../src/store/records/message-record.ts'
import { NO_SETTINGS } from '../../../src/store/records/queue-settings.ts'
import { pinningOf } from '../../../src/store/space/pinning.ts'
import type { QueueState } from '../../../src/store/state/queue-state.ts'
import { StoreState } from '../../../src/store/state/store-state.ts'
import type { PinningGroup } from '../../../src/store/types/stats.ts'
import { Random } from '../../../src/system/simulated/random.ts'

const COUNTED = { ...NO_SETTINGS, bytesMax: Number.MAX_SAFE_INTEGER }
const PLAIN = {
  ...{ priority: 5, dueKind: DueKind.NONE, dueMs: 0, expiresMs: 0, after: -1, leaseMs: 0 },
  ...{ key: undefined, keyUntilMs: 0, keyWindowMs: 0, producer: undefined, sequence: 0 },
}

/** A queue with these groups and messages of these sizes. */
function queueOf(
  state: StoreState,
  groups: number,
  sizes: readonly number[],
  settings = NO_SETTINGS,
): QueueState {
  const number = state.nextQueue
  const queue = state.addQueue(number, `q${number}`)
  queue.configure(settings)
  for (let group = 1; group <= groups; group++) queue.addGroup(group, `g${group}`, 0)
  for (const [offset, bytes] of sizes.entries()) {
    state.put({ ...PLAIN, queue: number, offset }, state.nextId, bytes)
  }
  return queue
}

function finish(queue: QueueState, group: number, first: number, end: number): void {
  const state = queue.groups.get(group)
  if (state) queue.finish(state, first, end)
}

/** Every message of every queue, looked at one by one. */
function counted(state: StoreState, sizesOf: ReadonlyMap<QueueState, readonly number[]>) {
  const all: PinningGroup[] = []
  for (const queue of state.queues.values()) {
    for (const { name, number } of queue.groups.values()) {
      const sizes = (sizesOf.get(queue) ?? []).filter((_, offset) => {
        const absent = [...queue.groups.values()].filter(({ finished }) => !finished.has(offset))
        return absent.length === 1 && absent[0]?.number === number
      })
      const bytes = sizes.reduce((sum, size) => sum + size, 0)
      all.push({
        ...{ queue: queue.name, group: name },
        messages: sizes.length,
        bytes,
        isEstimate: false,
      })
    }
  }
  return all
}

test('a group alone is found, and its bytes, however the sets of all groups lie', () => {
  const random = new Random(11)
  for (let round = 0; round < 150; round++) {
    const state = new StoreState()
    const sizesOf = new Map<QueueState, number[]>()
    for (let row = random.between(1, 3); row > 0; row--) {
      const count = random.between(0, random.chance(0.1) ? 3_000 : 40)
      const sizes = Array.from({ length: count }, () => random.between(1, 300))
      const groups = random.between(0, 4)
      const queue = queueOf(state, groups, sizes, COUNTED)
      sizesOf.set(queue, sizes)
      for (let times = random.between(0, 12); times > 0 && count > 0; times--) {
        const first = random.below(count)
        const end = random.between(first + 1, count)
        if (random.chance(0.1)) queue.remove(first, end)
        else finish(queue, random.between(1, Math.max(1, groups)), first, end)
      }
    }
    const all = counted(state, sizesOf)
    const most = Math.max(0, ...all.map(({ bytes }) => bytes))
    const found = pinningOf(state, 0)
    if (most === 0) expect(found).toBeUndefined()
    else {
      expect(found?.bytes).toBe(most)
      expect(all).toContainEqual(found)
    }
  }
})

test('without counted sizes the bytes are those of the mean of what was put, and said to be', () => {
  const state = new StoreState()
  const queue = queueOf(state, 2, [10, 20, 30, 40])
  finish(queue, 1, 0, 2)
  const of = { queue: 'q1', group: 'g2', messages: 2, bytes: 50, isEstimate: true }
  expect(pinningOf(state, 1_000)).toEqual(of)
  // Some of the messages came before sizes were counted.
  queue.configure(COUNTED)
  state.put({ ...PLAIN, queue: 1, offset: 4 }, state.nextId, 70)
  expect(pinningOf(state, 1_000)).toMatchObject({ messages: 2, bytes: 140, isEstimate: true })
})

test('where nothing was put since the opening, the mean is that of the store', () => {
  const state = new StoreState()
  const queue = queueOf(state, 1, [])
  queue.nextOffset = 7
  expect(pinningOf(state, 100)).toMatchObject({ group: 'g1', messages: 7, bytes: 700 })
})

test('the bytes decide, and not the number of messages', () => {
  const state = new StoreState()
  queueOf(state, 1, Array(50).fill(1))
  queueOf(state, 1, [60])
  expect(pinningOf(state, 0)).toMatchObject({ queue: 'q2', messages: 1, bytes: 60 })
})

test('messages that wait for two groups, and those of a queue without any, are nobody’s', () => {
  const state = new StoreState()
  queueOf(state, 2, [1, 2])
  queueOf(state, 0, [1, 2, 3])
  expect(pinningOf(state, 9)).toBeUndefined()
})

test('what is too scattered is looked at in part, lowest offsets first, and said to be', () => {
  const state = new StoreState()
  const queue = queueOf(state, 2, Array(10_000).fill(1), COUNTED)
  for (let offset = 0; offset < 10_000; offset += 2) finish(queue, 1, offset, offset + 1)
  const found = pinningOf(state, 1)
  expect(found).toMatchObject({ group: 'g2', isEstimate: true })
  expect(found?.messages).toBeGreaterThan(100)
  expect(found?.messages).toBeLessThan(4_000)
})

test('the only group of a queue is told exactly, however scattered', () => {
  const state = new StoreState()
  const queue = queueOf(state, 1, Array(10_000).fill(1))
  for (let offset = 0; offset < 10_000; offset += 2) finish(queue, 1, offset, offset + 1)
  expect(pinningOf(state, 1)).toMatchObject({ group: 'g1', messages: 5_000, bytes: 5_000 })
})
