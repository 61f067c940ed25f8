/**
 * Callers that mean ill, or know no better: whatever comes through the door or does not, the owner goes on,
 * in bounded memory and time, and what a caller held goes back.
 */
import { expect, test, vi } from 'vitest'
import { openStore, type Store } from '../../../src/index.ts'
import { Door } from '../../../src/server/door/door.ts'
import { encodeFrame, FrameReader } from '../../../src/server/door/frame.ts'
import {
  CONNECTIONS_MAX,
  HELLO_TIMEOUT_MS,
  IDLE_TIMEOUT_MS,
  INCOMING_BYTES_MAX,
  TAIL_BYTES_MAX,
  WRITE_TIMEOUT_MS,
} from '../../../src/server/door/limits.ts'
import { connectionPair, ManualClock, type MemoryConnection } from './memory.ts'

const HELLO = encodeFrame({ qlog: 'door', version: 1 })

interface Place {
  readonly clock: ManualClock
  readonly door: Door
  readonly store: Store
  readonly warned: unknown[]
}

function inPlace(body: (place: Place) => Promise<void>): () => Promise<void> {
  return async () => {
    const clock = new ManualClock()
    const warned: unknown[] = []
    const identity = { pid: 17, host: 'here', bootId: '0'.repeat(32), bootTimeMs: 0 }
    const door = new Door({ clock, identity }, (error) => warned.push(error))
    const store = await openStore(':memory:')
    door.serve(store)
    try {
      await body({ clock, door, store, warned })
      expect(warned).toEqual([])
    } finally {
      await store.close()
    }
  }
}

/** Connects and sends these bytes. */
function call({ door }: Place, ...frames: Uint8Array[]): MemoryConnection {
  const { caller, owner } = connectionPair()
  door.accept(owner)
  for (const frame of frames) owner.arrive(frame)
  return caller
}

async function greeted(place: Place): Promise<{ caller: MemoryConnection; reader: FrameReader }> {
  const caller = call(place, HELLO)
  const reader = new FrameReader(caller)
  expect((await reader.next())?.header).toEqual({ qlog: 'door', version: 1, pid: 17 })
  return { caller, reader }
}

async function isHungUp(caller: MemoryConnection): Promise<void> {
  await vi.waitFor(() => expect(caller.other?.isClosed).toBe(true))
}

test(
  'garbage ends the connection, and nothing else',
  inPlace(async (place) => {
    const garbage = [
      Buffer.from('GET / HTTP/1.1\r\n\r\n'),
      Buffer.alloc(100_000, 0xff),
      encodeFrame({ qlog: 'lock' }),
      encodeFrame({ verb: 'queues' }),
    ]
    for (const bytes of garbage) await isHungUp(call(place, bytes))
    const { caller } = await greeted(place)
    caller.other?.arrive(Buffer.alloc(64, 0xaa))
    await isHungUp(caller)
    await greeted(place)
  }),
)

test(
  'another version is told this one, and hung up on',
  inPlace(async (place) => {
    const caller = call(place, encodeFrame({ qlog: 'door', version: 2 }))
    const reader = new FrameReader(caller)
    expect((await reader.next())?.header).toEqual({ qlog: 'door', version: 1, pid: 17 })
    expect(await reader.next()).toBeUndefined()
  }),
)

test(
  'whoever says nothing, or half of something, is hung up on in time',
  inPlace(async (place) => {
    const silent = call(place)
    const half = call(place, HELLO.subarray(0, 9))
    place.clock.pass(HELLO_TIMEOUT_MS)
    await isHungUp(silent)
    await isHungUp(half)
    const { caller: idle } = await greeted(place)
    const { caller: slow } = await greeted(place)
    slow.other?.arrive(encodeFrame({ verb: 'queues', args: {} }).subarray(0, 11))
    await vi.waitFor(() => expect(place.clock.timers).toBe(2))
    place.clock.pass(IDLE_TIMEOUT_MS)
    await isHungUp(idle)
    await isHungUp(slow)
    expect(place.clock.timers).toBe(0)
  }),
)

test(
  'whoever takes no answer is hung up on, and what it had taken is ready again',
  inPlace(async (place) => {
    await place.store.queue('jobs').putMany(['a', 'b'])
    const { caller } = await greeted(place)
    const owner = caller.other
    if (!owner) throw new Error('a pair has two ends')
    owner.isStuck = true
    owner.arrive(encodeFrame({ verb: 'take', args: { queue: 'jobs', count: 2 } }))
    await vi.waitFor(() => expect(place.store.stats().leased).toBe(2))
    await vi.waitFor(() => expect(place.clock.timers).toBe(1))
    place.clock.pass(WRITE_TIMEOUT_MS)
    await isHungUp(caller)
    await vi.waitFor(() => expect(place.store.stats().leased).toBe(0))
    expect(place.store.queue('jobs').stats().groups[0]?.ready).toBe(2)
  }),
)

test(
  'a caller that goes away while it waits leaves no wait behind',
  inPlace(async (place) => {
    const { caller } = await greeted(place)
    const args = { queue: 'jobs', timeoutMs: null, createGroup: true }
    caller.other?.arrive(encodeFrame({ verb: 'take', args }))
    await vi.waitFor(() => expect(place.store.stats().waitingSessions).toBe(1))
    caller.close()
    await vi.waitFor(() => expect(place.store.stats().waitingSessions).toBe(0))
    await place.store.queue('jobs').put('a')
    expect(place.store.stats().leased).toBe(0)
  }),
)

test(
  'a second request before the first is answered ends the connection',
  inPlace(async (place) => {
    const { caller } = await greeted(place)
    caller.other?.arrive(
      encodeFrame({ verb: 'take', args: { queue: 'jobs', timeoutMs: null, createGroup: true } }),
    )
    caller.other?.arrive(encodeFrame({ verb: 'queues', args: {} }))
    await isHungUp(caller)
    await vi.waitFor(() => expect(place.store.stats().waitingSessions).toBe(0))
  }),
)

test(
  'more connections than the limit are let go, and come in once others have ended',
  inPlace(async (place) => {
    const first = await greeted(place)
    const others = Array.from({ length: CONNECTIONS_MAX - 1 }, () => call(place, HELLO))
    expect(others.every((caller) => caller.other?.isClosed === false)).toBe(true)
    expect(call(place).other?.isClosed).toBe(true)
    first.caller.close()
    await isHungUp(first.caller)
    await vi.waitFor(async () => {
      const next = call(place, HELLO)
      expect(next.other?.isClosed).toBe(false)
    })
  }),
)

test(
  'large requests on their way are bounded over all connections, small ones go on',
  inPlace(async (place) => {
    const prefix = new Uint8Array(10)
    const view = new DataView(prefix.buffer)
    view.setUint32(0, 2, true)
    view.setUint32(4, TAIL_BYTES_MAX, true)
    const fitting = Math.floor(INCOMING_BYTES_MAX / TAIL_BYTES_MAX)
    const large: MemoryConnection[] = []
    for (let row = 0; row < fitting; row += 1) {
      const { caller } = await greeted(place)
      caller.other?.arrive(prefix)
      large.push(caller)
    }
    const { caller, reader } = await greeted(place)
    caller.other?.arrive(prefix)
    expect((await reader.next())?.header).toMatchObject({ error: { code: 'QLOG_BUSY' } })
    await isHungUp(caller)
    const small = await greeted(place)
    small.caller.other?.arrive(encodeFrame({ verb: 'queues', args: {} }))
    expect((await small.reader.next())?.header).toEqual({ done: {} })
    for (const one of large) one.close()
    for (const one of large) await isHungUp(one)
    const again = await greeted(place)
    again.caller.other?.arrive(prefix)
    again.caller.other?.arrive(new Uint8Array(TAIL_BYTES_MAX - 10))
    await vi.waitFor(() => expect(place.clock.timers).toBe(2))
    place.clock.pass(IDLE_TIMEOUT_MS)
    await isHungUp(again.caller)
  }),
)

test(
  'large requests one after the other take no more than their turn',
  inPlace(async (place) => {
    const { caller, reader } = await greeted(place)
    const body = new Uint8Array(12_000_000)
    const request = encodeFrame(
      { verb: 'put', args: { queue: 'q', messages: [body.length] } },
      body,
    )
    for (let row = 0; row * body.length <= INCOMING_BYTES_MAX; row += 1) {
      caller.other?.arrive(request)
      expect((await reader.next())?.header).toMatchObject({ item: { offset: row } })
      expect((await reader.next())?.header).toEqual({ done: {} })
    }
  }),
)

test.each([
  ['an unknown verb', { verb: 'explode', args: {} }, 'QLOG_NO_DOOR'],
  ['a verb of every object', { verb: 'constructor', args: {} }, 'QLOG_NO_DOOR'],
  ['no verb', {}, 'QLOG_NO_DOOR'],
  ['no arguments', { verb: 'put' }, 'QLOG_INVALID_ARGUMENT'],
  ['a queue that is none', { verb: 'peek', args: { queue: 7 } }, 'QLOG_INVALID_ARGUMENT'],
  [
    'bytes that are not there',
    { verb: 'put', args: { queue: 'q', messages: [{ bytes: 5 }] } },
    'QLOG_INVALID_ARGUMENT',
  ],
  [
    'an option that is none',
    { verb: 'put', args: { queue: 'q', messages: [{ bytes: 0, since: 1 }] } },
    'QLOG_INVALID_ARGUMENT',
  ],
  ['a lease of nobody', { verb: 'settle', args: { how: 'ack', leases: [1] } }, 'QLOG_STALE_LEASE'],
  ['leases that are none', { verb: 'settle', args: { how: 'ack' } }, 'QLOG_INVALID_ARGUMENT'],
  [
    'an end that is none',
    { verb: 'settle', args: { how: 'x', leases: [] } },
    'QLOG_INVALID_ARGUMENT',
  ],
  [
    'ids that are none',
    { verb: 'delete', args: { queue: 'q', ids: 'all' } },
    'QLOG_INVALID_ARGUMENT',
  ],
  ['a count that is none', { verb: 'kick', args: { queue: 'q' } }, 'QLOG_INVALID_ARGUMENT'],
  [
    'a limit that is none',
    { verb: 'list', args: { queue: 'q', limit: -1 } },
    'QLOG_INVALID_ARGUMENT',
  ],
])('%s is a typed error, and the connection goes on', (_what, request, code) =>
  inPlace(async (place) => {
    await place.store.queue('q').createGroup('default')
    const { caller, reader } = await greeted(place)
    caller.other?.arrive(encodeFrame(request))
    expect((await reader.next())?.header).toMatchObject({ error: { code } })
    caller.other?.arrive(encodeFrame({ verb: 'queues', args: {} }))
    expect((await reader.next())?.header).toMatchObject({ item: { queue: 'q', messages: 0 } })
  })(),
)
