/** What time does to jobs and to those who wait: times to run, the margin before their end, delays, pauses. */
import { describe, expect, test } from 'vitest'
import { serving } from './served.ts'

describe('the time to run', () => {
  test('a job whose time is over is ready again, and the timeout is counted', () =>
    serving(async (served) => {
      const [one, other] = [served.connect(), served.connect()]
      const id = await one.put('a', { ttr: 3 })
      await one.reserve()
      await served.advance(2_900)
      expect(await other.ask('reserve-with-timeout 0')).toBe('TIMED_OUT\r\n')
      await served.advance(200)
      expect(await one.ask(`delete ${id}x`)).toBe('BAD_FORMAT\r\n')
      expect(await one.ask(`release ${id} 1 0`)).toBe('NOT_FOUND\r\n')
      expect(await other.stats(`stats-job ${id}`)).toMatchObject({
        state: 'ready',
        reserves: '1',
        timeouts: '1',
      })
      expect(await other.stats('stats')).toMatchObject({ 'job-timeouts': '1' })
      expect(await other.reserve()).toBe(id)
    }))

  test('touch begins it anew, as long as the put said', () =>
    serving(async (served) => {
      const peer = served.connect()
      const id = await peer.put('a', { ttr: 5 })
      await peer.reserve()
      for (let i = 0; i < 3; i++) {
        await served.advance(4_000)
        expect(await peer.ask(`touch ${id}`)).toBe('TOUCHED\r\n')
      }
      expect(await peer.stats(`stats-job ${id}`)).toMatchObject({ state: 'reserved', ttr: '5' })
      await served.advance(5_001)
      expect(await peer.ask(`touch ${id}`)).toBe('NOT_FOUND\r\n')
    }))

  test('it survives a restart, and 0 is 1', () =>
    serving(async (served) => {
      const id = await served.connect().put('a', { ttr: 0 })
      const long = await served.connect().put('b', { ttr: 4_294_967_295 })
      await served.restart()
      const peer = served.connect()
      expect(await peer.stats(`stats-job ${id}`)).toMatchObject({ ttr: '1' })
      expect(await peer.stats(`stats-job ${long}`)).toMatchObject({ ttr: '4294967295' })
      await peer.reserve()
      await served.advance(1_001)
      expect(await peer.stats(`stats-job ${id}`)).toMatchObject({ state: 'ready' })
    }))
})

describe('the margin', () => {
  test('who waits is told a second before the end of a job that it holds', () =>
    serving(async (served) => {
      const peer = served.connect()
      await peer.put('a', { ttr: 10 })
      await peer.reserve()
      peer.send('reserve\r\n')
      await served.advance(8_900)
      expect(peer.rest()).toBe('')
      await served.advance(200)
      expect(peer.rest()).toBe('DEADLINE_SOON\r\n')
    }))

  test('its own time-out comes first where that is earlier', () =>
    serving(async (served) => {
      const peer = served.connect()
      await peer.put('a', { ttr: 10 })
      await peer.reserve()
      peer.send('reserve-with-timeout 3\r\n')
      await served.advance(3_100)
      expect(peer.rest()).toBe('TIMED_OUT\r\n')
      peer.send('reserve-with-timeout 30\r\n')
      await served.advance(6_000)
      expect(peer.rest()).toBe('DEADLINE_SOON\r\n')
    }))

  test('a job that is ready goes out within the margin, too', () =>
    serving(async (served) => {
      const peer = served.connect()
      await peer.put('a', { ttr: 10 })
      await peer.reserve()
      await served.advance(9_500)
      const id = await served.connect().put('b')
      expect(await peer.reserve()).toBe(id)
      expect(await peer.ask('reserve')).toBe('DEADLINE_SOON\r\n')
    }))

  test('a job put meanwhile is what who waits gets', () =>
    serving(async (served) => {
      const peer = served.connect()
      await peer.put('a', { ttr: 10 })
      await peer.reserve()
      peer.send('reserve\r\n')
      await served.advance(1_000)
      const id = await served.connect().put('b')
      expect(await peer.reply()).toBe(`RESERVED ${id} 1\r\nb\r\n`)
    }))
})

describe('delays and pauses', () => {
  test('a delayed job is ready once its time has come', () =>
    serving(async (served) => {
      const peer = served.connect()
      const id = await peer.put('a', { delay: 5 })
      expect(await peer.stats(`stats-job ${id}`)).toMatchObject({ state: 'delayed', delay: '5' })
      peer.send('reserve\r\n')
      await served.advance(4_900)
      expect(peer.rest()).toBe('')
      await served.advance(200)
      expect(peer.rest()).toBe(`RESERVED ${id} 1\r\na\r\n`)
    }))

  test('a release may delay it and gives it another priority', () =>
    serving(async (served) => {
      const peer = served.connect()
      const id = await peer.put('a')
      await peer.reserve()
      expect(await peer.ask(`release ${id} 7 30`)).toBe('RELEASED\r\n')
      expect(await peer.stats(`stats-job ${id}`)).toMatchObject({
        state: 'delayed',
        pri: '7',
        delay: '30',
        releases: '1',
      })
      await served.advance(30_001)
      expect(await peer.reserve()).toBe(id)
    }))

  test('a paused tube gives nothing out until its pause is over; another one does', () =>
    serving(async (served) => {
      const peer = served.connect()
      await peer.ask('use p')
      const paused = await peer.put('a')
      await peer.ask('watch p')
      expect(await peer.ask('pause-tube p 20')).toBe('PAUSED\r\n')
      expect(await peer.stats('stats-tube p')).toMatchObject({
        'cmd-pause-tube': '1',
        pause: '20',
        'pause-time-left': expect.stringMatching(/^(19|20)$/),
      })
      await peer.ask('use default')
      const other = await peer.put('b', { pri: 9_999 })
      expect(await peer.reserve()).toBe(other)
      peer.send('reserve\r\n')
      await served.advance(19_000)
      expect(peer.rest()).toBe('')
      await served.advance(1_100)
      expect(peer.rest()).toBe(`RESERVED ${paused} 1\r\na\r\n`)
    }))
})
