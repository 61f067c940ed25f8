/** What a connection watches: how much of it, and what becomes of it when somebody takes groups away. */
import { describe, expect, test } from 'vitest'
import { serving } from './served.ts'

describe('tubes that are watched', () => {
  test('are a thousand at most, and one that is ignored makes room', () =>
    serving(async (served) => {
      const peer = served.connect()
      for (let i = 1; i < 1_000; i++) peer.send(`watch t${i}\r\n`)
      await served.advance(10)
      expect(peer.rest()).toMatch(/WATCHING 1000\r\n$/)
      expect(await peer.ask('watch more')).toBe('OUT_OF_MEMORY\r\n')
      expect(await peer.ask('watch t7')).toBe('WATCHING 1000\r\n')
      expect(await peer.ask('ignore t7')).toBe('WATCHING 999\r\n')
      expect(await peer.ask('watch more')).toBe('WATCHING 1000\r\n')
      expect(await peer.ask('list-tubes')).not.toContain('t7\n')
      expect(await peer.ask('reserve-with-timeout 0')).toBe('TIMED_OUT\r\n')
    }))
})

describe('a group that somebody removed', () => {
  test('begins anew for a worker that reserves next', () =>
    serving(async (served) => {
      const [worker, producer] = [served.connect(), served.connect()]
      await worker.ask('watch q')
      await producer.ask('use q')
      await producer.put('a')
      await worker.ask(`delete ${await worker.reserve()}`)
      await served.store.queue('q').group().remove()
      await served.advance(10)
      await producer.put('b')
      expect(await worker.ask('reserve-with-timeout 0')).toBe('RESERVED 2 1\r\nb\r\n')
    }))

  test('begins anew for a worker that waits', () =>
    serving(async (served) => {
      const [worker, producer] = [served.connect(), served.connect()]
      await worker.ask('watch q')
      worker.send('reserve\r\n')
      await served.advance(10)
      for (let round = 0; round < 3; round++) {
        await served.store.queue('q').group().remove()
        await served.advance(10)
      }
      expect(worker.rest()).toBe('')
      await producer.ask('use q')
      const id = await producer.put('b')
      await served.advance(10)
      expect(worker.rest()).toBe(`RESERVED ${id} 1\r\nb\r\n`)
    }))

  test('begins anew with the next put, so that a job that is deleted is gone', () =>
    serving(async (served) => {
      const producer = served.connect()
      await producer.ask('use q')
      await producer.put('a')
      await served.store.queue('q').group().remove()
      const id = await producer.put('b')
      expect(served.store.queue('q').group().exists).toBe(true)
      expect(await producer.ask(`delete ${id}`)).toBe('DELETED\r\n')
      expect(await producer.ask(`peek ${id}`)).toBe('NOT_FOUND\r\n')
    }))

  test('stays away once nobody watches its tube', () =>
    serving(async (served) => {
      const worker = served.connect()
      await worker.ask('watch q')
      await worker.ask('reserve-with-timeout 0')
      await worker.ask('ignore q')
      await served.store.queue('q').group().remove()
      await served.advance(10)
      await worker.ask('reserve-with-timeout 0')
      expect(served.store.queue('q').group().exists).toBe(false)
    }))
})
