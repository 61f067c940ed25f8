/** A directory holds a store or a plain log: who takes one for the other is told, and nothing is written. */
import {
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openLog, openReader, openStore } from '../../src/index.ts'

let directory = ''

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'qlog-kinds-'))
})

afterEach(() => {
  rmSync(directory, { recursive: true })
})

/** Names and bytes of all files. */
function files(): Record<string, string> {
  const names = readdirSync(directory).filter((name) => name !== 'LOCK')
  return Object.fromEntries(
    names.sort().map((name) => [name, readFileSync(join(directory, name)).toString('base64')]),
  )
}

async function makeStore(how: 'one put' | 'saved' | 'merged away'): Promise<void> {
  const store = await openStore(directory)
  const queue = store.queue('q')
  await queue.put('hello')
  if (how === 'merged away') {
    const session = store.session()
    await session.watch('q')
    await session.ack(await session.reserve())
  }
  if (how !== 'one put') await store.compact()
  await store.close()
}

test.each(['one put', 'saved', 'merged away'] as const)(
  'a plain log is not opened over a store, and changes nothing of it: %s',
  async (how) => {
    await makeStore(how)
    const before = files()
    await expect(openLog(directory)).rejects.toMatchObject({ code: 'QLOG_IS_A_STORE' })
    expect(files()).toEqual(before)
    const store = await openStore(directory)
    expect(store.stats().messages).toBe(how === 'merged away' ? 0 : 1)
    await store.close()
    // Looking is no harm.
    await (await openReader(directory)).close()
  },
)

test.each([
  ['text', 'hello'],
  // What a store would read as a message of a queue.
  ['bytes that look like a message of a store', Uint8Array.of(0, 1, 0, 104)],
])('a store is not opened over a plain log, and changes nothing of it: %s', async (_how, body) => {
  const log = await openLog(directory)
  await log.append(body)
  await log.append(body)
  await log.close()
  const before = files()
  await expect(openStore(directory)).rejects.toMatchObject({ code: 'QLOG_NOT_A_STORE' })
  expect(files()).toEqual(before)
  const again = await openLog(directory)
  expect(again.nextId).toBe(3)
  await again.close()
})

test('a log without any message may become either', async () => {
  await (await openLog(directory)).close()
  const store = await openStore(directory)
  await store.queue('q').put('hello')
  await store.close()
  await expect(openLog(directory)).rejects.toMatchObject({ code: 'QLOG_IS_A_STORE' })
})

test('a plain log whose first messages are gone is a plain log still', async () => {
  const body = JSON.stringify({
    order: 1000,
    customer: 'somebody',
    text: 'lorem ipsum '.repeat(30),
  })
  for (let opening = 0; opening < 3; opening++) {
    const log = await openLog(directory, { retention: { messages: 1 } })
    await log.append(body)
    await log.compact()
    expect(log.stats().firstId).toBeGreaterThanOrEqual(opening)
    await log.close()
  }
  await expect(openStore(directory)).rejects.toMatchObject({ code: 'QLOG_NOT_A_STORE' })
  const log = await openLog(directory)
  expect(log.nextId).toBe(4)
  await log.close()
})

test('a store whose owner died after its very first put is a store, with that message', async () => {
  const live = join(directory, 'live')
  const copy = join(directory, 'copy')
  // Nothing confirms the first group: all that the store has said stands in it.
  const store = await openStore(live, { log: { idleSyncMs: 3_600_000 } })
  await store.queue('q').put('hello')
  mkdirSync(copy)
  for (const name of readdirSync(live)) {
    if (name.endsWith('.qls')) copyFileSync(join(live, name), join(copy, name))
  }
  await store.close()
  await expect(openLog(copy)).rejects.toMatchObject({ code: 'QLOG_IS_A_STORE' })
  const again = await openStore(copy)
  expect(again.stats().messages).toBe(1)
  await again.close()
})

test('a store whose first words are lost to rot is a store still, with all that can be read', async () => {
  const live = join(directory, 'live')
  const copy = join(directory, 'copy')
  const store = await openStore(live)
  for (let row = 0; row < 5; row++) await store.queue('q').put(`${row}`.repeat(9_000))
  // As after a crash: nothing of it was saved beside the log.
  cpSync(live, copy, { recursive: true, filter: (path) => !/LOCK|lock-/.test(path) })
  await store.close()
  const [segment = ''] = readdirSync(copy).filter((name) => name.endsWith('.qls'))
  const bytes = readFileSync(join(copy, segment))
  const name = bytes.indexOf(Buffer.of(3, 1, 1, 'q'.charCodeAt(0)))
  expect(name).toBeGreaterThan(4_096)
  bytes.set([bytes.readUInt8(name) ^ 0x55, bytes.readUInt8(name + 1) ^ 0x33], name)
  writeFileSync(join(copy, segment), bytes)
  const left = await openStore(copy, { log: { onDamage: 'quarantine' } })
  expect(left.stats().messages).toBe(5)
  await left.close()
})

test('a directory below a link that leads nowhere is refused, and not tried for ever', async () => {
  const link = join(directory, 'link')
  symlinkSync(join(directory, 'nowhere', 'at all'), link)
  await expect(openStore(join(link, 'data'))).rejects.toMatchObject({ code: 'QLOG_IO' })
})
