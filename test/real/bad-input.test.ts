/**
 * Bad input is refused with a typed error that says what to do, before anything is touched: the
 * directory looks afterwards as it did before.
 */
import * as fs from 'node:fs'
import * as path from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import { ERROR_CODES, type ErrorCode, QlogError, QlogTypeError } from '../../src/errors.ts'
import { type Log, type LogOptions, openLog, openReader, openStore } from '../../src/index.ts'
import { root, run } from './children.ts'
import { freshDirectory, hashOf } from './support.ts'

const MIB = 1024 * 1024
const isRoot = process.getuid?.() === 0
/** A user that owns nothing. */
const NOBODY = 65_534

let directory = ''

beforeEach(() => {
  directory = freshDirectory()
})

/** The typed error of something that must fail. */
async function refusal(work: () => unknown): Promise<{ code: ErrorCode; message: string }> {
  try {
    await work()
  } catch (error) {
    if (!(error instanceof QlogError || error instanceof QlogTypeError)) throw error
    expect(ERROR_CODES[error.code].remedy).not.toBe('')
    return { code: error.code, message: error.message }
  }
  return expect.unreachable('it was not refused')
}

describe('what is not a log', () => {
  test.each([
    ['a file', () => fs.writeFileSync(`${directory}/log`, 'text'), 'QLOG_NOT_A_LOG'],
    ['other contents', () => put('log/notes.txt'), 'QLOG_NOT_A_LOG'],
    ['a path through a file', () => fs.writeFileSync(`${directory}/log`, ''), 'QLOG_NOT_A_LOG'],
  ])('%s is refused and stays as it is', async (name, make, code) => {
    make()
    const before = hashOf(directory)
    const target = name === 'a path through a file' ? `${directory}/log/deeper` : `${directory}/log`
    const refused = await refusal(() => openLog(target))
    expect(refused.code).toBe(code)
    expect(refused.message).toContain(`${directory}/log`)
    expect((await refusal(() => openReader(target))).code).toBe('QLOG_NOT_A_LOG')
    expect(hashOf(directory)).toBe(before)
  })

  test.each(['lost+found/', '.snapshot/', '.DS_Store'])(
    'an empty directory with %s is taken',
    async (name) => {
      put(`log/${name}`)
      const log = await openLog(`${directory}/log`)
      expect(await log.append('one')).toBe(1)
      await log.close()
      expect(fs.existsSync(`${directory}/log/${name}`)).toBe(true)
    },
  )

  test('a missing directory is made by the owner and refused by a reader', async () => {
    expect((await refusal(() => openReader(`${directory}/a/b`))).code).toBe('QLOG_NOT_A_LOG')
    expect(fs.readdirSync(directory)).toEqual([])
    await (await openLog(`${directory}/a/b`)).close()
    expect(fs.existsSync(`${directory}/a/b/LOCK`)).toBe(true)
  })
})

describe('without permission', () => {
  test.skipIf(!isRoot)('a directory that may not be written is refused', async () => {
    const log = await openLog(`${directory}/log`)
    await log.append('one')
    await log.close()
    fs.chmodSync(directory, 0o755)
    fs.chmodSync(`${directory}/log`, 0o755)
    const before = hashOf(directory)
    const said = await runAsNobody(`${directory}/log`)
    expect(said.open).toContain(`QLOG_IO the directory ${directory}/log is not writable (EACCES)`)
    expect(said.read).toBe('1 messages')
    fs.chmodSync(`${directory}/log`, 0o700)
    expect((await runAsNobody(`${directory}/log`)).open).toMatch(/^QLOG_IO .*EACCES/)
    fs.chmodSync(`${directory}/log`, 0o755)
    const made = (await runAsNobody(`${directory}/new`)).open
    expect(made).toMatch(/^QLOG_IO cannot make the directory .*new: EACCES/)
    expect(fs.readdirSync(directory)).toEqual(['log'])
    expect(hashOf(directory).length).toBe(before.length)
  })

  if (!isRoot) console.warn('SKIPPED: only root can become a user without permission')
})

describe('options', () => {
  const bad: [string, unknown][] = [
    ['an unknown one', { sink: 'always' }],
    ['no object', 'always'],
    ['null', null],
    ['sync', { sync: 'sometimes' }],
    ['sync.intervalMs', { sync: { intervalMs: 0 } }],
    ['sync.bytes', { sync: { intervalMs: 5, bytes: 0 } }],
    ['onDamage', { onDamage: 'ignore' }],
    ['messageBytesMax of 0', { messageBytesMax: 0 }],
    ['messageBytesMax over the limit', { messageBytesMax: 33 * MIB }],
    ['messageBytesMax with a fraction', { messageBytesMax: 1.5 }],
    ['inFlightBytesMax', { inFlightBytesMax: 1 }],
    ['segmentBytesMin', { segmentBytesMin: 1_024 }],
    ['segmentBytesMax below the smallest', { segmentBytesMin: 65_536, segmentBytesMax: 16_384 }],
    ['segmentBytesMax', { segmentBytesMax: 2 ** 31 }],
    ['idleSyncMs', { idleSyncMs: -1 }],
    ['idleSyncMs as text', { idleSyncMs: '50' }],
  ]
  test.each(bad)('%s: refused before anything is made', async (_name, options) => {
    const { code, message } = await refusal(() =>
      openLog(`${directory}/log`, options as LogOptions),
    )
    expect(code).toBe('QLOG_INVALID_ARGUMENT')
    expect(message.length).toBeGreaterThan(15)
    expect(fs.readdirSync(directory)).toEqual([])
  })

  test.each([
    ['empty', ''],
    ['with a NUL', 'a\0b'],
    ['a number', 7],
    ['that is no file', new URL('https://localhost/data')],
  ])('a directory %s', async (_name, name) => {
    for (const open of [openLog, openStore, openReader]) {
      const { code, message } = await refusal(() => open(name as string))
      expect(code).toBe('QLOG_INVALID_ARGUMENT')
      expect(message).toMatch(/not (""|7|"a\\u0000b")|localhost/)
    }
  })

  test('those of the log of a store stand in `log`, and retention is not among them', async () => {
    const open = (options: object) => refusal(() => openStore(`${directory}/store`, options))
    expect((await open({ sync: 'never' })).message).toContain('{ log: { sync } }')
    expect((await open({ log: { retention: { bytes: 1 } } })).message).toContain('configure({')
    const { message } = await open({ log: { sink: 'never' } })
    expect(message).toContain('known are sync, onDamage')
    expect(message).not.toContain('retention')
    expect(fs.readdirSync(directory)).toEqual([])
  })
})

test('a directory may be named by a file: URL', async () => {
  const url = new URL(`file://${directory}/with%20space`)
  const store = await openStore(url)
  await store.queue('q').put('a')
  await store.close()
  expect(fs.existsSync(`${directory}/with space/LOCK`)).toBe(true)
  const reader = await openReader(url)
  expect(reader.directory).toBe(`${directory}/with space`)
  await reader.close()
})

describe('an open log', () => {
  test('a message over the limit is refused and the log goes on', async () => {
    const log = await openLog(directory, { messageBytesMax: 100 })
    expect((await refusal(() => log.append('x'.repeat(101)))).code).toBe('QLOG_TOO_LARGE')
    expect((await refusal(() => log.appendSync('x'.repeat(101)))).code).toBe('QLOG_TOO_LARGE')
    const batch = ['fine', 'x'.repeat(101)]
    expect((await refusal(() => log.appendMany(batch))).code).toBe('QLOG_TOO_LARGE')
    expect((await refusal(() => log.append(7 as unknown as string))).code).toBe(
      'QLOG_INVALID_ARGUMENT',
    )
    expect(await log.append('x'.repeat(100))).toBe(1)
    await log.close()
  })

  test('a batch over the limit is refused as a whole', async () => {
    const log = await openLog(directory)
    const bodies = Array.from({ length: 3 }, () => new Uint8Array(12 * MIB))
    expect((await refusal(() => log.appendMany(bodies))).code).toBe('QLOG_TOO_LARGE')
    expect(log.nextId).toBe(1)
    await log.close()
    expect(fs.readdirSync(directory)).toEqual(['LOCK'])
  })

  test('is refused to a second opening in the same process, which disturbs nothing', async () => {
    const log = await openLog(directory)
    await log.append('one')
    const refused = await refusal(() => openLog(directory))
    expect(refused.code).toBe('QLOG_LOCKED')
    expect(refused.message).toContain(`${directory} is open in this process already`)
    expect(await log.append('two')).toBe(2)
    await log.close()
    // Nothing is kept of it.
    await (await openLog(directory)).close()
  })

  test('after close everything is refused with QLOG_CLOSED, and closing again is not', async () => {
    const log = await openLog(directory)
    await log.append('one')
    const reader = await openReader(directory)
    await log.close()
    await log.close()
    await reader.close()
    const before = hashOf(directory)
    const uses: [string, (log: Log) => unknown][] = [
      ['append', (it) => it.append('x')],
      ['appendMany', (it) => it.appendMany(['x'])],
      ['appendSync', (it) => it.appendSync('x')],
      ['read', (it) => it.read().next()],
      ['get', (it) => it.get(1)],
      ['discard', (it) => it.discard(1, 2)],
    ]
    for (const [name, use] of uses) {
      expect([name, (await refusal(() => use(log))).code]).toEqual([name, 'QLOG_CLOSED'])
    }
    expect((await refusal(() => reader.read().next())).code).toBe('QLOG_CLOSED')
    expect((await refusal(() => reader.get(1))).code).toBe('QLOG_CLOSED')
    expect(log.status).toBe('closed')
    expect(hashOf(directory)).toBe(before)
  })

  test('arguments out of range are refused', async () => {
    const log = await openLog(directory)
    for (const work of [
      () => log.read({ from: 0 }),
      () => log.read({ to: 1.5 }),
      () => log.get(-1),
      () => log.discard(5, 2),
      () => log.discard(0, 2),
      () => log.appendMany('no array' as unknown as string[]),
    ]) {
      expect((await refusal(work)).code).toBe('QLOG_INVALID_ARGUMENT')
    }
    await log.close()
  })
})

function put(name: string): void {
  const target = path.join(directory, name)
  fs.mkdirSync(path.dirname(target), { recursive: true })
  if (name.endsWith('/')) fs.mkdirSync(target)
  else fs.writeFileSync(target, 'text')
}

/** Opens and reads as a user without permission; says what came of either. */
async function runAsNobody(target: string): Promise<{ open: string; read: string }> {
  const fixture = path.join(root, 'test/real/fixtures/open-and-read.mjs')
  const { stdout, stderr } = await run(process.execPath, [fixture, target, String(NOBODY)])
  expect(stderr).toBe('')
  const [open = '', read = ''] = stdout.split('\n')
  return { open, read }
}
