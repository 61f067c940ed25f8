/** The loops that drive contenders, on one that counts: what is put is taken, side by side and in order. */
import { expect, test } from 'vitest'
import type { Opened } from '../../../bench/peers/contract.ts'
import { latenessFiguresOf } from '../../../bench/peers/lateness.ts'
import {
  batchFor,
  flatOutPut,
  flatOutThrough,
  pacedPut,
  pacedThrough,
  steadyFor,
} from '../../../bench/peers/loads.ts'
import { STEADY_TAKE } from '../../../bench/peers/scale.ts'
import { Stock } from '../../../bench/peers/stock.ts'
import { shuffled } from '../../../bench/peers/turns.ts'
import { seededRandom } from '../../../src/cli/prove-random.ts'

/** Called synchronously, as better-sqlite3 is: what was put, and what each take gave. */
function counting(): Opened & { waiting: number; puts: number; most: number; takes: number[] } {
  const self = {
    puts: 0,
    waiting: 0,
    most: 0,
    takes: [] as number[],
    put: async () => {
      self.puts += 1
      self.waiting += 1
      self.most = Math.max(self.most, self.waiting)
    },
    putMany: async () => undefined,
    take: async (count: number) => {
      const taken = Math.min(count, self.waiting)
      self.takes.push(taken)
      self.waiting -= taken
      return taken
    },
    close: async () => undefined,
  }
  return self
}

test('puts and takes go on side by side where both are called synchronously, and all is taken', async () => {
  const opened = counting()
  const { messages } = await steadyFor(opened, { bytes: 10, inFlight: 100, seconds: 0.05 })
  expect(opened.waiting).toBe(0)
  expect(messages).toBe(opened.puts)
  expect(opened.most).toBeLessThanOrEqual(4 * 100 + 100)
})

test('a take while puts go on is of as many as are asked for, whoever answers how fast', async () => {
  const opened = counting()
  await steadyFor(opened, { bytes: 10, inFlight: 100, seconds: 0.05 })
  expect(opened.takes.length).toBeGreaterThan(3)
  // The last ones find what is left.
  const [last = 0, ...before] = opened.takes.toReversed()
  expect(last).toBeLessThanOrEqual(STEADY_TAKE)
  expect(new Set(before)).toEqual(new Set([STEADY_TAKE]))
})

test('a run in which a message never comes is a failure, and no rate', async () => {
  const opened = counting()
  let puts = 0
  const { put } = opened
  opened.put = async (body) => {
    if (++puts !== 30) await put(body)
  }
  const how = { bytes: 10, inFlight: 10, seconds: 0.02, graceSeconds: 0 }
  await expect(steadyFor(opened, how)).rejects.toThrow(/of \d+ messages that were put 1 never came/)
})

test('as many batches are under way as were asked for, and no more', async () => {
  for (const batches of [1, 4]) {
    let [now, most] = [0, 0]
    const opened = {
      ...counting(),
      putMany: async () => {
        most = Math.max(most, ++now)
        await new Promise(setImmediate)
        now--
      },
    }
    const { messages } = await batchFor(opened, { bytes: 10, batch: 5, batches, seconds: 0.01 })
    expect(most).toBe(batches)
    expect(messages % 5).toBe(0)
  }
})

test('every message that is offered is done, put or taken', async () => {
  const how = { bytes: 10, rate: 5000, seconds: 0.05 }
  for (const paced of [pacedPut, pacedThrough]) {
    const opened = counting()
    const { lateMs, unfinished } = await paced(opened, how)
    expect(lateMs).toHaveLength(250)
    expect(unfinished).toBe(0)
    expect(lateMs.every((late) => late >= 0)).toBe(true)
  }
})

test('a taker that fails ends the run with its error, also where a producer waits for it', async () => {
  const opened = { ...counting(), take: () => Promise.reject(new Error('made up')) }
  const how = { bytes: 10, rate: 1000, seconds: 0.01, inFlight: 3 }
  await expect(pacedThrough(opened, how)).rejects.toThrow('made up')
  await expect(flatOutThrough(opened, how)).rejects.toThrow('made up')
})

test('a put that fails ends the run with its error, whoever waits for what', async () => {
  const how = { bytes: 10, rate: 1000, seconds: 0.01, inFlight: 3 }
  for (const run of [pacedPut, pacedThrough, flatOutPut, flatOutThrough]) {
    let puts = 0
    const opened = counting()
    const { put } = opened
    opened.put = (body) => (++puts < 4 ? put(body) : Promise.reject(new Error('made up')))
    await expect(run(opened, how)).rejects.toThrow('made up')
  }
})

test('flat out as many are on their way as were asked for, until each is answered, or taken', async () => {
  const how = { bytes: 10, inFlight: 7, seconds: 0.02 }
  for (const run of [flatOutPut, flatOutThrough]) {
    const opened = counting()
    const { put, take } = opened
    let [now, most] = [0, 0]
    opened.put = async (body) => {
      most = Math.max(most, ++now)
      await new Promise(setImmediate)
      await put(body)
      if (run === flatOutPut) now--
    }
    opened.take = async (count) => {
      const taken = (await take?.(count)) ?? 0
      now -= taken
      return taken
    }
    const { messages } = await run(opened, how)
    expect(most).toBe(7)
    expect(messages).toBe(opened.puts)
    expect(messages).toBeGreaterThan(7)
    if (run === flatOutThrough) expect(opened.waiting).toBe(0)
  }
})

test('flat out a message that never comes is a failure, and no maximum', async () => {
  const opened = counting()
  const { put } = opened
  opened.put = async (body) => {
    if (opened.puts !== 30) await put(body)
    else opened.puts += 1
  }
  const how = { bytes: 10, inFlight: 10, seconds: 0.02, graceSeconds: 0.2 }
  await expect(flatOutThrough(opened, how)).rejects.toThrow(/ that were put 1 never came/)
})

test('whoever claims waits for what is there, and hears that nothing more comes', async () => {
  const stock = new Stock({ waitingMax: 3 })
  const claims = [stock.claim(2), stock.claim(2), stock.claim(2)]
  stock.add(3)
  expect(await claims[0]).toBe(2)
  expect(await claims[1]).toBe(1)
  stock.add(1)
  expect(await claims[2]).toBe(1)
  stock.add(3)
  let hasRoom = false
  const room = stock.room().then(() => {
    hasRoom = true
  })
  await Promise.resolve()
  expect(hasRoom).toBe(false)
  expect(await stock.claim(1)).toBe(1)
  await room
  stock.close()
  expect(await stock.claim(9)).toBe(2)
  expect(await stock.claim(9)).toBe(0)
})

test('whoever claims is given no fewer than were told, until nothing more comes', async () => {
  const stock = new Stock({ claimMin: 3 })
  let claimed = 0
  const claim = stock.claim(5).then((count) => {
    claimed = count
  })
  stock.add(2)
  await Promise.resolve()
  expect(claimed).toBe(0)
  stock.add(2)
  await claim
  expect(claimed).toBe(4)
  stock.add(1)
  stock.close()
  expect(await stock.claim(5)).toBe(1)
  expect(() => new Stock({ waitingMax: 2, claimMin: 3 })).toThrow('nobody would ever take')
})

test('percentiles are of all rounds together, the worst is the worst, p99.9 needs many messages', () => {
  const run = (length: number, worst: number) => ({
    lateMs: new Float64Array(length).map((_, i) => (i === 0 ? worst : 1)),
    unfinished: 0,
  })
  const few = latenessFiguresOf([run(2000, 50), run(2999, 90)])
  expect(few).toMatchObject({ p50Ms: 1, p99Ms: 1, maxMs: 90, runs: 2, samples: 4999 })
  expect(few).not.toHaveProperty('p999Ms')
  expect(latenessFiguresOf([run(2000, 50), run(3000, 90)])).toHaveProperty('p999Ms', 1)
})

test('the same seed gives the same order, and every item is in it once', () => {
  const items = Array.from({ length: 20 }, (_, i) => i)
  const orders = [7, 7, 8].map((seed) => shuffled(items, seededRandom(seed)))
  expect(orders[0]).toEqual(orders[1])
  expect(orders[0]).not.toEqual(orders[2])
  expect(orders[0]).not.toEqual(items)
  expect(orders[0]?.toSorted((a, b) => a - b)).toEqual(items)
})
