/** Appends that wait for room: in order, as many at once as there is room for, and each told its own outcome. */
import { expect, test } from 'vitest'
import { openLog } from '../../src/index.ts'
import { RoomQueue, type WaitingAppend } from '../../src/log/room-queue.ts'
import { freshDirectory } from '../real/support.ts'

const BODY = [new Uint8Array(1)]

/** Room for so many appends at a time, made by the test. */
class Host {
  readonly sent: WaitingAppend[] = []
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

  send(append: WaitingAppend): void {
    if (this.failure) throw this.failure
    this.free--
    this.sent.push(append)
    append.resolve(this.sent.length as never)
  }

  make(room: number): void {
    this.free += room
    this.#wake()
  }
}

async function turn(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve))
}

test('they leave in their order, as many as there is room for, in one turn', async () => {
  const host = new Host()
  const queue = new RoomQueue(host)
  const all = Array.from({ length: 10 }, () => queue.add<number>(BODY, true))
  await turn()
  expect([queue.length, host.sent.length]).toEqual([10, 0])
  host.make(6)
  await turn()
  // Not once an append: a log that is overloaded would never catch up.
  expect([queue.length, host.sent.length, host.asked]).toEqual([4, 6, 2])
  host.make(100)
  expect(await Promise.all(all)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
  await queue.drained()
  expect(queue.length).toBe(0)
})

test('one that comes while others wait waits behind them, and one that comes later begins anew', async () => {
  const host = new Host()
  const queue = new RoomQueue(host)
  const first = queue.add<number>(BODY, true)
  await turn()
  const second = queue.add<number>(BODY, false)
  host.make(2)
  expect(await Promise.all([first, second])).toEqual([1, 2])
  const third = queue.add<number>(BODY, true)
  await turn()
  expect(queue.length).toBe(1)
  host.make(1)
  expect(await third).toBe(3)
})

test('what the log refuses is told to its own caller, and the others go on', async () => {
  const host = new Host()
  const queue = new RoomQueue(host)
  const refused = queue.add(BODY, true).catch((error: unknown) => error)
  host.failure = new Error('stopped')
  host.make(0)
  expect(await refused).toBe(host.failure)
  host.failure = undefined
  const next = queue.add<number>(BODY, true)
  host.make(1)
  expect(await next).toBe(1)
})

test('a host that fails to make room is told to all that wait, and the next one begins anew', async () => {
  const host = new Host()
  const queue = new RoomQueue({
    get hasRoom() {
      return host.hasRoom
    },
    room: () => (host.asked++ === 0 ? Promise.reject(new Error('no room')) : host.room()),
    send: (append) => host.send(append),
  })
  const all = [queue.add(BODY, true), queue.add(BODY, true)]
  const outcomes = await Promise.allSettled(all)
  expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  await queue.drained()
  const next = queue.add<number>(BODY, true)
  host.make(1)
  expect(await next).toBe(1)
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
