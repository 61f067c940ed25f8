/** What a peer cannot do to the server: memory stays bounded, whatever is sent or not taken. */
import { expect, test } from 'vitest'
import { memcache } from '../../../src/protocols/memcache/index.ts'
import { fakeClient } from '../../../src/testing/index.ts'
import { server } from './peer.ts'

const KIB = 1024

test('a peer that takes nothing has few messages taken for it', async () => {
  const here = await server()
  const body = 'x'.repeat(64 * KIB)
  await here.store.queue('q').putMany(Array.from({ length: 300 }, () => body))
  const one = here.peer()
  one.wire.reads = false
  one.wire.send('get q\r\n'.repeat(300))
  await one.wire.settled()
  // What the frame lets wait, the reads that are under way, and one write on its way.
  expect(one.wire.waitingBytes).toBeLessThan((1_024 + 256 + 4_096 + 17 * 64) * KIB)
  const left = here.store.stats().messages
  expect(left).toBeGreaterThan(200)
  one.wire.reads = true
  let text = ''
  while (text.split('END\r\n').length < 301) {
    text += await one.wire.text()
  }
  expect(here.store.stats().messages).toBe(0)
})

test('a read of many keys and monitor pause where the peer takes nothing', async () => {
  const here = await server()
  const body = 'x'.repeat(64 * KIB)
  for (const command of [`get${' q/t=0'.repeat(100)}\r\n`, 'monitor q 0 100\r\n']) {
    await here.store.queue('q').putMany(Array.from({ length: 100 }, () => body))
    const one = here.peer()
    one.wire.reads = false
    one.wire.send(command)
    for (let turn = 0; turn < 20; turn++) await one.wire.settled()
    expect(one.wire.waitingBytes).toBeLessThan((1_024 + 256 + 2 * 64) * KIB)
    one.wire.hangUp()
    await here.peer().ask('flush_all\r\n')
  }
})

test('a peer that leaves much behind a read that waits is seen to leave, and loses no message', async () => {
  const here = await server()
  const one = here.peer()
  one.wire.send('get q/t=60000\r\n')
  await one.wire.settled()
  for (let sent = 0; sent < 5; sent++) one.wire.send('version\r\n'.repeat(7_000))
  expect(one.wire.isPaused).toBe(false)
  one.wire.end()
  await here.store.queue('q').put('x')
  await one.wire.settled()
  expect(one.wire.takeText().startsWith('END\r\n')).toBe(true)
  expect(here.store.stats()).toMatchObject({ messages: 1, leased: 0 })
})

const SET_BYTES = 8 + 1 + 900 * KIB
const BEHIND_WAITS: readonly [string, Uint8Array, Uint8Array][] = [
  ['text', Buffer.from('get q/t=60000\r\n'), Buffer.from(`set p 0 0 ${900 * KIB}\r\n`)],
  ['binary', frame(0, 'q/t=60000', 9), frame(1, `${'\0'.repeat(8)}p`, SET_BYTES)],
]

/** The head of a request, and the first bytes of its body. */
function frame(op: number, start: string, bodyBytes: number): Uint8Array {
  const extraBytes = op === 1 ? 8 : 0
  const head = Buffer.alloc(24)
  head.set([0x80, op, 0, start.length - extraBytes, extraBytes])
  head.writeUInt32BE(bodyBytes, 8)
  return Buffer.concat([head, Buffer.from(start, 'latin1')])
}

test.each(BEHIND_WAITS)(
  'a value behind a read that waits takes no room of others: %s',
  async (_, get, set) => {
    const { store } = await server()
    const wire = fakeClient(memcache(store))
    wire.send(get)
    await wire.settled()
    wire.send(set)
    for (let sent = 0; sent < 900; sent += 60) wire.send(Buffer.alloc(60 * KIB, 'x'))
    wire.send('\r\n')
    expect(wire.isPaused).toBe(false)
    expect(wire.roomBytes).toBe(0)
    await store.queue('q').put('a')
    const other = fakeClient(memcache(store))
    other.send('get p/t=60000\r\n')
    expect((await other.text(900 * KIB)).length).toBeGreaterThan(900 * KIB)
    expect(wire.roomBytes).toBe(0)
  },
)

test('a length of 2 GB that is declared costs nothing, and is refused at once', async () => {
  const one = (await server()).peer()
  one.wire.send('set q 0 0 2147483645\r\n')
  const reply = 'SERVER_ERROR object too large for cache\r\n'
  expect(await one.next(reply)).toBe(reply)
  for (let chunk = 0; chunk < 64; chunk++) one.wire.send(new Uint8Array(64 * KIB))
  await one.wire.settled()
  expect(one.wire.client.intake.length).toBe(0)
  expect(one.wire.hasEnded).toBe(false)
})

test('random bytes end in no error of ours', async () => {
  const here = await server()
  let seed = 7
  const random = (below: number): number => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648
    return seed % below
  }
  const words = [
    'set q 0 0 3\r\nabc\r\n',
    'get q/open',
    'get q/close',
    '\r\n',
    '\n',
    ' ',
    '/t=1',
    '\0',
  ]
  for (let round = 0; round < 300; round++) {
    const one = here.peer()
    const isBinary = round % 3 === 0
    const bytes = Buffer.from(Array.from({ length: 60 }, () => random(256)))
    if (isBinary) bytes[0] = 0x80
    // A short body, so that frames get complete.
    if (isBinary) bytes.fill(0, 8, 11)
    one.wire.send(bytes)
    for (let at = 0; at < 8; at++) one.wire.send(words[random(words.length)] ?? '')
    await one.wire.settled()
    expect(one.wire.errors).toEqual([])
    one.wire.hangUp()
  }
  expect(await here.peer().ask('set z 0 0 1\r\nx\r\n')).toBe('STORED\r\n')
})

test('more queues than are held ready are served all the same', async () => {
  const here = await server()
  const one = here.peer()
  await one.ask('set q0 0 0 1\r\nx\r\nset q0 0 0 1\r\ny\r\nget q0/open\r\n')
  for (let first = 1; first <= 10_100; first += 100) {
    const keys = Array.from({ length: 100 }, (_, at) => `q${first + at}`)
    const puts = keys.map((key) => `set ${key} 0 0 1\r\nx\r\n`).join('')
    expect(await one.ask(puts)).toBe('STORED\r\n'.repeat(100))
  }
  expect(await one.ask('get q0/close/open\r\nget q1\r\nget q1\r\nget q10100\r\n')).toBe(
    'VALUE q0/close/open 0 1\r\ny\r\nEND\r\nVALUE q1 0 1\r\nx\r\nEND\r\nEND\r\n' +
      'VALUE q10100 0 1\r\nx\r\nEND\r\n',
  )
  expect(await one.ask('get q0/close\r\nget q0\r\n')).toBe('END\r\nEND\r\n')
})
