/** The tools name what a store's records are about, and its queues, without opening it. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { openLog, openReader, openStore } from '../../src/index.ts'
import { type DumpItem, dump, dumpSegment, explain, queues } from '../../src/inspect/index.ts'
import { runInProcess } from '../cli/support.ts'
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

it('a log that is no store has no queues, and its messages are what they are', async () => {
  const data = fresh()
  const log = await openLog(data)
  await log.appendMany(['\0\0\0plain', 'text'])
  await log.close()
  expect(await queues(data)).toBeUndefined()
  expect((await records(dump(data))).map(({ queue }) => queue)).toEqual([undefined, undefined])
})
