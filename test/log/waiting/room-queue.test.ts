/** Appends that wait for room: in order, as many at once as there is room for, and each told its own outcome. */
import { expect, test } from 'vitest'
import { openLog } from '../../../src/index.ts'
import type { Settling } from '../../../src/log/waiting/append-promises.ts'
import { RoomQueue, type RoomQueueHost } from '../../../src/log/waiting/room-queue.ts'
import { freshDirectory } from '../../real/support.ts'

/** Room for so many appends at a time, made by the test. */
class Host implements RoomQueueHost {
  /** Of what was taken: the bodies as text, a batch as a list. */
  readonly sent: (string | string[])[] = []
  free = 0
  failure: Error | undefined
  /** How often it was asked for room. */
  asked = 0
  #wake: () => void = () => undefined

  get hasRoom(): boolean {
    return this.free > 0 || this.failure !== undefined
  }

  async room(): Promise<void> {
    this.asked++
    while (!this.hasRoom) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  sendOne(body: Uint8Array, settling: Settling): void {
    this.#send(textOf(body), settling)
  }

  sendBatch(bodies: readonly Uint8Array[], settling: Settling): void {
    this.#send(bodies.map(textOf), settling)
  }

  #send(what: string | string[], settling: Settling): void {
    if (this.failure) throw this.failure
    this.free--
    this.sent.push(what)
    settling.resolve(this.sent.length as never)
  }

  make(room: number): void {
    this.free += room
    this.#wake()
  }
}

async function turn(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve))
}

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

function textOf(body: Uint8Array): string {
  return new TextDecoder().decode(body)
}

function addOne(queue: RoomQueue, text: string): Promise<number> {
  return queue.addOne(bytesOf(text))
}

test('they leave in their order, as many as there is room for, in one turn', async () => {
  const host = new Host()
  const queue = new RoomQueue(host)
  const all = Array.from({ length: 10 }, (_, row) => addOne(queue, `${row}`))
  await turn()
  expect([queue.length, host.sent.length]).toEqual([10, 0])
  host.make(6)
  await turn()
  // Not once an append: a log that is overloaded would never catch up.
  expect([queue.length, host.sent.length, host.asked]).toEqual([4, 6, 2])
  host.make(100)
  expect(await Promise.all(all)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
  expect(host.sent).toEqual([...'0123456789'])
  await queue.drained()
  expect(queue.length).toBe(0)
})

test('one that comes while others wait waits behind them, and one that comes later begins anew', async () => {
  const host = new Host()
  const queue = new RoomQueue(host)
  const first = addOne(queue, 'first')
  await turn()
  // Also where there is room again, but those in front have not left yet.
  host.free = 1
  expect(queue.mustWait).toBe(true)
  host.free = 0
  const second = queue.addBatch(['of', 'three', ''].map(bytesOf))
  host.make(2)
  expect(await Promise.all([first, second])).toEqual([1, 2])
  const third = addOne(queue, 'third')
  await turn()
  expect(queue.length).toBe(1)
  host.make(2)
  expect(await third).toBe(3)
  expect(host.sent).toEqual(['first', ['of', 'three', ''], 'third'])
  await queue.drained()
  expect(queue.mustWait).toBe(false)
})

test('whoever waits may use its bytes for something else', async () => {
  const host = new Host()
  const queue = new RoomQueue(host)
  const body = Buffer.from('before')
  const outcome = queue.addOne(body)
  body.fill(0)
  host.make(1)
  await outcome
  expect(host.sent).toEqual(['before'])
})

test('what the log refuses is told to its own caller, and the others go on', async () => {
  const host = new Host()
  const queue = new RoomQueue(host)
  const refused = addOne(queue, 'refused').catch((error: unknown) => error)
  host.failure = new Error('stopped')
  host.make(0)
  expect(await refused).toBe(host.failure)
  host.failure = undefined
  const next = addOne(queue, 'next')
  host.make(1)
  expect(await next).toBe(1)
  expect(host.sent).toEqual(['next'])
})

test('a host that fails to make room is told to all that wait, and the next one begins anew', async () => {
  const host = new Host()
  const room = host.room.bind(host)
  host.room = () => {
    host.room = room
    return Promise.reject(new Error('no room'))
  }
  const queue = new RoomQueue(host)
  const batch = queue.addBatch(['of', 'two'].map(bytesOf))
  const outcomes = await Promise.allSettled([batch, addOne(queue, 'one')])
  expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  await queue.drained()
  const next = addOne(queue, 'next')
  host.make(1)
  expect(await next).toBe(1)
  expect(host.sent).toEqual(['next'])
})

const MIB = 1024 * 1024
const CHUNK_BYTES = 64 * 1024 + 64

/** How often it can be called before it is QLOG_BUSY. */
function callsUntilBusy(add: () => void): number {
  for (let calls = 0; ; calls++) {
    try {
      add()
    } catch (error) {
      expect(error).toMatchObject({ code: 'QLOG_BUSY' })
      return calls
    }
  }
}

test.each([
  // Each counts 512 bytes beside the memory that is held for it, which is a chunk of 64 KiB at least.
  ['bodies of 1 byte', Math.ceil((MIB - CHUNK_BYTES) / 512), 1],
  ['bodies of 100,000 bytes', Math.ceil(MIB / 100_516), 100_000],
])('%s: a MiB may wait, where it is the bound, and one more is QLOG_BUSY', (_, calls, bytes) => {
  const queue = new RoomQueue(new Host(), MIB)
  expect(callsUntilBusy(() => void queue.addOne(new Uint8Array(bytes)))).toBe(calls)
  expect(() => queue.addBatch([bytesOf('x')])).toThrow(
    expect.objectContaining({ code: 'QLOG_BUSY' }),
  )
})

test('the messages of a batch count each: of such that have no bytes too', () => {
  const queue = new RoomQueue(new Host(), MIB)
  const empty = Array.from({ length: 100 }, () => new Uint8Array(0))
  const calls = callsUntilBusy(() => void queue.addBatch(empty))
  expect(calls).toBe(Math.ceil((MIB - CHUNK_BYTES) / 51_200))
})

test.each([undefined, 60_000])(
  'closing with %s ms to wait lets those leave first that wait for room',
  async (timeoutMs) => {
    const log = await openLog(freshDirectory(), { inFlightBytesMax: 4096 })
    const all = Array.from({ length: 600 }, () => log.append(new Uint8Array(200)))
    await log.close(timeoutMs === undefined ? {} : { timeoutMs })
    expect(await Promise.all(all)).toEqual(all.map((_, row) => row + 1))
  },
)

test('closing without time tells those that wait for room that they were not taken', async () => {
  const log = await openLog(freshDirectory(), { inFlightBytesMax: 4096 })
  const all = Array.from({ length: 600 }, () => log.append(new Uint8Array(200)))
  const outcomes = Promise.allSettled(all)
  await log.close({ timeoutMs: 0 })
  const last = (await outcomes).at(-1)
  expect(last).toMatchObject({ status: 'rejected', reason: { code: 'QLOG_CLOSED' } })
})
