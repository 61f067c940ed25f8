/** What `qlog import --from` lets a server take of its time and memory, whatever that sends. */
import { createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { SourceSocket } from '../../../src/cli/import/source-socket.ts'
import { openStore } from '../../../src/index.ts'
import { beanstalkd } from '../../../src/protocols/beanstalkd/beanstalkd.ts'
import { Drain } from '../../../src/protocols/beanstalkd/import/drain.ts'
import type { ImportedJob } from '../../../src/protocols/beanstalkd/import/job.ts'
import { Source } from '../../../src/protocols/beanstalkd/import/source.ts'
import { listen } from '../../../src/server/index.ts'
import { runInProcess } from '../in-process.ts'
import { freshDirectory } from '../support.ts'

/** A server that says what a test says, when it says so; and a connection to it in a time that stands still. */
async function meeting(signal: AbortSignal) {
  const path = join(freshDirectory(), 'socket')
  const sockets: Socket[] = []
  const server = createServer((socket) => {
    sockets.push(socket.on('error', () => undefined).resume())
  })
  await new Promise<void>((resolve) => server.listen(path, resolve))
  onTestFinished(() => void server.close())
  const wire = await SourceSocket.connect({ kind: 'unix', path }, signal)
  onTestFinished(() => wire.close())
  await turns()
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
  onTestFinished(() => void vi.useRealTimers())
  const say = async (text: string): Promise<void> => {
    sockets[0]?.write(text)
    await turns()
  }
  return { wire, say }
}

/** What was written to a socket of this process has come when it resolves. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve))
}

/** Asks for something; tells how that ends. */
function asked(wire: SourceSocket): Promise<string> {
  wire.send('stats\r\n')
  return wire.next().then(
    () => 'it was answered',
    (error: Error) => error.message,
  )
}

const TO_STOP = 'it was waited for no longer than 2 s to stop'

test('a reply that goes on coming and never ends is given up after ten minutes', async () => {
  const { wire, say } = await meeting(new AbortController().signal)
  const end = asked(wire)
  await say('OK 100000\r\n')
  for (let ms = 0; ms < 600_000; ms += 20_000) {
    await vi.advanceTimersByTimeAsync(20_000)
    await say('x')
  }
  expect(await end).toContain('one reply took more than 10 minutes')
})

test('a server that trickles holds whoever stops for no longer than 2 s', async () => {
  const abort = new AbortController()
  const { wire, say } = await meeting(abort.signal)
  const end = asked(wire)
  await say('OK 100000\r\n')
  await vi.advanceTimersByTimeAsync(10_000)
  abort.abort()
  for (let ms = 0; ms < 2_000; ms += 200) {
    await vi.advanceTimersByTimeAsync(200)
    await say('x')
  }
  expect(await end).toContain(TO_STOP)
})

test('replies that all come in time share the 2 s of a stop', async () => {
  const abort = new AbortController()
  const { wire, say } = await meeting(abort.signal)
  abort.abort()
  const ends: string[] = []
  for (let row = 0; row < 3; row += 1) {
    const end = asked(wire)
    await vi.advanceTimersByTimeAsync(900)
    await say('NOT_FOUND\r\n')
    ends.push(await end)
  }
  const over = expect.stringContaining(TO_STOP)
  expect(ends).toEqual(['it was answered', 'it was answered', over])
})

/** A beanstalkd of ours with these queues, and the way to drain it into `sink`. */
async function source(bodies: Readonly<Record<string, readonly Uint8Array[]>>, delayMs = 0) {
  const store = await openStore(':memory:')
  onTestFinished(() => store.close())
  for (const [name, some] of Object.entries(bodies)) {
    await store.queue(name).createGroup('default', { from: 'first' })
    for (const body of some) await store.queue(name).put(body, { delayMs })
  }
  const path = join(freshDirectory(), 'socket')
  const listener = await listen({ address: `unix:${path}`, protocol: beanstalkd(store) })
  onTestFinished(() => listener.close({ timeoutMs: 0 }))
  return { store, path }
}

type Put = (tube: string, jobs: readonly ImportedJob[]) => unknown

async function drained(path: string, put: Put): Promise<Drain> {
  const { signal } = new AbortController()
  const wire = await SourceSocket.connect({ kind: 'unix', path }, signal)
  onTestFinished(() => wire.close())
  const sink = {
    put: async (tube: string, jobs: readonly ImportedJob[]) => {
      await put(tube, jobs)
      return jobs.map(() => 'put' as const)
    },
    pause: async () => undefined,
  }
  const options = { signal, waitMs: 0, nowMs: () => 0, sleep: async () => undefined }
  const drain = new Drain(await Source.meet(wire), sink, options)
  await drain.run()
  return drain
}

const MIB = 1024 * 1024

test.each(['ready', 'delayed'] as const)(
  'jobs that are larger than the server says it takes are held a few at a time: %s',
  async (state) => {
    const bodies = Array.from({ length: 14 }, (_, row) => new Uint8Array(3 * MIB).fill(row))
    const { path } = await source({ default: bodies }, state === 'delayed' ? 1_000_000 : 0)
    const batches: number[] = []
    const rows: number[] = []
    const drain = await drained(path, (_tube, jobs) => {
      batches.push(jobs.reduce((sum, { body }) => sum + body.length, 0))
      rows.push(...jobs.map(({ body }) => body[0] ?? -1))
    })
    expect(Math.max(...batches)).toBeLessThanOrEqual(19 * MIB)
    expect(rows).toEqual(bodies.map((_, row) => row))
    const { left, ...counts } = drain.tubes[0] ?? {}
    expect([counts, left]).toMatchObject([{ [state]: 14 }, { ready: 0, reserved: 0, delayed: 0 }])
  },
)

test('a tube into which jobs come as fast as they go keeps no other from its turn, and ends', async () => {
  const job = new Uint8Array(10)
  const { store, path } = await source({ busy: [job, job, job], quiet: [job] })
  const turns: string[] = []
  const drain = await drained(path, async (tube, jobs) => {
    turns.push(tube)
    if (tube === 'busy') for (const { body } of jobs) await store.queue(tube).put(body)
  })
  expect(turns.slice(0, 3)).toEqual(['busy', 'quiet', 'busy'])
  const busy = drain.tubes.find(({ tube }) => tube === 'busy')
  expect(busy).toMatchObject({ ready: 30, left: { ready: 3, reserved: 0 } })
})

test('an interrupted import of a server that trickles ends as one that was interrupted', async () => {
  const abort = new AbortController()
  const stats = '---\ncurrent-jobs-ready: 1\n'
  const answers = [`OK ${stats.length}\r\n${stats}\r\n`, 'NOT_FOUND\r\n', 'OK 100000\r\n']
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.on('data', () => {
      socket.write(answers.shift() ?? '')
      if (answers.length === 0) abort.abort()
    })
  })
  const path = join(freshDirectory(), 'socket')
  await new Promise<void>((resolve) => server.listen(path, resolve))
  onTestFinished(() => void server.close())
  const words = ['import', join(freshDirectory(), 'data'), '--from', `beanstalkd://unix:${path}`]
  const { exitCode, stderr } = await runInProcess(words, { abort })
  expect(exitCode, stderr).toBe(130)
  expect(stderr).toContain(TO_STOP)
  expect(stderr).toContain('imported 0 jobs from 0 tubes; what is left there is not known')
})
