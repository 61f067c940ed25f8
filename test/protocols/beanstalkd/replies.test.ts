/** Every command with every reply that it may have, as the real server says it. */
import { describe, expect, test } from 'vitest'
import { type Peer, serving } from './served.ts'

/** What is sent and what comes back, one after the other on one connection. */
type Script = readonly (readonly [send: string, reply: string])[]

const NAME = 'a'.repeat(200)

const SCRIPTS: Readonly<Record<string, Script>> = {
  'put: INSERTED': [
    ['put 1 0 10 3\r\nabc', 'INSERTED 1\r\n'],
    ['put 4294967295 4294967295 4294967295 0\r\n', 'INSERTED 2\r\n'],
    ['put  1  0  10  1\r\nx', 'INSERTED 3\r\n'],
    ['put 0 0 0 2\r\n\r\n', 'INSERTED 4\r\n'],
    ['peek 4', 'FOUND 4 2\r\n\r\n\r\n'],
  ],
  'put: BAD_FORMAT, and the body is a command then': [
    ['put 1 0 10 3 \r\nuse x', 'BAD_FORMAT\r\n'],
    ['', 'USING x\r\n'],
    ['put 1 0 10', 'BAD_FORMAT\r\n'],
    ['put ', 'BAD_FORMAT\r\n'],
    ['put x 0 10 3', 'BAD_FORMAT\r\n'],
    ['put 1 0 10 -1', 'BAD_FORMAT\r\n'],
    ['put 4294967296 0 10 1', 'BAD_FORMAT\r\n'],
    ['put 1 4294967296 10 1', 'BAD_FORMAT\r\n'],
    ['put 1 0 10 3x', 'BAD_FORMAT\r\n'],
  ],
  'put: EXPECTED_CRLF after exactly so many bytes': [
    ['put 1 0 10 3\r\nabcdelist-tube-used', 'EXPECTED_CRLF\r\n'],
    ['', 'USING default\r\n'],
  ],
  'put: JOB_TOO_BIG, and the body is thrown away': [
    [`put 1 0 10 65536\r\n${'x'.repeat(65536)}`, 'JOB_TOO_BIG\r\n'],
    [`put 1 0 10 65536 garbage\r\n${'x'.repeat(65536)}`, 'JOB_TOO_BIG\r\n'],
    ['list-tube-used', 'USING default\r\n'],
  ],
  'use: USING, BAD_FORMAT': [
    ['use t', 'USING t\r\n'],
    [`use ${NAME}`, `USING ${NAME}\r\n`],
    ['use A-Za-z0-9-+/;.$_()', 'USING A-Za-z0-9-+/;.$_()\r\n'],
    [`use ${NAME}a`, 'BAD_FORMAT\r\n'],
    ['use -a', 'BAD_FORMAT\r\n'],
    ['use a:b', 'BAD_FORMAT\r\n'],
    ['use a b', 'BAD_FORMAT\r\n'],
    ['use ', 'BAD_FORMAT\r\n'],
    ['list-tube-used', 'USING A-Za-z0-9-+/;.$_()\r\n'],
  ],
  'reserve: RESERVED, BAD_FORMAT': [
    ['put 1 0 10 3\r\nabc', 'INSERTED 1\r\n'],
    ['reserve x', 'BAD_FORMAT\r\n'],
    ['reservex', 'BAD_FORMAT\r\n'],
    ['reserve', 'RESERVED 1 3\r\nabc\r\n'],
  ],
  'reserve-with-timeout: RESERVED, TIMED_OUT, BAD_FORMAT': [
    ['reserve-with-timeout 0', 'TIMED_OUT\r\n'],
    ['reserve-with-timeout abc', 'TIMED_OUT\r\n'],
    ['reserve-with-timeout ', 'TIMED_OUT\r\n'],
    ['reserve-with-timeout 0 x', 'TIMED_OUT\r\n'],
    ['reserve-with-timeout 4294967296', 'TIMED_OUT\r\n'],
    ['reserve-with-timeout 99999999999999999999', 'BAD_FORMAT\r\n'],
    ['reserve-with-timeout', 'BAD_FORMAT\r\n'],
    ['put 1 0 10 0\r\n', 'INSERTED 1\r\n'],
    ['reserve-with-timeout -1', 'RESERVED 1 0\r\n\r\n'],
  ],
  'reserve: DEADLINE_SOON where a job is held whose time is nearly over': [
    ['put 1 0 1 1\r\na', 'INSERTED 1\r\n'],
    ['put 2 0 1 1\r\nb', 'INSERTED 2\r\n'],
    ['reserve', 'RESERVED 1 1\r\na\r\n'],
    ['reserve', 'RESERVED 2 1\r\nb\r\n'],
    ['reserve', 'DEADLINE_SOON\r\n'],
    ['reserve-with-timeout 0', 'DEADLINE_SOON\r\n'],
    ['reserve-with-timeout 9', 'DEADLINE_SOON\r\n'],
  ],
  'reserve-job: RESERVED, NOT_FOUND, BAD_FORMAT': [
    ['put 1 0 10 1\r\na', 'INSERTED 1\r\n'],
    ['put 1 9 10 1\r\nb', 'INSERTED 2\r\n'],
    ['put 1 0 10 1\r\nc', 'INSERTED 3\r\n'],
    ['reserve-job 3', 'RESERVED 3 1\r\nc\r\n'],
    ['bury 3 7', 'BURIED\r\n'],
    ['pause-tube default 60', 'PAUSED\r\n'],
    ['reserve-job 1', 'RESERVED 1 1\r\na\r\n'],
    ['reserve-job 2', 'RESERVED 2 1\r\nb\r\n'],
    ['reserve-job 3', 'RESERVED 3 1\r\nc\r\n'],
    ['reserve-job 3', 'NOT_FOUND\r\n'],
    ['reserve-job 99', 'NOT_FOUND\r\n'],
    ['reserve-job 0', 'NOT_FOUND\r\n'],
    ['reserve-job x', 'BAD_FORMAT\r\n'],
    ['reserve-job 1 ', 'BAD_FORMAT\r\n'],
    ['reserve-job', 'BAD_FORMAT\r\n'],
  ],
  'delete: DELETED of whatever nobody else has, NOT_FOUND, BAD_FORMAT': [
    ['put 1 0 10 1\r\na', 'INSERTED 1\r\n'],
    ['put 2 9 10 1\r\nb', 'INSERTED 2\r\n'],
    ['put 3 0 10 1\r\nc', 'INSERTED 3\r\n'],
    ['put 4 0 10 1\r\nd', 'INSERTED 4\r\n'],
    ['reserve', 'RESERVED 1 1\r\na\r\n'],
    ['delete 1', 'DELETED\r\n'],
    ['delete 2', 'DELETED\r\n'],
    ['reserve', 'RESERVED 3 1\r\nc\r\n'],
    ['bury 3 1', 'BURIED\r\n'],
    ['delete  3', 'DELETED\r\n'],
    ['delete 4', 'DELETED\r\n'],
    ['delete 4', 'NOT_FOUND\r\n'],
    ['delete 99', 'NOT_FOUND\r\n'],
    ['delete 18446744073709551615', 'NOT_FOUND\r\n'],
    ['delete 18446744073709551616', 'BAD_FORMAT\r\n'],
    ['delete x', 'BAD_FORMAT\r\n'],
    ['delete -1', 'BAD_FORMAT\r\n'],
    ['delete 1 ', 'BAD_FORMAT\r\n'],
    ['delete', 'UNKNOWN_COMMAND\r\n'],
  ],
  'release: RELEASED, NOT_FOUND, BAD_FORMAT': [
    ['put 1 0 10 1\r\na', 'INSERTED 1\r\n'],
    ['release 1 5 0', 'NOT_FOUND\r\n'],
    ['reserve', 'RESERVED 1 1\r\na\r\n'],
    ['release 1 5', 'BAD_FORMAT\r\n'],
    ['release 1 5 0 x', 'BAD_FORMAT\r\n'],
    ['release 1', 'BAD_FORMAT\r\n'],
    ['release 1 5 0', 'RELEASED\r\n'],
    ['release 1 5 0', 'NOT_FOUND\r\n'],
    ['release 99 5 0', 'NOT_FOUND\r\n'],
  ],
  'bury: BURIED, NOT_FOUND, BAD_FORMAT': [
    ['put 1 0 10 1\r\na', 'INSERTED 1\r\n'],
    ['bury 1 5', 'NOT_FOUND\r\n'],
    ['reserve', 'RESERVED 1 1\r\na\r\n'],
    ['bury 1', 'BAD_FORMAT\r\n'],
    ['bury 1 5 x', 'BAD_FORMAT\r\n'],
    ['bury 1 5', 'BURIED\r\n'],
    ['bury 1 5', 'NOT_FOUND\r\n'],
  ],
  'touch: TOUCHED, NOT_FOUND, BAD_FORMAT': [
    ['put 1 0 10 1\r\na', 'INSERTED 1\r\n'],
    ['touch 1', 'NOT_FOUND\r\n'],
    ['reserve', 'RESERVED 1 1\r\na\r\n'],
    ['touch 1', 'TOUCHED\r\n'],
    ['touch 1 ', 'BAD_FORMAT\r\n'],
    ['touch x', 'BAD_FORMAT\r\n'],
    ['touch', 'UNKNOWN_COMMAND\r\n'],
  ],
  'watch, ignore: WATCHING, NOT_IGNORED, BAD_FORMAT': [
    ['watch a', 'WATCHING 2\r\n'],
    ['watch a', 'WATCHING 2\r\n'],
    ['watch a:', 'BAD_FORMAT\r\n'],
    ['watch ', 'BAD_FORMAT\r\n'],
    ['ignore zzz', 'WATCHING 2\r\n'],
    ['ignore default', 'WATCHING 1\r\n'],
    ['ignore a', 'NOT_IGNORED\r\n'],
    ['ignore ', 'BAD_FORMAT\r\n'],
    ['list-tubes-watched', 'OK 8\r\n---\n- a\n\r\n'],
  ],
  'peek, peek-ready, peek-delayed, peek-buried: FOUND, NOT_FOUND, BAD_FORMAT': [
    ['use nobody', 'USING nobody\r\n'],
    ['peek-ready', 'NOT_FOUND\r\n'],
    ['use t', 'USING t\r\n'],
    ['peek-delayed', 'NOT_FOUND\r\n'],
    ['put 2 0 10 1\r\na', 'INSERTED 1\r\n'],
    ['put 1 0 10 1\r\nb', 'INSERTED 2\r\n'],
    ['put 1 90 10 1\r\nc', 'INSERTED 3\r\n'],
    ['put 1 80 10 1\r\nd', 'INSERTED 4\r\n'],
    ['pause-tube t 60', 'PAUSED\r\n'],
    ['peek-ready', 'FOUND 2 1\r\nb\r\n'],
    ['peek-delayed', 'FOUND 4 1\r\nd\r\n'],
    ['peek-buried', 'NOT_FOUND\r\n'],
    ['reserve-job 1', 'RESERVED 1 1\r\na\r\n'],
    ['reserve-job 2', 'RESERVED 2 1\r\nb\r\n'],
    ['peek-ready', 'NOT_FOUND\r\n'],
    ['peek 1', 'FOUND 1 1\r\na\r\n'],
    ['bury 2 1', 'BURIED\r\n'],
    ['bury 1 1', 'BURIED\r\n'],
    ['peek-buried', 'FOUND 2 1\r\nb\r\n'],
    ['use default', 'USING default\r\n'],
    ['peek-buried', 'NOT_FOUND\r\n'],
    ['peek 99', 'NOT_FOUND\r\n'],
    ['peek x', 'BAD_FORMAT\r\n'],
    ['peek', 'UNKNOWN_COMMAND\r\n'],
    ['peek-ready x', 'BAD_FORMAT\r\n'],
    ['peek-delayedx', 'BAD_FORMAT\r\n'],
    ['peek-buried ', 'BAD_FORMAT\r\n'],
  ],
  'kick: KICKED, BAD_FORMAT; delayed ones only where none is buried': [
    ['kick 5', 'KICKED 0\r\n'],
    ['put 1 90 10 1\r\na', 'INSERTED 1\r\n'],
    ['put 1 80 10 1\r\nb', 'INSERTED 2\r\n'],
    ['put 1 0 10 1\r\nc', 'INSERTED 3\r\n'],
    ['reserve', 'RESERVED 3 1\r\nc\r\n'],
    ['bury 3 1', 'BURIED\r\n'],
    ['kick 9', 'KICKED 1\r\n'],
    ['kick 1', 'KICKED 1\r\n'],
    ['peek-delayed', 'FOUND 1 1\r\na\r\n'],
    ['kick 4294967296', 'KICKED 0\r\n'],
    ['kick -1', 'KICKED 1\r\n'],
    ['kick 5zzz', 'KICKED 0\r\n'],
    ['kick ', 'BAD_FORMAT\r\n'],
    ['kick abc', 'BAD_FORMAT\r\n'],
    ['kick 99999999999999999999', 'BAD_FORMAT\r\n'],
    ['kick', 'UNKNOWN_COMMAND\r\n'],
  ],
  'kick-job: KICKED, NOT_FOUND, BAD_FORMAT': [
    ['put 1 90 10 1\r\na', 'INSERTED 1\r\n'],
    ['kick-job 1', 'KICKED\r\n'],
    ['kick-job 1', 'NOT_FOUND\r\n'],
    ['reserve', 'RESERVED 1 1\r\na\r\n'],
    ['kick-job 1', 'NOT_FOUND\r\n'],
    ['bury 1 1', 'BURIED\r\n'],
    ['kick-job 1', 'KICKED\r\n'],
    ['kick-job 99', 'NOT_FOUND\r\n'],
    ['kick-job x', 'BAD_FORMAT\r\n'],
    ['kick-job', 'UNKNOWN_COMMAND\r\n'],
  ],
  'stats, stats-job, stats-tube: NOT_FOUND, BAD_FORMAT': [
    ['stats-job 1', 'NOT_FOUND\r\n'],
    ['stats-job x', 'BAD_FORMAT\r\n'],
    ['stats-job', 'BAD_FORMAT\r\n'],
    ['stats-tube nobody', 'NOT_FOUND\r\n'],
    ['stats-tube -a', 'BAD_FORMAT\r\n'],
    ['stats-tube', 'BAD_FORMAT\r\n'],
    ['stats x', 'BAD_FORMAT\r\n'],
    ['statsfoo', 'BAD_FORMAT\r\n'],
  ],
  'list-tubes, list-tubes-watched, list-tube-used: OK, USING, BAD_FORMAT': [
    ['list-tubes', 'OK 14\r\n---\n- default\n\r\n'],
    ['list-tubes x', 'BAD_FORMAT\r\n'],
    ['list-tubes-watched', 'OK 14\r\n---\n- default\n\r\n'],
    ['list-tubes-watched x', 'BAD_FORMAT\r\n'],
    ['list-tube-used', 'USING default\r\n'],
    ['list-tube-used x', 'BAD_FORMAT\r\n'],
  ],
  'pause-tube: PAUSED, NOT_FOUND, BAD_FORMAT': [
    ['pause-tube default 0', 'PAUSED\r\n'],
    ['pause-tubedefault 0', 'PAUSED\r\n'],
    ['pause-tube   default    0', 'PAUSED\r\n'],
    ['pause-tube default 4294967295', 'PAUSED\r\n'],
    ['pause-tube nobody 3', 'NOT_FOUND\r\n'],
    ['pause-tube default', 'BAD_FORMAT\r\n'],
    ['pause-tube default x', 'BAD_FORMAT\r\n'],
    ['pause-tube default 0 ', 'BAD_FORMAT\r\n'],
    ['pause-tube -a 1', 'BAD_FORMAT\r\n'],
    ['pause-tube', 'BAD_FORMAT\r\n'],
  ],
  'anything else: UNKNOWN_COMMAND, and BAD_FORMAT where it has a NUL or is too long': [
    ['', 'UNKNOWN_COMMAND\r\n'],
    ['PUT 1 2 3 4', 'UNKNOWN_COMMAND\r\n'],
    ['a\nb', 'UNKNOWN_COMMAND\r\n'],
    ['list-tube-used\n', 'BAD_FORMAT\r\n'],
    ['delete 1\0', 'BAD_FORMAT\r\n'],
    ['x'.repeat(222), 'UNKNOWN_COMMAND\r\n'],
    ['x'.repeat(223), 'BAD_FORMAT\r\n'],
    ['list-tube-used', 'USING default\r\n'],
    ['x'.repeat(224), 'BAD_FORMAT\r\n'],
    ['list-tube-used', 'USING default\r\n'],
    ['x'.repeat(100_000), 'BAD_FORMAT\r\n'],
    ['list-tube-used', 'USING default\r\n'],
    ['a\rb', 'UNKNOWN_COMMAND\r\n'],
    ['delete 1\rb', 'BAD_FORMAT\r\n'],
  ],
}

async function follow(peer: Peer, script: Script): Promise<void> {
  for (const [send, reply] of script) {
    // An empty line stands for a reply to what was sent before, unless the script begins with it.
    if (send !== '' || script[0]?.[0] === '') peer.send(`${send}\r\n`)
    expect(await peer.reply(), send.slice(0, 60)).toBe(reply)
  }
}

describe('each command and its replies', () => {
  for (const [name, script] of Object.entries(SCRIPTS)) {
    test(name, () =>
      serving(async (served) => {
        const peer = served.connect()
        await follow(peer, script)
        expect(peer.rest()).toBe('')
        expect(served.errors).toEqual([])
      }),
    )
  }

  test('quit: the end, once what stands in front of it is answered', () =>
    serving(async (served) => {
      const peer = served.connect()
      peer.send('put 1 0 10 1\r\na\r\nquitxyz\r\nlist-tube-used\r\n')
      await peer.client.ended()
      expect(peer.rest()).toBe('INSERTED 1\r\n')
    }))

  test('put: DRAINING for ever, once the body is read', () =>
    serving(async (served) => {
      const peer = served.connect()
      served.protocol.drain()
      expect(await peer.ask('put 1 0 10 3\r\nabc')).toBe('DRAINING\r\n')
      expect(await peer.ask('put 1 0 10 3\r\nabcde')).toBe('EXPECTED_CRLF\r\n')
      expect((await peer.reply()).slice(0, 7)).toBe('UNKNOWN')
      expect(await peer.stats('stats')).toMatchObject({ draining: 'true', 'total-jobs': '0' })
    }))

  test('put: OUT_OF_MEMORY while there is no space, and what ends jobs goes on', () =>
    serving(async (served) => {
      const peer = served.connect()
      const id = await peer.put('a')
      expect(await peer.reserve()).toBe(id)
      const body = 'x'.repeat(20_000)
      served.world.setFull(true)
      let reply = ''
      for (let i = 0; i < 20 && !reply.startsWith('OUT'); i++) {
        reply = await peer.ask(`put 1 0 10 ${body.length}\r\n${body}`)
      }
      expect(reply).toBe('OUT_OF_MEMORY\r\n')
      expect(await peer.ask(`delete ${id}`)).toBe('DELETED\r\n')
      served.world.setFull(false)
      await served.advance(20_000)
      expect(await peer.ask('put 1 0 10 1\r\nb')).toMatch(/^INSERTED /)
      expect(served.errors).toEqual([])
    }))

  test('put, delete: INTERNAL_ERROR once the disk has failed, which is told', () =>
    serving(async (served) => {
      const peer = served.connect()
      await peer.put('a')
      const id = await peer.reserve()
      served.world.failNextWrite()
      expect(await peer.ask('put 1 0 10 1\r\nb')).toBe('INTERNAL_ERROR\r\n')
      expect(await peer.ask(`delete ${id}`)).toBe('INTERNAL_ERROR\r\n')
      expect(await peer.ask('reserve-with-timeout 0')).toBe('INTERNAL_ERROR\r\n')
      expect(served.errors.length).toBeGreaterThan(0)
    }))

  test('put: JOB_TOO_BIG where the store takes no such message', () =>
    serving(
      async (served) => {
        const peer = served.connect()
        const body = 'x'.repeat(50 * 1024)
        expect(await peer.ask(`put 1 0 10 ${body.length}\r\n${body}`)).toBe('JOB_TOO_BIG\r\n')
      },
      { jobBytesMax: 1024 * 1024 },
    ))

  test('delete, release, bury, touch: NOT_FOUND for a job that another connection has', () =>
    serving(async (served) => {
      const [one, other] = [served.connect(), served.connect()]
      const id = await one.put('a')
      await one.reserve()
      for (const command of ['delete', 'touch', 'reserve-job', 'kick-job']) {
        expect(await other.ask(`${command} ${id}`)).toBe('NOT_FOUND\r\n')
      }
      expect(await other.ask(`release ${id} 1 0`)).toBe('NOT_FOUND\r\n')
      expect(await other.ask(`bury ${id} 1`)).toBe('NOT_FOUND\r\n')
      expect(await one.ask(`delete ${id}`)).toBe('DELETED\r\n')
    }))
})
