/** Puts that are not durable yet, over all connections. */
import { expect, onTestFinished, test, vi } from 'vitest'
import { openStore, type PutResult, type Store } from '../../src/index.ts'
import { beanstalkd } from '../../src/protocols/beanstalkd/beanstalkd.ts'
import { memcache } from '../../src/protocols/memcache/index.ts'
import { PUTS_BYTES_MAX, PutRoom } from '../../src/protocols/put-room.ts'
import type { Protocol } from '../../src/server/index.ts'
import { type FakeClient, fakeClient } from '../../src/testing/index.ts'

const MIB = 1024 * 1024

test('who finds no room waits in a row that nobody passes, and one body always goes', () => {
  const room = new PutRoom(100)
  const begun: string[] = []
  const waiter = (name: string, waitingBytes: number) => ({
    waitingBytes,
    admitted: () => void begun.push(name),
  })
  const large = waiter('large', 500)
  expect(room.enter(waiter('a', 60))).toBe(true)
  expect(room.enter(large)).toBe(false)
  expect(room.enter(waiter('b', 10))).toBe(false)
  room.leave(60)
  expect(begun).toEqual(['large'])
  room.leave(500)
  expect(begun).toEqual(['large', 'b'])
  room.leave(10)
  expect(room.bytes).toBe(0)
})

test('who gives up holds up nobody', () => {
  const room = new PutRoom(100)
  const begun: string[] = []
  const first = { waitingBytes: 90, admitted: () => void begun.push('first') }
  expect(room.enter({ waitingBytes: 50, admitted: () => undefined })).toBe(true)
  expect(room.enter(first)).toBe(false)
  expect(room.enter({ waitingBytes: 50, admitted: () => void begun.push('second') })).toBe(false)
  room.giveUp(first)
  expect(begun).toEqual(['second'])
})

interface Held {
  readonly bytes: number
  readonly resolve: (result: PutResult) => void
}

/** A store whose disk is in the hands of the test. */
async function slowStore(): Promise<{ store: Store; held: Held[] }> {
  const store = await openStore(':memory:')
  onTestFinished(() => store.close())
  const held: Held[] = []
  const queueOf = store.queue.bind(store) as Store['queue']
  vi.spyOn(store, 'queue').mockImplementation(((name: string) => {
    const queue = queueOf(name)
    queue.put = (body) =>
      new Promise((resolve) => held.push({ bytes: (body as Uint8Array).length, resolve }))
    return queue
  }) as Store['queue'])
  return { store, held }
}

const BODY = Buffer.alloc(MIB, 'x')
const BINARY_HEAD = Buffer.alloc(24 + 8 + 1)
BINARY_HEAD.set([0x80, 1, 0, 1, 8])
BINARY_HEAD.writeUInt32BE(MIB + 9, 8)
BINARY_HEAD.set([0x71], 32)

const SPEECHES: readonly [string, (store: Store) => Protocol, Uint8Array, Uint8Array][] = [
  [
    'beanstalkd',
    (store) => beanstalkd(store, { jobBytesMax: MIB }),
    Buffer.from(`put 0 0 60 ${MIB}\r\n`),
    Buffer.from('\r\n'),
  ],
  ['memcache', memcache, Buffer.from(`set q 0 0 ${MIB}\r\n`), Buffer.from('\r\n')],
  ['memcache, binary', memcache, BINARY_HEAD, new Uint8Array(0)],
]

test.each(SPEECHES)(
  '%s: all connections together have so much under way, and each is answered in the end',
  async (_, protocolOf, head, end) => {
    const { store, held } = await slowStore()
    const protocol = protocolOf(store)
    const first = fakeClient(protocol)
    const peers = [first]
    while (peers.length < 40) peers.push(fakeClient(protocol, { beside: first }))
    for (const peer of peers) {
      for (let row = 0; row < 3; row += 1) {
        for (const part of [head, BODY, end]) if (part.length > 0) peer.send(part)
      }
    }
    // Nobody is lost for having hung up its own end meanwhile.
    for (const peer of peers) peer.end()
    peers[39]?.hangUp()
    let done = 0
    let id = 0
    while (held.length > 0) {
      const bytes = held.reduce((sum, one) => sum + one.bytes, 0)
      expect(bytes).toBeLessThanOrEqual(PUTS_BYTES_MAX)
      id += 1
      done += 1
      held.shift()?.resolve({ id, duplicate: false } as PutResult)
      await first.settled()
    }
    expect(done).toBeGreaterThanOrEqual(39 * 3)
    for (const peer of peers.slice(0, 39)) {
      const text = Buffer.from(peer.takeBytes()).toString('latin1')
      expect(text.length === 3 * 24 || text.match(/INSERTED|STORED/g)?.length === 3).toBe(true)
    }
  },
)

test.each(SPEECHES)(
  '%s: a connection that is broken off while its body waits puts nothing, and leaves its room',
  async (_, protocolOf, head, end) => {
    const { store, held } = await slowStore()
    const protocol = protocolOf(store)
    const first = fakeClient(protocol)
    const peers = [first]
    while (peers.length < PUTS_BYTES_MAX / MIB + 2) {
      peers.push(fakeClient(protocol, { beside: first }))
    }
    const sendAll = (some: readonly FakeClient[]): void => {
      for (const peer of some) {
        for (const part of [head, BODY, end]) if (part.length > 0) peer.send(part)
      }
    }
    const resolve = (): void => held.shift()?.resolve({ id: 1, duplicate: false } as PutResult)
    sendAll(peers)
    const begun = held.length
    expect(begun).toBeLessThan(peers.length - 1)
    // Its bytes are gone at once; the protocol hears of it once its socket has closed.
    const [broken] = peers.splice(begun, 1)
    broken?.client.destroy()
    resolve()
    let done = 1
    for (await first.settled(); held.length > 0; done += 1) {
      resolve()
      await first.settled()
    }
    expect(done).toBe(peers.length)
    sendAll(peers)
    expect(held).toHaveLength(begun)
  },
)
