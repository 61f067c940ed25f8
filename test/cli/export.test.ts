/** `qlog export` and `qlog import`: what goes out comes in again, and goes out the same. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openStore } from '../../src/index.ts'
import { runInProcess } from './in-process.ts'
import { freshDirectory, jsonLines } from './support.ts'

const FAR_MS = 3_000_000_000_000

/** A store with everything that an export has to tell. */
async function fill(directory: string): Promise<void> {
  const store = await openStore(directory)
  const orders = store.queue('orders')
  await orders.createGroup('billing', { leasedMax: 7, promoteAfterMs: 60_000 })
  await orders.createGroup('audit')
  const bytes = Uint8Array.from({ length: 256 }, (_, byte) => byte)
  await orders.putMany([
    'finished by billing',
    { body: 'buried second', priority: 9 },
    { body: 'buried first', headers: { tenant: '17', __proto__: 'x' } },
    { body: 'released', priority: 5 },
    { body: bytes, headers: { 'content-type': 'x' } },
    { body: 'later', delayMs: 3_600_000 },
    { body: 'much later', at: FAR_MS, ttlMs: FAR_MS / 4 },
    { body: '', key: 'taken', keyWindowMs: 1_000_000 },
    { body: 'kicked', delayMs: 3_600_000 },
    'finished by both',
    'finished by audit \u0007 \ufeff',
  ])
  const session = store.session()
  const take = async (id: number, group: string) => {
    const delivery = await session.reserveById(id, { group })
    if (!delivery) throw new Error(`message ${id} is there`)
    return delivery
  }
  await (await take(1, 'billing')).ack()
  await (await take(3, 'billing')).bury({ reason: 'no stock' })
  await (await take(2, 'billing')).bury({ reason: 'no address', priority: 3 })
  await (await take(4, 'billing')).release({ priority: 77, delayMs: 7_200_000 })
  await orders.group('billing').kick([9])
  for (const group of ['billing', 'audit']) await (await take(10, group)).ack()
  await (await take(11, 'audit')).ack()
  await session.close()
  await orders.pause(5_000_000)
  await store.queue('plain').putMany(Array.from({ length: 1_000 }, (_, row) => `plain ${row}`))
  // The same key twice: its window was over in between.
  await store.queue('keys').put('first', { key: 'k', keyWindowMs: 1 })
  for (;;) {
    const { duplicate } = await store.queue('keys').put('second', { key: 'k', keyWindowMs: 1 })
    if (!duplicate) break
  }
  await store.close()
}

/** The lines of an export without what is new with every import, and times to the hour. */
function comparable(output: Uint8Array): unknown[] {
  const offsets = new Map<unknown, number>()
  return (jsonLines(output) as Record<string, unknown>[]).map((line) => {
    const { id: _id, time: _time, offset: _offset, floor: _floor, ...rest } = line
    if (line['kind'] === 'message') {
      const place = offsets.get(line['queue']) ?? 0
      offsets.set(line['queue'], place + 1)
      return rounded({ ...rest, place })
    }
    return rounded(rest)
  })
}

function rounded(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (name, one: unknown) => {
      const isLeft = ['delayMs', 'ttlMs', 'keyLeftMs', 'pausedMs'].includes(name)
      return isLeft && typeof one === 'number' ? Math.ceil(one / 3_600_000) : one
    }),
  )
}

async function exported(directory: string, ...more: string[]): Promise<Buffer> {
  const { exitCode, stdout, stderr } = await runInProcess(['export', directory, ...more])
  expect(exitCode, stderr).toBe(0)
  return stdout
}

async function imported(directory: string, input: Uint8Array) {
  return runInProcess(['import', directory], { input: [input] })
}

describe('export and import', () => {
  it.each(['here', 'through the door'])('%s: the round trip is exact', async (where) => {
    const [data, other] = [join(freshDirectory(), 'data'), join(freshDirectory(), 'other')]
    await fill(data)
    const holders = where === 'here' ? [] : [await openStore(data), await openStore(other)]
    const out = await exported(data)
    const result = await imported(other, out)
    expect(result.exitCode, result.stderr).toBe(0)
    expect(result.stderr).toBe('imported 1,012 messages into 3 queues\n')
    const again = await exported(other)
    expect(comparable(again)).toEqual(comparable(out))
    for (const holder of holders) await holder.close()
    const store = await openStore(other)
    const orders = store.queue('orders')
    expect(orders.group('billing').stats()).toMatchObject({
      buried: 2,
      leasedMax: 7,
      promoteAfterMs: 60_000,
    })
    const buried = await orders.group('billing').peek('buried')
    expect(buried).toMatchObject({ reason: 'no stock', headers: { tenant: '17' } })
    const { duplicate } = await orders.put('again', { key: 'taken' })
    expect(duplicate).toBe(true)
    await orders.pause(0)
    const session = store.session()
    await session.watch('orders', { group: 'audit' })
    const bodies = (await session.reserve({ count: 20 })).map((one) => one.text())
    expect(bodies.slice(0, 3)).toEqual(['released', 'buried second', 'finished by billing'])
    await store.close()
  })

  it('--queue takes one queue', async () => {
    const data = join(freshDirectory(), 'data')
    await fill(data)
    const lines = jsonLines(await exported(data, '--queue', 'keys')) as Record<string, unknown>[]
    expect(lines.map(({ kind }) => kind)).toEqual([undefined, 'queue', 'message', 'message', 'end'])
    const missing = await runInProcess(['export', data, '--queue', 'nope'])
    expect(missing.exitCode).toBe(2)
  })

  it('an empty store goes out and comes in', async () => {
    const [data, other] = [join(freshDirectory(), 'data'), join(freshDirectory(), 'other')]
    await (await openStore(data)).close()
    const out = await exported(data)
    expect(jsonLines(out)).toEqual([
      { qlog: 'export', version: 1 },
      { kind: 'end', messages: 0 },
    ])
    expect((await imported(other, out)).exitCode).toBe(0)
  })

  it('a queue that is there already is not imported into', async () => {
    const data = join(freshDirectory(), 'data')
    await fill(data)
    const { exitCode, stderr } = await imported(data, await exported(data))
    expect(stderr).toContain('line 2 of the input is refused: the store has a queue')
    expect(exitCode).toBe(2)
  })
})

const HEAD = '{"qlog":"export","version":1}\n'
const QUEUE = '{"kind":"queue","queue":"q"}\n'
const END = '{"kind":"end","messages":0}\n'

it('a key whose window is over is free, and holds back neither its twin nor a new message', async () => {
  const other = join(freshDirectory(), 'other')
  const line = (offset: number, keyLeftMs: number): string =>
    `${JSON.stringify({ kind: 'message', queue: 'q', offset, body: `m${offset}`, put: { key: 'k', keyWindowMs: 600_000, keyLeftMs } })}\n`
  const free = `${HEAD}${QUEUE}${line(0, 0)}${line(1, 0)}{"kind":"end","messages":2}\n`
  expect((await imported(other, Buffer.from(free))).exitCode).toBe(0)
  const store = await openStore(other)
  expect((await store.queue('q').put('new', { key: 'k' })).duplicate).toBe(false)
  expect(store.queue('q').stats().messages).toBe(3)
  await store.close()
})

describe('input that is no export', () => {
  it.each([
    ['nothing', '', /cut off/],
    ['no JSON', 'hello\n', /line 1 of the input is no JSON/],
    ['something else', '{"a":1}\n', /line 1 .* does not begin an export/],
    ['another version', '{"qlog":"export","version":9}\n', /version 9, this is 1/],
    ['cut off', HEAD + QUEUE, /cut off: it has no end behind line 2/],
    ['a message of no queue', `${HEAD}{"kind":"message","queue":"q"}\n`, /line 2 .* no queue/],
    ['an unknown kind', `${HEAD}${QUEUE}{"kind":"x","queue":"q"}\n`, /line 3 .* but x/],
    [
      'no base64',
      `${HEAD}${QUEUE}{"kind":"message","queue":"q","offset":0,"put":{},"bodyBase64":"?"}\n`,
      /line 3 .* no base64/,
    ],
    [
      'a put that is none',
      `${HEAD}${QUEUE}{"kind":"message","queue":"q","offset":0,"put":{"priority":-1},"body":""}\n${END}`,
      /priority must be/,
    ],
    ['another count', `${HEAD}${QUEUE}{"kind":"end","messages":3}\n`, /counts 3 messages/],
    ['more behind the end', `${HEAD}${END}${QUEUE}`, /line 3 .* behind the end/],
  ])('%s is a typed error', async (_what, input, expected) => {
    const other = join(freshDirectory(), 'other')
    const { exitCode, stderr } = await imported(other, Buffer.from(input))
    expect(stderr).toMatch(expected)
    expect(exitCode).toBe(2)
    expect(stderr).not.toContain('QLOG_')
    // What does not begin an export makes no store.
    expect(existsSync(other)).toBe(input.startsWith(HEAD))
  })
})
