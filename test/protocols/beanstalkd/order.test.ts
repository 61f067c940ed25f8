/** Which job comes next, to whom, and what a connection leaves behind. */
import { describe, expect, test } from 'vitest'
import { serving } from './served.ts'

describe('the order of jobs', () => {
  test('lowest priority number first, then lowest id, over all watched tubes', () =>
    serving(async (served) => {
      const peer = served.connect()
      const a = await peer.put('a', { pri: 5 })
      await peer.ask('use t')
      const b = await peer.put('b', { pri: 5 })
      const c = await peer.put('c', { pri: 1 })
      await peer.ask('use default')
      const d = await peer.put('d', { pri: 5 })
      await peer.ask('watch t')
      expect([
        await peer.reserve(),
        await peer.reserve(),
        await peer.reserve(),
        await peer.reserve(),
      ]).toEqual([c, a, b, d])
    }))

  test('a released job goes back to the front of its priority', () =>
    serving(async (served) => {
      const peer = served.connect()
      const a = await peer.put('a')
      const b = await peer.put('b')
      await peer.reserve()
      await peer.ask(`release ${a} 1024 0`)
      expect([await peer.reserve(), await peer.reserve()]).toEqual([a, b])
    }))

  test('who has waited longest gets the next job', () =>
    serving(async (served) => {
      const [one, two, putter] = [served.connect(), served.connect(), served.connect()]
      one.send('reserve\r\n')
      await served.advance(10)
      two.send('reserve\r\n')
      await served.advance(10)
      const a = await putter.put('a')
      expect(await one.reply()).toBe(`RESERVED ${a} 1\r\na\r\n`)
      const b = await putter.put('b')
      expect(await two.reply()).toBe(`RESERVED ${b} 1\r\nb\r\n`)
    }))

  test('an ignored tube gives nothing more, a watched one does from then on', () =>
    serving(async (served) => {
      const peer = served.connect()
      const a = await peer.put('a')
      expect(await peer.reserve()).toBe(a)
      await peer.ask('watch t')
      await peer.ask('ignore default')
      const b = await peer.put('b')
      expect(await peer.ask('reserve-with-timeout 0')).toBe('TIMED_OUT\r\n')
      await peer.ask('watch default')
      expect(await peer.reserve()).toBe(b)
      expect(await peer.ask(`delete ${a}`)).toBe('DELETED\r\n')
    }))
})

describe('a connection', () => {
  test('that ends leaves its jobs ready at once, with the reservation counted', () =>
    serving(async (served) => {
      const [one, other] = [served.connect(), served.connect()]
      const a = await one.put('a')
      const b = await one.put('b')
      await one.reserve()
      await one.reserve()
      one.client.hangUp()
      await served.advance(10)
      expect(await other.stats(`stats-job ${a}`)).toMatchObject({
        state: 'ready',
        reserves: '1',
        timeouts: '0',
        releases: '0',
      })
      expect([await other.reserve(), await other.reserve()]).toEqual([a, b])
    }))

  test('that ends while it waits takes no job with it', () =>
    serving(async (served) => {
      const [one, other] = [served.connect(), served.connect()]
      one.send('reserve\r\n')
      await served.advance(10)
      expect(await other.stats('stats')).toMatchObject({ 'current-waiting': '1' })
      one.client.hangUp()
      await served.advance(10)
      const id = await other.put('a')
      expect(await other.reserve()).toBe(id)
      expect(await other.stats('stats')).toMatchObject({
        'current-waiting': '0',
        'current-connections': '1',
        'current-workers': '1',
        'total-connections': '2',
      })
    }))

  test('that half-closes while it waits is told TIMED_OUT, has the rest answered, and ends', () =>
    serving(async (served) => {
      const peer = served.connect()
      peer.send('reserve\r\nlist-tube-used\r\nreserve-with-timeout 99\r\nput 1 0 1 9\r\nhal')
      await served.advance(10)
      expect(peer.rest()).toBe('')
      peer.client.end()
      await peer.client.ended()
      expect(peer.rest()).toBe('TIMED_OUT\r\nUSING default\r\nTIMED_OUT\r\n')
    }))

  test('that half-closes behind its puts gets all answers', () =>
    serving(async (served) => {
      const peer = served.connect()
      peer.send('put 1 0 10 1\r\na\r\nput 1 0 10 1\r\nb\r\nreserve\r\n')
      peer.client.end()
      await peer.client.ended()
      expect(peer.rest()).toBe('INSERTED 1\r\nINSERTED 2\r\nRESERVED 1 1\r\na\r\n')
      await served.advance(10)
      const other = served.connect()
      expect(await other.reserve()).toBe(1)
    }))

  test('has what it began answered when the server stops, and what waits told TIMED_OUT', () =>
    serving(async (served) => {
      const [putter, waiter, idle] = [served.connect(), served.connect(), served.connect()]
      const reserver = served.connect()
      waiter.send('reserve\r\nlist-tube-used\r\n')
      await served.advance(10)
      putter.send('use x\r\nput 1 0 10 1\r\na\r\nput 1 0 10 1\r\nb\r\npeek-ready\r\n')
      reserver.send('use y\r\nput 1 0 10 1\r\nc\r\nreserve\r\n')
      const all = [putter, waiter, idle, reserver]
      for (const { client } of all) client.stop()
      for (const { client } of all) await client.ended()
      expect(reserver.rest()).toBe('USING y\r\nINSERTED 3\r\nTIMED_OUT\r\n')
      expect(putter.rest()).toBe('USING x\r\nINSERTED 1\r\nINSERTED 2\r\nFOUND 1 1\r\na\r\n')
      expect(waiter.rest()).toBe('TIMED_OUT\r\n')
      expect(idle.rest()).toBe('')
    }))
})

describe('a tube', () => {
  test('is there while a job or a connection refers to it', () =>
    serving(async (served) => {
      const [one, other] = [served.connect(), served.connect()]
      const tubes = async () => (await other.ask('list-tubes')).split('\n').slice(2, -2)
      await one.ask('use t')
      expect(await tubes()).toEqual(['- default', '- t'])
      const id = await one.put('a')
      await one.ask('watch w')
      await one.ask('use default')
      expect(await tubes()).toEqual(['- default', '- t', '- w'])
      await one.ask('ignore w')
      expect(await tubes()).toEqual(['- default', '- t'])
      await one.ask(`delete ${id}`)
      expect(await tubes()).toEqual(['- default'])
      expect(await other.ask('stats-tube t')).toBe('NOT_FOUND\r\n')
      expect(await other.ask('pause-tube t 1')).toBe('NOT_FOUND\r\n')
      await one.ask('use u')
      one.client.hangUp()
      await served.advance(10)
      expect(await tubes()).toEqual(['- default'])
    }))

  test('takes its pause with it when it goes, and keeps it while a put is on its way', () =>
    serving(async (served) => {
      const peer = served.connect()
      await peer.ask('use t')
      await peer.ask('pause-tube t 600')
      peer.send('put 1 0 10 1\r\na\r\nuse default\r\n')
      expect(await peer.reply()).toBe('INSERTED 1\r\n')
      expect(await peer.reply()).toBe('USING default\r\n')
      expect(await peer.stats('stats-tube t')).toMatchObject({ pause: '600' })
      // The delete is on its way when the tube is used again.
      peer.send('reserve-job 1\r\ndelete 1\r\nuse t\r\n')
      for (let i = 0; i < 3; i++) await peer.reply()
      const gone = { 'cmd-pause-tube': '0', pause: '0', 'pause-time-left': '0' }
      expect(await peer.stats('stats-tube t')).toMatchObject(gone)
      await peer.ask('pause-tube t 600')
      peer.client.hangUp()
      await served.advance(10)
      const other = served.connect()
      await other.ask('use t')
      expect(await other.stats('stats-tube t')).toMatchObject(gone)
      const id = await other.put('b')
      await other.ask('watch t')
      expect(await other.reserve()).toBe(id)
    }))

  test('keeps its pause where the server stops, and one that it was not given here', () =>
    serving(async (served) => {
      const peer = served.connect()
      await peer.ask('use t')
      await peer.ask('pause-tube t 600')
      peer.client.stop()
      await peer.client.ended()
      peer.client.hangUp()
      await served.restart()
      expect(served.store.queue('t').stats().pausedMs).toBeGreaterThan(500_000)
      const next = served.connect()
      await next.ask('use t')
      await next.ask('use default')
      await served.advance(10)
      expect(served.store.queue('t').stats().pausedMs).toBeGreaterThan(500_000)
    }))

  test('with jobs is there after a restart, one without is not; default always is', () =>
    serving(async (served) => {
      const one = served.connect()
      await one.ask('use empty')
      const id = await one.put('x')
      await one.ask('use full')
      await one.put('a')
      await one.ask(`delete ${id}`)
      await served.restart()
      const peer = served.connect()
      expect(await peer.ask('list-tubes')).toBe('OK 21\r\n---\n- default\n- full\n\r\n')
      expect(await peer.stats('stats-tube full')).toMatchObject({
        'current-jobs-ready': '1',
        'total-jobs': '1',
        'current-using': '0',
      })
    }))
})
