/** The commands on a store: alone, and beside a service that holds it and works. */
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { afterEach, describe, expect, it } from 'vitest'
import { openLog, openStore } from '../../src/index.ts'
import { openStoreThrough } from '../../src/server/index.ts'
import { MemoryStream, runInProcess } from './in-process.ts'
import { endService, fine, killService, lines, qlog, serve } from './service.ts'
import { freshDirectory, runBuilt } from './support.ts'

afterEach(endService)

describe.each(['alone', 'beside a working service'])('%s', (where) => {
  async function place(): Promise<string> {
    const directory = join(freshDirectory(), 'data')
    if (where !== 'alone') await serve(directory)
    return directory
  }

  it('put and take: a message goes in with what belongs to it and comes out once', async () => {
    const data = await place()
    const put = await qlog(
      ...['put', data, 'orders', '3 pears', '--ids', '--priority', '7', '--key', 'k1'],
      ...['--header', 'tenant=17', '--header', 'note=a=b'],
    )
    expect(put.out).toMatch(/^\d+\n$/)
    expect(put.stderr).toBe('put 1 message, 7 bytes, into orders\n')
    const again = await qlog('put', data, 'orders', '3 pears', '--ids', '--key', 'k1')
    expect(again.out).toBe(put.out)
    expect(again.stderr).toContain('1 duplicate')
    expect(await fine('take', data, 'orders')).toBe('3 pears\n')
    const [taken, ...more] = await lines('take', data, 'orders', '--count', '5', '--ack')
    expect(more).toEqual([])
    expect(taken).toMatchObject({
      id: Number(put.out),
      body: '3 pears',
      queue: 'orders',
      group: 'default',
      priority: 7,
      attempts: 1,
      key: 'k1',
      headers: { tenant: '17', note: 'a=b' },
    })
    const nothing = await qlog('take', data, 'orders', '--ack')
    expect(nothing).toMatchObject({ exitCode: 0, out: '', stderr: 'There is nothing to take.\n' })
  })

  it('lines of stdin become messages, many and of any bytes, and come out as they were', async () => {
    const data = await place()
    const input = Array.from({ length: 5_000 }, (_, row) => `${row} ${'x'.repeat(row % 700)}\n`)
    const put = await runInProcess(['put', data, 'lines', '--ids'], { input })
    expect(put.exitCode, put.stderr).toBe(0)
    expect(put.stdout.toString().split('\n').length).toBe(5_001)
    const taken = await fine('take', data, 'lines', '--ack', '--count', '9000')
    expect(taken).toBe(input.join(''))
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte).slice(1))
    await runInProcess(['put', data, 'raw', '--null'], { input: [bytes] })
    const [raw] = await lines('take', data, 'raw')
    expect(raw).toMatchObject({ bodyBase64: bytes.toString('base64') })
    const { stdout } = await runInProcess(['take', data, 'raw', '--ack', '--null'])
    expect(stdout.equals(Buffer.concat([bytes, Buffer.of(0)]))).toBe(true)
  })

  it('--batch puts all or none', async () => {
    const data = await place()
    const input = ['a\nb\nc\nd\ne\n']
    expect((await runInProcess(['put', data, 'q', '--batch', '2'], { input })).exitCode).toBe(0)
    expect((await lines('list', data, 'q')).map(({ offset }) => offset)).toEqual([0, 1, 2, 3, 4])
  })

  it('queues, groups, list and peek show what there is, and change nothing', async () => {
    const data = await place()
    await fine('put', data, 'orders', 'one')
    await fine('put', data, 'orders', 'two', '--delay', '100')
    expect(await fine('peek', data, 'orders')).toBe('one\n')
    expect(await lines('groups', data, 'orders')).toEqual([])
    await fine('take', data, 'orders', '--group', 'audit', '--create-group')
    const queues = await lines('queues', data)
    expect(queues.find(({ queue }) => queue === 'orders')).toMatchObject({
      messages: 2,
      nextOffset: 2,
      groups: [{ group: 'audit', ready: 1, delayed: 1 }],
    })
    const table = await fine('queues', data)
    expect(table).toMatch(/^queue +messages +put +groups +ready +delayed +leased +buried\n/)
    expect(table).toMatch(/^orders +2 +2 +1 +1 +1 +0 +0$/m)
    expect(await fine('groups', data, 'orders')).toMatch(/^orders +audit +1 +1 +0 +0 +0 +0$/m)
    const list = await fine('list', data, 'orders', '--group', 'audit')
    expect(list).toMatch(/^ +\d+ +0 {2}ready +1024 +0 +3 {2}.* UTC$/m)
    expect(list).toMatch(/^ +\d+ +1 {2}delayed +1024 +0 +3 {2}.* UTC {2}due in 1\.\d min$/m)
    expect(await fine('peek', data, 'orders', '--group', 'audit', '--state', 'delayed')).toBe(
      'two\n',
    )
    expect(await lines('list', data, 'orders', '--state', 'delayed')).toHaveLength(1)
    expect((await lines('groups', data, 'orders')).length).toBe(1)
  })

  it('kick, pause, resume, delete and compact do what they say', async () => {
    const data = await place()
    await fine('put', data, 'jobs', 'later', '--delay', '1000')
    await fine('put', data, 'jobs', 'second', '--delay', '2000')
    expect(await fine('take', data, 'jobs')).toBe('')
    expect((await qlog('kick', data, 'jobs')).stderr).toBe('1 message of jobs made ready\n')
    expect((await qlog('pause', data, 'jobs')).stderr).toBe('jobs is paused until `qlog resume`\n')
    expect(await fine('take', data, 'jobs')).toBe('')
    expect(await fine('queues', data)).toMatch(/^jobs .* paused$/m)
    await fine('pause', data, 'jobs', '--for', '90')
    expect(await fine('queues', data)).toMatch(/^jobs .* paused, 1\.5 min left$/m)
    expect((await qlog('resume', data, 'jobs')).stderr).toBe('jobs goes on\n')
    expect(await fine('take', data, 'jobs', '--ack')).toBe('later\n')
    const [delayed] = await lines('list', data, 'jobs')
    const id = String(delayed?.['id'])
    expect((await qlog('kick', data, 'jobs', '--id', id)).stderr).toContain('1 message')
    expect((await qlog('delete', data, 'jobs', id, '999999')).stderr).toBe(
      '1 message of jobs deleted; 1 of the ids is not there\n',
    )
    expect(await lines('list', data, 'jobs')).toEqual([])
    await fine('compact', data)
  })

  it('take --wait gets what is put while it waits', async () => {
    const data = await place()
    if (where === 'alone') await (await openStore(data)).close()
    const stdout = new MemoryStream()
    const words = ['take', data, 'later', '--create-group', '--wait', '60', '--ack']
    const waiting = runInProcess(words, { stdout })
    // Beside a service, or through the door of the command that waits.
    for (;;) {
      const { exitCode, stderr } = await qlog('put', data, 'later', 'here')
      if (exitCode === 0) break
      expect(stderr).toContain('QLOG_LOCKED')
    }
    expect((await waiting).exitCode).toBe(0)
    expect(stdout.text).toBe('here\n')
  })

  it('take makes the first group of a queue, and no other unless told', async () => {
    const data = await place()
    await fine('put', data, 'orders', 'one')
    const names = async () => (await lines('groups', data, 'orders')).map(({ group }) => group)
    for (const wait of [[], ['--wait']]) {
      const early = await qlog('take', data, 'orders', '--group', 'audit', ...wait)
      expect(early.stderr).toContain('queue orders has no group audit; there are no groups yet')
      expect(early.stderr).toContain('(QLOG_NOT_FOUND)\n  Name one that')
      expect(early.exitCode).toBe(2)
    }
    expect(await names()).toEqual([])
    expect(await fine('take', data, 'orders')).toBe('one\n')
    expect(await names()).toEqual(['default'])
    const typo = await qlog('take', data, 'orders', '--group', 'typo', '--wait')
    expect(typo.stderr).toContain('queue orders has no group typo; the groups are default')
    expect(typo.exitCode).toBe(2)
    expect(await names()).toEqual(['default'])
    expect(await fine('take', data, 'orders', '--group', 'audit', '--create-group')).toBe('one\n')
    expect(await names()).toEqual(['default', 'audit'])
    await fine('put', data, 'news', 'first')
    await fine('take', data, 'news', '--group', 'mail', '--create-group')
    // Beside others also `default` would be a mistake that holds everything back.
    const other = await qlog('take', data, 'news')
    expect(other.stderr).toContain('queue news has no group default; the groups are mail')
    expect(other.exitCode).toBe(2)
  })

  it('what is not there is named, with what is there instead', async () => {
    const data = await place()
    await fine('put', data, 'orders', 'one')
    for (const words of [
      ['take', data, 'order'],
      ['take', data, 'order', '--wait'],
      ['take', data, 'order', '--group', 'audit'],
      ['peek', data, 'order'],
      ['list', data, 'order'],
      ['kick', data, 'order'],
      ['pause', data, 'order'],
      ['resume', data, 'order'],
      ['delete', data, 'order', '1'],
      ['groups', data, 'order'],
    ]) {
      const { exitCode, stderr, out } = await qlog(...words)
      expect(exitCode, words.join(' ')).toBe(2)
      expect(stderr, words.join(' ')).toMatch(/there is no queue order; the queues are .*orders/)
      expect(out).toBe('')
    }
  })
})

it('says what there was not, and ends well', async () => {
  const data = join(freshDirectory(), 'data')
  await fine('put', data, 'jobs', 'one')
  const said = async (...words: string[]) => {
    const { exitCode, stderr } = await qlog(...words)
    expect(exitCode, words.join(' ')).toBe(0)
    return stderr
  }
  expect(await said('delete', data, 'jobs', '99998', '99999')).toBe(
    '0 messages of jobs deleted; 2 of the ids are not there\n',
  )
  expect(await said('kick', data, 'jobs', '--id', '99999')).toBe(
    '0 messages of jobs made ready; 1 of the ids is neither buried nor delayed\n',
  )
  expect(await said('list', data, 'jobs', '--state', 'buried')).toBe(
    'jobs has no buried message.\n',
  )
  expect(await said('list', data, 'jobs', '--from', '7')).toBe(
    'jobs has no message that is not finished from offset 7 on.\n',
  )
})

it('a put that puts nothing says only why', async () => {
  const data = join(freshDirectory(), 'data')
  const { exitCode, stderr, out } = await qlog('put', data, 'a\nb', 'body')
  expect(exitCode).toBe(2)
  expect(out).toBe('')
  expect(stderr).toMatch(/^qlog: the name of a queue must have no control characters: "a\\nb"/)
})

it('says so where it waits for words from a terminal, and only there', async () => {
  const data = join(freshDirectory(), 'data')
  const typed = Object.assign(Readable.from(['one\n']), { isTTY: true })
  const put = await runInProcess(['put', data, 'jobs'], { input: typed })
  expect(put.stderr).toBe(
    'Reading from the terminal; Ctrl-D on a line of its own ends it.\nput 1 message, 3 bytes, into jobs\n',
  )
  const piped = await runInProcess(['put', data, 'jobs'], { input: ['two\n'] })
  expect(piped.stderr).toBe('put 1 message, 3 bytes, into jobs\n')
})

it('says for whom it waits', async () => {
  const data = join(freshDirectory(), 'data')
  await fine('put', data, 'jobs', 'one')
  const openStore: typeof openStoreThrough = (directory, options) => {
    options?.onWait?.({ pid: 4711, host: 'here' })
    return openStoreThrough(directory, options)
  }
  const { stderr } = await runInProcess(['peek', data, 'jobs'], { functions: { openStore } })
  expect(stderr).toBe('waiting for process 4711 on here, which holds the store ...\n')
})

it('reading commands make no store', async () => {
  const missing = join(freshDirectory(), 'missing')
  for (const command of ['queues', 'groups', 'compact']) {
    const { exitCode, stderr } = await qlog(command, missing)
    expect(stderr).toContain('QLOG_NOT_A_LOG')
    expect(exitCode).toBe(6)
  }
  expect(existsSync(missing)).toBe(false)
})

it('a log that another process writes without a store has no door: exit code 5, and what to do', async () => {
  const directory = freshDirectory()
  const log = await openLog(directory)
  try {
    const { exitCode, stderr } = await qlog('queues', directory)
    expect(exitCode).toBe(5)
    expect(stderr).toContain(`process ${process.pid}`)
    expect(stderr).toContain('QLOG_NO_DOOR')
  } finally {
    await log.close()
  }
})

it('an owner that is killed while a command waits is told, and the next command opens the store', async () => {
  const data = join(freshDirectory(), 'data')
  await serve(data)
  await fine('put', data, 'orders', 'one')
  const waiting = qlog('take', data, 'nothing', '--create-group', '--wait')
  // Once the owner knows the group the command is connected.
  while (!(await fine('queues', data)).includes('nothing'));
  killService()
  const { exitCode, stderr } = await waiting
  expect(stderr).toContain('QLOG_DISCONNECTED')
  expect(exitCode).toBe(1)
  expect(await fine('take', data, 'orders', '--ack')).toBe('one\n')
})

it.each([
  [['put', 'x', 'q', 'b', '--priority', '-1'], /whole number from 0/],
  [['put', 'x', 'q', 'b', '--delay', 'soon'], /seconds from 0/],
  [['put', 'x', 'q', 'b', '--header', 'tenant'], /NAME=VALUE/],
  [['put', 'x', 'q', 'b', '--input', 'f'], /not both/],
  [['put', 'x', 'q', '--key', 'k'], /--key needs BODY/],
  [['take', 'x', 'q', '--count', '5000'], /at most 4096/],
  [['kick', 'x', 'q', '--count', '1', '--id', '1'], /not both/],
  [['delete', 'x', 'q', 'all'], /whole number from 1/],
  [['list', 'x', 'q', '--state', 'lost'], /Allowed choices are ready/],
])('bad usage exits with 2 and touches nothing: %j', async (words, expected) => {
  const { exitCode, stderr, out } = await qlog(...words)
  expect(stderr).toMatch(expected)
  expect(exitCode).toBe(2)
  expect(out).toBe('')
  expect(existsSync('x')).toBe(false)
})

it('a name that is none is refused by the store, alone as through the door', async () => {
  const data = join(freshDirectory(), 'data')
  await serve(data)
  const { exitCode, stderr } = await qlog('put', data, 'a\u0007b', 'body')
  expect(stderr).toContain('control characters')
  expect(exitCode).toBe(2)
})

it('the built command works beside a service, and leaves nothing in the directory', async () => {
  const data = join(freshDirectory(), 'data')
  await serve(data)
  const put = await runBuilt(['put', data, 'orders', '--ids'], 'a\nb\n')
  expect(put.exitCode, put.stderr).toBe(0)
  const taken = await runBuilt(['take', data, 'orders', '--count', '2', '--ack'])
  expect(taken.stdout.toString()).toBe('a\nb\n')
  expect(readdirSync(data).filter((name) => name.endsWith('.sock'))).toHaveLength(1)
})
