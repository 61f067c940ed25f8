/** node-beanstalk, a client of other people, against our beanstalkd. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { areInstalled, load, type Started, startBeanstalkd } from './support.ts'

/** The part of node-beanstalk that is used. */
interface Job {
  readonly id: number
  readonly payload: unknown
}

interface Client {
  connect(): Promise<void>
  disconnect(): Promise<void>
  use(tube: string): Promise<string>
  put(payload: unknown, ttr?: number, priority?: number, delay?: number): Promise<PutResult>
  watch(tube: string): Promise<number>
  ignore(tube: string): Promise<boolean>
  reserve(): Promise<Job | null>
  reserveWithTimeout(seconds: number): Promise<Job | null>
  reserveJob(id: number): Promise<Job | null>
  delete(id: number): Promise<boolean>
  release(id: number, priority?: number, delay?: number): Promise<string | null>
  bury(id: number, priority?: number): Promise<boolean>
  touch(id: number): Promise<boolean>
  peek(id: number): Promise<Job | null>
  peekReady(): Promise<Job | null>
  peekDelayed(): Promise<Job | null>
  peekBuried(): Promise<Job | null>
  kick(count: number): Promise<number>
  kickJob(id: number): Promise<boolean>
  stats(): Promise<Record<string, unknown>>
  statsTube(tube: string): Promise<Record<string, unknown> | null>
  statsJob(id: number): Promise<Record<string, unknown> | null>
  listTubes(): Promise<string[]>
  listTubeUsed(): Promise<string>
  listTubesWatched(): Promise<string[]>
  pauseTube(tube: string, seconds: number): Promise<boolean>
}

interface PutResult {
  readonly id: number
  readonly state: string
}

describe.skipIf(!areInstalled('node-beanstalk'))('node-beanstalk', () => {
  let started: Started
  let client: Client

  beforeAll(async () => {
    started = await startBeanstalkd()
    const { Client: Made } = load('node-beanstalk') as {
      Client: new (options: { host: string; port: number }) => Client
    }
    client = new Made({ host: '127.0.0.1', port: started.server.port })
    await client.connect()
    await client.use('tube')
    await client.watch('tube')
    await client.ignore('default')
  })
  afterAll(async () => {
    await client.disconnect()
    await started.stop()
  })

  test('puts, reserves and deletes values', async () => {
    for (const value of ['text', 5, null, { a: [1, 'ä'] }, 'x'.repeat(60_000)]) {
      const { id, state } = await client.put(value, 100, 3, 0)
      expect(state).toBe('ready')
      expect(await client.reserve()).toEqual({ id, payload: value })
      expect(await client.delete(id)).toBe(true)
      expect(await client.delete(id)).toBe(false)
    }
  })

  test('releases, buries, kicks, touches and peeks', async () => {
    const { id } = await client.put('x', 100, 3, 0)
    expect((await client.reserveJob(id))?.id).toBe(id)
    expect(await client.touch(id)).toBe(true)
    await client.release(id, 4, 1000)
    expect((await client.peekDelayed())?.id).toBe(id)
    expect(await client.kickJob(id)).toBe(true)
    expect((await client.peekReady())?.id).toBe(id)
    await client.reserveWithTimeout(0)
    expect(await client.bury(id, 8)).toBe(true)
    expect((await client.peekBuried())?.id).toBe(id)
    expect(await client.statsJob(id)).toMatchObject({
      ...{ id, tube: 'tube', state: 'buried', pri: 8 },
      ...{ ttr: 100, reserves: 2, releases: 1, buries: 1, kicks: 1 },
    })
    expect(await client.kick(5)).toBe(1)
    expect((await client.peek(id))?.payload).toBe('x')
    await client.delete(id)
    expect(await client.reserveWithTimeout(0)).toBe(null)
  })

  test('lists, statistics and a pause', async () => {
    expect(await client.listTubeUsed()).toBe('tube')
    expect(await client.listTubes()).toEqual(['default', 'tube'])
    expect(await client.listTubesWatched()).toEqual(['tube'])
    expect(await client.pauseTube('tube', 100)).toBe(true)
    expect(await client.statsTube('tube')).toMatchObject({ name: 'tube', pause: 100 })
    expect(await client.statsTube('nothing')).toBe(null)
    expect(await client.stats()).toMatchObject({ draining: false, 'current-jobs-buried': 0 })
    await client.pauseTube('tube', 0)
  })
})
