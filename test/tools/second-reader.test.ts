/**
 * Goal: docs/format.md says all that is needed to read the files. Method: `tools/second-reader`, written from
 * the documents alone, reads golden files, fresh directories, whole, killed and damaged, and what seeds of
 * the lab leave; ids, bodies, findings and exit codes must be the command's.
 */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import * as fs from 'node:fs'
import * as path from 'node:path'
import { describe, expect, test } from 'vitest'
import { openLog, openStore, type Store } from '../../src/index.ts'
import { readTwice } from '../../tools/lab/second-reader.ts'
import { SECOND_READER } from '../../tools/lab/trials/l-second-reader.ts'
import { qlog, root } from '../real/children.ts'
import { freshDirectory } from '../real/support.ts'

type Line = Record<string, unknown>

const small = { segmentBytesMin: 16_384, segmentBytesMax: 16_384 }
const hasPython = spawnSync('python3', ['--version']).status === 0
if (!hasPython) console.warn('second reader: skipped, python3 is not installed')

const damages: readonly { name: string; harm: (segments: readonly string[]) => void }[] = [
  { name: 'a bit in a full segment', harm: ([first]) => change(first, 9_000, flip) },
  { name: 'a bit in the newest', harm: (all) => change(all.at(-1), 9_000, flip) },
  { name: 'a bit in one copy of a header', harm: ([first]) => change(first, 40, flip) },
  { name: 'a bit between the copies of a header', harm: ([first]) => change(first, 2_000, flip) },
  {
    name: 'a zeroed sector',
    harm: ([, second]) => change(second, 8_704, (b) => b.fill(0, 0, 512)),
  },
  { name: 'no first LINK', harm: (all) => change(all.at(-1), 4_608, (b) => b.fill(0, 0, 512)) },
  { name: 'a short file', harm: ([, second]) => fs.truncateSync(String(second), 10_000) },
  { name: 'a missing file', harm: ([, second]) => fs.rmSync(String(second)) },
  {
    name: 'a foreign file',
    harm: ([first, second]) => fs.copyFileSync(String(first), String(second)),
  },
  { name: 'no newest file, behind a SEAL', harm: (all) => fs.rmSync(String(all.at(-1))) },
  {
    name: 'a torn newest file, behind a SEAL',
    harm: (all) => change(all.at(-1), 4_096, (b) => b.fill(0, 600)),
  },
  {
    name: 'a newest file without a header, behind a SEAL',
    harm: (all) => change(all.at(-1), 0, (b) => b.fill(0, 0, 4_096)),
  },
  { name: 'a torn end', harm: (all) => tear(all.at(-1), 0) },
  { name: 'a torn end with old bytes', harm: (all) => tear(all.at(-1), 7) },
  { name: 'a CLEAN cut off in its time', harm: (all) => cutOffLast(all.at(-1)) },
  {
    name: 'a CLEAN cut off in its time, and no index',
    harm: (all) => {
      cutOffLast(all.at(-1))
      for (const name of ['index.a', 'index.b']) {
        fs.rmSync(path.join(path.dirname(String(all.at(-1))), name), { force: true })
      }
    },
  },
]

function flip(bytes: Buffer): void {
  bytes.writeUInt8(bytes.readUInt8(0) ^ 4, 0)
}

function change(file: string | undefined, at: number, harm: (bytes: Buffer) => void): void {
  const bytes = fs.readFileSync(String(file))
  harm(bytes.subarray(at))
  fs.writeFileSync(String(file), bytes)
}

/** Of the last write but a part arrived. */
function tear(file: string | undefined, byte: number): void {
  const bytes = fs.readFileSync(String(file))
  const end = bytes.findLastIndex((value) => value !== 0)
  bytes.fill(0, end - 1_000)
  bytes.fill(byte, end - 1_000, end)
  fs.writeFileSync(String(file), bytes)
}

/** The last byte that is not zero, of the time of CLEAN, is one bit in our days. */
function cutOffLast(file: string | undefined): void {
  const bytes = fs.readFileSync(String(file))
  const last = bytes.findLastIndex((value) => value !== 0)
  expect(bytes[last]).toBe(1)
  bytes[last] = 0
  fs.writeFileSync(String(file), bytes)
}

const plain = new Map<string, Buffer>()

describe.skipIf(!hasPython)('the second reader', { timeout: 60_000 }, () => {
  test.each(['every-block', 'packed', 'worked-example'])('reads %s.qls block by block', (name) => {
    const file = path.join(root, 'test/fixtures/format', `${name}.qls`)
    const ours = command('dump', file, '--json').lines.filter(({ kind }) => kind === 'block')
    const theirs = python(file).lines
    expect(
      theirs.map(({ at, length, type, d, group, firstId, timeMs, records }) => ({
        at,
        length,
        type,
        d,
        group,
        firstId,
        timeMs,
        records: list(records).length,
      })),
    ).toEqual(
      ours.map(({ offset, length, type, durable, group, firstId, timeMs, records }) => ({
        at: offset,
        length,
        type,
        d: durable,
        group,
        firstId,
        timeMs,
        records,
      })),
    )
    expect(theirs.length).toBeGreaterThan(4)
  })

  test('reads the golden index files, and none with one bit changed', () => {
    for (const name of ['index-empty.idx', 'index-full.idx']) {
      const bytes = fs.readFileSync(path.join(root, 'test/fixtures/format', name))
      const file = path.join(freshDirectory(), 'index.a')
      fs.writeFileSync(file, bytes)
      expect(python(file).lines[0]).toMatchObject({ length: bytes.length })
      bytes.writeUInt8(bytes.readUInt8(50) ^ 1, 50)
      fs.writeFileSync(file, bytes)
      expect(python(file).code).toBe(6)
    }
  })

  test.each(['none', 'lz4'] as const)('reads a log (compression: %s)', async (compression) => {
    const directory = await makeLog(compression)
    expectSame(directory)
    expect(python(directory).lines.at(-1)).toMatchObject({ messages: 41, verdict: 'fine' })
  })

  test.each(damages)('judges damage as verify does: $name', async ({ harm }) => {
    if (plain.size === 0) await remember(plain)
    const directory = freshDirectory()
    for (const [name, bytes] of plain) fs.writeFileSync(path.join(directory, name), bytes)
    harm([...plain.keys()].sort().map((name) => path.join(directory, name)))
    expectSame(directory)
  })

  test.each(['nothing', 'the map that names it'])(
    'reads what mending left, where %s is lost',
    async (what) => {
      if (plain.size === 0) await remember(plain)
      const directory = freshDirectory()
      for (const [name, bytes] of plain) fs.writeFileSync(path.join(directory, name), bytes)
      const segments = [...plain.keys()].filter((name) => name.endsWith('.qls')).sort()
      // The first, and the one in front of the newest.
      for (const name of [segments.at(0), segments.at(-2)]) {
        change(path.join(directory, String(name)), 9_000, flip)
      }
      const { lines, code } = command('scrub', directory, '--repair', '--json')
      expect(code).toBe(0)
      expect(lines.at(-1)?.['repair']).toMatchObject({ blocks: [{}, {}], notMended: [] })
      if (what !== 'nothing') {
        for (const name of fs.readdirSync(directory)) {
          const isNew = name.endsWith('.qls') && name > String(segments.at(-1))
          if (isNew || name.startsWith('index')) fs.rmSync(path.join(directory, name))
        }
      }
      expectSame(directory)
    },
  )

  test('what is no log ends with 6', () => {
    const directory = freshDirectory()
    expect(command('verify', directory).code).toBe(6)
    expect(python(directory).code).toBe(6)
  })

  test('LOCK alone is an empty log', () => {
    const directory = freshDirectory()
    fs.writeFileSync(path.join(directory, 'LOCK'), '{}')
    expect(command('verify', directory).code).toBe(0)
    expectSame(directory)
  })

  test('an index file that is damaged is told, and one of a log whose segments are gone tells what they held', async () => {
    const directory = await makeLog('none')
    const index = path.join(directory, 'index.a')
    change(index, 50, flip)
    expectSame(directory)
    expect(python(directory).lines).toContainEqual(expect.objectContaining({ row: 'index-file' }))
    change(index, 50, flip)
    for (const name of fs.readdirSync(directory)) {
      if (name.endsWith('.qls')) fs.rmSync(path.join(directory, name))
    }
    expectSame(directory)
    expect(python(directory).lines).toContainEqual(
      expect.objectContaining({ row: 'rot-newest-missing', firstId: 1 }),
    )
  })

  // Each of these once showed what the documents did not say.
  test.each([8, 15, 33, 98, 120, 154, 184, 238, 465])(
    'reads what seed %i of the lab leaves, whole and with a file of it harmed',
    async (seed) => {
      const counted: string[] = []
      const lab = {
        isOver: () => false,
        say: () => {},
        count: (what: string) => counted.push(what),
      }
      await SECOND_READER.seed?.(lab, seed)
      expect(counted.length).toBeGreaterThanOrEqual(2)
    },
  )

  test('a directory that the two read differently is a failure of the lab', async () => {
    const directory = await makeLog('none')
    const bodies = [...Array(3).keys()].map((i) => Buffer.from(`${i}`))
    const log = await openLog(directory, small)
    try {
      const lab = { isOver: () => false, say: () => {}, count: () => {} }
      await readTwice(lab, directory)
      // Between the looks of the two something is appended: what the second one finds is more.
      const reading = readTwice(lab, directory, () => log.appendMany(bodies))
      const sha256 = createHash('sha256').update('0').digest('hex')
      await expect(reading).rejects.toThrow(new RegExp(`it alone: .*\\b${sha256}`))
    } finally {
      await log.close()
    }
  })

  test('replays a store: queues, groups, transactions, purge, retention, seek', async () => {
    const directory = path.join(freshDirectory(), 'store')
    const store = await openStore(directory, { log: small })
    await work(store)
    await store.close()
    expectSame(directory)
    expectSameState(directory)
  })

  test('replays a store whose writer was killed', () => {
    const directory = path.join(freshDirectory(), 'store')
    const code = `
      import { openStore } from ${JSON.stringify(path.join(root, 'dist/index.js'))}
      ${work}
      const store = await openStore(process.argv[1], { log: ${JSON.stringify(small)} })
      await work(store)
      process.kill(process.pid, 'SIGKILL')`
    const { signal } = spawnSync(process.execPath, ['--input-type=module', '-e', code, directory])
    expect(signal).toBe('SIGKILL')
    expectSame(directory)
    expectSameState(directory)
  })

  test('reads what a compaction left', async () => {
    const directory = path.join(freshDirectory(), 'store')
    const store = await openStore(directory, {
      log: { segmentBytesMin: 16_384, segmentBytesMax: 65_536 },
    })
    const queue = store.queue('q')
    for (let i = 0; i < 40; i++) await queue.putMany(Array(20).fill(`${i} `.padEnd(1_000, '.')))
    const session = store.session()
    await session.watch('q')
    const deliveries = await session.reserve({ count: 800 })
    await session.ack(deliveries.filter(({ offset }) => offset % 19 !== 3))
    await store.compact()
    await store.close()
    expect(fs.readdirSync(directory).some((name) => /-(?!00)\d+\.qls$/.test(name))).toBe(true)
    expectSame(directory)
    expect(python('--state', directory).lines.at(-1)).toMatchObject({ stateIsKnown: false })
  })
})

function expectSame(directory: string, isStore = path.basename(directory) === 'store'): void {
  const verified = command('verify', directory, '--json')
  const read = command('read', directory, '--json').lines.filter(({ id }) => id !== undefined)
  const theirs = isStore ? python('--state', directory) : python(directory)
  expect(theirs.lines.filter(({ sha256 }) => sha256).map(({ id, sha256 }) => [id, sha256])).toEqual(
    read.map(({ id, body, bodyBase64 }) => [
      id,
      createHash('sha256')
        .update(typeof body === 'string' ? body : Buffer.from(String(bodyBase64), 'base64'))
        .digest('hex'),
    ]),
  )
  const found = theirs.lines.filter(({ row }) => row !== undefined && row !== 'never-used')
  expect(rowsOf(found)).toEqual(rowsOf(verified.lines.filter(({ kind }) => kind === 'finding')))
  expect(theirs.code).toBe(verified.code)
}

/** The command comes last, because it opens the store and changes it. */
function expectSameState(directory: string): void {
  const theirs = python('--state', directory).lines.filter((line) => line['groups'] !== undefined)
  const queues = command('queues', directory, '--json').lines
  const replayed = theirs.map(({ queue, nextOffset, messages, retained, groups }) => {
    const counts = Object.entries(groups as Record<string, Record<string, number>>)
    return {
      queue,
      nextOffset,
      messages,
      retained,
      groups: counts.map(([group, { ready = 0, leased = 0, delayed, buried }]) => ({
        group,
        ready: ready + leased,
        delayed,
        buried,
      })),
    }
  })
  const ours = queues.map(({ queue, nextOffset, messages, retained, groups }) => ({
    queue,
    nextOffset,
    messages,
    retained,
    groups: list(groups).map(({ group, ready, delayed, buried }) => ({
      group,
      ready,
      delayed,
      buried,
    })),
  }))
  const byName = (a: Line, b: Line) => (String(a['queue']) < String(b['queue']) ? -1 : 1)
  expect(replayed.sort(byName)).toEqual(ours.sort(byName))
  expect(replayed.length).toBe(4)
}

/** Nothing of it becomes due while the test runs. It is also sent to a child as text. */
async function work(store: Store) {
  const jobs = store.queue('jobs')
  await jobs.createGroup('one')
  await jobs.createGroup('two')
  await jobs.putMany(
    Array.from({ length: 60 }, (_, i) => ({
      body: `job ${i} `.padEnd(400, '.'),
      headers: { n: `${i}` },
      priority: i % 3,
    })),
  )
  const session = store.session()
  await session.watch('jobs', { group: 'one' })
  const deliveries = await session.reserve({ count: 20 })
  await session.ack(deliveries.slice(0, 10))
  const [buried, released, delayed, cause, again] = deliveries.slice(10)
  await buried?.bury({ reason: 'no' })
  await released?.release()
  await delayed?.release({ delayMs: 1e9, priority: 3 })
  await store.transaction((transaction) => {
    if (cause !== undefined) transaction.ack(cause)
    transaction.put('mail', 'your bill')
  })
  await again?.bury({ reason: 'again' })
  await jobs.group('one').redrive({ reason: 'again' })
  await jobs.delete([55, 56])
  await jobs.group('two').seek({ offset: 30 })
  const mail = store.queue('mail')
  await mail.put('late', { delayMs: 1e9 })
  await mail.put('keyed', { key: 'k1' })
  await mail.put('numbered', { producer: 'till', sequence: 4 })
  await mail.put('mortal', { ttlMs: 1e9, leaseMs: 100 })
  const kept = store.queue('kept')
  await kept.configure({ retention: 'all' })
  await kept.putMany(['1', '2', '3'])
  const reader = store.session()
  await reader.watch('kept')
  await reader.ack(await reader.reserve({ count: 2 }))
  const emptied = store.queue('emptied')
  await emptied.putMany(['1', '2'])
  await emptied.purge()
  await emptied.put('3')
}

/** Segments of a log, without the index, which would know too much. */
async function remember(files: Map<string, Buffer>): Promise<void> {
  const directory = await makeLog('none')
  for (const name of fs.readdirSync(directory).filter((file) => file.endsWith('.qls'))) {
    files.set(name, fs.readFileSync(path.join(directory, name)))
  }
}

async function makeLog(compression: 'none' | 'lz4'): Promise<string> {
  const directory = path.join(freshDirectory(), 'log')
  const log = await openLog(directory, { ...small, compression })
  for (let i = 0; i < 12; i++) await log.append(`message ${i} `.padEnd(1_500, '.'))
  for (let i = 0; i < 3; i++) await log.appendMany(['a'.repeat(2_000), 'b'.repeat(3_000), 'c'])
  await Promise.all(Array.from({ length: 15 }, (_, i) => log.append(`{"id":${i},"level":"info"}`)))
  for (let i = 0; i < 5; i++) await log.append(Buffer.alloc(900, 251 + i))
  await log.close()
  return directory
}

/** What a finding says: row, file and the ids that it costs. */
function rowsOf(lines: readonly Line[]): string[] {
  const rows = lines.map((line) => {
    const first = Number(line['firstId'])
    const end = Number(line['endId'])
    return `${line['row']} ${line['file']} ${end > first ? `${first} to ${end}` : ''}`
  })
  return [...new Set(rows)].sort()
}

function list(value: unknown): Line[] {
  return Array.isArray(value) ? value : []
}

function python(...args: string[]) {
  return run('python3', [path.join(root, 'tools/second-reader'), ...args])
}

function command(...args: string[]) {
  return run(process.execPath, [qlog, ...args])
}

function run(program: string, args: readonly string[]): { code: number | null; lines: Line[] } {
  const { status, stdout, stderr } = spawnSync(program, args, {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  })
  expect(stderr).not.toContain('Traceback')
  const lines = stdout.split('\n').filter((line) => line.startsWith('{'))
  return { code: status, lines: lines.map((line) => JSON.parse(line)) }
}
