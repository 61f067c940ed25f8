/** `qlog import` of a real beanstalkd, by both ways: its port, and its files. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { openStore } from '../../../src/index.ts'
import { findProgram, ServerProcess } from '../../../tools/beanstalkd/server-process.ts'
import { Wire } from '../../../tools/beanstalkd/wire.ts'
import { runInProcess } from '../in-process.ts'
import { freshDirectory, jsonLines } from '../support.ts'

const isInstalled = findProgram('beanstalkd') !== undefined
if (!isInstalled) console.warn('beanstalkd is not installed: imports of a real one are not tested')

async function started(directory?: string): Promise<ServerProcess> {
  const place = directory === undefined ? {} : { directory }
  const server = await ServerProcess.start({ kind: 'beanstalkd', ...place })
  onTestFinished(() => server.kill())
  return server
}

async function connected(server: ServerProcess): Promise<Wire> {
  const wire = await Wire.connect(server.port)
  onTestFinished(() => wire.destroy())
  return wire
}

async function put(wire: Wire, words: string, body: string): Promise<number> {
  const reply = await wire.ask(`put ${words} ${body.length}\r\n${body}\r\n`)
  return Number(/^INSERTED (\d+)$/.exec(reply)?.[1])
}

async function bury(wire: Wire, id: number, priority: number): Promise<void> {
  expect(await wire.ask(`reserve-job ${id}\r\n`)).toContain('RESERVED')
  expect(await wire.ask(`bury ${id} ${priority}\r\n`)).toBe('BURIED')
}

/** Jobs of every state in two tubes; `mail` is paused. */
async function fill(server: ServerProcess): Promise<void> {
  const wire = await connected(server)
  await wire.ask('use orders\r\n')
  for (let row = 0; row < 250; row += 1) await put(wire, '20 0 77', `ready ${row}`)
  await put(wire, '10 0 60', 'first\r\nof all')
  await put(wire, '30 4000 1', 'later')
  const one = await put(wire, '5 0 60', 'buried second')
  const other = await put(wire, '5 0 60', 'buried first')
  await bury(wire, other, 8)
  await bury(wire, one, 9)
  await wire.ask('use mail\r\n')
  await put(wire, '1 0 60', 'paused')
  await wire.ask('pause-tube mail 5000\r\n')
}

/** What the store came to, read as the protocol reads it. */
async function contents(directory: string) {
  const store = await openStore(directory)
  try {
    const rows: unknown[] = []
    for (const name of ['orders', 'mail']) {
      const { nextOffset } = store.queue(name).stats()
      for (let id = 1; rows.length < 1_000 && id <= nextOffset + 300; id += 1) {
        const found = await store.queue(name).get(id)
        if (found === undefined) continue
        const { state, priority, leaseMs, dueInMs } = found
        const text = Buffer.from(found.body).toString()
        rows.push([name, state, priority, leaseMs, Math.round(dueInMs / 100_000), text])
      }
    }
    const head = await store.queue('orders').group().peek('buried')
    return {
      rows,
      buriedFirst: head && Buffer.from(head.body).toString(),
      pausedMs: store.queue('mail').stats().pausedMs,
    }
  } finally {
    await store.close()
  }
}

const EXPECTED = [
  ['mail', 'ready', 1, 60_000, 0, 'paused'],
  ['orders', 'buried', 8, 60_000, 0, 'buried first'],
  ['orders', 'buried', 9, 60_000, 0, 'buried second'],
  ['orders', 'delayed', 30, 1_000, 40, 'later'],
  ['orders', 'ready', 10, 60_000, 0, 'first\r\nof all'],
  ...Array.from({ length: 250 }, (_, row) => ['orders', 'ready', 20, 77_000, 0, `ready ${row}`]),
]

function sorted(rows: readonly unknown[]): unknown[] {
  const key = (row: unknown): string => JSON.stringify(row)
  return [...rows].sort((a, b) => (key(a) < key(b) ? -1 : 1))
}

describe.skipIf(!isInstalled)('import of a beanstalkd', () => {
  it('takes every job of one that runs, as it is, and leaves it empty', async () => {
    const server = await started()
    await fill(server)
    const data = join(freshDirectory(), 'data')
    const from = `beanstalkd://127.0.0.1:${server.port}`
    const { exitCode, stderr, stdout } = await runInProcess(['import', data, '--from', from])
    expect(exitCode, stderr).toBe(0)
    expect(stderr).toContain('imported 255 jobs from 2 tubes')
    expect(stdout.toString()).toMatch(/orders +251 +1 +2 +0 +0/)
    const { rows, buriedFirst, pausedMs } = await contents(data)
    expect(sorted(rows)).toEqual(sorted(EXPECTED))
    expect(buriedFirst).toBe('buried first')
    expect(pausedMs).toBeGreaterThan(4_000_000)
    const stats = await (await connected(server)).ask('stats\r\n')
    expect(stats).toMatch(/jobs-ready: 0\n.*reserved: 0\n.*delayed: 0\n.*buried: 0\n/)
  })

  it('says what workers hold, and ends with 7', async () => {
    const server = await started()
    const worker = await connected(server)
    await put(worker, '1 0 60', 'held')
    await worker.ask('reserve\r\n')
    const data = join(freshDirectory(), 'data')
    const from = `beanstalkd://127.0.0.1:${server.port}`
    const words = ['import', data, '--from', from, '--json', '--wait', '0.001']
    const { exitCode, stdout, stderr } = await runInProcess(words)
    expect(exitCode, stderr).toBe(7)
    expect(stderr).toContain('1 job left there, 1 of them held by workers')
    expect(jsonLines(stdout)).toMatchObject([{ tube: 'default', left: { reserved: 1 } }])
  })

  it('takes every job of its files, again without any twice, and changes none of them', async () => {
    const [binlog, data] = [freshDirectory(), join(freshDirectory(), 'data')]
    const server = await started(binlog)
    await fill(server)
    const busy = await runInProcess(['import', data, '--from-binlog', binlog])
    expect(busy.exitCode, busy.stderr).toBe(5)
    await server.kill()
    const before = readFileSync(join(binlog, 'binlog.1'))
    for (const told of [
      '255 jobs from 2 tubes\n',
      '0 jobs from 2 tubes; 255 jobs known already\n',
    ]) {
      const { exitCode, stderr } = await runInProcess(['import', data, '--from-binlog', binlog])
      expect(exitCode, stderr).toBe(0)
      expect(stderr).toBe(`imported ${told}`)
    }
    const words = ['import', join(freshDirectory(), 'data'), '--from-binlog', binlog]
    const shown = await runInProcess(words, { terminal: true })
    expect(shown.stderr).toContain('1 job came over')
    expect(shown.stderr).toContain('255 jobs came over')
    expect(readFileSync(join(binlog, 'binlog.1')).equals(before)).toBe(true)
    const { rows, buriedFirst } = await contents(data)
    expect(sorted(rows)).toEqual(sorted(EXPECTED))
    expect(buriedFirst).toBe('buried first')
  })

  it('tells of what is damaged, brings over the rest, and ends with 3', async () => {
    const [binlog, data] = [freshDirectory(), join(freshDirectory(), 'data')]
    const server = await started(binlog)
    const wire = await connected(server)
    for (const body of ['one', 'two', 'three']) await put(wire, '1 0 60', body)
    await server.kill()
    const copy = freshDirectory()
    mkdirSync(copy, { recursive: true })
    const bytes = readFileSync(join(binlog, 'binlog.1'))
    // The id of the second job: beanstalkd takes it for the end of its log, without a word.
    const second = bytes.indexOf('two') - 80
    bytes.fill(0, second, second + 8)
    writeFileSync(join(copy, 'binlog.1'), bytes)
    writeFileSync(join(copy, 'binlog.3'), Buffer.from([8, 0, 0, 0]))
    const { exitCode, stderr } = await runInProcess(['import', data, '--from-binlog', copy])
    expect(exitCode).toBe(3)
    expect(stderr).toMatch(/rot +binlog\.1 at \d+, 96 bytes not read: a job without an id/)
    expect(stderr).toContain('binlog.2: it is missing')
    expect(stderr).toContain('unknown version 8')
    expect(stderr).toContain('imported 2 jobs from 1 tube')
  })
})

describe('import', () => {
  it('has nothing to do with a server that says more than it is asked', async () => {
    const body = 'id: abcdef0123456789\nversion: "1.13"\nmax-job-size: 1\ncurrent-jobs-ready: 0\n'
    const server = createServer((socket) => {
      const answers = [`OK ${body.length}\r\n${body}\r\n`, 'NOT_FOUND\r\nNOT_FOUND\r\n']
      socket.on('error', () => undefined)
      socket.on('data', () => socket.write(answers.shift() ?? ''))
    })
    onTestFinished(() => void server.close())
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const words = [
      'import',
      join(freshDirectory(), 'data'),
      '--from',
      `beanstalkd://127.0.0.1:${port}`,
    ]
    const { exitCode, stderr } = await runInProcess(words)
    expect(exitCode, stderr).toBe(1)
    expect(stderr).toContain('it answers what nobody has asked')
  })

  it.each([
    [['--from', 'http://x'], 2],
    [['--from', 'beanstalkd://'], 2],
    [['--from', 'beanstalkd://127.0.0.1:1'], 1],
    [['--from-binlog', 'data'], 2],
    [['--wait', '1'], 2],
    [['--json'], 2],
  ])('makes no store where it refuses: %j', async (words, code) => {
    const root = freshDirectory()
    const data = join(root, 'data')
    mkdirSync(data)
    const made = words.map((word) => (word === 'data' ? data : word))
    const { exitCode, stderr } = await runInProcess(['import', data, ...made])
    expect(exitCode, stderr).toBe(code)
    const list = await runInProcess(['queues', data])
    expect(list.exitCode).toBe(6)
  })
})
