/**
 * A beanstalkd in memory, as a connection that drains it sees it: its time is in the hands of the test, and
 * so are the moments in which a worker has a job.
 */
import type { SourceReply } from '../../../../src/protocols/beanstalkd/import/reply-reader.ts'
import type { SourceWire } from '../../../../src/protocols/beanstalkd/import/source.ts'

export type FakeState = 'ready' | 'delayed' | 'buried' | 'reserved'

export interface FakeJob {
  readonly id: number
  readonly tube: string
  readonly ttrSeconds: number
  readonly delaySeconds: number
  state: FakeState
  /** A delay or a reservation ends then. */
  endMs: number
  /** The connection does not hold it, though it is reserved. */
  isWorkers: boolean
}

type NewJob = Partial<Omit<FakeJob, 'id' | 'isWorkers'>>

/** Statistics that it tells instead of its own. */
type Told = Readonly<Record<string, string | number>>

export interface FakeOptions {
  /** Since 1.9 a server has one. */
  readonly id?: string
  readonly reservesById?: boolean
}

export class FakeServer implements SourceWire {
  nowMs = 0
  jobs: FakeJob[] = []
  toldOfJobs: Told = {}
  toldOfTubes: Told = {}
  /** Called before a tube is looked at, with how often that was asked. */
  onTubeLook: (look: number) => void = () => undefined
  /** As often a job was touched. */
  touches = 0
  /** What one reserve in the ordinary way takes of its time. */
  reserveMs = 0
  /** Says whether a worker has the job at the moment in which it is to be deleted. */
  isTakenAtDelete: (id: number) => boolean = () => false
  readonly #options: FakeOptions
  readonly #replies: SourceReply[] = []
  #used = 'default'
  #looks = 0
  #lastId = 0

  constructor(options: FakeOptions = {}) {
    this.#options = options
  }

  get lastId(): number {
    return this.#lastId
  }

  /** One that is reserved is a worker's. */
  add(job: NewJob = {}): void {
    this.#lastId += 1
    this.jobs.push({
      id: this.#lastId,
      ...{ tube: 'default', state: 'ready' as const, ttrSeconds: 60, delaySeconds: 0, endMs: 0 },
      ...job,
      isWorkers: job.state === 'reserved',
    })
  }

  /** The worker that has it gives it back. */
  release(id: number): void {
    const job = this.jobs.find((one) => one.id === id && one.isWorkers)
    if (job === undefined) throw new Error(`a worker has job ${id}`)
    job.state = 'ready'
    job.isWorkers = false
  }

  send(text: string): void {
    for (const line of text.split('\r\n').slice(0, -1)) {
      this.#pass()
      this.#replies.push(this.#answer(line))
    }
  }

  async next(): Promise<SourceReply> {
    const reply = this.#replies.shift()
    if (reply === undefined) throw new Error('nothing was asked that has no reply yet')
    return reply
  }

  /** What has come to its end is ready, whatever it was before it was reserved. */
  #pass(): void {
    for (const job of this.jobs) {
      const ends = job.state === 'delayed' || job.state === 'reserved'
      if (ends && !job.isWorkers && job.endMs <= this.nowMs) job.state = 'ready'
    }
  }

  #answer(line: string): SourceReply {
    const [command = '', word = '', , delay = '0'] = line.split(' ')
    if (command.startsWith('peek-')) return this.#peek(command.slice(5))
    if (command === 'use') {
      this.#used = word
      return plain(`USING ${word}`)
    }
    if (command === 'watch' || command === 'ignore') return plain('WATCHING 1')
    if (command === 'list-tubes') return body('---\n- default\n')
    if (command === 'stats') return fields(this.#stats())
    if (command === 'stats-tube') {
      this.#looks += 1
      this.onTubeLook(this.#looks)
      return fields({ ...this.#tubeStats(word), ...this.toldOfTubes })
    }
    if (command === 'reserve-with-timeout') {
      this.nowMs += this.reserveMs
      return this.#reserve(this.#first('ready'), 'TIMED_OUT')
    }
    const job = this.jobs.find(({ id }) => id === Number(word))
    if (command === 'reserve-job') {
      if (this.#options.reservesById !== true) return plain('UNKNOWN_COMMAND')
      return this.#reserve(job?.state === 'reserved' ? undefined : job, 'NOT_FOUND')
    }
    if (job === undefined) return plain('NOT_FOUND')
    if (command === 'stats-job') return fields({ ...this.#jobStats(job), ...this.toldOfJobs })
    if (command === 'delete') return this.#delete(job)
    if (job.state !== 'reserved' || job.isWorkers) return plain('NOT_FOUND')
    return this.#settle(job, command, Number(delay))
  }

  /** What a connection does to a job that it holds. */
  #settle(job: FakeJob, command: string, delaySeconds: number): SourceReply {
    if (command === 'touch') {
      this.touches += 1
      job.endMs = this.nowMs + job.ttrSeconds * 1_000
      return plain('TOUCHED')
    }
    job.state = delaySeconds > 0 ? 'delayed' : 'ready'
    job.endMs = this.nowMs + delaySeconds * 1_000
    if (command === 'release') return plain('RELEASED')
    if (command !== 'bury') throw new Error(`the server was asked to ${command}`)
    job.state = 'buried'
    this.jobs = [...this.jobs.filter((other) => other !== job), job]
    return plain('BURIED')
  }

  #reserve(job: FakeJob | undefined, otherwise: string): SourceReply {
    if (job === undefined) return plain(otherwise)
    job.state = 'reserved'
    job.endMs = this.nowMs + job.ttrSeconds * 1_000
    return body(`job ${job.id}`, `RESERVED ${job.id}`)
  }

  #delete(job: FakeJob): SourceReply {
    const isWorkers = job.state === 'reserved' && job.isWorkers
    if (isWorkers || this.isTakenAtDelete(job.id)) return plain('NOT_FOUND')
    this.jobs = this.jobs.filter((other) => other !== job)
    return plain('DELETED')
  }

  #peek(state: string): SourceReply {
    const job = this.#first(state)
    return job === undefined ? plain('NOT_FOUND') : body(`job ${job.id}`, `FOUND ${job.id}`)
  }

  #first(state: string): FakeJob | undefined {
    const found = this.jobs.filter((job) => job.tube === this.#used && job.state === state)
    if (state === 'delayed') found.sort((a, b) => a.endMs - b.endMs)
    return found[0]
  }

  #stats(): Told {
    const { id } = this.#options
    const size = { 'max-job-size': 65_535, 'current-jobs-ready': 0 }
    return { ...(id !== undefined && { id }), version: '"1"', ...size }
  }

  #tubeStats(tube: string): Told {
    const count = (state: FakeState): number =>
      this.jobs.filter((job) => job.tube === tube && job.state === state).length
    return {
      'current-jobs-ready': count('ready'),
      'current-jobs-reserved': count('reserved'),
      'current-jobs-delayed': count('delayed'),
      'current-jobs-buried': count('buried'),
      pause: 0,
      'pause-time-left': 0,
    }
  }

  #jobStats({ state, ttrSeconds, delaySeconds, endMs }: FakeJob): Told {
    const leftMs = state === 'delayed' || state === 'reserved' ? endMs - this.nowMs : 0
    const left = Math.trunc(leftMs / 1_000)
    return { state, pri: 1, delay: delaySeconds, ttr: ttrSeconds, 'time-left': left }
  }
}

function plain(line: string): SourceReply {
  return { line, bytes: 0, body: undefined }
}

function body(text: string, head = 'OK'): SourceReply {
  const bytes = Buffer.from(text)
  return { line: `${head} ${bytes.length}`, bytes: bytes.length, body: bytes }
}

function fields(told: Told): SourceReply {
  const lines = Object.entries(told).map(([name, value]) => `${name}: ${value}\n`)
  return body(`---\n${lines.join('')}`)
}
