/** Many commands at once, bytes one by one, slow readers: whatever comes how, the answers are in order. */
import { describe, expect, test, vi } from 'vitest'
import { beanstalkd } from '../../../src/protocols/beanstalkd/beanstalkd.ts'
import { fakeClient } from '../../../src/testing/index.ts'
import { Peer, serving } from './served.ts'

const MIB = 1024 * 1024

describe('commands behind each other', () => {
  test('puts that come together are answered in order, as one write a flush', () =>
    serving(async (served) => {
      const peer = served.connect()
      await peer.put('first')
      const count = 300
      const puts = Array.from({ length: count }, (_, row) => `put ${row} 0 60 3\r\nabc\r\n`)
      peer.send(puts.join(''))
      await served.advance(1_000)
      const { writes } = peer.client
      const ids = Array.from({ length: count }, (_, row) => `INSERTED ${row + 2}\r\n`)
      expect(peer.rest()).toBe(ids.join(''))
      expect(writes).toBeLessThan(10)
    }))

  test('replies that are known at once wait for puts in front of them', () =>
    serving(async (served) => {
      const peer = served.connect()
      peer.send('put 1 0 60 1\r\na\r\nuse t\r\nput 1 0 60 1\r\nb\r\nfoo\r\nput 1 0 60 9\r\nabc\r\n')
      peer.send('defghij\r\nwatch t\r\nlist-tube-used\r\n')
      await served.advance(1_000)
      expect(peer.rest()).toBe(
        'INSERTED 1\r\nUSING t\r\nINSERTED 2\r\nUNKNOWN_COMMAND\r\nEXPECTED_CRLF\r\n' +
          'UNKNOWN_COMMAND\r\nWATCHING 2\r\nUSING t\r\n',
      )
      expect(await peer.ask('peek 2')).toBe('FOUND 2 1\r\nb\r\n')
      expect(await peer.stats('stats-tube t')).toMatchObject({ 'current-jobs-ready': '1' })
    }))

  test('lists that are asked for behind a put are made when it is durable, one after the other', () =>
    serving(async (served) => {
      const peer = served.connect()
      const names = Array.from({ length: 10 }, (_, row) => `${'t'.repeat(199)}${row}`)
      for (const name of names) await peer.ask(`watch ${name}`)
      const list = 'list-tubes-watched\r\n'
      peer.send(`put 1 0 60 1\r\na\r\n${list.repeat(3_000)}`)
      expect(peer.client.client.intake.length).toBe(list.length * 2_999)
      await served.advance(1_000)
      const yaml = ['---', '- default', ...names.map((name) => `- ${name}`), ''].join('\n')
      const lists = `OK ${yaml.length}\r\n${yaml}\r\n`.repeat(3_000)
      expect(peer.rest() === `INSERTED 1\r\n${lists}`).toBe(true)
    }))

  test('a command sees what those in front of it did', () =>
    serving(async (served) => {
      const peer = served.connect()
      peer.send(
        'put 5 0 60 1\r\na\r\nreserve-with-timeout 0\r\nrelease 1 7 0\r\nreserve\r\nbury 1 9\r\n' +
          'peek-buried\r\nkick 1\r\npeek-ready\r\ndelete 1\r\npeek 1\r\ndelete 1\r\n',
      )
      await served.advance(5_000)
      expect(peer.rest()).toBe(
        'INSERTED 1\r\nRESERVED 1 1\r\na\r\nRELEASED\r\nRESERVED 1 1\r\na\r\nBURIED\r\n' +
          'FOUND 1 1\r\na\r\nKICKED 1\r\nFOUND 1 1\r\na\r\nDELETED\r\nNOT_FOUND\r\nNOT_FOUND\r\n',
      )
    }))

  test('what is sent behind a reserve that waits is done when it has its job', () =>
    serving(async (served) => {
      const peer = served.connect()
      peer.send('reserve\r\nput 1 0 60 1\r\nb\r\ndelete 1\r\nreserve-with-timeout 0\r\n')
      await served.advance(60_000)
      expect(peer.rest()).toBe('')
      await served.connect().put('a')
      await served.advance(1_000)
      expect(peer.rest()).toBe(
        'RESERVED 1 1\r\na\r\nINSERTED 2\r\nDELETED\r\nRESERVED 2 1\r\nb\r\n',
      )
    }))

  test('a client that leaves much behind a reserve that waits is seen to leave, and gets no job', () =>
    serving(async (served) => {
      const peer = served.connect()
      peer.send('reserve\r\n')
      await served.advance(100)
      const lines = 'list-tubes-watched\r\n'.repeat(3_000)
      for (let sent = 0; sent < 5; sent++) peer.send(lines)
      await served.advance(100)
      expect(peer.client.isPaused).toBe(false)
      peer.client.end()
      const other = served.connect()
      await other.put('a')
      await served.advance(100)
      expect(await other.ask('peek-ready')).toBe('FOUND 1 1\r\na\r\n')
      expect(peer.rest().startsWith('TIMED_OUT\r\n')).toBe(true)
    }))

  test('reads on also where what is behind the reserve was there before it', () =>
    serving(async (served) => {
      const peer = served.connect()
      peer.send(`reserve\r\n${'list-tubes-watched\r\n'.repeat(10_000)}`)
      await peer.client.settled()
      await served.advance(100)
      expect(peer.client.isPaused).toBe(false)
    }))

  test('reserves that follow each other get each a job, and those for whom none is left wait', () =>
    serving(async (served) => {
      const peer = served.connect()
      for (const body of ['a', 'b', 'c']) await peer.put(body)
      peer.send(`${'reserve\r\n'.repeat(5)}list-tube-used\r\n`)
      await served.advance(100)
      expect(peer.rest()).toBe('RESERVED 1 1\r\na\r\nRESERVED 2 1\r\nb\r\nRESERVED 3 1\r\nc\r\n')
      const other = served.connect()
      await other.put('d')
      await served.advance(100)
      expect(peer.rest()).toBe('RESERVED 4 1\r\nd\r\n')
      await other.put('e')
      await served.advance(100)
      expect(peer.rest()).toBe('RESERVED 5 1\r\ne\r\nUSING default\r\n')
      expect(await other.stats('stats')).toMatchObject({
        'cmd-reserve': '5',
        'current-jobs-reserved': '5',
      })
    }))

  test('each of several that find nothing has its own reply', () =>
    serving(async (served) => {
      const peer = served.connect()
      await peer.put('a')
      peer.send('reserve-with-timeout 0\r\n'.repeat(4))
      await served.advance(100)
      expect(peer.rest()).toBe(`RESERVED 1 1\r\na\r\n${'TIMED_OUT\r\n'.repeat(3)}`)
    }))
})

describe('bytes', () => {
  const SESSION =
    'use t\r\nput 1 0 60 5\r\na\r\nbc\r\nwatch t\r\nreserve\r\n' +
    `put 1 0 60 70000\r\n${'x'.repeat(70_000)}\r\n${'y'.repeat(300)}\r\nbury 1 3\r\nstats-tube z\r\n`
  const REPLIES =
    'USING t\r\nINSERTED 1\r\nWATCHING 2\r\nRESERVED 1 5\r\na\r\nbc\r\n' +
    'JOB_TOO_BIG\r\nBAD_FORMAT\r\nBURIED\r\nNOT_FOUND\r\n'

  test.each([1, 2, 3, 7, 1_000, 100_000])('%d at a time make no difference', (step) =>
    serving(async (served) => {
      const peer = served.connect()
      for (let at = 0; at < SESSION.length; at += step) peer.send(SESSION.slice(at, at + step))
      await served.advance(5_000)
      expect(peer.rest()).toBe(REPLIES)
    }),
  )

  test('a body may be any bytes', () =>
    serving(async (served) => {
      const peer = served.connect()
      const body = Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte)).join('')
      await peer.put(body)
      expect(await peer.ask('reserve')).toBe(`RESERVED 1 256\r\n${body}\r\n`)
    }))

  test('a large body that comes in pieces is copied into one buffer, once', () =>
    serving(async (served) => {
      const client = fakeClient(beanstalkd(served.store, { jobBytesMax: 16 * MIB }))
      const made = vi.spyOn(Buffer, 'allocUnsafeSlow')
      try {
        client.send(`put 1 0 60 ${12 * MIB}\r\n`)
        const piece = Buffer.alloc(1_460, 'x')
        for (let left = 12 * MIB; left > 0; left -= piece.length) {
          client.send(piece.subarray(0, Math.min(left, piece.length)))
        }
        expect(made.mock.calls).toEqual([[12 * MIB + 2]])
      } finally {
        made.mockRestore()
      }
      client.send('\r\n')
      await served.advance(1_000)
      // It came whole; this store takes none that is so large.
      expect(client.takeText()).toBe('JOB_TOO_BIG\r\n')
    }))

  test('a declared length of two gigabytes costs nothing until it comes', () =>
    serving(async (served) => {
      const peer = served.connect()
      peer.send('put 1 0 60 2147483647\r\n')
      for (let i = 0; i < 100; i++) peer.send('x'.repeat(60_000))
      expect(peer.client.client.intake.length).toBeLessThan(70_000)
      expect(peer.client.isPaused).toBe(false)
      peer.client.hangUp()
      await served.advance(10)
    }))

  test('who takes no answers holds back its own commands, and gets all of them in the end', () =>
    serving(async (served) => {
      const client = fakeClient(served.protocol, { limits: { outputBytesMax: 10_000 } })
      const peer = new Peer(client)
      await peer.put('x'.repeat(5_000))
      client.reads = false
      peer.send('peek 1\r\n'.repeat(500))
      await served.advance(100)
      expect(client.waitingBytes).toBeLessThan(40_000)
      client.reads = true
      await served.advance(1_000)
      expect(peer.rest()).toBe(`FOUND 1 5000\r\n${'x'.repeat(5_000)}\r\n`.repeat(500))
    }))

  test('a run of reserves stops while its jobs are not taken, and goes on', () =>
    serving(async (served) => {
      const client = fakeClient(served.protocol, { limits: { outputBytesMax: 10_000 } })
      const peer = new Peer(client)
      const body = 'x'.repeat(40_000)
      for (let i = 0; i < 100; i++) await peer.put(body)
      client.reads = false
      peer.send(`${'reserve\r\n'.repeat(100)}list-tube-used\r\n`)
      await served.advance(100)
      // What one look at the store gives, and one write that is under way.
      expect(client.waitingBytes).toBeLessThan(600_000)
      expect(served.store.stats().leased).toBeLessThan(15)
      client.reads = true
      await served.advance(1_000)
      const jobs = Array.from(
        { length: 100 },
        (_, row) => `RESERVED ${row + 1} 40000\r\n${body}\r\n`,
      )
      expect(peer.rest() === `${jobs.join('')}USING default\r\n`).toBe(true)
    }))

  test('a run of reserves that nobody takes ends with its server or its connection', () =>
    serving(async (served) => {
      for (const end of ['stop', 'hangUp'] as const) {
        const client = fakeClient(served.protocol, { limits: { outputBytesMax: 10_000 } })
        const peer = new Peer(client)
        for (let i = 0; i < 30; i++) await peer.put('x'.repeat(40_000))
        client.reads = false
        peer.send('reserve\r\n'.repeat(30))
        await served.advance(100)
        client[end]()
        client.reads = true
        await served.advance(100)
        expect(client.hasEnded).toBe(true)
        client.hangUp()
        await served.advance(100)
        expect(served.store.stats().leased).toBe(0)
      }
    }))
})
