/** The tools name what a store's records are about, and its queues, without opening it. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { openLog, openReader, openStore } from '../../src/index.ts'
import {
  type DumpItem,
  dump,
  dumpSegment,
  explain,
  queues,
  segments,
  verify,
} from '../../src/inspect/index.ts'
import { runInProcess } from '../cli/in-process.ts'
import { hashOf } from '../real/support.ts'

function fresh(): string {
  const directory = mkdtempSync(join(tmpdir(), 'qlog-look-'))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  return join(directory, 'data')
}

async function fill(directory: string, rounds = 1) {
  const log = { segmentBytesMin: 16_384, segmentBytesMax: 16_384 }
  const store = await openStore(directory, { log })
  const session = store.session()
  await session.watch('orders', { group: 'billing' })
  await store.queue('orders').putMany(['one', { body: 'two', priority: 7, key: 'k' }])
  const [second] = await session.reserve()
  await second?.bury({ reason: 'why not' })
  await session.close()
  for (let round = 0; round < rounds; round += 1) {
    await store.queue('busy').putMany(Array.from({ length: 20 }, () => 'x'.repeat(500)))
    const worker = store.session()
    await worker.watch('busy')
    await worker.ack(await worker.reserve({ count: 20 }))
    await worker.close()
  }
  return store
}

/** Changes a byte of these words, in the first file that holds them. */
function spoil(directory: string, words: string): void {
  for (const name of readdirSync(directory).sort()) {
    const path = join(directory, name)
    const bytes = name.endsWith('.qls') ? readFileSync(path) : Buffer.alloc(0)
    const at = bytes.indexOf(words)
    if (at < 0) continue
    bytes.write('?', at)
    writeFileSync(path, bytes)
    return
  }
  throw new Error(`no file holds ${words}`)
}

async function records(items: AsyncIterable<DumpItem>) {
  const found: Record<string, unknown>[] = []
  for await (const item of items) {
    if (item.kind === 'record' && (item.type === 'MESSAGE' || item.type === 'CONTROL')) {
      found.push({ ...(item.fields as object), type: item.type, at: item.block })
    }
  }
  return found
}

it('queues and groups as the log has them, open elsewhere or closed, and not a byte is changed', async () => {
  const data = fresh()
  const store = await fill(data, 30)
  const expected = [
    { queue: 'busy', messages: 0, nextOffset: 600 },
    {
      queue: 'orders',
      messages: 2,
      nextOffset: 2,
      groups: [{ group: 'billing', unfinished: 2, buried: 1, floor: 0 }],
    },
  ]
  expect((await queues(data))?.map(({ queue }) => queue)).toEqual(['busy', 'orders'])
  await store.compact()
  await store.close()
  const before = hashOf(data)
  expect(await queues(data)).toMatchObject(expected)
  const stats = await runInProcess(['stats', data], { functions: { openLog, openReader } })
  expect(stats.stdout.toString()).toMatch(/^orders +2 +2 +billing +2 +1$/m)
  expect(hashOf(data)).toBe(before)
})

it('dump names queue, group and key of each record', async () => {
  const data = fresh()
  const store = await fill(data)
  await store.close()
  const all = await records(dump(data))
  expect(all.filter(({ queue }) => queue === 'orders')).toMatchObject([
    { type: 'CONTROL', kind: 'queue', name: 'orders' },
    { type: 'CONTROL', kind: 'group', group: 'billing', name: 'billing' },
    { type: 'CONTROL', kind: 'settings', group: 'billing', leasedMax: 0 },
    { type: 'MESSAGE', offset: 0, priority: 1024, bodyBytes: 3 },
    { type: 'MESSAGE', offset: 1, priority: 7, key: 'k', bodyBytes: 3 },
    { type: 'CONTROL', kind: 'lease' },
    { type: 'CONTROL', kind: 'bury', group: 'billing', offset: 1, reason: 'why not' },
  ])
  const [file] = readdirSync(data).filter((name) => name.endsWith('.qls'))
  const path = join(data, file ?? '')
  expect((await records(dumpSegment(path))).some(({ queue }) => queue === 'orders')).toBe(true)
  const block = Number(all.find(({ kind }) => kind === 'bury')?.['at'])
  const told: string[] = []
  for (let offset = block; offset < block + 120; offset += 8) {
    told.push((await explain(path, offset)).what)
  }
  expect(told.some((what) => what.includes('bury of queue orders, group billing'))).toBe(true)
})

it('segments names the queues whose messages keep each file', async () => {
  const data = fresh()
  const store = await fill(data, 3)
  await store.queue('late').putMany(['x', 'y', 'z'])
  await store.close()
  const infos = await segments(data)
  const held = infos.flatMap((info) => info.queues ?? [])
  expect(infos.length).toBeGreaterThan(2)
  expect(infos[0]?.queues).toEqual([{ queue: 'orders', messages: 2 }])
  expect(held).toEqual([
    { queue: 'orders', messages: 2 },
    { queue: 'late', messages: 3 },
  ])
  const { stdout, exitCode } = await runInProcess(['segments', data])
  expect(exitCode).toBe(0)
  const below = stdout.toString().split('Messages that are not gone:\n')[1]
  expect(below).toMatch(/^ {2}\S+\.qls {2}2 of orders\n {2}\S+\.qls {2}3 of late\n\n/)
})

it('verify names the queues of lost messages that were still to be finished', async () => {
  const data = fresh()
  const store = await fill(data, 3)
  await store.close()
  expect(await verify(data)).not.toHaveProperty('lostQueues')
  for (const body of ['two', 'x'.repeat(500)]) spoil(data, body)
  // Those of `busy` were finished: nobody misses them.
  const { lostMessages, lostQueues } = await verify(data)
  expect(lostQueues).toEqual([{ queue: 'orders', messages: 2 }])
  expect(lostMessages).toBeGreaterThan(2)
  const { stdout, exitCode } = await runInProcess(['verify', data])
  expect(exitCode).toBe(3)
  expect(stdout.toString()).toContain(
    'Still to be finished, as far as the state of the queues knows: 2 of orders.\n',
  )
})

it('a log that is no store has no queues, and its messages are what they are', async () => {
  const data = fresh()
  const log = await openLog(data)
  await log.appendMany(['\0\0\0plain', 'text'])
  await log.close()
  expect(await queues(data)).toBeUndefined()
  expect((await segments(data))[0]).not.toHaveProperty('queues')
  expect((await records(dump(data))).map(({ queue }) => queue)).toEqual([undefined, undefined])
})
