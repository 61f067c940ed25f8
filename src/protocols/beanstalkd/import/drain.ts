/**
 * Takes every job out of a beanstalkd that runs: into the store first, and only what is durable there is
 * deleted here. Whatever cuts it off leaves a job in both at worst, and its key says so when it comes again.
 */
import { SECOND_MS } from './held-jobs.ts'
import type { JobSink } from './job.ts'
import type { Source, SourceTubeStats } from './source.ts'
import {
  BATCH_BYTES,
  BATCH_COUNT,
  type DrainedTube,
  type DrainOptions,
  TubeDrain,
} from './tube-drain.ts'

/** Jobs that come while it is drained are taken too, as often as this; waiting for others does not count. */
const PASSES_MAX = 10
/** While jobs are waited for that others hold. */
const LOOK_AGAIN_MS = 500

const NOTHING: SourceTubeStats = {
  ready: 0,
  reserved: 0,
  delayed: 0,
  buried: 0,
  pauseLeftSeconds: 0,
}

export class Drain {
  readonly #source: Source
  readonly #sink: JobSink
  readonly #options: DrainOptions
  readonly #tubes = new Map<string, DrainedTube>()
  readonly #batchCount: number
  /** Deleted there. */
  #jobs = 0
  #isCounted = false

  constructor(source: Source, sink: JobSink, options: DrainOptions) {
    this.#source = source
    this.#sink = sink
    this.#options = options
    const { jobBytesMax } = source
    const fitting = jobBytesMax > 0 ? Math.floor(BATCH_BYTES / jobBytesMax) : 1
    this.#batchCount = Math.min(BATCH_COUNT, Math.max(1, fitting))
  }

  /** By tube, also after it was cut off. */
  get tubes(): readonly DrainedTube[] {
    return [...this.#tubes.values()]
  }

  /** False where nobody knows what is left. */
  get isCounted(): boolean {
    return this.#isCounted
  }

  /** Rejects with QLOG_SOURCE, and as the store does. */
  async run(): Promise<void> {
    try {
      await this.#runPasses()
    } catch (error) {
      // What went wrong first is what is told; where the server is still there, so is what it has.
      await this.#count().catch(() => undefined)
      throw error
    }
  }

  async #runPasses(): Promise<void> {
    const { signal, waitMs, nowMs, sleep } = this.#options
    const untilMs = nowMs() + waitMs
    let passes = 0
    // A worker may give its job back between the look at its tube and the count: then it is looked again.
    let mayComeBack = waitMs > 0
    for (;;) {
      const before = this.#progress
      for (const tube of await this.#source.tubes()) {
        if (signal.aborted) break
        await this.#drainTube(tube)
      }
      const { free, reserved } = await this.#count()
      if (signal.aborted) return
      const isIdle = this.#progress === before
      const leftMs = reserved > 0 ? untilMs - nowMs() : 0
      if (leftMs > 0) {
        if (isIdle) await sleep(Math.min(LOOK_AGAIN_MS, leftMs))
        mayComeBack = true
        continue
      }
      passes += 1
      const isOver = free === 0 || passes >= PASSES_MAX || (isIdle && !mayComeBack)
      if (isOver) return
      mayComeBack = false
    }
  }

  /** Grows with each job that is put, and with each that is deleted: as long as it does it is worth to go on. */
  get #progress(): number {
    const puts = this.tubes.map(({ ready, delayed, buried, known }) => {
      return ready + delayed + buried + known
    })
    return puts.reduce((sum, jobs) => sum + jobs, this.#jobs)
  }

  /** What is left now, by tube; `free` can be taken, unless it is too large. */
  async #count(): Promise<{ readonly free: number; readonly reserved: number }> {
    let free = 0
    let reserved = 0
    this.#isCounted = false
    for (const tube of this.#tubes.values()) tube.left = NOTHING
    for (const name of await this.#source.tubes()) {
      const left = await this.#source.tubeStats(name)
      if (left === undefined) continue
      const tube = this.#tubeOf(name)
      tube.left = left
      const staying = tube.tooLarge.size + tube.notBuried.size
      if (!tube.isFull) free += Math.max(0, left.ready + left.delayed + left.buried - staying)
      reserved += left.reserved
    }
    this.#isCounted = true
    return { free, reserved }
  }

  async #drainTube(name: string): Promise<void> {
    const stats = await this.#source.tubeStats(name)
    if (stats === undefined) return
    const tube = this.#tubeOf(name)
    const pausedMs = stats.pauseLeftSeconds * SECOND_MS
    // Before its jobs: whoever takes jobs there takes none of these.
    if (pausedMs > 0) {
      await this.#sink.pause(name, pausedMs)
      tube.pausedMs = pausedMs
    }
    // What is put meanwhile is of the next pass: else nobody would know when this one ends.
    const jobsMax = stats.ready + stats.delayed + stats.buried
    if (tube.isFull || jobsMax === 0) return
    await this.#source.turnTo(name)
    const tubeDrain = new TubeDrain(this.#source, this.#sink, this.#options, tube, (jobs) => {
      this.#jobs += jobs
      this.#options.onProgress?.(this.#jobs)
    })
    try {
      // Nothing is reserved of a paused tube in the ordinary way.
      if (pausedMs > 0) await tubeDrain.oneByOne('ready', this.#batchCount, jobsMax)
      else await tubeDrain.ready(this.#batchCount, jobsMax)
      await tubeDrain.oneByOne('delayed', this.#batchCount, jobsMax)
      await tubeDrain.oneByOne('buried', this.#batchCount, jobsMax)
    } catch (error) {
      // What went wrong first is what is told.
      await tubeDrain.giveBack().catch(() => undefined)
      throw error
    }
    await tubeDrain.giveBack()
  }

  #tubeOf(name: string): DrainedTube {
    const known = this.#tubes.get(name)
    if (known !== undefined) return known
    const counts = { ready: 0, delayed: 0, buried: 0, known: 0, takenMeanwhile: 0, pausedMs: 0 }
    const made = {
      tube: name,
      ...counts,
      tooLarge: new Map<number, number>(),
      isFull: false,
      notBuried: new Set<number>(),
      undeleted: new Set<number>(),
      notGivenBack: new Set<number>(),
      dueMs: new Map<number, number>(),
      left: NOTHING,
    }
    this.#tubes.set(name, made)
    return made
  }
}
