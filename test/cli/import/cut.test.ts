/** `qlog import --from` that is cut off, waits, or cannot take a job: of our own server, at a unix socket. */
import { createServer } from 'node:net'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { SourceSocket } from '../../../src/cli/import/source-socket.ts'
import { openStore, type Store } from '../../../src/index.ts'
import { beanstalkd } from '../../../src/protocols/beanstalkd/beanstalkd.ts'
import { Drain } from '../../../src/protocols/beanstalkd/import/drain.ts'
import type { ImportedJob } from '../../../src/protocols/beanstalkd/import/job.ts'
import { Source } from '../../../src/protocols/beanstalkd/import/source.ts'
import { listen, openStoreThrough } from '../../../src/server/index.ts'
import { runInProcess } from '../in-process.ts'
import { freshDirectory } from '../support.ts'

/** More than one batch of a drain. */
const JOBS = 250

interface Place {
  readonly store: Store
  readonly path: string
  hangUp(): Promise<void>
  listen(): Promise<void>
}

/** A beanstalkd that keeps its id when its listener begins again. */
async function place(jobs: number): Promise<Place> {
  const path = join(freshDirectory(), 'socket')
  const store = await openStore(':memory:')
  onTestFinished(() => store.close())
  const queue = store.queue('default')
  await queue.createGroup('default', { from: 'first' })
  await queue.putMany(Array.from({ length: jobs }, (_, row) => ({ body: `job ${row}` })))
  const protocol = beanstalkd(store)
  const begin = () => listen({ address: `unix:${path}`, protocol })
  let listener = await begin()
  const hangUp = () => listener.close({ timeoutMs: 0 })
  onTestFinished(hangUp)
  return {
    store,
    path,
    hangUp,
    listen: async () => {
      listener = await begin()
    },
  }
}

/** Runs the import, and `after` each put of a batch that is durable. */
function importing(data: string, path: string, abort: AbortController, after: () => unknown) {
  const opened: typeof openStoreThrough = async (...words) => {
    const access = await openStoreThrough(...words)
    onTestFinished(() => access.close())
    const call = access.call.bind(access)
    Object.defineProperty(access, 'call', {
      value: async (...asked: Parameters<typeof call>) => {
        const answer = await call(...asked)
        if (asked[0] === 'put') await after()
        return answer
      },
    })
    return access
  }
  const words = ['import', data, '--from', `beanstalkd://unix:${path}`]
  return runInProcess(words, { abort, functions: { openStore: opened } })
}

async function bodiesIn(data: string): Promise<string[]> {
  const store = await openStore(data)
  try {
    const session = store.session()
    await session.watch('default')
    const bodies: string[] = []
    for (;;) {
      const some = await session.reserve({ count: 1_000, timeoutMs: 0 })
      if (some.length === 0) return bodies
      bodies.push(...some.map((delivery) => delivery.text()))
    }
  } finally {
    await store.close()
  }
}

const ALL = Array.from({ length: JOBS }, (_, row) => `job ${row}`)

test('an interrupted one ends between two batches, and the next goes on', async () => {
  const { path, store } = await place(JOBS)
  const data = join(freshDirectory(), 'data')
  const abort = new AbortController()
  const first = await importing(data, path, abort, () => abort.abort())
  expect(first.exitCode, first.stderr).toBe(130)
  expect(first.stderr).toContain('imported 100 jobs')
  const { ready, leased } = store.queue('default').group().stats()
  expect([ready, leased]).toEqual([150, 0])
  const { exitCode, stderr } = await importing(data, path, new AbortController(), () => undefined)
  expect(exitCode, stderr).toBe(0)
  expect((await bodiesIn(data)).sort()).toEqual([...ALL].sort())
})

test('jobs that were put and not deleted when the server hung up are put once', async () => {
  const here = await place(JOBS)
  const data = join(freshDirectory(), 'data')
  const cut = await importing(data, here.path, new AbortController(), here.hangUp)
  expect(cut.exitCode, cut.stderr).toBe(1)
  expect(cut.stderr).toContain('QLOG_SOURCE')
  await here.listen()
  const { exitCode, stderr } = await importing(
    data,
    here.path,
    new AbortController(),
    () => undefined,
  )
  expect(exitCode, stderr).toBe(0)
  expect(stderr).toContain('imported 150 jobs from 1 tube; 100 jobs known already')
  expect((await bodiesIn(data)).sort()).toEqual([...ALL].sort())
})

test('a job that is larger than the store takes is told, stays, and makes the exit code 7', async () => {
  const { path, store } = await place(3)
  await store.queue('default').put(new Uint8Array(10_000))
  const data = freshDirectory()
  const taking = await openStore(data, { log: { messageBytesMax: 4_096 } })
  onTestFinished(() => taking.close())
  const { exitCode, stderr } = await importing(data, path, new AbortController(), () => undefined)
  expect(exitCode, stderr).toBe(7)
  expect(stderr).toContain('job 4 of default stays where it is: 10,000 bytes are more than')
  expect(stderr).toContain('imported 3 jobs from 1 tube; 1 job left there')
  expect(store.queue('default').group().stats().ready).toBe(1)
})

test('a job that its worker gives back while it is waited for comes over', async () => {
  const { path, store } = await place(1)
  const worker = store.session()
  await worker.watch('default')
  const [held] = await worker.reserve()
  const data = await openStore(freshDirectory())
  onTestFinished(() => data.close())
  const signal = new AbortController().signal
  const wire = await SourceSocket.connect({ kind: 'unix', path }, signal)
  onTestFinished(() => wire.close())
  const taken: ImportedJob[] = []
  const sink = {
    put: async (_tube: string, jobs: readonly ImportedJob[]) => {
      taken.push(...jobs)
      return jobs.map(() => 'put' as const)
    },
    pause: async () => undefined,
  }
  let naps = 0
  const drain = new Drain(await Source.meet(wire), sink, {
    signal,
    waitMs: 1_000,
    nowMs: () => 0,
    sleep: async () => {
      naps += 1
      await held?.release()
    },
  })
  await drain.run()
  expect(naps).toBe(1)
  expect(taken.map(({ body }) => Buffer.from(body).toString())).toEqual(['job 0'])
  expect(drain.tubes.map(({ left }) => left.reserved)).toEqual([0])
})

test('a server that falls silent is given up after half a minute, and by Ctrl-C after 2 s', async () => {
  const server = createServer((socket) => socket.on('error', () => undefined).resume())
  const path = join(freshDirectory(), 'socket')
  await new Promise<void>((resolve) => server.listen(path, resolve))
  onTestFinished(() => void server.close())
  const abort = new AbortController()
  const connect = () => SourceSocket.connect({ kind: 'unix', path }, abort.signal)
  const [one, other] = [await connect(), await connect()]
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  onTestFinished(() => void vi.useRealTimers())
  const ended = (wire: SourceSocket) => wire.next().catch((error: Error) => error.message)
  let isOver = false
  const first = ended(one).finally(() => {
    isOver = true
  })
  await vi.advanceTimersByTimeAsync(29_999)
  expect(isOver).toBe(false)
  await vi.advanceTimersByTimeAsync(1)
  expect(await first).toContain('it said nothing for 30 s')
  const second = ended(other)
  abort.abort()
  await vi.advanceTimersByTimeAsync(2_000)
  expect(await second).toContain('it was waited for no longer than 2 s to stop')
  one.close()
  other.close()
})
