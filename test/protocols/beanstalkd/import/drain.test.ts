/** What a drain makes of jobs that do not go as they should: of a server in memory, in a time of its own. */
import { expect, onTestFinished, test, vi } from 'vitest'
import { Drain } from '../../../../src/protocols/beanstalkd/import/drain.ts'
import type {
  ImportedJob,
  JobOutcome,
  JobSink,
} from '../../../../src/protocols/beanstalkd/import/job.ts'
import { Source } from '../../../../src/protocols/beanstalkd/import/source.ts'
import type { DrainedTube } from '../../../../src/protocols/beanstalkd/import/tube-drain.ts'
import { type FakeOptions, FakeServer } from './fake-server.ts'

/** Says `put` of every job unless told, and keeps what it was given. */
class Sink implements JobSink {
  readonly jobs: ImportedJob[] = []
  readonly pauses: number[] = []
  readonly #outcome: (job: ImportedJob) => JobOutcome

  constructor(outcome: (job: ImportedJob) => JobOutcome = () => 'put') {
    this.#outcome = outcome
  }

  get ids(): readonly number[] {
    return this.jobs.map(({ sourceId }) => sourceId)
  }

  async put(_tube: string, jobs: readonly ImportedJob[]): Promise<readonly JobOutcome[]> {
    this.jobs.push(...jobs)
    return jobs.map(this.#outcome)
  }

  async pause(_tube: string, pauseMs: number): Promise<void> {
    this.pauses.push(pauseMs)
  }
}

/** Drains the server; each look while jobs are waited for takes ten minutes. */
async function drained(server: FakeServer, sink: Sink, waitMs = 0): Promise<DrainedTube> {
  const drain = new Drain(await Source.meet(server), sink, {
    signal: new AbortController().signal,
    waitMs,
    nowMs: () => server.nowMs,
    sleep: async () => {
      server.nowMs += 600_000
    },
  })
  await drain.run()
  const tube = drain.tubes.find(({ tube: name }) => name === 'default')
  if (tube === undefined) throw new Error('the tube was drained')
  return tube
}

const ID = 'abcdef0123456789'

test('a job that a worker has whenever it is to be deleted is put once, and goes when it is free', async () => {
  const server = new FakeServer()
  server.add({ state: 'delayed', endMs: 9_000_000, delaySeconds: 9_000 })
  server.add()
  let looks = 0
  server.isTakenAtDelete = (id) => {
    if (id === 1) looks += 1
    return id === 1 && looks < 5
  }
  // As long as others come the drain goes on, and meets it again.
  const sink = new Sink(({ sourceId }) => {
    if (sourceId > 1 && server.lastId < 10) server.add()
    return 'put'
  })
  const tube = await drained(server, sink)
  expect(sink.ids.filter((id) => id === 1)).toEqual([1])
  expect(looks).toBe(5)
  expect(tube).toMatchObject({ delayed: 1, ready: 9, takenMeanwhile: 1, undeleted: new Set() })
  expect(server.jobs).toEqual([])
})

const SERVERS: readonly [string, FakeOptions][] = [
  ['names itself', { id: ID, reservesById: true }],
  ['has no name', {}],
]

test.each(SERVERS)(
  'a job that could not be buried is put once, however long jobs are waited for: the server %s',
  async (_, options) => {
    const server = new FakeServer(options)
    server.add({ state: 'buried' })
    server.add({ state: 'reserved' })
    const sink = new Sink(() => 'not-buried')
    const tube = await drained(server, sink, 7_200_000)
    expect(sink.ids).toEqual([1])
    expect(tube.notBuried).toEqual(new Set([1]))
    expect(server.jobs.map(({ state }) => state).sort()).toEqual(['buried', 'reserved'])
  },
)

test.each(SERVERS)(
  'jobs whose time to run is over while others are reserved go over once: the server %s',
  async (_, options) => {
    const server = new FakeServer(options)
    for (let row = 0; row < 3; row += 1) server.add({ ttrSeconds: 1 })
    server.reserveMs = 300
    const sink = new Sink()
    const tube = await drained(server, sink)
    expect([...sink.ids].sort()).toEqual([1, 2, 3])
    expect(tube).toMatchObject({ ready: 3, takenMeanwhile: 0, undeleted: new Set() })
    expect(server.jobs).toEqual([])
  },
)

test.each([1, 2, 5])(
  'a job that its worker gives back between the look at its tube and the count comes over: pass %i',
  async (pass) => {
    const server = new FakeServer({ id: ID, reservesById: true })
    server.add({ state: 'reserved' })
    // Each pass looks at the tube before its jobs, and again to count them.
    server.onTubeLook = (look) => {
      if (look === 2 * pass) server.release(1)
    }
    const sink = new Sink()
    await drained(server, sink, 7_200_000)
    expect(sink.ids).toEqual([1])
    expect(server.jobs).toEqual([])
  },
)

test('however long jobs were waited for, those that come then are taken', async () => {
  const server = new FakeServer({ id: ID, reservesById: true })
  server.add({ state: 'reserved' })
  server.onTubeLook = (look) => {
    if (look === 21) server.release(1)
  }
  const sink = new Sink(() => {
    if (server.lastId < 5) server.add()
    return 'put'
  })
  await drained(server, sink, 36_000_000)
  expect(sink.ids).toEqual([1, 2, 3, 4, 5])
})

/** Job 1 is too large for it, and each batch takes its time. */
class SlowSink extends Sink {
  readonly #server: FakeServer
  readonly #putMs: number

  constructor(server: FakeServer, putMs: number) {
    super(({ sourceId }) => (sourceId === 1 ? 'too-large' : 'put'))
    this.#server = server
    this.#putMs = putMs
  }

  override async put(tube: string, jobs: readonly ImportedJob[]): Promise<readonly JobOutcome[]> {
    this.#server.nowMs += this.#putMs
    return super.put(tube, jobs)
  }
}

test('a job that stays is held while the rest of its tube comes over, and is as it was then', async () => {
  const server = new FakeServer({ id: ID, reservesById: true })
  for (let row = 0; row < 350; row += 1) server.add({ state: 'buried', ttrSeconds: 1 })
  const tube = await drained(server, new SlowSink(server, 600))
  expect(tube).toMatchObject({ buried: 349, takenMeanwhile: 0, notGivenBack: new Set() })
  expect(server.nowMs).toBeGreaterThan(2_000)
  expect(server.jobs).toMatchObject([{ id: 1, state: 'buried' }])
})

test('a job that stays is touched no more often than its time to run asks for', async () => {
  const server = new FakeServer({ id: ID, reservesById: true })
  for (let row = 0; row < 1_050; row += 1) server.add({ state: 'buried', ttrSeconds: 60 })
  const tube = await drained(server, new SlowSink(server, 7_000))
  expect(tube).toMatchObject({ buried: 1_049, notGivenBack: new Set() })
  // Eleven batches of 7 s: after the fifth, and after the tenth.
  expect(server.touches).toBe(2)
  expect(server.jobs).toMatchObject([{ id: 1, state: 'buried' }])
})

test('a delayed job that stays is due when it was, however often it is given back', async () => {
  const server = new FakeServer({ id: ID, reservesById: true })
  server.add({ state: 'delayed', endMs: 9_000_400, delaySeconds: 9_001 })
  server.add({ state: 'reserved' })
  await drained(server, new SlowSink(server, 10_700), 7_200_000)
  const [job] = server.jobs
  expect(job).toMatchObject({ id: 1, state: 'delayed' })
  expect(job?.endMs).toBeGreaterThanOrEqual(9_000_400)
  expect(job?.endMs).toBeLessThanOrEqual(9_002_000)
})

test('of a job that stays the body is not held', async () => {
  const giveBack = vi.spyOn(Source.prototype, 'giveBack')
  onTestFinished(() => giveBack.mockRestore())
  const server = new FakeServer({ id: ID, reservesById: true })
  for (const state of ['ready', 'delayed', 'buried'] as const) server.add({ state, endMs: 60_000 })
  await drained(server, new Sink(() => 'too-large'))
  const jobs = giveBack.mock.calls.flatMap(([some]) => some)
  expect(jobs.map(({ id }) => id)).toEqual([1, 2, 3])
  expect(jobs.filter((job) => 'body' in job)).toEqual([])
})

test('a job that stays, and whose time to run was over before it could be given back, is told', async () => {
  const server = new FakeServer({ id: ID, reservesById: true })
  server.add({ state: 'buried', ttrSeconds: 1 })
  const tube = await drained(server, new SlowSink(server, 1_500))
  expect(tube.notGivenBack).toEqual(new Set([1]))
  expect(server.jobs).toMatchObject([{ id: 1, state: 'ready' }])
})

test('a job that was ready, and whose time to run was over before, is as it was: it is not told', async () => {
  const server = new FakeServer({ id: ID, reservesById: true })
  server.add({ ttrSeconds: 1 })
  const tube = await drained(server, new SlowSink(server, 1_500))
  expect(tube).toMatchObject({ tooLarge: new Map([[1, 5]]), notGivenBack: new Set() })
  expect(server.jobs).toMatchObject([{ id: 1, state: 'ready' }])
})

test.each([
  ['-3', 5, 1_000],
  ['4294967293', 5, 1_000],
  ['18446744073709551613', 4_294_967_295, 1_000],
  ['4294967290', 4_294_967_295, 4_294_967_291_000],
  ['4294967295', 4_294_967_295, 4_294_967_295_000],
  ['4', 5, 5_000],
])('a delay of which %s s are left, of %i, comes over as %i ms', async (left, delay, delayMs) => {
  const server = new FakeServer({ id: ID, reservesById: true })
  server.add({ state: 'delayed', endMs: 60_000 })
  server.toldOfJobs = { 'time-left': left, delay }
  const sink = new Sink()
  await drained(server, sink)
  expect(sink.jobs).toMatchObject([{ sourceId: 1, delayMs }])
})

test.each([
  ['-3', 5, []],
  ['4294967293', 5, []],
  ['18446744073709551613', 5, []],
  ['0', 0, []],
  ['0', 5, [1_000]],
  ['4', 5, [5_000]],
])('a pause of which %s s are left, of %i, comes over as %j ms', async (left, pause, pauses) => {
  const server = new FakeServer({ id: ID, reservesById: true })
  server.toldOfTubes = { 'pause-time-left': left, pause }
  const sink = new Sink()
  await drained(server, sink)
  expect(sink.pauses).toEqual(pauses)
})
