/** Keys whose time is over are let go of, whoever puts what. */
import { expect, test } from 'vitest'
import { DueKind, type MessageFacts } from '../../../src/store/records/message-record.ts'
import { StoreState } from '../../../src/store/state/store-state.ts'
import { MemoryWorld } from '../../testing/store-worlds.ts'
import { inWorld, provable } from '../worlds.ts'

const COUNT = 1_000
const WINDOW_MS = 60_000
const BOOT = { bootId: '1'.repeat(32), sinceBootMs: 1, wallMs: 1, uncleanBelowId: 0 }

function factsOf(offset: number, key: string | undefined): MessageFacts {
  const isKeyed = key !== undefined
  return {
    ...{ queue: 1, offset, priority: 5, dueKind: DueKind.NONE, dueMs: 0, expiresMs: 0 },
    ...{ key, keyWindowMs: isKeyed ? WINDOW_MS : 0, keyUntilMs: isKeyed ? 1 + WINDOW_MS : 0 },
    ...{ producer: undefined, sequence: 0, after: -1, leaseMs: 0 },
  }
}

/** Messages with keys, put at 1 by the store's own time, which has gone on since. */
function withKeys(elapsedMs: number): StoreState {
  const state = new StoreState()
  state.addQueue(1, 'jobs')
  state.apply({ kind: 'open', ...BOOT, elapsedMs: 1 })
  for (let offset = 0; offset < COUNT; offset++) {
    state.put(factsOf(offset, `k${offset}`), offset + 1, 9)
  }
  state.apply({ kind: 'open', ...BOOT, elapsedMs })
  return state
}

function putPlain(state: StoreState, count: number): void {
  for (let put = 0; put < count; put++) {
    const { nextId } = state
    state.put(factsOf(nextId - 1, undefined), nextId, 9)
  }
}

test('keys whose window is over go with messages that have none, a few with each', () => {
  const state = withKeys(1 + WINDOW_MS)
  const keys = state.queues.get(1)?.keys
  putPlain(state, 1)
  expect(keys?.alive(0, 1).length).toBeGreaterThanOrEqual(COUNT - 4)
  putPlain(state, COUNT)
  expect(keys?.chunkNumbers()).toEqual([])
})

test('keys whose window is not over stay, however much is put', () => {
  const state = withKeys(WINDOW_MS)
  putPlain(state, 2 * COUNT)
  expect(state.queues.get(1)?.keys.alive(0, WINDOW_MS).length).toBe(COUNT)
})

test('keys of a queue that gets no more messages go when the state is saved, and the hash stays', () =>
  inWorld(new MemoryWorld(1), async (world) => {
    const store = provable(world.store)
    const put = (_: unknown, row: number) => ({ body: 'x', key: `k${row}`, keyWindowMs: WINDOW_MS })
    await world.store.queue('jobs').putMany(Array.from({ length: 500 }, put))
    await store.checkpoint()
    const before = world.store.stats().stateBytes
    await world.advance(2 * WINDOW_MS)
    await world.put('elsewhere', 'tells the time')
    await world.put('elsewhere', 'and once more')
    const hash = store.stateHash()
    await store.checkpoint()
    expect(world.store.stats().stateBytes).toBeLessThan(before / 2)
    expect(store.stateHash()).toBe(hash)
    await world.crashAndOpen()
    expect(provable(world.store).stateHash()).toBe(hash)
  }))
