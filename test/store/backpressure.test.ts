/** Nothing is buffered without end: puts wait while too much is in flight, and a worker holds what it may. */
import { expect, test } from 'vitest'
import type { LogOwner, OpenLog, OwnedLog } from '../../src/log/seam.ts'
import type { SimulatedProcess } from '../../src/system/simulated/process.ts'
import { openSlowLog } from '../../src/testing/slow-log.ts'
import { MemoryWorld } from '../testing/store-worlds.ts'
import { inWorld, PACE_MS } from './worlds.ts'

const KIB = 1024
const IN_FLIGHT_BYTES_MAX = 8 * KIB

/** Counts the bytes of messages that the log has taken and not made durable. */
class CountingWorld extends MemoryWorld {
  inFlightBytes = 0
  mostBytes = 0
  /** Messages that were asked of the log. */
  fetched = 0
  readonly #sizes = new Map<number, number>()

  protected override openLog(process: SimulatedProcess): OpenLog {
    const open = openSlowLog(process, this.medium, {
      delayMsMin: PACE_MS,
      delayMsMax: PACE_MS,
      inFlightBytesMax: IN_FLIGHT_BYTES_MAX,
    })
    return async (owner, options) => {
      const log: OwnedLog = await open(this.#told(owner), options)
      const append = log.append.bind(log)
      const fetch = log.fetch.bind(log)
      log.fetch = (ids, ...how) => {
        this.fetched += ids.length
        return fetch(ids, ...how)
      }
      log.append = (batch) => {
        const ticket = append(batch)
        const bytes = batch.messages.reduce((sum, { byteLength }) => sum + byteLength, 0)
        this.#sizes.set(ticket, bytes)
        this.inFlightBytes += bytes
        this.mostBytes = Math.max(this.mostBytes, this.inFlightBytes)
        return ticket
      }
      return log
    }
  }

  #told(owner: LogOwner): LogOwner {
    const committed: LogOwner['committed'] = (upTo, lsn, timeMs) => {
      for (const [ticket, bytes] of this.#sizes) {
        if (ticket > upTo) continue
        this.#sizes.delete(ticket)
        this.inFlightBytes -= bytes
      }
      owner.committed(upTo, lsn, timeMs)
    }
    return {
      committed,
      failed: (from, outcome, cause) => owner.failed(from, outcome, cause),
      refused: (from, upTo, cause) => owner.refused(from, upTo, cause),
      space: (state) => owner.space(state),
    }
  }
}

test('puts wait while more is in flight than the log allows, and all get their turn in order', async () => {
  const counting = new CountingWorld(7)
  await inWorld(counting, async (world) => {
    const queue = world.store.queue('q')
    await queue.put('first')
    const order: number[] = []
    const body = new Uint8Array(KIB)
    const puts = Array.from({ length: 100 }, async (_, row) => {
      body[0] = row
      const { offset } = await queue.put(body)
      order.push(offset)
    })
    // The bytes were taken, though most of these puts have still to wait.
    body.fill(255)
    expect(counting.inFlightBytes).toBeLessThanOrEqual(IN_FLIGHT_BYTES_MAX + 2 * KIB)
    await Promise.all(puts)
    expect(order).toEqual(Array.from({ length: 100 }, (_, row) => row + 1))
    expect(counting.mostBytes).toBeLessThanOrEqual(IN_FLIGHT_BYTES_MAX + 2 * KIB)
    expect(counting.mostBytes).toBeGreaterThan(IN_FLIGHT_BYTES_MAX / 2)
    const read = await queue.read({ limit: 200 })
    expect(read.slice(1).map((one) => one.body[0])).toEqual(order.map((offset) => offset - 1))
  })
})

test('a worker with a slow handler holds its share of a long queue and no more', async () => {
  await inWorld(new MemoryWorld(8), async (world) => {
    const queue = world.store.queue('q')
    await queue.putMany(Array.from({ length: 1000 }, (_, row) => `${row}`))
    let most = 0
    const worker = queue.work(
      async () => {
        const { running, held } = worker.stats()
        most = Math.max(most, running + held)
        await world.advance(1)
      },
      { concurrency: 16, prefetch: 8 },
    )
    for (let seconds = 0; seconds < 10; seconds++) await world.settle()
    expect(worker.stats()).toMatchObject({ acked: 1000, running: 0, held: 0 })
    expect(most).toBeGreaterThan(16)
    expect(most).toBeLessThanOrEqual(24)
    await worker.stop()
  })
})

test('dead letters of what expired are read no faster than the log takes them', async () => {
  const counting = new CountingWorld(9)
  await inWorld(counting, async (world) => {
    const queue = world.store.queue('q')
    const dead = world.store.queue('dead')
    await queue.configure({ deadLetter: { queue: 'dead' } })
    const items = Array.from({ length: 2000 }, (_, row) => ({ body: `${row}`, ttlMs: 1000 }))
    await queue.putMany(items)
    counting.fetched = 0
    for (let ms = 0; counting.fetched === 0 && ms < 2000; ms++) await world.advance(1)
    // The log takes longer than this for the first of them.
    for (let ms = 0; ms < PACE_MS / 2; ms++) await world.advance(1)
    expect(counting.fetched).toBeGreaterThan(0)
    expect(counting.fetched).toBeLessThan(1000)
    for (let seconds = 0; dead.stats().messages < 2000 && seconds < 60; seconds++)
      await world.settle()
    expect(dead.stats().messages).toBe(2000)
  })
})
