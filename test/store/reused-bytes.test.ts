/** Whoever puts or appends may use its bytes for something else at once: a Buffer too, of which `slice` is a view. */
import { expect, test } from 'vitest'
import { type Log, openLog, openStore, type Store } from '../../src/index.ts'
import { freshDirectory } from '../real/support.ts'

const TAKERS = [
  ['a Uint8Array', () => new TextEncoder().encode('before')],
  ['a Buffer', () => Buffer.from('before')],
] as const

/** So little that all but the first few wait for room. */
const IN_FLIGHT_BYTES_MAX = 4096
const COUNT = 2000

/** How often each text is among the bodies. */
function countsOf(bodies: Iterable<Uint8Array>): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const body of bodies) {
    const text = Buffer.from(body).toString()
    counts[text] = (counts[text] ?? 0) + 1
  }
  return counts
}

async function storeOf(work: (store: Store) => Promise<void>): Promise<Record<string, number>> {
  const log = { inFlightBytesMax: IN_FLIGHT_BYTES_MAX }
  const store = await openStore(freshDirectory(), { log })
  try {
    await work(store)
    const found = await store.queue('q').read({ limit: 2 * COUNT })
    return countsOf(found.map(({ body }) => body))
  } finally {
    await store.close()
  }
}

async function logOf(work: (log: Log) => Promise<void>): Promise<Record<string, number>> {
  const log = await openLog(freshDirectory(), { inFlightBytesMax: IN_FLIGHT_BYTES_MAX })
  try {
    await work(log)
    const bodies: Uint8Array[] = []
    for await (const { body } of log.read()) bodies.push(body)
    return countsOf(bodies)
  } finally {
    await log.close()
  }
}

test.each(TAKERS)('the bytes of appends that wait for room: %s', async (_, take) => {
  const counts = await logOf(async (log) => {
    const body = take()
    const all = Array.from({ length: COUNT }, () => log.append(body))
    const batches = Array.from({ length: 10 }, () => log.appendMany([body, body]))
    body.fill(0)
    await Promise.all([...all, ...batches])
  })
  expect(counts).toEqual({ before: COUNT + 20 })
})

test.each(TAKERS)('the bytes of puts that wait for room: %s', async (_, take) => {
  const counts = await storeOf(async (store) => {
    const body = take()
    const all = Array.from({ length: COUNT }, () => store.queue('q').put(body))
    const batch = store.queue('q').putMany([body, { body }])
    body.fill(0)
    await Promise.all([...all, batch])
  })
  expect(counts).toEqual({ before: COUNT + 2 })
})

test.each(TAKERS)('the bytes of puts that wait for one with the same key: %s', async (_, take) => {
  const counts = await storeOf(async (store) => {
    const body = take()
    const first = store.queue('q').put('first', { key: 'k' })
    const items = [
      { body, key: 'k' },
      { body, key: 'other' },
    ]
    const batch = store.queue('q').putMany(items)
    const over = store.queue('q').put(body, { key: 'k', onDuplicate: 'replace' })
    body.fill(0)
    await Promise.all([first, batch, over])
  })
  expect(counts).toEqual({ before: 2 })
})

test.each(TAKERS)('the bytes of a transaction that has still to leave: %s', async (_, take) => {
  const counts = await storeOf(async (store) => {
    const body = take()
    await store.transaction((transaction) => {
      transaction.put('q', body)
      transaction.put(store.queue('q'), body)
      body.fill(0)
    })
  })
  expect(counts).toEqual({ before: 2 })
})

test('the bytes that a codec makes of one buffer again and again', async () => {
  const counts = await storeOf(async (store) => {
    const buffer = Buffer.alloc(3)
    const codec = {
      encode: (value: string) => {
        buffer.write(value)
        return buffer
      },
      decode: (body: Uint8Array) => Buffer.from(body).toString(),
    }
    const queue = store.queue('q', { codec })
    const batch = queue.putMany(['aaa', { body: 'bbb' }])
    await Promise.all([batch, queue.put('ccc'), queue.put('ddd')])
    await store.transaction((transaction) => {
      transaction.put(queue, 'eee')
      transaction.put(queue, 'fff')
    })
  })
  expect(counts).toEqual({ aaa: 1, bbb: 1, ccc: 1, ddd: 1, eee: 1, fff: 1 })
})
