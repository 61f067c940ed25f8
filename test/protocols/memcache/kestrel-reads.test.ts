/** Kestrel's reads: open, close, abort, peek, waiting, monitor, confirm, and what a connection's end does. */
import { describe, expect, test, vi } from 'vitest'
import { OWN_READERS_MAX } from '../../../src/protocols/memcache/limits.ts'
import { peer, server } from './peer.ts'

const set = (queue: string, body: string): string =>
  `set ${queue} 0 0 ${body.length}\r\n${body}\r\n`
const value = (key: string, body: string): string => `VALUE ${key} 0 ${body.length}\r\n${body}\r\n`
const END = 'END\r\n'
const ERROR = 'ERROR\r\n'

describe('a plain read', () => {
  test('takes one message for good', async () => {
    const one = await peer()
    expect(await one.ask(set('q', 'one') + set('q', 'two'))).toBe('STORED\r\nSTORED\r\n')
    expect(await one.ask('get q\r\n')).toBe(value('q', 'one') + END)
    expect(await one.ask('get q\r\nget q\r\n')).toBe(value('q', 'two') + END + END)
  })

  test('finds what was put in front of it in the same packet', async () => {
    const one = await peer()
    const puts = set('q', 'b') + set('q', 'c')
    const sent = `${set('q', 'a')}get q\r\n${puts}get q\r\nget q\r\nget q\r\n`
    const first = `STORED\r\n${value('q', 'a')}${END}STORED\r\nSTORED\r\n`
    expect(await one.ask(sent)).toBe(
      `${first}${value('q', 'b')}${END}${value('q', 'c')}${END}${END}`,
    )
  })

  test('of several keys takes from each, in order, and echoes each as it was asked', async () => {
    const one = await peer()
    await one.ask(set('a', '1') + set('b', '2') + set('b', '3'))
    expect(await one.ask('get b none a b/t=10 b\r\n')).toBe(
      value('b', '2') + value('a', '1') + value('b/t=10', '3') + END,
    )
  })

  test('gives back binary bodies and their flags as they came', async () => {
    const one = await peer()
    const body = Buffer.from(Array.from({ length: 256 }, (_, at) => at)).toString('latin1')
    expect(await one.ask(`set q 4294967295 0 256\r\n${body}\r\n`)).toBe('STORED\r\n')
    expect(await one.ask('get q\r\n')).toBe(`VALUE q 4294967295 256\r\n${body}\r\n${END}`)
    await one.ask('set q 2 0 0\r\n\r\nset q 0 0 1\r\nx\r\n')
    expect(await one.ask('get q\r\nget q\r\n')).toBe(
      `VALUE q 2 0\r\n\r\n${END}${value('q', 'x')}${END}`,
    )
  })

  test('has flags 0 for what another protocol has put, and a number for gets', async () => {
    const here = await server()
    const { id } = await here.store.queue('q').put('x', { headers: { flags: 'many' } })
    const one = here.peer()
    expect(await one.ask('gets q\r\n')).toBe(`VALUE q 0 1 ${id}\r\nx\r\n${END}`)
  })

  test('takes names beyond ASCII as UTF-8', async () => {
    const here = await server()
    const name = Buffer.from('заказы').toString('latin1')
    const one = here.peer()
    expect(await one.ask(set(name, 'x'))).toBe('STORED\r\n')
    expect(here.store.queues()).toEqual(['заказы'])
    expect(await one.ask(`get ${name}/t=5\r\n`)).toBe(value(`${name}/t=5`, 'x') + END)
  })

  test('of what was never put makes no queue', async () => {
    const here = await server()
    const one = here.peer()
    expect(await one.ask('get q\r\nget q/peek\r\nget q/open\r\n')).toBe(END + END + END)
    expect(here.store.queues()).toEqual([])
  })
})

describe('an open read', () => {
  test('is finished by close, and echoed as it was asked', async () => {
    const here = await server()
    const one = here.peer()
    await one.ask(set('q', 'x'))
    expect(await one.ask('get q/t=100/open\r\n')).toBe(value('q/t=100/open', 'x') + END)
    expect(here.store.stats().leased).toBe(1)
    expect(await one.ask('get q/close\r\n')).toBe(END)
    expect(here.store.stats()).toMatchObject({ leased: 0, messages: 0 })
  })

  test('is finished and followed by the next one with close and open in one', async () => {
    const one = await peer()
    await one.ask(set('q', 'a') + set('q', 'b'))
    expect(await one.ask('get q/open\r\nget q/close/open\r\nget q/open/close\r\n')).toBe(
      value('q/open', 'a') + END + value('q/close/open', 'b') + END + END,
    )
  })

  test('goes back to the head by abort, and no attempt is counted', async () => {
    const here = await server()
    const one = here.peer()
    await one.ask(set('q', 'a') + set('q', 'b'))
    for (let round = 0; round < 20; round++) {
      expect(await one.ask('get q/open\r\nget q/abort\r\n')).toBe(value('q/open', 'a') + END + END)
    }
    const [info] = await here.store.queue('q').group().list()
    expect(info).toMatchObject({ state: 'ready', attempts: 0 })
  })

  test('counts where the queue is set to a number of attempts: aborted, or left by its connection', async () => {
    const here = await server()
    await here.store.queue('q').configure({ attemptsMax: 2 })
    const [one, two] = [here.peer(), here.peer()]
    await one.ask(set('q', 'a'))
    expect(await one.ask('get q/open\r\nget q/abort\r\n')).toBe(value('q/open', 'a') + END + END)
    await two.ask('get q/open\r\n')
    two.wire.hangUp()
    await vi.waitFor(() => expect(here.store.stats().buried).toBe(1))
    expect(await one.ask('get q/open\r\nget q\r\n')).toBe(END + END)
    const [info] = await here.store.queue('q').group().list({ state: 'buried' })
    expect(info).toMatchObject({ attempts: 2, reason: 'attempts' })
  })

  test('goes back to the head when the connection ends', async () => {
    const here = await server()
    const [one, two] = [here.peer(), here.peer()]
    await one.ask(set('q', 'a') + set('q', 'b'))
    await one.ask('get q/open\r\n')
    expect(await two.ask('get q/peek\r\n')).toBe(value('q/peek', 'b') + END)
    one.wire.hangUp()
    await vi.waitFor(() => expect(here.store.stats().leased).toBe(0))
    expect(await two.ask('get q/t=5000/open\r\n')).toBe(value('q/t=5000/open', 'a') + END)
  })

  test('forbids a plain read beside it, and a second one', async () => {
    const here = await server()
    for (const second of ['get q\r\n', 'get q/open\r\n', 'get q/t=10\r\n', 'get other q\r\n']) {
      const one = here.peer()
      await one.ask(set('q', 'a') + set('q', 'b'))
      expect(await one.ask(`get q/open\r\n${second}get q/peek\r\n`)).toBe(
        `${value('q/open', 'a')}${END}${ERROR}<end>`,
      )
      await here.peer().ask('flush_all\r\n')
    }
    expect(await here.peer().ask('get a/open a/open\r\n')).toBe(`${ERROR}<end>`)
  })

  test('is one for each queue, and as many as the server was told', async () => {
    const one = await peer({ openReadsMax: 2 })
    await one.ask(set('q', 'a') + set('q', 'b') + set('q', 'c') + set('p', 'd'))
    expect(await one.ask('get q/open\r\nget p/open\r\nget q/open\r\n')).toBe(
      value('q/open', 'a') + END + value('p/open', 'd') + END + value('q/open', 'b') + END,
    )
    expect(await one.ask('get q/open\r\n')).toBe(`${ERROR}<end>`)
  })

  test('goes back though the queue of another one was deleted meanwhile', async () => {
    const here = await server()
    const [one, two] = [here.peer(), here.peer()]
    await one.ask(set('p', 'a') + set('q', 'b') + set('r', 'c'))
    await one.ask('get p/open\r\nget q/open\r\nget r/open\r\n')
    expect(await two.ask('delete q\r\nflush r\r\n')).toBe(`DELETED\r\n${END}`)
    one.wire.hangUp()
    await vi.waitFor(() => expect(here.store.stats().leased).toBe(0))
    expect(await two.ask('get p q r\r\n')).toBe(value('p', 'a') + END)
  })

  test('of many that one entry was to finish goes back where one of them is over', async () => {
    const here = await server()
    const one = here.peer()
    await one.ask(set('q', 'a') + set('q', 'b'))
    await one.ask('monitor q 0\r\n')
    const [first] = await here.store.queue('q').group().list()
    await here.store.queue('q').delete([first?.id ?? 0])
    expect(await one.ask('confirm q 2\r\nget q/peek\r\n')).toBe(
      `SERVER_ERROR the read is over: the item may come again\r\n${value('q/peek', 'b')}${END}`,
    )
  })

  test('allows peeking beside it', async () => {
    const one = await peer()
    await one.ask(set('q', 'a') + set('q', 'b'))
    expect(await one.ask('get q/open\r\nget q/peek\r\nget q/peek\r\n')).toBe(
      value('q/open', 'a') + END + value('q/peek', 'b') + END + value('q/peek', 'b') + END,
    )
  })

  test('whose time has passed is not closed, and comes again', async () => {
    const here = await server({ openTimeoutMs: 20 })
    const [one, two] = [here.peer(), here.peer()]
    await one.ask(set('q', 'a'))
    await one.ask('get q/open\r\n')
    expect(await two.ask('get q/t=5000/open\r\n')).toBe(value('q/t=5000/open', 'a') + END)
    expect(await one.ask('get q/close\r\n')).toBe(
      'SERVER_ERROR the read is over: the item may come again\r\n',
    )
  })

  test('counts as an attempt where the server was told so, and is buried after the last', async () => {
    const here = await server({ retry: { attemptsMax: 2, backoffMs: 0 } })
    const one = here.peer()
    await one.ask(set('q', 'a'))
    expect(await one.ask('get q/open\r\nget q/abort\r\n')).toBe(value('q/open', 'a') + END + END)
    expect(await one.ask('get q/open\r\n')).toBe(value('q/open', 'a') + END)
    one.wire.hangUp()
    expect(await here.peer().ask('get q/t=50\r\n')).toBe(END)
    const buried = await here.store.queue('q').group().peek('buried')
    expect(buried).toMatchObject({ attempts: 2, error: 'the connection ended' })
  })
})

describe('a read that waits', () => {
  test('ends with nothing after its time', async () => {
    const one = await peer()
    expect(await one.ask('get q/t=20\r\n')).toBe(END)
  })

  test('gets what is put meanwhile, and commands behind it wait', async () => {
    const here = await server()
    const [one, two] = [here.peer(), here.peer()]
    one.wire.send(`get q/t=60000\r\n${set('p', 'x')}get p\r\nversion\r\n`)
    await one.wire.settled()
    expect(one.wire.takeText()).toBe('')
    expect(here.store.queues()).toEqual(['q'])
    await two.ask(set('q', 'a'))
    const reply = `${value('q/t=60000', 'a')}${END}STORED\r\n${value('p', 'x')}${END}VERSION 1.6.18\r\n`
    let text = ''
    while (text.length < reply.length) text += await one.wire.text()
    expect(text).toBe(reply)
  })

  test('gets what is put into a queue that was deleted and began again', async () => {
    const here = await server()
    const [one, two] = [here.peer(), here.peer()]
    one.wire.send('get q/t=60000\r\n')
    await one.wire.settled()
    expect(await two.ask('delete q\r\n')).toBe('NOT_FOUND\r\n')
    await two.ask(set('q', 'a'))
    const reply = value('q/t=60000', 'a') + END
    expect(await one.wire.text(reply.length)).toBe(reply)
  })

  test('takes nothing any more once its client is gone', async () => {
    const here = await server()
    const [one, two] = [here.peer(), here.peer()]
    one.wire.send('get q/t=60000\r\n')
    await one.wire.settled()
    expect(here.store.stats().waitingSessions).toBe(1)
    one.wire.hangUp()
    await one.wire.settled()
    expect(here.store.stats().waitingSessions).toBe(0)
    expect(await two.ask(`${set('q', 'a')}get q\r\n`)).toBe(`STORED\r\n${value('q', 'a')}${END}`)
  })

  test.each([
    ['a plain read', 'get q/t=60000\r\n', END],
    ['one that opens', 'get q/t=60000/open\r\n', END],
    ['one that peeks', 'get q/t=60000/peek\r\n', END],
    ['monitor', 'monitor q 60\r\n', END],
    ['each of several keys', 'get q/t=60000 p/t=60000\r\n', END],
    ['one behind a put', `${set('p', 'x')}get q/t=60000\r\n`, `STORED\r\n${END}`],
  ])('ends with nothing once its client has half-closed: %s', async (_, sent, reply) => {
    const here = await server()
    const [one, two] = [here.peer(), here.peer()]
    one.wire.send(sent)
    // The put is under way still.
    if (!sent.startsWith('set')) await one.wire.settled()
    one.wire.end()
    await one.wire.ended()
    expect(one.wire.takeText()).toBe(reply)
    expect(here.store.stats()).toMatchObject({ waitingSessions: 0, leased: 0 })
    expect(await two.ask(`${set('q', 'a')}get q\r\n`)).toBe(`STORED\r\n${value('q', 'a')}${END}`)
  })

  test('of a client that has half-closed takes what is there', async () => {
    const here = await server()
    const one = here.peer()
    one.wire.send(`${set('q', 'a')}get q/t=60000\r\n`)
    one.wire.end()
    await one.wire.ended()
    expect(one.wire.takeText()).toBe(`STORED\r\n${value('q/t=60000', 'a')}${END}`)
  })

  test('and the reads behind it lose nothing to a client that is gone', async () => {
    const here = await server()
    const [one, two] = [here.peer(), here.peer()]
    await two.ask(set('p', 'x') + set('r', 'y'))
    one.wire.send('get q/t=60000 p\r\nget r\r\n')
    await one.wire.settled()
    one.wire.end()
    await one.wire.ended()
    expect(one.wire.takeText()).toBe(END + END)
    expect(await two.ask('get p r\r\n')).toBe(value('p', 'x') + value('r', 'y') + END)
  })

  test('gives back what came as its client went, as no attempt', async () => {
    const here = await server({ retry: { attemptsMax: 1 } })
    const [one, two] = [here.peer(), here.peer()]
    one.wire.send('get q/t=60000\r\n')
    await one.wire.settled()
    two.wire.send(set('q', 'a'))
    while (here.store.stats().leased === 0) await Promise.resolve()
    one.wire.end()
    await one.wire.ended()
    expect(one.wire.takeText()).toBe(END)
    expect(here.store.stats()).toMatchObject({ leased: 0, messages: 1 })
    expect(await two.ask('get q\r\n')).toBe(`STORED\r\n${value('q', 'a')}${END}`)
  })

  test('ends with nothing when the server stops, and what was accepted is answered', async () => {
    const here = await server()
    const [one, two] = [here.peer(), here.peer()]
    one.wire.send(`get q/t=60000\r\n`)
    two.wire.send(set('p', 'x') + set('p', 'y'))
    await one.wire.settled()
    one.wire.stop()
    two.wire.stop()
    await one.wire.settled()
    expect(one.wire.takeText()).toBe(END)
    expect(two.wire.takeText()).toBe('STORED\r\nSTORED\r\n')
    expect([one.wire.hasEnded, two.wire.hasEnded]).toEqual([true, true])
  })

  test('peeks at what comes, and leaves it there', async () => {
    const here = await server()
    const [one, two] = [here.peer(), here.peer()]
    one.wire.send('get q/peek/t=60000\r\n')
    await one.wire.settled()
    await two.ask(set('q', 'a'))
    const reply = value('q/peek/t=60000', 'a') + END
    expect(await one.wire.text(reply.length)).toBe(reply)
    expect(await two.ask('get q\r\n')).toBe(value('q', 'a') + END)
  })
})

describe('monitor', () => {
  test('opens what is there and what comes, up to its number', async () => {
    const here = await server()
    const [one, two] = [here.peer(), here.peer()]
    await one.ask(set('q', 'a') + set('q', 'b'))
    one.wire.send('monitor q 60 3\r\n')
    const first = value('q', 'a') + value('q', 'b')
    expect(await one.wire.text(first.length)).toBe(first)
    await two.ask(set('q', 'c') + set('q', 'd'))
    const rest = value('q', 'c') + END
    expect(await one.wire.text(rest.length)).toBe(rest)
    expect(here.store.stats()).toMatchObject({ leased: 3, messages: 4 })
  })

  test('ends after its time', async () => {
    const one = await peer()
    await one.ask(set('q', 'a') + set('q', 'b'))
    expect(await one.ask('monitor q 0\r\n')).toBe(value('q', 'a') + value('q', 'b') + END)
  })

  test('is confirmed from the oldest on, as many as are open', async () => {
    const here = await server()
    const one = here.peer()
    await one.ask(set('q', 'a') + set('q', 'b') + set('q', 'c'))
    await one.ask('monitor q 0\r\n')
    expect(await one.ask('confirm q 2\r\nconfirm q 2\r\n')).toBe(END + ERROR)
    one.wire.hangUp()
    const two = here.peer()
    expect(await two.ask('get q/t=5000\r\nget q\r\n')).toBe(value('q/t=5000', 'c') + END + END)
  })

  test('is closed and aborted one by one as well', async () => {
    const one = await peer()
    await one.ask(set('q', 'a') + set('q', 'b') + set('q', 'c'))
    await one.ask('monitor q 0\r\n')
    expect(await one.ask('get q/close\r\nget q/abort\r\nconfirm q 1\r\nconfirm q 1\r\n')).toBe(
      END + END + END + ERROR,
    )
    expect(await one.ask('get q\r\n')).toBe(value('q', 'b') + END)
  })

  test('stops at the number of reads that a connection may have open', async () => {
    const here = await server()
    const one = here.peer()
    await here.store.queue('q').putMany(Array.from({ length: 1_001 }, () => 'x'))
    await one.ask('monitor q 0 1000\r\n')
    expect(here.store.stats().leased).toBe(1_000)
    expect(await one.ask('monitor q 0 1\r\n')).toBe(END)
    expect(await one.ask('get p/open\r\n')).toBe(`${ERROR}<end>`)
  })
})

describe('a fan-out', () => {
  test('gets everything from its first read on, beside the queue itself', async () => {
    const one = await peer()
    await one.ask(set('q', 'old'))
    expect(await one.ask('get q+child\r\n')).toBe(END)
    await one.ask(set('q', 'new'))
    expect(await one.ask('get q+child/open\r\nget q+child/close/open\r\n')).toBe(
      value('q+child/open', 'new') + END + END,
    )
    expect(await one.ask('get q\r\nget q\r\nget q\r\n')).toBe(
      value('q', 'old') + END + value('q', 'new') + END + END,
    )
  })

  test('that is read before anything is put keeps what the queue itself has not read', async () => {
    const here = await server()
    await here.store.queue('q').put('from elsewhere')
    const one = here.peer()
    expect(await one.ask('get q+child\r\n')).toBe(END)
    expect(await one.ask('get q\r\n')).toBe(value('q', 'from elsewhere') + END)
  })

  test('is flushed and deleted by itself', async () => {
    const here = await server()
    const one = here.peer()
    await one.ask(`get q+a\r\nget q+b\r\n${set('q', 'x')}`)
    expect(await one.ask('flush q+a\r\nget q+a\r\nget q+b\r\n')).toBe(
      END + END + value('q+b', 'x') + END,
    )
    expect(await one.ask('delete q+a\r\ndelete q+a\r\n')).toBe('DELETED\r\nNOT_FOUND\r\n')
    expect(
      here.store
        .queue('q')
        .stats()
        .groups.map(({ group }) => group),
    ).toEqual(['default', 'b'])
    expect(await one.ask('delete q\r\nget q+b\r\n')).toBe(`DELETED\r\n${END}`)
    expect(await one.ask('delete q+b\r\n')).toBe('DELETED\r\n')
    expect(here.store.stats().messages).toBe(0)
  })

  test('that is waited on is only emptied by delete', async () => {
    const here = await server()
    const [one, two] = [here.peer(), here.peer()]
    one.wire.send('get q+a/t=60000\r\n')
    await one.wire.settled()
    expect(await two.ask('delete q+a\r\n')).toBe('DELETED\r\n')
    await two.ask(set('q', 'x'))
    await one.wire.settled()
    expect(one.wire.takeText()).toBe(value('q+a/t=60000', 'x') + END)
  })

  test('that another connection reads is only emptied by delete, until that one has gone', async () => {
    const here = await server()
    const [one, two] = [here.peer(), here.peer()]
    await one.ask(`get q+a\r\n${set('q', 'x')}get q+a\r\n${set('q', 'y')}`)
    await two.ask('get q+a/peek\r\n')
    expect(await two.ask('delete q+a\r\n')).toBe('DELETED\r\n')
    await two.ask(set('q', 'z'))
    expect(await one.ask('get q+a\r\n')).toBe(value('q+a', 'z') + END)
    const groups = () => here.store.queue('q').stats().groups.length
    expect(await two.ask('delete q+a\r\n')).toBe('DELETED\r\n')
    expect(groups()).toBe(2)
    one.wire.hangUp()
    await one.wire.settled()
    expect(await two.ask('delete q+a\r\n')).toBe('DELETED\r\n')
    expect(groups()).toBe(1)
  })

  test('is not read any more by whoever has deleted it', async () => {
    const here = await server()
    const [one, two] = [here.peer(), here.peer()]
    await one.ask('get q+a\r\n')
    await two.ask('get q+a\r\n')
    const groups = () => here.store.queue('q').stats().groups.length
    expect(await one.ask('delete q+a\r\n')).toBe('DELETED\r\n')
    expect(groups()).toBe(2)
    expect(await two.ask('delete q+a\r\n')).toBe('DELETED\r\n')
    expect(groups()).toBe(1)
  })

  test('is known to be read by a connection, of the thousand that this one read last', async () => {
    const here = await server()
    const [one, two] = [here.peer(), here.peer()]
    await one.ask('get q+first\r\nget q+second\r\n')
    const names = Array.from({ length: OWN_READERS_MAX - 1 }, (_, i) => `get q+g${i}\r\n`)
    await one.ask(`get q+first\r\n${names.join('')}`)
    const groups = () => here.store.queue('q').stats().groups.length
    expect(groups()).toBe(OWN_READERS_MAX + 2)
    await two.ask('delete q+first\r\n')
    expect(groups()).toBe(OWN_READERS_MAX + 2)
    await two.ask('delete q+second\r\n')
    expect(groups()).toBe(OWN_READERS_MAX + 1)
  })

  test('keeps its messages when the queue itself is deleted', async () => {
    const one = await peer()
    await one.ask(`get q+a\r\n${set('q', 'x')}`)
    expect(await one.ask('delete q\r\nget q\r\nget q+a\r\n')).toBe(
      `DELETED\r\n${END}${value('q+a', 'x')}${END}`,
    )
  })
})

describe('flush, flush_all and delete', () => {
  test('empty a queue, all queues, and take a queue away', async () => {
    const here = await server()
    const one = here.peer()
    expect(await one.ask(`${set('q', 'x')}flush q\r\nget q\r\n`)).toBe(`STORED\r\n${END}${END}`)
    expect(await one.ask(`${set('q', 'x')}${set('p', 'x')}flush_all\r\nget q p\r\n`)).toBe(
      `STORED\r\nSTORED\r\nOK\r\n${END}`,
    )
    expect(await one.ask(`${set('q', 'x')}delete q\r\nget q\r\n`)).toBe(
      `STORED\r\nDELETED\r\n${END}`,
    )
    expect(await one.ask(`${set('q', 'y')}get q\r\n`)).toBe(`STORED\r\n${value('q', 'y')}${END}`)
    expect(here.store.stats().messages).toBe(0)
  })

  test('of what was put by others without any reader', async () => {
    const here = await server()
    await here.store.queue('q').put('x')
    const one = here.peer()
    expect(await one.ask('flush q\r\nget q\r\n')).toBe(END + END)
    await here.store.queue('p').put('x')
    expect(await one.ask('delete p\r\nget p\r\n')).toBe(`DELETED\r\n${END}`)
    expect(here.store.stats().messages).toBe(0)
  })
})
