/** The client `beanstalkd`, of other people, against our beanstalkd. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { areInstalled, load, type Started, startBeanstalkd } from './support.ts'

/** The part of it that is used; it gives ids as text. */
interface Client {
  connect(): Promise<Client>
  quit(): Promise<void>
  use(tube: string): Promise<string>
  put(priority: number, delay: number, ttr: number, body: string | Buffer): Promise<string>
  watch(tube: string): Promise<unknown>
  ignore(tube: string): Promise<unknown>
  reserve(): Promise<[id: string, body: Buffer]>
  reserveWithTimeout(seconds: number): Promise<[id: string, body: Buffer]>
  destroy(id: string): Promise<void>
  release(id: string, priority: number, delay: number): Promise<void>
  bury(id: string, priority: number): Promise<void>
  touch(id: string): Promise<void>
  kickJob(id: string): Promise<void>
  peek(id: string): Promise<[id: string, body: Buffer]>
  peekReady(): Promise<[id: string, body: Buffer]>
  peekDelayed(): Promise<[id: string, body: Buffer]>
  peekBuried(): Promise<[id: string, body: Buffer]>
  pauseTube(tube: string, seconds: number): Promise<void>
  stats(): Promise<Record<string, unknown>>
  statsJob(id: string): Promise<Record<string, unknown>>
  statsTube(tube: string): Promise<Record<string, unknown>>
  listTubes(): Promise<string[]>
  listTubesWatched(): Promise<string[]>
  listTubeUsed(): Promise<string>
}

describe.skipIf(!areInstalled('beanstalkd'))('beanstalkd, the client', () => {
  let started: Started
  let client: Client

  beforeAll(async () => {
    started = await startBeanstalkd()
    const { default: Made } = load('beanstalkd') as {
      default: new (host: string, port: number) => Client
    }
    client = await new Made('127.0.0.1', started.server.port).connect()
    await client.use('tube')
    await client.watch('tube')
    await client.ignore('default')
  })
  afterAll(async () => {
    await client.quit()
    await started.stop()
  })

  test('puts, reserves and deletes', async () => {
    for (const body of ['text', 'with\r\nlines', 'ä', 'x'.repeat(65_535)]) {
      const id = await client.put(1, 0, 100, body)
      const [reserved, got] = await client.reserve()
      expect([reserved, String(got)]).toEqual([id, body])
      await client.destroy(id)
    }
    await expect(client.reserveWithTimeout(0)).rejects.toThrow('TIMED_OUT')
  })

  test('releases, buries, kicks, touches and peeks', async () => {
    const id = await client.put(1, 0, 100, 'x')
    await client.reserve()
    await client.touch(id)
    await client.release(id, 3, 1000)
    expect((await client.peekDelayed())[0]).toBe(id)
    await client.kickJob(id)
    expect((await client.peekReady())[0]).toBe(id)
    await client.reserve()
    await client.bury(id, 5)
    expect((await client.peekBuried())[0]).toBe(id)
    expect(await client.statsJob(id)).toMatchObject({ tube: 'tube', state: 'buried', pri: 5 })
    await client.kickJob(id)
    expect(String((await client.peek(id))[1])).toBe('x')
    await client.destroy(id)
  })

  test('lists, statistics and a pause', async () => {
    expect(await client.listTubeUsed()).toBe('tube')
    expect(await client.listTubes()).toEqual(['default', 'tube'])
    expect(await client.listTubesWatched()).toEqual(['tube'])
    await client.pauseTube('tube', 100)
    expect(await client.statsTube('tube')).toMatchObject({ name: 'tube', pause: 100 })
    expect(await client.stats()).toMatchObject({ draining: false, 'current-tubes': 2 })
    await client.pauseTube('tube', 0)
  })
})
