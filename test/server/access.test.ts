/** A store by its verbs: the same through the door of its owner as where it is open here. */
import * as fs from 'node:fs'
import * as os from 'node:os'
import * as path from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { openLog, openStore, type QueueStats, type Store } from '../../src/index.ts'
import { openAccess } from '../../src/server/access.ts'
import {
  addRow,
  openStoreThrough,
  type StoreAccess,
  type TakenMessage,
} from '../../src/server/index.ts'
import { realSystem } from '../../src/system/real/real-system.ts'
import type { Clock, Connection, SocketListener, SocketProbe } from '../../src/system/system.ts'
import { connectionPair } from './door/memory.ts'

let directory = ''
const closing: (() => Promise<void>)[] = []

beforeEach(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'qlog-access-'))
})

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
  fs.rmSync(directory, { recursive: true, force: true })
})

async function owner(): Promise<Store> {
  const store = await openStore(directory)
  closing.push(() => store.close())
  return store
}

async function access(): Promise<StoreAccess> {
  const opened = await openStoreThrough(directory, { create: true })
  closing.push(() => opened.close())
  return opened
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

async function put(to: StoreAccess, queue: string, ...bodies: string[]): Promise<number[]> {
  const ids: number[] = []
  const tail = bytes(bodies.join(''))
  const messages = bodies.map((body) => ({ bytes: bytes(body).length }))
  await to.call('put', { queue, messages }, { tail, onItem: ({ id }) => void ids.push(id) })
  return ids
}

async function take(from: StoreAccess, queue: string, count: number) {
  const taken: (TakenMessage & { readonly body: string })[] = []
  await from.call(
    'take',
    { queue, count },
    { onItem: (item, body) => void taken.push({ ...item, body: Buffer.from(body).toString() }) },
  )
  return taken
}

describe.each(['through the door', 'here'])('%s', (where) => {
  test('every verb does what the store does', async () => {
    if (where !== 'here') await owner()
    const store = await access()
    expect(store.owner?.pid).toBe(where === 'here' ? undefined : process.pid)
    expect(await put(store, 'jobs', 'one', 'two', 'three')).toEqual([1, 2, 3])
    const taken = await take(store, 'jobs', 2)
    expect(taken.map(({ body, id, attempts, group }) => [body, id, attempts, group])).toEqual([
      ['one', 1, 1, 'default'],
      ['two', 2, 1, 'default'],
    ])
    await store.call('settle', { how: 'ack', leases: [taken[0]?.lease ?? 0] })
    await store.call('settle', { how: 'bury', leases: [taken[1]?.lease ?? 0] })
    const listed: unknown[] = []
    await store.call('list', { queue: 'jobs' }, { onItem: (info) => void listed.push(info) })
    expect(listed).toMatchObject([
      { id: 2, state: 'buried' },
      { id: 3, state: 'ready' },
    ])
    const peeked: string[] = []
    await store.call(
      'peek',
      { queue: 'jobs', state: 'buried' },
      { onItem: (_info, body) => void peeked.push(Buffer.from(body).toString()) },
    )
    expect(peeked).toEqual(['two'])
    expect(await store.call('kick', { queue: 'jobs', count: 5 })).toEqual({ kicked: 1 })
    await store.call('pause', { queue: 'jobs', pauseMs: 60_000 })
    expect(await take(store, 'jobs', 2)).toEqual([])
    const queues: unknown[] = []
    await store.call('queues', {}, { onItem: (queue) => void queues.push(queue) })
    expect(queues).toMatchObject([{ queue: 'jobs', messages: 2, nextOffset: 3 }])
    expect(await store.call('delete', { queue: 'jobs', ids: [2, 99] })).toEqual({ deleted: 1 })
    await store.call('compact', {})
    expect(await store.call('stats', {})).toMatchObject({ status: 'open', messages: 1, damaged: 0 })
  })

  test('a queue with very many groups comes whole', async () => {
    if (where !== 'here') await owner()
    const store = await access()
    const names = Array.from({ length: 700 }, (_, row) => `${'g'.repeat(190)} ${row}`)
    await put(store, 'jobs', 'one')
    for (const group of names) await store.call('take', { queue: 'jobs', group, createGroup: true })
    const queues: QueueStats[] = []
    await store.call('queues', {}, { onItem: (row) => addRow(queues, row) })
    expect(queues.map(({ groups }) => groups.map(({ group }) => group))).toEqual([names])
  })

  test('what is no verb is told, with the verbs there are', async () => {
    if (where !== 'here') await owner()
    const store = await access()
    const asked = store.call('puts' as 'put', { queue: 'jobs', messages: [] })
    await expect(asked).rejects.toMatchObject({
      code: 'QLOG_INVALID_ARGUMENT',
      message: expect.stringMatching(/^puts is no verb; the verbs are put, take, settle, /),
    })
    await put(store, 'jobs', 'one')
  })

  test('messages of any bytes come back as they were', async () => {
    if (where !== 'here') await owner()
    const store = await access()
    const body = new Uint8Array(2_000_000).map((_, index) => (index * 7) % 256)
    const headers = { 'content-type': 'application/octet-stream', __proto__: 'x' }
    const row = { bytes: body.length, priority: 3, key: 'k', headers: { ...headers } }
    await store.call('put', { queue: 'q', messages: [row], atomic: true }, { tail: body })
    let item: TakenMessage | undefined
    let got: Uint8Array | undefined
    await store.call(
      'take',
      { queue: 'q' },
      {
        onItem: (one, tail) => {
          item = one
          got = tail
        },
      },
    )
    expect(item).toMatchObject({ priority: 3, key: 'k', headers: row.headers })
    expect(Buffer.from(got ?? []).equals(body)).toBe(true)
  })

  test('looking makes nothing, and names what there is instead', async () => {
    if (where !== 'here') await owner()
    const store = await access()
    await put(store, 'jobs', 'one')
    await expect(store.call('peek', { queue: 'job' })).rejects.toThrow(
      'there is no queue job; the queues are jobs',
    )
    await expect(store.call('list', { queue: 'jobs', group: 'audit' })).rejects.toMatchObject({
      code: 'QLOG_NOT_FOUND',
      message: 'queue jobs has no group audit; there are no groups yet',
    })
    const bodies: string[] = []
    const onItem = (_info: unknown, body: Uint8Array) => void bodies.push(String(body.length))
    await store.call('peek', { queue: 'jobs' }, { onItem })
    await store.call('list', { queue: 'jobs' }, { onItem })
    expect(bodies).toEqual(['3', '0'])
    const groups: unknown[] = []
    await store.call('groups', {}, { onItem: (group) => void groups.push(group) })
    expect(groups).toEqual([])
  })
})

test('what a caller took goes back when it closes', async () => {
  const store = await owner()
  const one = await openStoreThrough(directory)
  await put(one, 'jobs', 'a', 'b')
  expect((await take(one, 'jobs', 2)).length).toBe(2)
  expect(store.stats().leased).toBe(2)
  await one.close()
  await vi.waitFor(() => expect(store.stats().leased).toBe(0))
})

test('a wait ends by its signal, and the store goes on', async () => {
  const store = await owner()
  const one = await access()
  const abort = new AbortController()
  const waiting = one.call(
    'take',
    { queue: 'q', timeoutMs: null, createGroup: true },
    { signal: abort.signal },
  )
  await vi.waitFor(() => expect(store.stats().waitingSessions).toBe(1))
  abort.abort()
  await expect(waiting).rejects.toMatchObject({ code: 'QLOG_ABORTED' })
  await vi.waitFor(() => expect(store.stats().waitingSessions).toBe(0))
})

test('a store that closes tells its callers, and does not wait for them', async () => {
  const store = await owner()
  const one = await openStoreThrough(directory)
  const waiting = one.call('take', { queue: 'q', timeoutMs: null, createGroup: true })
  await vi.waitFor(() => expect(store.stats().waitingSessions).toBe(1))
  const closed = store.close()
  await expect(waiting).rejects.toMatchObject({
    code: expect.stringMatching(/CLOSED|DISCONNECTED/),
  })
  await closed
  await expect(put(one, 'q', 'a')).rejects.toMatchObject({ code: 'QLOG_DISCONNECTED' })
  const after = await access()
  expect(after.owner).toBeUndefined()
})

test('an owner without a door is named, with what to do', async () => {
  const log = await openLog(directory)
  closing.push(() => log.close())
  await expect(openStoreThrough(directory)).rejects.toMatchObject({
    code: 'QLOG_NO_DOOR',
    message: expect.stringContaining(`process ${process.pid}`),
  })
})

test('where there is no store, none is made unless told', async () => {
  const missing = path.join(directory, 'missing')
  await expect(openStoreThrough(missing)).rejects.toMatchObject({ code: 'QLOG_NOT_A_LOG' })
  await expect(openStoreThrough(directory)).rejects.toMatchObject({ code: 'QLOG_NOT_A_LOG' })
  expect(fs.readdirSync(directory)).toEqual([])
  const made = await openStoreThrough(missing, { create: true })
  await made.close()
  expect(fs.readdirSync(missing)).toContain('LOCK')
})

test('many callers at once, probes between them: each gets its own answers', async () => {
  const store = await owner()
  const callers = await Promise.all(Array.from({ length: 20 }, () => openStoreThrough(directory)))
  closing.push(async () => {
    for (const one of callers) await one.close()
  })
  const names = fs.readdirSync(directory).filter((name) => name.endsWith('.sock'))
  const socket = path.join(directory, names[0] ?? '')
  const probes = Array.from({ length: 200 }, () => realSystem().sockets.probe(socket))
  const all = await Promise.all(
    callers.map((one, row) => put(one, `q${row}`, ...Array.from({ length: 50 }, () => `m${row}`))),
  )
  expect(new Set(all.flat()).size).toBe(1_000)
  for (const probe of await Promise.all(probes)) expect(probe).toEqual({ state: 'alive' })
  for (const row of callers.keys()) expect(store.queue(`q${row}`).stats().messages).toBe(50)
})

test('only through the door of an owner: opens nothing where there is none', async () => {
  const alone = openStoreThrough(directory, { onlyOwned: true })
  await expect(alone).rejects.toMatchObject({ code: 'QLOG_NO_DOOR' })
  expect(fs.readdirSync(directory)).toEqual([])
  await owner()
  const opened = await openStoreThrough(directory, { onlyOwned: true })
  closing.push(() => opened.close())
  expect(opened.owner?.pid).toBe(process.pid)
})

test('an abort ends the wait for an owner that says no hello', async () => {
  await owner()
  const { caller } = connectionPair()
  const real = realSystem()
  let asked: () => void = () => undefined
  const asking = new Promise<void>((resolve) => {
    asked = resolve
  })
  const connect = async (): Promise<Connection> => {
    asked()
    return caller
  }
  const probe = (path: string): Promise<SocketProbe> => real.sockets.probe(path)
  const listen = (path: string): Promise<SocketListener> => real.sockets.listen(path)
  const system = { ...real, sockets: { listen, probe, connect } }
  const abort = new AbortController()
  const opening = openAccess(system, openStore, directory, { signal: abort.signal })
  await asking
  abort.abort()
  await expect(opening).rejects.toMatchObject({ code: 'QLOG_ABORTED' })
  expect(caller.isClosed).toBe(true)
})

test('whoever waits for an owner that says nothing is told for whom, once', async () => {
  await owner()
  const { caller } = connectionPair()
  const real = realSystem()
  const connect = async (): Promise<Connection> => caller
  const sockets = {
    listen: (path: string): Promise<SocketListener> => real.sockets.listen(path),
    probe: (path: string): Promise<SocketProbe> => real.sockets.probe(path),
    connect,
  }
  // A second passes at once, the owner's fifteen do not.
  const after: Clock['after'] = (ms, run, keepsAlive) =>
    real.clock.after(ms === 1_000 ? 0 : ms, run, keepsAlive)
  const clock: Clock = { ...real.clock, after }
  const abort = new AbortController()
  const told: number[] = []
  const onWait = ({ pid }: { readonly pid: number }): void => {
    told.push(pid)
    abort.abort()
  }
  const system = { ...real, sockets, clock }
  const opening = openAccess(system, openStore, directory, { signal: abort.signal, onWait })
  await expect(opening).rejects.toMatchObject({ code: 'QLOG_ABORTED' })
  expect(told).toEqual([process.pid])
})
