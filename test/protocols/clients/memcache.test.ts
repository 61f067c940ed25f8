/** memcached, memcache-plus, memcache-client and memjs, clients of other people, against our memcache. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openStore, type Store } from '../../../src/index.ts'
import { memcache } from '../../../src/protocols/memcache/index.ts'
import { type Listener, listen } from '../../../src/server/index.ts'
import { areInstalled, load } from './support.ts'

const VALUE = { sku: 17, lines: ['a', 'b'], text: 'große Mengen' }

let store: Store
let listener: Listener

beforeAll(async () => {
  store = await openStore(':memory:')
  listener = await listen({ address: '127.0.0.1:0', protocol: memcache(store) })
})

afterAll(async () => {
  await listener.close({ timeoutMs: 1_000 })
  await store.close()
})

/** What a client calls back with. */
type Callback<T> = (error: Error | undefined, value: T) => void

function called<T>(run: (done: Callback<T>) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    run((error, value) => (error ? reject(error) : resolve(value)))
  })
}

interface Memcached {
  set(key: string, value: unknown, seconds: number, done: Callback<boolean>): void
  add(key: string, value: unknown, seconds: number, done: Callback<boolean>): void
  get(key: string, done: Callback<unknown>): void
  gets(key: string, done: Callback<Record<string, unknown>>): void
  getMulti(keys: string[], done: Callback<Record<string, unknown>>): void
  del(key: string, done: Callback<boolean>): void
  incr(key: string, by: number, done: Callback<number>): void
  stats(done: Callback<Record<string, unknown>[]>): void
  version(done: Callback<Record<string, unknown>[]>): void
  flush(done: Callback<boolean[]>): void
  end(): void
}

describe.skipIf(!areInstalled('memcached'))('memcached', () => {
  let client: Memcached

  beforeAll(() => {
    const Client = load('memcached') as new (server: string) => Memcached
    client = new Client(listener.address)
  })
  afterAll(() => client.end())

  const set = (key: string, value: unknown) =>
    called<boolean>((done) => client.set(key, value, 60, done))
  const get = (key: string) => called((done) => client.get(key, done))

  test('takes what it put, in order, objects as objects', async () => {
    expect(await set('q', VALUE)).toBe(true)
    expect(await set('q', 'text')).toBe(true)
    expect(await set('q', Buffer.from([0, 13, 10, 255]))).toBe(true)
    expect(await get('q')).toEqual(VALUE)
    expect(await get('q')).toBe('text')
    expect(await get('q')).toEqual(Buffer.from([0, 13, 10, 255]))
    expect(await get('q')).toBeUndefined()
  })

  test('reads reliably', async () => {
    await set('q', VALUE)
    expect(await get('q/open')).toEqual(VALUE)
    expect(await get('q/abort')).toBeUndefined()
    expect(await get('q/t=100/open')).toEqual(VALUE)
    expect(await get('q/close/open')).toBeUndefined()
    expect(store.stats().messages).toBe(0)
  })

  test('reads of several queues at once, and of one with its number', async () => {
    await set('q', 'a')
    await set('p', 'b')
    expect(await called((done) => client.getMulti(['q', 'p', 'none'], done))).toEqual({
      q: 'a',
      p: 'b',
    })
    await set('q', 'c')
    const got = await called<Record<string, unknown>>((done) => client.gets('q', done))
    expect(got).toMatchObject({ q: 'c', cas: expect.stringMatching(/^\d+$/) })
  })

  test('deletes, flushes, and asks for figures', async () => {
    await set('q', 'a')
    expect(await called((done) => client.del('q', done))).toBe(true)
    expect(await called((done) => client.del('q', done))).toBe(false)
    expect(await called((done) => client.flush(done))).toEqual([true])
    const [version] = await called<Record<string, unknown>[]>((done) => client.version(done))
    expect(version).toMatchObject({ major: '1', minor: '6' })
    const [stats] = await called<Record<string, unknown>[]>((done) => client.stats(done))
    expect(stats).toMatchObject({ curr_items: 0, queue_p_items: 0 })
  })

  test('is told what a queue has no meaning for, and goes on', async () => {
    const message = /a queue takes set alone/
    await expect(called((done) => client.add('q', 'x', 0, done))).rejects.toThrow(message)
    await expect(called((done) => client.incr('q', 1, done))).rejects.toThrow(message)
    await set('q', 'a')
    expect(await get('q')).toBe('a')
  })
})

interface MemcachePlus {
  set(key: string, value: unknown): Promise<void>
  add(key: string, value: unknown): Promise<void>
  get(key: string): Promise<unknown>
  getMulti(keys: string[]): Promise<Record<string, unknown>>
  delete(key: string): Promise<boolean>
  disconnect(): Promise<unknown>
}

describe.skipIf(!areInstalled('memcache-plus'))('memcache-plus', () => {
  let client: MemcachePlus

  beforeAll(() => {
    const Client = load('memcache-plus') as new (options: object) => MemcachePlus
    client = new Client({ hosts: [listener.address] })
  })
  afterAll(() => client.disconnect())

  test('takes what it put, and reads reliably', async () => {
    await client.set('plus', VALUE)
    await client.set('plus', 'text')
    expect(await client.get('plus')).toEqual(VALUE)
    expect(await client.get('plus/open')).toBe('text')
    expect(await client.get('plus/abort')).toBeNull()
    expect(await client.get('plus/open')).toBe('text')
    expect(await client.get('plus/close')).toBeNull()
    expect(await client.get('plus')).toBeNull()
  })

  test('puts many at once', async () => {
    const values = Array.from({ length: 200 }, (_, at) => `value ${at}`)
    await Promise.all(values.map((value) => client.set('plus', value)))
    const taken = await Promise.all(values.map(() => client.get('plus')))
    expect(taken).toEqual(values)
  })

  test('reads of several queues, deletes, and is told what is not', async () => {
    await client.set('plus', 'a')
    expect(await client.getMulti(['plus', 'none'])).toEqual({ plus: 'a', none: null })
    await client.set('plus', 'b')
    expect(await client.delete('plus')).toBe(true)
    await expect(client.add('plus', 'x')).rejects.toThrow('a queue takes set alone')
  })
})

interface MemcacheClient {
  set(key: string, value: unknown): Promise<string[]>
  add(key: string, value: unknown): Promise<string[]>
  get(key: string): Promise<{ value: unknown } | undefined>
  get(keys: string[]): Promise<Record<string, { value: unknown }>>
  gets(key: string): Promise<{ value: unknown; casUniq: unknown } | undefined>
  delete(key: string): Promise<string[]>
  shutdown(): void
}

describe.skipIf(!areInstalled('memcache-client'))('memcache-client', () => {
  let client: MemcacheClient

  beforeAll(() => {
    const { MemcacheClient: Client } = load('memcache-client') as {
      MemcacheClient: new (options: object) => MemcacheClient
    }
    client = new Client({ server: listener.address })
  })
  afterAll(() => client.shutdown())

  test('takes what it put, whose 60 seconds are not counted', async () => {
    expect(await client.set('client', VALUE)).toEqual(['STORED'])
    const [message] = await store.queue('client').read()
    expect(message?.headers).toEqual({ flags: '2' })
    expect((await client.get('client'))?.value).toEqual(VALUE)
    expect(await client.get('client')).toBeUndefined()
  })

  test('reads reliably, by the key as it was asked', async () => {
    await client.set('client', Buffer.from([0, 255]))
    expect((await client.get('client/t=100/open'))?.value).toEqual(Buffer.from([0, 255]))
    expect(await client.get('client/close')).toBeUndefined()
    await client.set('client', 'a')
    expect(await client.gets('client')).toMatchObject({ value: 'a', casUniq: expect.anything() })
  })

  test('reads of several queues, deletes, and is told what is not', async () => {
    await client.set('client', 'a')
    expect(await client.get(['client', 'none'])).toMatchObject({ client: { value: 'a' } })
    await client.set('client', 'b')
    expect(await client.delete('client')).toEqual(['DELETED'])
    await expect(client.add('client', 'x')).rejects.toThrow('a queue takes set alone')
  })
})

interface Memjs {
  set(key: string, value: string, options: { expires?: number }): Promise<boolean>
  add(key: string, value: string, options: object): Promise<boolean>
  get(key: string): Promise<{ value: Buffer | null; flags: Buffer | null }>
  delete(key: string): Promise<boolean>
  stats(done: (error: Error | null, server: string, stats: Record<string, string>) => void): void
  flush(done: (error: Error | null) => void): void
  close(): void
}

describe.skipIf(!areInstalled('memjs'))('memjs', () => {
  let client: Memjs

  beforeAll(() => {
    const { Client } = load('memjs') as {
      Client: { create(servers: string, options: object): Memjs }
    }
    const logger = { log: () => undefined }
    client = Client.create(listener.address, { retries: 0, logger })
  })
  afterAll(() => client.close())

  test('takes what it put, and reads reliably', async () => {
    expect(await client.set('js', 'a', { expires: 60 })).toBe(true)
    expect(await client.set('js', 'b', {})).toBe(true)
    expect(String((await client.get('js')).value)).toBe('a')
    expect(String((await client.get('js/open')).value)).toBe('b')
    expect((await client.get('js/abort')).value).toBeNull()
    expect(String((await client.get('js/t=100/open')).value)).toBe('b')
    expect((await client.get('js/close')).value).toBeNull()
    expect((await client.get('js')).value).toBeNull()
  })

  test('deletes, flushes, asks for figures, and is told what is not', async () => {
    await client.set('js', 'a', {})
    expect(await client.delete('js')).toBe(true)
    expect(await client.delete('js')).toBe(false)
    await expect(client.add('js', 'x', {})).rejects.toThrow('Not supported')
    const stats = await called<Record<string, string>>((done) => {
      client.stats((error, _, figures) => done(error ?? undefined, figures))
    })
    expect(stats['curr_items']).toBe('0')
    await client.set('js', 'a', {})
    await called((done) => client.flush((error) => done(error ?? undefined, undefined)))
    expect((await client.get('js')).value).toBeNull()
  })
})
