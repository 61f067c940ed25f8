/**
 * Takes every job out of a beanstalkd that runs: into the store first, and only what is durable there is
 * deleted here. Whatever cuts it off leaves a job in both at worst, and its key says so when it comes again.
 */
import type { ImportedJob, JobSink } from './job.ts'
import type { PeekedState, Source, SourceJob, SourceJobStats, SourceTubeStats } from './source.ts'

/** Jobs that are held at once: what they take is bounded by what the server takes of one. */
const BATCH_COUNT = 100
const BATCH_BYTES = 16 * 1024 * 1024
/** The shortest time to run is a second: what is held goes on its way long before. */
const CLAIM_MS_MAX = 250
const SECOND_MS = 1_000
/** Jobs that come while it is drained are taken too, as often as this. */
const PASSES_MAX = 10
/** While jobs are waited for that others hold. */
const LOOK_AGAIN_MS = 500

export interface DrainOptions {
  /** It ends between two batches. */
  readonly signal: AbortSignal
  /** How long jobs are waited for that workers hold. */
  readonly waitMs: number
  readonly nowMs: () => number
  readonly sleep: (ms: number) => Promise<void>
  /** After each batch. */
  readonly onProgress?: (jobs: number) => void
}

/** What came over of one tube, and what did not. */
export interface DrainedTube {
  readonly tube: string
  ready: number
  delayed: number
  buried: number
  /** The store had these already: they count as nothing else. */
  known: number
  /** They came over, and somebody took them here meanwhile: they may run twice. */
  takenMeanwhile: number
  /** What is left of a pause, in milliseconds; 0 where it is not paused. */
  pausedMs: number
  /** Ids and lengths of jobs that no message of the store is as large as. */
  readonly tooLarge: Map<number, number>
  /** The queue has no room: the others of this tube are not tried. */
  isFull: boolean
  /** Ids of jobs that were put, could not be buried, and stay. */
  readonly notBuried: Set<number>
  /** What is still there. */
  left: SourceTubeStats
}

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
  #jobs = 0

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
    for (let pass = 1; ; pass += 1) {
      const before = this.#jobs
      for (const tube of await this.#source.tubes()) {
        if (signal.aborted) break
        await this.#drainTube(tube)
      }
      const { free, reserved } = await this.#count()
      if (signal.aborted) return
      const isIdle = this.#jobs === before
      const leftMs = reserved > 0 ? untilMs - nowMs() : 0
      if (leftMs > 0) {
        if (isIdle) await sleep(Math.min(LOOK_AGAIN_MS, leftMs))
      } else if (free === 0 || isIdle || pass >= PASSES_MAX) return
    }
  }

  /** What is left now, by tube; `free` can be taken, unless it is too large. */
  async #count(): Promise<{ readonly free: number; readonly reserved: number }> {
    let free = 0
    let reserved = 0
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
    if (tube.isFull || stats.ready + stats.delayed + stats.buried === 0) return
    await this.#source.turnTo(name)
    const tubeDrain = new TubeDrain(this.#source, this.#sink, this.#options, tube, (jobs) => {
      this.#jobs += jobs
      this.#options.onProgress?.(this.#jobs)
    })
    try {
      // Nothing is reserved of a paused tube in the ordinary way.
      if (pausedMs > 0) await tubeDrain.oneByOne('ready', this.#batchCount)
      else await tubeDrain.ready(this.#batchCount)
      await tubeDrain.oneByOne('delayed', this.#batchCount)
      await tubeDrain.oneByOne('buried', this.#batchCount)
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
      left: NOTHING,
    }
    this.#tubes.set(name, made)
    return made
  }
}

type HeldJob = SourceJob & SourceJobStats

/** One tube, once. */
class TubeDrain {
  readonly #source: Source
  readonly #sink: JobSink
  readonly #options: DrainOptions
  readonly #tube: DrainedTube
  readonly #onJobs: (jobs: number) => void
  /** Reserved here, and not deleted. */
  readonly #held = new Map<number, HeldJob>()

  constructor(
    source: Source,
    sink: JobSink,
    options: DrainOptions,
    tube: DrainedTube,
    onJobs: (jobs: number) => void,
  ) {
    this.#source = source
    this.#sink = sink
    this.#options = options
    this.#tube = tube
    this.#onJobs = onJobs
  }

  /** Those that are ready: many are reserved at once. */
  async ready(count: number): Promise<void> {
    while (!this.#isOver) {
      const jobs = await this.#source.reserve(count)
      if (jobs.length === 0) return
      const stats = await this.#source.jobStats(jobs.map(({ id }) => id))
      const batch: HeldJob[] = []
      for (const [row, job] of jobs.entries()) {
        const told = stats[row]
        // It may have run out of its time and gone to somebody else meanwhile.
        if (told === undefined) continue
        // As it was before it was reserved.
        const held = { ...job, ...told, state: 'ready', leftSeconds: 0 }
        this.#held.set(held.id, held)
        batch.push(held)
      }
      await this.#bringOver(batch)
    }
  }

  /**
   * Those that only a look at the first one finds. Where the server reserves by id they are held, and go over
   * many at once; else each goes over and is deleted before the next one is seen.
   */
  async oneByOne(state: PeekedState, count: number): Promise<void> {
    let next = await this.#source.peek(state)
    while (next !== undefined && !this.#isOver) {
      next = this.#source.reservesById
        ? await this.#claimSome(next, state, count)
        : await this.#copyOne(next, state)
    }
  }

  get #isOver(): boolean {
    return this.#options.signal.aborted || this.#tube.isFull
  }

  /** What is still held goes back to where it was. */
  async giveBack(): Promise<void> {
    const jobs = [...this.#held.values()]
    this.#held.clear()
    await this.#source.giveBack(jobs)
  }

  /** Resolves with the first one behind them. */
  async #claimSome(
    first: SourceJob,
    state: PeekedState,
    count: number,
  ): Promise<SourceJob | undefined> {
    const untilMs = this.#options.nowMs() + CLAIM_MS_MAX
    const batch: HeldJob[] = []
    let next: SourceJob | undefined = first
    while (next !== undefined && batch.length < count && this.#options.nowMs() < untilMs) {
      const claim = await this.#source.claim(next.id, state)
      // Somebody else has taken it; where it is the first one all the same nothing is gained by asking again.
      if (claim.job === undefined && claim.next?.id === next.id) {
        next = undefined
        break
      }
      if (claim.job !== undefined && claim.stats !== undefined) {
        const held = { ...claim.job, ...claim.stats }
        this.#held.set(held.id, held)
        batch.push(held)
      }
      next = claim.next
    }
    await this.#bringOver(batch)
    return next
  }

  async #copyOne(job: SourceJob, state: PeekedState): Promise<SourceJob | undefined> {
    const [stats] = await this.#source.jobStats([job.id])
    if (stats !== undefined && stats.state !== 'reserved') {
      await this.#bringOver([{ ...job, ...stats }])
    }
    const next = await this.#source.peek(state)
    // It could not be put, or not be deleted: those behind it are not to be seen.
    return next?.id === job.id ? undefined : next
  }

  async #bringOver(batch: readonly HeldJob[]): Promise<void> {
    const fitting = batch.filter(({ body }) => body !== undefined)
    const outcomes = await this.#sink.put(this.#tube.tube, fitting.map(this.#imported))
    const durable: HeldJob[] = []
    for (const job of batch) {
      const row = fitting.indexOf(job)
      const outcome = row < 0 ? 'too-large' : outcomes[row]
      if (outcome === 'too-large' || outcome === undefined) {
        // It stays as it is, and is not met again before it is given back.
        this.#tube.tooLarge.set(job.id, job.bytes)
        continue
      }
      if (outcome === 'full') {
        this.#tube.isFull = true
        continue
      }
      if (outcome === 'not-buried') {
        this.#tube.notBuried.add(job.id)
        continue
      }
      this.#tube.notBuried.delete(job.id)
      durable.push(job)
      if (outcome === 'known') this.#tube.known += 1
      else this.#tube[job.state === 'buried' || job.state === 'delayed' ? job.state : 'ready'] += 1
    }
    const deleted = await this.#source.delete(durable.map(({ id }) => id))
    for (const [row, { id }] of durable.entries()) {
      this.#held.delete(id)
      if (deleted[row] !== true) this.#tube.takenMeanwhile += 1
    }
    this.#onJobs(durable.length)
  }

  readonly #imported = (job: HeldJob): ImportedJob => {
    const { identity } = this.#source
    const { id, state, priority, ttrSeconds, leftSeconds, body } = job
    return {
      sourceId: id,
      key: identity === undefined ? undefined : `beanstalkd:${identity}:${id}`,
      priority,
      ttrMs: Math.max(1, ttrSeconds) * SECOND_MS,
      // It is told in whole seconds, without the fraction: never too early.
      delayMs: state === 'delayed' ? (leftSeconds + 1) * SECOND_MS : 0,
      isBuried: state === 'buried',
      body: body ?? new Uint8Array(0),
    }
  }
}
