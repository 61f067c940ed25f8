/** What beanstalkd has not: commands that an old client never sends. docs/beanstalkd.md tells of them. */
import { describe, expect, onTestFinished, test } from 'vitest'
import { openStore } from '../../../src/index.ts'
import { beanstalkd } from '../../../src/protocols/beanstalkd/beanstalkd.ts'
import { fakeClient } from '../../../src/testing/index.ts'
import { serving } from './served.ts'

const MIB = 1024 * 1024

describe('commands that beanstalkd has not', () => {
  test('put-with: milliseconds, time to live and a key that is taken once', () =>
    serving(async (served) => {
      const peer = served.connect()
      expect(await peer.ask('put-with 5 200 2500 0 1 k\r\na')).toBe('INSERTED 1\r\n')
      expect(await peer.ask('put-with 5 0 1000 0 1 k\r\nb')).toBe('EXISTS 1\r\n')
      expect(await peer.ask('put-with 5 0 1000 700 1\r\nc')).toBe('INSERTED 2\r\n')
      expect(await peer.reserve()).toBe(2)
      expect(await peer.ask('release 2 5 0')).toBe('RELEASED\r\n')
      await served.advance(800)
      expect(await peer.reserve()).toBe(1)
      expect(await peer.ask('peek 2')).toBe('NOT_FOUND\r\n')
      await served.advance(2_600)
      expect(await peer.ask('touch 1')).toBe('NOT_FOUND\r\n')
      for (const bad of ['put-with 1 2 3 4', 'put-with 1 2 3 4 5 k k', 'put-with 1 2 3 4 x']) {
        expect(await peer.ask(bad)).toBe('BAD_FORMAT\r\n')
      }
      const big = 'x'.repeat(65_536)
      expect(await peer.ask(`put-with 1 0 1 0 65536 k2\r\n${big}`)).toBe('JOB_TOO_BIG\r\n')
    }))

  test('reserve-many: several at once, with tube, priority and reservations', () =>
    serving(async (served) => {
      const peer = served.connect()
      await peer.put('a', { pri: 2 })
      await peer.ask('use t')
      await peer.put('bc', { pri: 1 })
      await peer.ask('watch t')
      peer.send('reserve-many 10 0\r\nreserve-many 10 0\r\n')
      await served.advance(100)
      expect(peer.rest()).toBe(
        'JOBS 2\r\nJOB 2 2 t 1 1\r\nbc\r\nJOB 1 1 default 2 1\r\na\r\nTIMED_OUT\r\n',
      )
      expect(await peer.ask('release-ms 1 2 500')).toBe('RELEASED\r\n')
      peer.send('reserve-many 1 60000\r\n')
      await served.advance(400)
      expect(peer.rest()).toBe('')
      await served.advance(200)
      expect(peer.rest()).toBe('JOBS 1\r\nJOB 1 1 default 2 1\r\na\r\n')
      for (const bad of [
        'reserve-many 0 1',
        'reserve-many 257 1',
        'reserve-many 1',
        'release-ms 1 1',
      ]) {
        expect(await peer.ask(bad)).toBe('BAD_FORMAT\r\n')
      }
      expect(await peer.ask('release-ms 99 1 1')).toBe('NOT_FOUND\r\n')
    }))

  test('delete-many: those that are held and those that nobody has', () =>
    serving(async (served) => {
      const [peer, other] = [served.connect(), served.connect()]
      for (const body of ['a', 'b', 'c', 'd']) await peer.put(body)
      await peer.reserve()
      await other.reserve()
      expect(await peer.ask('delete-many 1 2 3 3 99')).toBe('DELETED 2\r\n')
      expect(await other.ask('delete 2')).toBe('DELETED\r\n')
      expect(await peer.reserve()).toBe(4)
      expect(await peer.ask('delete-many 1 x')).toBe('BAD_FORMAT\r\n')
      expect(await peer.ask('delete-many ')).toBe('BAD_FORMAT\r\n')
    }))

  test('clear-tube: everything goes, whoever has it', () =>
    serving(async (served) => {
      const peer = served.connect()
      await peer.ask('use t')
      for (const body of ['a', 'b', 'c']) await peer.put(body)
      await peer.ask('watch t')
      await peer.reserve()
      expect(await peer.ask('clear-tube t')).toBe('CLEARED 3\r\n')
      expect(await peer.ask('peek-ready')).toBe('NOT_FOUND\r\n')
      expect(await peer.ask('clear-tube nobody')).toBe('NOT_FOUND\r\n')
      expect(await peer.ask('clear-tube :')).toBe('BAD_FORMAT\r\n')
    }))

  test('limit-tube: puts beyond it are turned down, across restarts', () =>
    serving(async (served) => {
      const peer = served.connect()
      expect(await peer.ask('limit-tube t 2')).toBe('LIMITED\r\n')
      await served.restart()
      const next = served.connect()
      await next.ask('use t')
      const first = await next.put('a')
      await next.put('b')
      expect(await next.ask('put 1 0 1 1\r\nc')).toBe('OUT_OF_MEMORY\r\n')
      await next.ask(`delete ${first}`)
      await next.put('c')
      expect(await next.ask('limit-tube t 0')).toBe('LIMITED\r\n')
      await next.put('d')
      expect(await next.ask('limit-tube t')).toBe('BAD_FORMAT\r\n')
    }))

  test('limit-tries: after so many a job is buried, however the last one ends, across restarts', () =>
    serving(async (served) => {
      const first = served.connect()
      expect(await first.ask('limit-tries default 2')).toBe('LIMITED\r\n')
      await served.restart()
      const peer = served.connect()
      for (const body of ['a', 'b', 'c']) await peer.put(body, { ttr: 5 })
      expect(await peer.reserve()).toBe(1)
      expect(await peer.ask('release 1 0 0')).toBe('RELEASED\r\n')
      const waiting = served.connect()
      await waiting.ask('watch other')
      expect(await peer.reserve()).toBe(1)
      expect(await peer.ask('release 1 0 0')).toBe('BURIED\r\n')
      const job = { state: 'buried', reserves: '2', releases: '2', buries: '1' }
      expect(await peer.stats('stats-job 1')).toMatchObject(job)
      for (const _ of [1, 2]) {
        expect(await peer.reserve()).toBe(2)
        await served.advance(6_000)
      }
      expect(await peer.stats('stats-job 2')).toMatchObject({ state: 'buried', timeouts: '2' })
      for (const _ of [1, 2]) {
        const gone = served.connect()
        expect(await gone.reserve()).toBe(3)
        gone.client.hangUp()
        await served.advance(100)
      }
      waiting.send('reserve-with-timeout 1\r\n')
      await served.advance(2_000)
      expect(waiting.rest()).toBe('TIMED_OUT\r\n')
      expect(await peer.stats('stats-job 3')).toMatchObject({ state: 'buried', buries: '1' })
    }))

  test('limit-tries: all that a connection held counts, however much it is', async () => {
    const store = await openStore(':memory:')
    onTestFinished(() => store.close())
    await store.queue('default').configure({ attemptsMax: 1, deadLetter: { queue: 'dead' } })
    const peer = fakeClient(beanstalkd(store, { jobBytesMax: MIB }))
    for (let row = 0; row < 40; row += 1) {
      peer.send(`put 1 0 60 ${MIB}\r\n${'x'.repeat(MIB)}\r\n`)
      await peer.text()
    }
    peer.send('reserve\r\n'.repeat(40))
    for (let bytes = 0; bytes < 40 * MIB; ) bytes += (await peer.text()).length
    peer.hangUp()
    while (store.stats().leased > 0) await peer.settled()
    await peer.settled()
    expect(store.queue('dead').stats().messages).toBe(40)
  })

  test('limit-tries: a kick begins anew, and 0 takes the limit away', () =>
    serving(async (served) => {
      const peer = served.connect()
      await peer.ask('limit-tries default 1')
      await peer.put('a')
      await peer.reserve()
      expect(await peer.ask('release-ms 1 0 0')).toBe('BURIED\r\n')
      expect(await peer.ask('kick 1')).toBe('KICKED 1\r\n')
      expect(await peer.reserve()).toBe(1)
      expect(await peer.ask('release 1 0 0')).toBe('BURIED\r\n')
      expect(await peer.ask('limit-tries default 0')).toBe('LIMITED\r\n')
      await peer.ask('kick 1')
      for (let tries = 0; tries < 12; tries++) {
        expect(await peer.reserve()).toBe(1)
        expect(await peer.ask('release 1 0 0')).toBe('RELEASED\r\n')
      }
      for (const bad of ['limit-tries default', 'limit-tries : 1', 'limit-tries default x']) {
        expect(await peer.ask(bad)).toBe('BAD_FORMAT\r\n')
      }
    }))

  test('list-jobs: of a state, page by page', () =>
    serving(async (served) => {
      const peer = served.connect()
      for (const body of ['a', 'bb', 'ccc']) await peer.put(body, { pri: body.length })
      const list = (rest: string) => peer.ask(`list-jobs default ${rest}`)
      const line = (id: number, reserves = 0) =>
        `- {id: ${id}, pri: ${id}, bytes: ${id}, reserves: ${reserves}}\n`
      const ok = (yaml: string) => `OK ${yaml.length}\r\n${yaml}\r\n`
      expect(await list('ready 2')).toBe(ok(`---\n${line(1)}${line(2)}`))
      expect(await list('ready 2 2')).toBe(ok(`---\n${line(3)}`))
      await peer.reserve()
      expect(await list('reserved 9')).toBe(ok(`---\n${line(1, 1)}`))
      expect(await list('buried 9')).toBe(ok('---\n'))
      expect(await list('gone 9')).toBe('BAD_FORMAT\r\n')
      expect(await list('ready 0')).toBe('BAD_FORMAT\r\n')
      expect(await peer.ask('list-jobs nobody ready 9')).toBe('NOT_FOUND\r\n')
    }))

  test('move-jobs: to another tube, with new ids', () =>
    serving(async (served) => {
      const peer = served.connect()
      for (const body of ['a', 'b']) await peer.put(body, { ttr: 33 })
      expect(await peer.ask('move-jobs default ready 1 t')).toBe('MOVED 1\r\n')
      await peer.ask('use t')
      expect(await peer.ask('peek-ready')).toBe('FOUND 3 1\r\na\r\n')
      expect(await peer.stats('stats-job 3')).toMatchObject({ tube: '"t"', ttr: '33' })
      expect(await peer.ask('move-jobs nobody ready 1 t')).toBe('NOT_FOUND\r\n')
      expect(await peer.ask('move-jobs default reserved 1 t')).toBe('BAD_FORMAT\r\n')
      expect(await peer.ask('move-jobs t ready 1 t')).toBe('BAD_FORMAT\r\n')
    }))

  test('auth: nothing is answered in front of it, where tokens are asked for', () =>
    serving(
      async (served) => {
        const bold = served.connect()
        bold.send('put 1 0 10 1\r\na\r\nlist-tubes\r\n')
        await bold.client.ended()
        expect(bold.rest()).toBe('UNAUTHORIZED\r\n')
        expect(bold.client.endedBy).toBe('unauthorized')
        const wrong = served.connect()
        wrong.send('auth guessed-it\r\nlist-tubes\r\n')
        await wrong.client.ended()
        expect(wrong.rest()).toBe('UNAUTHORIZED\r\n')
        expect(wrong.client.endedBy).toBe('unauthorized')
        const right = served.connect()
        expect(await right.ask('auth second-token')).toBe('AUTHORIZED\r\n')
        expect(await right.put('a')).toBe(1)
      },
      { tokens: ['first-token', 'second-token'] },
    ))

  test.each([
    ['that is too long', `auth ${'x'.repeat(300)}\r\n`],
    ['that is too long and has no end', 'x'.repeat(224)],
    ['that has a NUL', 'auth first-token\0\r\n'],
    ['that has a NUL and is none', '\0\r\n'],
  ])('auth: in front of it a line %s ends the connection, like any command', async (_, sent) => {
    await serving(
      async (served) => {
        const stranger = served.connect()
        stranger.send(sent)
        await stranger.client.settled()
        expect(stranger.rest()).toBe('UNAUTHORIZED\r\n')
        stranger.send('list-tubes\r\nauth first-token\r\n')
        await stranger.client.settled()
        expect(stranger.rest()).toBe('')
        expect(stranger.client.endedBy).toBe('unauthorized')
        const known = served.connect()
        await known.ask('auth first-token')
        known.send(`${sent}\r\nauth first-token\r\n`)
        expect(await known.reply()).toBe('BAD_FORMAT\r\n')
        expect(known.client.hasEnded).toBe(false)
      },
      { tokens: ['first-token'] },
    )
  })

  test('auth: comes within ten seconds, and who is known may be silent for ever', () =>
    serving(
      async (served) => {
        const [stranger, known] = [served.connect(), served.connect()]
        expect(await known.ask('auth first-token')).toBe('AUTHORIZED\r\n')
        for (let at = 0; at < 9; at++) stranger.client.pass(1_000)
        expect(stranger.client.endedBy).toBe(undefined)
        stranger.client.pass(1_000)
        expect(stranger.client.endedBy).toBe('unauthorized')
        await known.client.settled()
        for (let day = 0; day < 100; day++) known.client.pass(86_400_000)
        expect(known.client.endedBy).toBe(undefined)
      },
      { tokens: ['first-token'] },
    ))

  test('auth: is welcome where nobody asks for it', () =>
    serving(async (served) => {
      const peer = served.connect()
      expect(await peer.ask('auth anything')).toBe('AUTHORIZED\r\n')
    }))
})
