/**
 * Takes the jobs out of one tube of a beanstalkd: some at a time, which are held there until they are durable
 * in the store. Bounded in jobs and bytes that it holds, and in how many it takes.
 */
import { delayMsOf, HeldJobs, SECOND_MS } from './held-jobs.ts'
import type { ImportedJob, JobSink } from './job.ts'
import type { PeekedState, Source, SourceJob, SourceJobStats, SourceTubeStats } from './source.ts'

/** Jobs that are held at once, and bytes of their bodies; a single one may be larger. */
export const BATCH_COUNT = 100
export const BATCH_BYTES = 16 * 1024 * 1024
/** The shortest time to run is a second: what is held goes on its way long before. */
const CLAIM_MS_MAX = 250

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
  /** Ids of jobs that were put and could not be deleted yet: where they are met again, only that is left. */
  readonly undeleted: Set<number>
  /** Ids of jobs that were to be given back as they were, and were not reserved any more: they are ready there. */
  readonly notGivenBack: Set<number>
  /** When delays are over of jobs that were given back, by id and by the clock of the drain. */
  readonly dueMs: Map<number, number>
  /** What is still there. */
  left: SourceTubeStats
}

type FoundJob = SourceJob & SourceJobStats

/** One tube, once. */
export class TubeDrain {
  readonly #source: Source
  readonly #sink: JobSink
  readonly #options: DrainOptions
  readonly #tube: DrainedTube
  /** Told how many were deleted there. */
  readonly #onJobs: (jobs: number) => void
  /** Reserved here, and not deleted. */
  readonly #held: HeldJobs
  /** Jobs of one state that were looked at. */
  #seen = 0

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
    this.#held = new HeldJobs(source, options.nowMs, tube.dueMs)
    this.#onJobs = onJobs
  }

  /** Those that are ready, up to so many: `batchCount` are reserved at once. */
  async ready(batchCount: number, jobsMax: number): Promise<void> {
    let count = batchCount
    for (let seen = 0; seen < jobsMax && !this.#isOver; ) {
      this.#held.begin()
      const { jobs, beyond } = await this.#source.reserve(count, BATCH_BYTES)
      if (jobs.length === 0) return
      seen += jobs.length
      const batch = await this.#hold(jobs)
      if (beyond.length > 0) {
        // Nothing says what they take before they come: they are asked for once more, fewer at once.
        const back = await this.#hold(beyond.map((id) => ({ id, bytes: 0, body: undefined })))
        await this.#source.giveBack(back)
        for (const { id } of back) this.#held.delete(id)
      }
      count = beyond.length > 0 ? jobs.length : Math.min(batchCount, count * 2)
      await this.#bringOver(batch)
    }
  }

  /** Notes that they are reserved, and what they were before. */
  async #hold(jobs: readonly SourceJob[]): Promise<FoundJob[]> {
    const answers = await this.#source.jobStats(jobs.map(({ id }) => id))
    const batch: FoundJob[] = []
    for (const [row, job] of jobs.entries()) {
      const told = answers[row]
      // It may have run out of its time and gone to somebody else meanwhile.
      if (told === undefined) continue
      const stats = { ...told, state: 'ready', leftSeconds: 0 }
      this.#held.note(job.id, stats)
      batch.push({ ...job, ...stats })
    }
    return batch
  }

  /**
   * Those that only a look at the first one finds, up to so many. Where the server reserves by id they are
   * held, and go over many at once; else each goes over and is deleted before the next one is seen.
   */
  async oneByOne(state: PeekedState, batchCount: number, jobsMax: number): Promise<void> {
    this.#seen = 0
    let next = await this.#source.peek(state)
    while (next !== undefined && this.#seen < jobsMax && !this.#isOver) {
      next = this.#source.reservesById
        ? await this.#claimSome(next, state, batchCount)
        : await this.#copyOne(next, state)
    }
  }

  get #isOver(): boolean {
    return this.#options.signal.aborted || this.#tube.isFull
  }

  /** What is still held goes back to where it was. */
  async giveBack(): Promise<void> {
    for (const id of await this.#held.giveBack()) this.#tube.notGivenBack.add(id)
  }

  /** Resolves with the first one behind them. */
  async #claimSome(
    first: SourceJob,
    state: PeekedState,
    count: number,
  ): Promise<SourceJob | undefined> {
    this.#held.begin()
    const untilMs = this.#options.nowMs() + CLAIM_MS_MAX
    const batch: FoundJob[] = []
    let bytes = 0
    let next: SourceJob | undefined = first
    const isRoom = () => batch.length < count && bytes < BATCH_BYTES
    while (next !== undefined && isRoom() && this.#options.nowMs() < untilMs) {
      this.#seen += 1
      const claim = await this.#source.claim(next.id, state)
      // Somebody else has taken it; where it is the first one all the same nothing is gained by asking again.
      if (claim.job === undefined && claim.next?.id === next.id) {
        next = undefined
        break
      }
      if (claim.job !== undefined && claim.stats !== undefined) {
        this.#held.note(claim.job.id, claim.stats)
        batch.push({ ...claim.job, ...claim.stats })
        bytes += claim.job.body?.length ?? 0
      }
      next = claim.next
    }
    await this.#bringOver(batch)
    return next
  }

  async #copyOne(job: SourceJob, state: PeekedState): Promise<SourceJob | undefined> {
    this.#seen += 1
    const [stats] = await this.#source.jobStats([job.id])
    if (stats !== undefined && stats.state !== 'reserved') {
      await this.#bringOver([{ ...job, ...stats }])
    }
    const next = await this.#source.peek(state)
    // It could not be put, or not be deleted: those behind it are not to be seen.
    return next?.id === job.id ? undefined : next
  }

  async #bringOver(batch: readonly FoundJob[]): Promise<void> {
    const { undeleted, notBuried } = this.#tube
    // What this run has put is put no more: its key may have ended since, or it never had one.
    const durable = batch.filter(({ id }) => undeleted.has(id))
    const fresh = batch.filter(({ id }) => !undeleted.has(id) && !notBuried.has(id))
    durable.push(...(await this.#put(fresh)))
    const deleted = await this.#source.delete(durable.map(({ id }) => id))
    let gone = 0
    for (const [row, { id }] of durable.entries()) {
      this.#held.delete(id)
      if (deleted[row] === true) {
        undeleted.delete(id)
        gone += 1
      } else if (!undeleted.has(id)) {
        undeleted.add(id)
        this.#tube.takenMeanwhile += 1
      }
    }
    this.#onJobs(gone)
    await this.#held.touch()
  }

  /** Resolves with those that are durable in the store, and so can be deleted. */
  async #put(batch: readonly FoundJob[]): Promise<FoundJob[]> {
    const tube = this.#tube
    const fitting = batch.filter(({ body }) => body !== undefined)
    const outcomes =
      fitting.length === 0 ? [] : await this.#sink.put(tube.tube, fitting.map(this.#imported))
    const durable: FoundJob[] = []
    for (const job of batch) {
      const row = fitting.indexOf(job)
      const outcome = row < 0 ? 'too-large' : outcomes[row]
      if (outcome === 'too-large' || outcome === undefined) {
        // It stays as it is, and is not met again before it is given back.
        tube.tooLarge.set(job.id, job.bytes)
      } else if (outcome === 'full') tube.isFull = true
      else if (outcome === 'not-buried') tube.notBuried.add(job.id)
      else {
        durable.push(job)
        if (outcome === 'known') tube.known += 1
        else tube[job.state === 'buried' || job.state === 'delayed' ? job.state : 'ready'] += 1
      }
    }
    return durable
  }

  readonly #imported = (job: FoundJob): ImportedJob => {
    const { identity } = this.#source
    const { id, state, priority, ttrSeconds, leftSeconds, body } = job
    return {
      sourceId: id,
      key: identity === undefined ? undefined : `beanstalkd:${identity}:${id}`,
      priority,
      ttrMs: Math.max(1, ttrSeconds) * SECOND_MS,
      delayMs: state === 'delayed' ? delayMsOf(leftSeconds) : 0,
      isBuried: state === 'buried',
      body: body ?? new Uint8Array(0),
    }
  }
}
