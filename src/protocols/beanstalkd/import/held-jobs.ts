/**
 * The jobs of one tube that are reserved in the old server and not deleted: kept from running out of their time,
 * and given back as they were. Holds no bodies, since as many may stay as the tube has.
 */
import { type Source, type SourceJobStats, U32_MAX } from './source.ts'

export const SECOND_MS = 1_000
/** So much later a delay may end that was told anew, in whole seconds, without being another one. */
const DRIFT_MS_MAX = 3_000

interface HeldJob extends SourceJobStats {
  readonly id: number
  /** When its delay is over; 0 where it had none. */
  readonly dueMs: number
}

export class HeldJobs {
  readonly #source: Source
  readonly #nowMs: () => number
  /** When delays are over of jobs that were given back before. */
  readonly #dueBeforeMs: Map<number, number>
  readonly #jobs = new Map<number, HeldJob>()
  /** None of them has a shorter time to run. */
  #ttrSecondsMin = Number.POSITIVE_INFINITY
  /** Since then, or later, the time to run of each of them counts. */
  #runsFromMs = 0

  /** `dueBeforeMs` is read and written: it outlives these jobs. */
  constructor(source: Source, nowMs: () => number, dueBeforeMs: Map<number, number>) {
    this.#source = source
    this.#nowMs = nowMs
    this.#dueBeforeMs = dueBeforeMs
  }

  /** Before some are reserved. */
  begin(): void {
    if (this.#jobs.size > 0) return
    this.#ttrSecondsMin = Number.POSITIVE_INFINITY
    this.#runsFromMs = this.#nowMs()
  }

  /** It is reserved; this is what it was before. */
  note(id: number, stats: SourceJobStats): void {
    this.#jobs.set(id, { id, ...stats, dueMs: this.#dueMs(id, stats) })
    this.#ttrSecondsMin = Math.min(this.#ttrSecondsMin, stats.ttrSeconds)
  }

  delete(id: number): void {
    this.#jobs.delete(id)
  }

  /**
   * What stays is held until the end of the tube, and is ready there once its time to run is over. All of them
   * after each batch would be many: the half of that time is waited for.
   */
  async touch(): Promise<void> {
    const nowMs = this.#nowMs()
    const dueMs = this.#runsFromMs + (this.#ttrSecondsMin * SECOND_MS) / 2
    if (this.#jobs.size === 0 || nowMs < dueMs) return
    await this.#source.touch([...this.#jobs.keys()])
    this.#runsFromMs = nowMs
    // The shortest may be gone meanwhile.
    this.#ttrSecondsMin = Number.POSITIVE_INFINITY
    for (const { ttrSeconds } of this.#jobs.values()) {
      this.#ttrSecondsMin = Math.min(this.#ttrSecondsMin, ttrSeconds)
    }
  }

  /** All of them. Resolves with those that are not as they were: they were not reserved any more. */
  async giveBack(): Promise<readonly number[]> {
    const nowMs = this.#nowMs()
    const jobs = [...this.#jobs.values()].map((job) => {
      if (job.state !== 'delayed') return job
      this.#dueBeforeMs.set(job.id, job.dueMs)
      return { ...job, leftSeconds: Math.max(0, Math.ceil((job.dueMs - nowMs) / SECOND_MS)) }
    })
    this.#jobs.clear()
    const missed = new Set(await this.#source.giveBack(jobs))
    // One that was ready is so again when its time to run is over.
    const others = jobs.filter(({ id, state }) => missed.has(id) && state !== 'ready')
    return others.map(({ id }) => id)
  }

  /** The first one that was told: each time that a delay begins anew it is rounded up. */
  #dueMs(id: number, { state, leftSeconds }: SourceJobStats): number {
    if (state !== 'delayed') return 0
    const toldMs = this.#nowMs() + delayMsOf(leftSeconds)
    const beforeMs = this.#dueBeforeMs.get(id)
    const isSame = beforeMs !== undefined && Math.abs(toldMs - beforeMs) <= DRIFT_MS_MAX
    return isSame ? beforeMs : toldMs
  }
}

/** It is told in whole seconds, without the fraction: never too early. */
export function delayMsOf(leftSeconds: number): number {
  return Math.min(U32_MAX, leftSeconds + 1) * SECOND_MS
}
