/** jackd, a client of other people, against our beanstalkd. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { areInstalled, load, type Started, startBeanstalkd } from './support.ts'

/** The part of jackd that is used. */
interface Job {
  readonly id: string
  readonly payload: Buffer
}

interface Jackd {
  connect(options: { host: string; port: number }): Promise<unknown>
  quit(): Promise<void>
  use(tube: string): Promise<string>
  put(payload: string | object, options?: PutOptions): Promise<string>
  watch(tube: string): Promise<number>
  ignore(tube: string): Promise<number>
  reserve(): Promise<Job>
  reserveWithTimeout(seconds: number): Promise<Job>
  reserveJob(id: string): Promise<Job>
  delete(id: string): Promise<void>
  release(id: string, options?: { priority: number; delay: number }): Promise<void>
  bury(id: string, priority: number): Promise<void>
  touch(id: string): Promise<void>
  peek(id: string): Promise<Job>
  peekReady(): Promise<Job>
  peekDelayed(): Promise<Job>
  peekBuried(): Promise<Job>
  kick(count: number): Promise<number>
  kickJob(id: string): Promise<void>
  statsJob(id: string): Promise<string>
  statsTube(tube: string): Promise<string>
  stats(): Promise<string>
  listTubes(): Promise<string>
  listTubesWatched(): Promise<string>
  listTubeUsed(): Promise<string>
}

interface PutOptions {
  readonly priority?: number
  readonly delay?: number
  readonly ttr?: number
}

describe.skipIf(!areInstalled('jackd'))('jackd', () => {
  let started: Started
  let client: Jackd

  beforeAll(async () => {
    started = await startBeanstalkd()
    client = await connected()
  })
  afterAll(async () => {
    await client.quit()
    await started.stop()
  })

  async function connected(): Promise<Jackd> {
    const made = new (load('jackd') as new () => Jackd)()
    await made.connect({ host: '127.0.0.1', port: started.server.port })
    return made
  }

  test('puts, reserves and deletes strings and objects', async () => {
    expect(await client.use('jackd')).toBe('jackd')
    expect(await client.watch('jackd')).toBe(2)
    expect(await client.ignore('default')).toBe(1)
    for (const [sent, expected] of [
      ['a text\r\n', Buffer.from('a text\r\n')],
      [{ a: 1 }, Buffer.from('{"a":1}')],
      ['x'.repeat(65_535), Buffer.alloc(65_535, 'x')],
    ] as const) {
      const id = await client.put(sent)
      expect(await client.reserve()).toEqual({ id, payload: expected })
      await client.delete(id)
      await expect(client.peek(id)).rejects.toThrow('NOT_FOUND')
    }
  })

  test('releases, buries, kicks and touches', async () => {
    const id = await client.put('x', { priority: 5, ttr: 100 })
    await client.reserveJob(id)
    await client.touch(id)
    await client.release(id, { priority: 7, delay: 100 })
    expect((await client.peekDelayed()).id).toBe(id)
    expect(await client.kick(10)).toBe(1)
    expect((await client.peekReady()).id).toBe(id)
    await client.reserveWithTimeout(0)
    await client.bury(id, 9)
    expect((await client.peekBuried()).id).toBe(id)
    expect(await client.statsJob(id)).toMatch(/\nstate: buried\npri: 9\n/)
    await client.kickJob(id)
    await client.delete(id)
    await expect(client.reserveWithTimeout(0)).rejects.toThrow('TIMED_OUT')
  })

  test('what is reserved by a connection that ends is there for the next', async () => {
    const other = await connected()
    await other.watch('jackd')
    const id = await client.put('x')
    expect((await other.reserve()).id).toBe(id)
    await other.quit()
    expect((await client.reserve()).id).toBe(id)
    await client.delete(id)
  })

  test('a reserve that waits is answered by a put elsewhere', async () => {
    const other = await connected()
    await other.use('jackd')
    const waiting = client.reserve()
    const id = await other.put('at last')
    expect(await waiting).toEqual({ id, payload: Buffer.from('at last') })
    await client.delete(id)
    await other.quit()
  })

  // Its pauseTube sends no line end, and no server can answer.
  test('lists and statistics', async () => {
    expect(await client.listTubeUsed()).toBe('jackd')
    expect(await client.listTubes()).toBe('---\n- default\n- jackd\n')
    expect(await client.listTubesWatched()).toBe('---\n- jackd\n')
    expect(await client.statsTube('jackd')).toContain('\ncurrent-watching: 1\n')
    expect(await client.stats()).toContain('\ncurrent-jobs-ready: 0\n')
  })

  test('a thousand at once, in order', async () => {
    const ids = await Promise.all(Array.from({ length: 1000 }, (_, i) => client.put(`body ${i}`)))
    expect(new Set(ids).size).toBe(1000)
    for (const [i, id] of ids.entries()) {
      expect(await client.reserve()).toEqual({ id, payload: Buffer.from(`body ${i}`) })
      await client.delete(id)
    }
  })
})
