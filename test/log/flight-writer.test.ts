/** Several writes under way at once, and a look at LOCK behind each. */
import { describe, expect, test } from 'vitest'
import type { Flight } from '../../src/log/flight.ts'
import { FlightQueue } from '../../src/log/flight-queue.ts'
import { FlightWriter } from '../../src/log/flight-writer.ts'
import type { Lock } from '../../src/log/lock.ts'
import { OwnSegment } from '../../src/log/segment-file.ts'
import { WriteLanes } from '../../src/log/write-lanes.ts'
import type { FileHandle } from '../../src/system/system.ts'

/** A call that waits until the test lets it return. */
interface Held<T> {
  resolve(value: T): void
  reject(error: Error): void
}

/** Writes that return when they are told to, and a lock that is held until it is not. */
class World {
  readonly writes: Held<number>[] = []
  looks = 0
  readonly told: string[] = []
  isHeldNow: boolean | Error = true
  readonly queue = new FlightQueue(true)
  readonly segment: OwnSegment
  readonly writer: FlightWriter
  #at = 4096

  constructor() {
    const handles = [this.#handle(), this.#handle(), this.#handle()] as const
    const lock = {
      isHeldSync: () => {
        this.looks++
        if (this.isHeldNow instanceof Error) throw this.isHeldNow
        return this.isHeldNow
      },
    } as Partial<Lock> as Lock
    const key = { salt1: 1, salt2: 2, fileBytes: 65_536 }
    this.segment = new OwnSegment('/log', 1, key, handles[0], new WriteLanes(handles))
    this.writer = new FlightWriter(lock, this.queue, 'always', 'dsync', {
      isOpen: () => true,
      moved: () => this.told.push('moved'),
      released: () => this.told.push('released'),
      failed: (error) => this.told.push(`failed: ${String(error)}`),
      fenced: () => this.told.push('fenced'),
      roomier: () => this.told.push('roomier'),
    })
  }

  #handle(): FileHandle {
    return {
      write: () => new Promise<number>((resolve, reject) => this.writes.push({ resolve, reject })),
      writeSync: (source: Uint8Array) => source.length,
    } as Partial<FileHandle> as FileHandle
  }

  send(): Flight {
    const offset = this.#at
    this.#at += 100
    const flight: Flight = {
      segment: this.segment,
      pieces: [new Uint8Array(100)],
      offset,
      end: this.#at,
      group: undefined,
      firstTicket: 0,
      lastTicket: 0,
      messages: 0,
      messageBytes: 0,
      nextId: 1,
      timeMs: 0,
      opensSegment: false,
      mustFlush: false,
      startedMs: 0,
      written: false,
      confirmed: false,
      settled: false,
    }
    this.queue.push(flight)
    this.writer.send(flight)
    return flight
  }

  async write(index: number): Promise<void> {
    this.writes[index]?.resolve(100)
    await new Promise(setImmediate)
  }
}

describe('the look at LOCK', () => {
  test('comes behind the return of each write, and confirms what has returned by then', async () => {
    const world = new World()
    const [one, two] = [world.send(), world.send()]
    expect(world.looks).toBe(0)
    await world.write(0)
    expect(world.looks).toBe(1)
    expect([one.confirmed, two.confirmed]).toEqual([true, false])
    await world.write(1)
    expect(world.looks).toBe(2)
    expect([one.confirmed, two.confirmed]).toEqual([true, true])
  })

  test('of a group whose write returned early does not let it resolve in front of others', async () => {
    const world = new World()
    const flights = [world.send(), world.send(), world.send()]
    await world.write(2)
    expect(flights.map(({ confirmed }) => confirmed)).toEqual([false, false, true])
    expect(world.queue.takeReady()).toBeUndefined()
    await world.write(0)
    await world.write(1)
    expect(flights.map(() => world.queue.takeReady())).toEqual(flights)
  })

  test('confirms nothing once LOCK names another', async () => {
    const world = new World()
    const flight = world.send()
    world.isHeldNow = false
    await world.write(0)
    expect(flight.confirmed).toBe(false)
    expect(world.told).toEqual(['fenced'])
  })

  test('that fails is a failure like that of a write', async () => {
    const world = new World()
    const flight = world.send()
    world.isHeldNow = new Error('EIO')
    await world.write(0)
    expect(flight.confirmed).toBe(false)
    expect(world.told).toEqual(['failed: Error: EIO'])
  })
})

test('three groups are under way at once, and no more', async () => {
  const world = new World()
  for (let count = 0; count < 3; count += 1) {
    expect(world.writer.hasRoomIn(world.segment)).toBe(true)
    world.send()
  }
  expect(world.writer.hasRoomIn(world.segment)).toBe(false)
  await world.write(1)
  expect(world.writer.hasRoomIn(world.segment)).toBe(true)
})

test('groups that a synchronous append carried are released when their own write returns', async () => {
  const world = new World()
  const [one, two] = [world.send(), world.send()]
  await world.write(1)
  world.writer.resendSync(world.segment.lanes.take())
  expect([one.confirmed, two.confirmed]).toEqual([true, true])
  expect([one.settled, two.settled]).toEqual([true, false])
  world.told.length = 0
  await world.write(0)
  expect(world.told).toEqual(['released'])
})

test('a synchronous append confirms nothing once LOCK names another', () => {
  const world = new World()
  const flight = world.send()
  world.isHeldNow = false
  expect(() => world.writer.resendSync(world.segment.lanes.take())).toThrow('taken over')
  expect(flight.confirmed).toBe(false)
  expect(world.told).toEqual(['fenced'])
})
