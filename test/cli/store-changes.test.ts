/** `qlog redrive`, `move`, `purge` and `seek`: alone, and beside a service that holds the store and works. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { openStore } from '../../src/index.ts'
import { runInProcess } from './in-process.ts'
import { endService, fine, lines, qlog, serve } from './service.ts'
import { freshDirectory } from './support.ts'

afterEach(endService)

const DAYS = ['2026-01-01', '2026-01-02', '2026-01-03', '2026-01-04', '2026-01-05']
const BODIES = ['a', 'b', 'c', 'd', 'e']

/** Five messages of `orders`; two of them are buried as `bad` and one as `worse`, for `default`. */
async function putBuried(directory: string): Promise<void> {
  const reasons = ['bad', 'worse', 'bad']
  const input = [
    { qlog: 'export', version: 1 },
    { kind: 'queue', queue: 'orders', pausedMs: 0 },
    { kind: 'group', queue: 'orders', group: 'default', floor: 0 },
    ...BODIES.map((body, offset) => ({
      kind: 'message',
      queue: 'orders',
      id: offset + 1,
      offset,
      time: `${DAYS[offset]}T10:00:00.000Z`,
      body,
      put: { priority: 1024 },
      ...(reasons[offset] !== undefined && {
        groups: {
          default: { state: 'buried', priority: 1024, reason: reasons[offset], sequence: offset },
        },
      }),
    })),
    { kind: 'end', messages: BODIES.length },
  ].map((line) => `${JSON.stringify(line)}\n`)
  const { exitCode, stderr } = await runInProcess(['import', directory], { input })
  expect(exitCode, stderr).toBe(0)
}

async function said(...words: string[]): Promise<string> {
  const { exitCode, stderr } = await qlog(...words)
  expect(exitCode, `${words.join(' ')}: ${stderr}`).toBe(0)
  return stderr
}

/** Offsets of what stands in a state. */
async function offsets(data: string, queue: string, ...words: string[]): Promise<unknown[]> {
  return (await lines('list', data, queue, ...words)).map(({ offset }) => offset)
}

describe.each(['alone', 'beside a working service'])('%s', (where) => {
  async function place(): Promise<string> {
    const directory = join(freshDirectory(), 'data')
    if (where !== 'alone') await serve(directory)
    return directory
  }

  it('redrive brings buried messages back: by reason, by count, all', async () => {
    const data = await place()
    await putBuried(data)
    const none =
      'There is no such buried message: `qlog list DIR QUEUE --state buried` shows them.\n'
    expect(await said('redrive', data, 'orders', '--reason', 'ba')).toBe(none)
    expect(await offsets(data, 'orders', '--state', 'buried')).toEqual([0, 1, 2])
    const one = '1 message of orders made ready\n'
    expect(await said('redrive', data, 'orders', '--count', '1', '--reason', 'bad')).toBe(one)
    expect(await offsets(data, 'orders', '--state', 'buried')).toEqual([1, 2])
    expect(await said('redrive', data, 'orders', '--group', 'default')).toBe(
      '2 messages of orders made ready\n',
    )
    expect(await fine('take', data, 'orders', '--count', '9', '--ack')).toBe('a\nb\nc\nd\ne\n')
    expect(await said('redrive', data, 'orders')).toBe(none)
  })

  it('redrive says where dead letters of another queue are', async () => {
    const data = join(freshDirectory(), 'data')
    const store = await openStore(data)
    const mails = store.queue('mails', { retry: { attemptsMax: 1 } })
    await mails.configure({ deadLetter: { queue: 'mails.dead' } })
    await mails.put('Hello')
    const session = store.session()
    await session.watch('mails')
    for (const mail of await session.reserve()) await mail.retry(new Error('no such address'))
    await store.close()
    if (where !== 'alone') await serve(data)
    const move = `qlog move ${data} mails.dead mails`
    expect(await said('redrive', data, 'mails.dead')).toBe(
      `Nothing of the kind is buried, but there are dead letters of mails, which are ordinary messages here: \`${move}\` puts them back.\n`,
    )
    expect(await said('redrive', data, 'mails')).toContain('There is no such buried message')
    await said(...move.split(' ').slice(1))
    expect(await fine('take', data, 'mails')).toBe('Hello\n')
  })

  it('move puts messages of a state into another queue, once each', async () => {
    const data = await place()
    await putBuried(data)
    expect(await said('move', data, 'orders', 'broken', '--state', 'buried')).toBe(
      '3 buried messages of orders moved to broken, which is new\n',
    )
    expect(await said('move', data, 'orders', 'broken', '--state', 'buried')).toBe(
      'There is no buried message to move: `qlog list DIR QUEUE` shows what there is.\n',
    )
    expect(await offsets(data, 'orders')).toEqual([3, 4])
    expect(await said('move', data, 'orders', 'broken', '--count', '1')).toBe(
      '1 ready message of orders moved to broken\n',
    )
    expect(await fine('take', data, 'orders', '--count', '9', '--ack')).toBe('e\n')
    // Nobody has read this one: whoever takes out of it is its first reader.
    expect(await said('move', data, 'broken', 'orders')).toBe(
      '4 ready messages of broken moved to orders\n',
    )
    expect(await fine('take', data, 'orders', '--count', '9', '--ack')).toBe('a\nb\nc\nd\n')
    expect(await fine('take', data, 'broken')).toBe('')
    const { exitCode, stderr } = await qlog('move', data, 'orders', 'orders')
    expect(stderr).toContain('a message moves to another queue, not to its own')
    expect(exitCode).toBe(2)
  })

  it('purge empties a queue for every group, if its exact name is given twice', async () => {
    const data = await place()
    await putBuried(data)
    await fine('take', data, 'orders', '--group', 'audit', '--create-group')
    for (const words of [[], ['--confirm', 'order'], ['--confirm', 'Orders']]) {
      const { exitCode, stderr } = await qlog('purge', data, 'orders', ...words)
      expect(exitCode).toBe(2)
      expect(stderr).toContain('nothing was done')
      expect(stderr).toContain('give its exact name once more: --confirm orders\n')
    }
    expect(await offsets(data, 'orders')).toEqual([0, 1, 2, 3, 4])
    await fine('put', data, 'other', 'stays')
    const words = ['purge', data, 'orders', '--confirm', 'orders']
    expect(await said(...words)).toBe('5 messages of orders purged\n')
    expect(await offsets(data, 'orders')).toEqual([])
    expect(await offsets(data, 'orders', '--group', 'audit')).toEqual([])
    expect(await offsets(data, 'other')).toEqual([0])
    expect(await said(...words)).toBe('0 messages of orders purged\n')
  })

  it('seek sends a group back and forward, and no other group', async () => {
    const data = await place()
    await fine('put', data, 'jobs', 'first')
    // Holds every message back.
    await fine('take', data, 'jobs', '--group', 'audit', '--create-group')
    const ids: string[] = []
    for (const body of BODIES) ids.push((await fine('put', data, 'jobs', body, '--ids')).trim())
    await fine('take', data, 'jobs', '--create-group', '--count', '9', '--ack')
    const [, , row] = await lines('list', data, 'jobs', '--group', 'audit')
    const time = new Date(Number(row?.['putMs'])).toISOString()
    const seek = (...words: string[]) => said('seek', data, 'jobs', '--group', 'default', ...words)
    const anew = 'group default of jobs begins anew'
    expect(await seek('--first')).toBe(`${anew}: 6 messages to come\n`)
    expect(await offsets(data, 'jobs')).toEqual([0, 1, 2, 3, 4, 5])
    expect(await seek('--next')).toBe(`${anew}: 0 messages to come\n`)
    expect(await seek('--offset', '5')).toBe(`${anew}: 1 message to come\n`)
    expect(await fine('take', data, 'jobs', '--count', '9')).toBe('e\n')
    expect(await seek('--id', ids[1] ?? '')).toBe(`${anew}: 4 messages to come\n`)
    await seek('--time', time)
    expect((await offsets(data, 'jobs')).at(-1)).toBe(5)
    expect((await lines('list', data, 'jobs'))[0]?.['putMs']).toBe(Date.parse(time))
    expect(await seek('--time', '2069-01-01')).toBe(`${anew}: 0 messages to come\n`)
    expect(await seek('--time', '1999-01-01 00:00:00 UTC')).toBe(`${anew}: 6 messages to come\n`)
    expect(await offsets(data, 'jobs', '--group', 'audit')).toEqual([0, 1, 2, 3, 4, 5])
  })

  it('what is not there is named, and nothing is made of it', async () => {
    const data = await place()
    await fine('put', data, 'orders', 'one')
    for (const words of [
      ['redrive', data, 'order'],
      ['move', data, 'order', 'other'],
      ['purge', data, 'order', '--confirm', 'order'],
      ['seek', data, 'order', '--group', 'default', '--first'],
    ]) {
      const { exitCode, stderr } = await qlog(...words)
      expect(stderr, words.join(' ')).toMatch(/there is no queue order; the queues are .*orders/)
      expect(exitCode, words.join(' ')).toBe(2)
    }
    const seek = await qlog('seek', data, 'orders', '--group', 'default', '--first')
    expect(seek.stderr).toContain('queue orders has no group default; there are no groups yet')
    expect(await said('move', data, 'orders', 'other', '--state', 'buried')).toContain('no buried')
    expect(await lines('groups', data, 'orders')).toEqual([])
    await fine('take', data, 'orders', '--group', 'billing', '--create-group')
    // A group that nobody reads would hold every message back.
    for (const words of [
      ['redrive', data, 'orders'],
      ['move', data, 'orders', 'other'],
      ['kick', data, 'orders'],
    ]) {
      const { exitCode, stderr } = await qlog(...words)
      expect(stderr).toContain('queue orders has no group default; the groups are billing')
      expect(exitCode, words.join(' ')).toBe(2)
    }
    expect((await lines('groups', data, 'orders')).map(({ group }) => group)).toEqual(['billing'])
  })
})

it.each([
  [['redrive', 'x', 'q', '--count', '0'], /whole number from 1/],
  [['move', 'x', 'q', 't', '--state', 'leased'], /Allowed choices are ready/],
  [['move', 'x', 'q'], /missing required argument 'TARGET'/],
  [['purge', 'x', 'q'], /--confirm q/],
  [['seek', 'x', 'q', '--first'], /'--group <GROUP>' not specified/],
  [['seek', 'x', 'q', '--group', 'g'], /Name one of --first/],
  [['seek', 'x', 'q', '--group', 'g', '--first', '--offset', '0'], /several are named/],
  [['seek', 'x', 'q', '--group', 'g', '--time', 'monday'], /a time like 2026-01-05T10:00:00Z/],
  [['seek', 'x', 'q', '--group', 'g', '--time', '2026-13-05'], /a time like 2026-01-05T10:00:00Z/],
])('bad usage exits with 2 and touches nothing: %j', async (words, expected) => {
  const { exitCode, stderr, out } = await qlog(...words)
  expect(stderr).toMatch(expected)
  expect(exitCode).toBe(2)
  expect(out).toBe('')
  expect(existsSync('x')).toBe(false)
})
