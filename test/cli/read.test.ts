/** `qlog read` against a log of memory, and of the files of a store. */
import { join } from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import type { Gap } from '../../src/errors.ts'
import { openLog, openReader, openStore, type Store } from '../../src/index.ts'
import { FakeLog } from './fake-log.ts'
import { MemoryStream, runInProcess } from './in-process.ts'
import { freshDirectory, jsonLines } from './support.ts'

const TIME = '2026-01-02T03:04:05.678Z'

function logOf(...messages: (string | Uint8Array)[]): FakeLog {
  const log = new FakeLog()
  for (const message of messages) log.add(message)
  return log
}

function gapOf(firstId: number, endId: number): Gap {
  return { file: 'a.qls', offset: 4096, bytes: 512, firstId, endId, why: 'its checksum is wrong' }
}

describe('read', () => {
  it('gives back the bytes as they are', async () => {
    const log = logOf('a', '', Uint8Array.of(0, 255, 10), 'ä')
    const { exitCode, stdout, stderr } = await runInProcess(['read', 'x'], { log })
    expect(exitCode).toBe(0)
    expect(stderr).toBe('')
    expect([...stdout]).toEqual([97, 10, 10, 0, 255, 10, 10, 0xc3, 0xa4, 10])
    expect(log.closed).toBe(true)
  })

  it('--null ends messages with NUL', async () => {
    const { stdout } = await runInProcess(['read', 'x', '--null'], { log: logOf('a\nb', 'c') })
    expect(stdout.toString()).toBe('a\nb\0c\0')
  })

  it('--json has id, time and body, and base64 where a string could not hold the bytes', async () => {
    const log = logOf('a"\n', '', Uint8Array.of(0xef, 0xbb, 0xbf, 0x61), Uint8Array.of(0xff, 1))
    const { stdout } = await runInProcess(['read', 'x', '--json'], { log })
    expect(stdout.toString().split('\n')[0]).toBe(`{"id":1,"time":"${TIME}","body":"a\\"\\n"}`)
    expect(jsonLines(stdout)).toEqual([
      { id: 1, time: TIME, body: 'a"\n' },
      { id: 2, time: TIME, body: '' },
      { id: 3, time: TIME, body: '\ufeffa' },
      { id: 4, time: TIME, bodyBase64: '/wE=' },
    ])
  })

  it('--from and --count', async () => {
    const log = logOf('1', '2', '3', '4', '5', '6', '7')
    const { stdout } = await runInProcess(['read', 'x', '--from', '2', '--count', '4'], { log })
    expect(stdout.toString()).toBe('2\n3\n4\n5\n')
  })

  it('marks what is unconfirmed', async () => {
    const log = new FakeLog()
    log.unconfirmedFrom = 2
    log.add('1')
    log.add('2')
    const json = await runInProcess(['read', 'x', '--json'], { log })
    expect(jsonLines(json.stdout)).toEqual([
      { id: 1, time: TIME, body: '1' },
      { id: 2, time: TIME, body: '2', unconfirmed: true },
    ])
    const plain = await runInProcess(['read', 'x'], { log })
    expect(plain.stderr).toMatch(/from id 2 on are unconfirmed/)
  })

  it('tells gaps in their place and exits with 3', async () => {
    const log = logOf('1')
    log.gaps = [gapOf(2, 4)]
    log.add('4')
    log.gaps.push(gapOf(5, 7))
    const json = await runInProcess(['read', 'x', '--json'], { log })
    expect(json.exitCode).toBe(3)
    expect(jsonLines(json.stdout)).toEqual([
      { id: 1, time: TIME, body: '1' },
      { gap: gapOf(2, 4) },
      { id: 4, time: TIME, body: '4' },
      { gap: gapOf(5, 7) },
    ])
    const plain = await runInProcess(['read', 'x'], { log })
    expect(plain.exitCode).toBe(3)
    expect(plain.stdout.toString()).toBe('1\n4\n')
    expect(plain.stderr).toContain('messages 2 to 3 are lost: a.qls at byte 4096')
  })

  it('--follow ends with 130 when interrupted, having printed what was there', async () => {
    const abort = new AbortController()
    const stdout = new MemoryStream()
    const running = runInProcess(['read', 'x', '--follow'], { log: logOf('a', 'b'), abort, stdout })
    while (stdout.text !== 'a\nb\n') await new Promise((resolve) => setImmediate(resolve))
    abort.abort()
    expect((await running).exitCode).toBe(130)
  })

  it('waits for a slow reader instead of gathering the log in memory', async () => {
    const log = logOf(...Array.from({ length: 90 }, () => 'x'.repeat(10_000)))
    let blocked: (() => void) | undefined
    class SlowStream extends MemoryStream {
      override _write(chunk: Uint8Array, _encoding: string, done: () => void): void {
        this.chunks.push(chunk)
        blocked = done
      }
    }
    const stdout = new SlowStream()
    const running = runInProcess(['read', 'x'], { log, stdout })
    let ended = false
    void running.then(() => {
      ended = true
    })
    while (!ended) {
      for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve))
      // One batch of three messages is all that waits beside what the stream has.
      expect(stdout.writableLength).toBeLessThanOrEqual(30_003)
      blocked?.()
    }
    expect(stdout.bytes.length).toBe(90 * 10_001)
  })
})

describe('of a store', () => {
  const functions = { openLog, openReader }

  /** Two queues; the first message is finished, the second has all that a put can ask for. */
  async function filled(): Promise<{ readonly data: string; readonly store: Store }> {
    const data = join(freshDirectory(), 'data')
    const store = await openStore(data)
    onTestFinished(() => store.close())
    await store.queue('orders').put('3 pears')
    const headers = { tenant: '17' }
    const at = new Date('2069-01-01T00:00:00Z')
    await store.queue('orders').put('ä', { priority: 7, key: 'k1', headers, at })
    await store.queue('raw').put(Uint8Array.of(0xff, 1))
    const session = store.session()
    await session.watch('orders')
    await session.ack(await session.reserve())
    return { data, store }
  }

  it('--json has what was put, beside the process that holds it, which need not answer', async () => {
    const { data } = await filled()
    const { exitCode, stdout, stderr } = await runInProcess(['read', data, '--json'], { functions })
    expect(exitCode, stderr).toBe(0)
    expect(jsonLines(stdout)).toMatchObject([
      { id: 1, body: '3 pears', queue: 'orders', offset: 0, priority: 1024 },
      {
        ...{ id: 2, body: 'ä', queue: 'orders', offset: 1, priority: 7, key: 'k1' },
        ...{ headers: { tenant: '17' }, dueWallMs: Date.parse('2069-01-01T00:00:00Z') },
      },
      { id: 3, bodyBase64: '/wE=', queue: 'raw', offset: 0 },
    ])
    expect(Object.keys(jsonLines(stdout)[0] ?? {})).toEqual(
      expect.arrayContaining(['id', 'time', 'body', 'queue', 'offset', 'priority']),
    )
  })

  it('without --json bodies are as they were put', async () => {
    const { data } = await filled()
    const { stdout } = await runInProcess(['read', data], { functions })
    expect(
      stdout.equals(Buffer.concat([Buffer.from('3 pears\nä\n'), Buffer.of(0xff, 1, 10)])),
    ).toBe(true)
  })

  it('--follow names a queue that begins meanwhile', async () => {
    const { data, store } = await filled()
    const abort = new AbortController()
    const stdout = new MemoryStream()
    const words = ['read', data, '--from', '3', '--follow', '--json']
    const running = runInProcess(words, { functions, abort, stdout })
    await vi.waitFor(() => expect(stdout.text).toContain('"raw"'))
    await store.queue('late').put('new')
    await vi.waitFor(() => expect(stdout.text).toContain('"queue":"late"'), { timeout: 20_000 })
    abort.abort()
    expect((await running).exitCode).toBe(130)
  })

  it('a plain log whose messages look like those of a store is one all the same', async () => {
    const { data, store } = await filled()
    await store.close()
    const reader = await openReader(data)
    const bodies: Uint8Array[] = []
    for await (const { body } of reader.read()) bodies.push(body)
    await reader.close()
    const plain = join(freshDirectory(), 'plain')
    const log = await openLog(plain)
    await log.appendMany(bodies)
    await log.close()
    const { stdout } = await runInProcess(['read', plain, '--null'], { functions })
    expect(stdout.equals(Buffer.concat(bodies.flatMap((body) => [body, Buffer.of(0)])))).toBe(true)
  })
})
