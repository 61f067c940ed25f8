/**
 * Puts jobs of a beanstalkd into a store, by its verbs: each under a key, so that one that comes again is not
 * put twice. Touches the store it is given.
 */
import { QlogError } from '../../errors.ts'
import type { ImportedJob, JobOutcome, JobSink } from '../../protocols/beanstalkd/import/job.ts'
import type { PutRow, StoreAccess } from '../../server/index.ts'

/** What goes out with one request. A larger job goes by itself. */
const BATCH_COUNT = 256
const BATCH_BYTES = 1024 * 1024
/** The group that the protocol of beanstalkd reads. */
const GROUP = 'default'
/** So long a job is known that comes again. */
const KEY_WINDOW_MS = 3_600_000
/** A job that is to be buried is nobody's in between: where this is cut off it waits, and an import goes on. */
const UNTIL_BURIED_MS = 86_400_000

export class JobPutter implements JobSink {
  readonly #store: StoreAccess
  readonly #begun = new Set<string>()

  constructor(store: StoreAccess) {
    this.#store = store
  }

  async put(queue: string, jobs: readonly ImportedJob[]): Promise<readonly JobOutcome[]> {
    const outcomes: JobOutcome[] = []
    let batch: ImportedJob[] = []
    let bytes = 0
    const flush = async (): Promise<void> => {
      if (batch.length > 0) outcomes.push(...(await this.#putBatch(queue, batch)))
      batch = []
      bytes = 0
    }
    for (const job of jobs) {
      if (batch.length >= BATCH_COUNT || bytes + job.body.length > BATCH_BYTES) await flush()
      batch.push(job)
      bytes += job.body.length
    }
    await flush()
    return outcomes
  }

  async pause(queue: string, pauseMs: number): Promise<void> {
    await this.#begin(queue)
    await this.#store.call('pause', { queue, pauseMs })
  }

  async #putBatch(queue: string, jobs: readonly ImportedJob[]): Promise<JobOutcome[]> {
    await this.#begin(queue)
    const outcomes: JobOutcome[] = []
    const states: { readonly id: number; readonly state: 'buried' }[] = []
    const onItem = (result: { readonly id: number; readonly duplicate: boolean }): void => {
      if (jobs[outcomes.length]?.isBuried) states.push({ id: result.id, state: 'buried' })
      outcomes.push(result.duplicate ? 'known' : 'put')
    }
    // All or none: what was put without a word would never be buried, and nothing tells which it was.
    const args = { queue, messages: jobs.map(rowOf), atomic: jobs.length > 1 }
    const tail = Buffer.concat(jobs.map(({ body }) => body))
    try {
      await this.#store.call('put', args, { tail, onItem })
    } catch (error) {
      const isTooLarge = error instanceof QlogError && error.code === 'QLOG_TOO_LARGE'
      if (!isTooLarge) throw error
      if (jobs.length === 1) return ['too-large']
      // A store may take less than a batch: the halves find out which of them it is.
      const half = jobs.length >> 1
      const first = await this.#putBatch(queue, jobs.slice(0, half))
      return [...first, ...(await this.#putBatch(queue, jobs.slice(half)))]
    }
    if (states.length > 0) {
      await this.#store.call('importStates', { queue, group: GROUP, states })
    }
    return outcomes
  }

  /** With a group, so that a job is gone once it is deleted; what is in the queue already belongs to it too. */
  async #begin(queue: string): Promise<void> {
    if (this.#begun.has(queue)) return
    await this.#store.call('importGroup', { queue, group: GROUP, fromId: 1 })
    this.#begun.add(queue)
  }
}

function rowOf({ key, priority, ttrMs, delayMs, isBuried, body }: ImportedJob): PutRow {
  const waitMs = isBuried ? UNTIL_BURIED_MS : delayMs
  return {
    bytes: body.length,
    priority,
    leaseMs: ttrMs,
    ...(waitMs > 0 && { delayMs: waitMs }),
    ...(key !== undefined && { key, keyWindowMs: KEY_WINDOW_MS }),
  }
}
