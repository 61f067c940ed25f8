/** The order in which groups resolve, and when D may move. */
import { expect, test } from 'vitest'
import type { Flight } from '../../src/log/flight.ts'
import { FlightQueue } from '../../src/log/flight-queue.ts'
import { OwnSegment } from '../../src/log/segment-file.ts'
import { realSystem } from '../../src/system/real/real-system.ts'

async function segment(): Promise<OwnSegment> {
  const handle = await realSystem().files.open('/dev/null', { mode: 'read' })
  return new OwnSegment('/log', 1, { salt1: 1, salt2: 2, fileBytes: 65_536 }, handle)
}

function flight(own: OwnSegment, offset: number, end: number): Flight {
  return {
    segment: own,
    pieces: [],
    offset,
    end,
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
}

test('D moves behind a group only when it resolves: after the lock was seen held (11)', async () => {
  const own = await segment()
  const queue = new FlightQueue(true)
  const one = flight(own, 4096, 5000)
  queue.push(one)
  one.written = true
  queue.noteWritten()
  expect([own.writtenEnd, own.durableOffset]).toEqual([5000, 4096])
  expect(queue.takeReady()).toBeUndefined()
  one.confirmed = true
  expect(queue.takeReady()).toBe(one)
  expect(own.durableOffset).toBe(5000)
  await own.handle.close()
})

test('no group resolves before every group in front of it', async () => {
  const own = await segment()
  const queue = new FlightQueue(true)
  const [one, two] = [flight(own, 4096, 5000), flight(own, 5000, 6000)]
  queue.push(one)
  queue.push(two)
  two.written = true
  two.confirmed = true
  queue.noteWritten()
  expect(queue.takeReady()).toBeUndefined()
  expect(own.writtenEnd).toBe(4096)
  one.written = true
  one.confirmed = true
  queue.noteWritten()
  expect([queue.takeReady(), queue.takeReady()]).toEqual([one, two])
  expect(queue.bytes).toBe(0)
  await own.handle.close()
})
