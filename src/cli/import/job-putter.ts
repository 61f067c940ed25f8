/**
 * Puts jobs of a beanstalkd into a store, by its verbs: each under a key, so that one that comes again is not
 * put twice. Touches the store it is given.
 */
import { QlogError } from '../../errors.ts'
import type { ImportedJob, JobOutcome, JobSink } from '../../protocols/beanstalkd/import/job.ts'
import type { PutRow, StoreAccess, VerbTypes } from '../../server/index.ts'

/** What goes out with one request. A larger job goes by itself. */
const BATCH_COUNT = 256
const BATCH_BYTES = 1024 * 1024
/** The group that the protocol of beanstalkd reads. */
const GROUP = 'default'
/** A job that is to be buried is nobody's in between: where this is cut off it waits, and an import goes on. */
const UNTIL_BURIED_MS = 86_400_000

type PutItem = VerbTypes['put']['item']
type ListItem = VerbTypes['list']['item']

/** A job that the store had already: its number there, and its row in the batch. */
interface Known {
  readonly id: number
  readonly row: number
}

export class JobPutter implements JobSink {
  readonly #store: StoreAccess
  readonly #keyWindowMs: number
  readonly #begun = new Set<string>()
  /** Queues that had no room for a job, each with what its store said. */
  readonly full = new Map<string, string>()

  /** `keyWindowMs`: so long from its put on a job is known that comes again. */
  constructor(store: StoreAccess, keyWindowMs: number) {
    this.#store = store
    this.#keyWindowMs = keyWindowMs
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
      if (this.full.has(queue)) break
      if (batch.length >= BATCH_COUNT || bytes + job.body.length > BATCH_BYTES) await flush()
      batch.push(job)
      bytes += job.body.length
    }
    if (!this.full.has(queue)) await flush()
    while (outcomes.length < jobs.length) outcomes.push('full')
    return outcomes
  }

  async pause(queue: string, pauseMs: number): Promise<void> {
    await this.#begin(queue)
    await this.#store.call('pause', { queue, pauseMs })
  }

  async #putBatch(queue: string, jobs: readonly ImportedJob[]): Promise<JobOutcome[]> {
    await this.#begin(queue)
    const outcomes: JobOutcome[] = []
    const buried = new Map<number, number>()
    const known = new Map<number, Known>()
    const onItem = ({ id, offset, duplicate }: PutItem): void => {
      const row = outcomes.length
      outcomes.push(duplicate ? 'known' : 'put')
      if (!jobs[row]?.isBuried) return
      if (duplicate) known.set(offset, { id, row })
      else buried.set(id, row)
    }
    // All or none: what was put without a word would never be buried, and nothing tells which it was.
    const args = { queue, messages: jobs.map(this.#rowOf), atomic: jobs.length > 1 }
    const tail = Buffer.concat(jobs.map(({ body }) => body))
    try {
      await this.#store.call('put', args, { tail, onItem })
    } catch (error) {
      return this.#putLess(queue, jobs, error)
    }
    for (const { id, row } of await this.#unburied(queue, known)) buried.set(id, row)
    for (const id of await this.#bury(queue, [...buried.keys()])) {
      const row = buried.get(id)
      if (row !== undefined) outcomes[row] = 'not-buried'
    }
    return outcomes
  }

  /** A store may take less than a batch: the halves find out how much of it. */
  async #putLess(
    queue: string,
    jobs: readonly ImportedJob[],
    error: unknown,
  ): Promise<JobOutcome[]> {
    const code = error instanceof QlogError ? error.code : undefined
    if (code !== 'QLOG_TOO_LARGE' && code !== 'QLOG_QUEUE_FULL') throw error
    if (jobs.length === 1) {
      if (code === 'QLOG_TOO_LARGE') return ['too-large']
      this.full.set(queue, error instanceof Error ? error.message : '')
      return ['full']
    }
    const half = jobs.length >> 1
    const outcomes = await this.#putBatch(queue, jobs.slice(0, half))
    if (!this.full.has(queue)) outcomes.push(...(await this.#putBatch(queue, jobs.slice(half))))
    while (outcomes.length < jobs.length) outcomes.push('full')
    return outcomes
  }

  /**
   * Which of those that were put by an earlier run still wait from their put, by offset: that run was cut off
   * before it buried them. Whoever kicked one, or had it, has made of it what it is.
   */
  async #unburied(queue: string, known: ReadonlyMap<number, Known>): Promise<readonly Known[]> {
    const found: Known[] = []
    const onItem = ({ id, offset, state, counters }: ListItem): void => {
      const one = known.get(offset)
      const isAsPut = state === 'delayed' && counters.leases + counters.buries === 0
      if (one?.id === id && isAsPut) found.push(one)
    }
    for (const { from, limit } of runsOf([...known.keys()])) {
      await this.#store.call('list', { queue, group: GROUP, from, limit }, { onItem })
    }
    // The order in which they were buried there.
    return found.sort((a, b) => a.row - b.row)
  }

  /** Resolves with those that the group could not lease, and so not bury. */
  async #bury(queue: string, ids: readonly number[]): Promise<readonly number[]> {
    if (ids.length === 0) return []
    const states = ids.map((id) => ({ id, state: 'buried' as const }))
    const { missed } = await this.#store.call('importStates', { queue, group: GROUP, states })
    return missed
  }

  /** With a group, so that a job is gone once it is deleted; what is in the queue already belongs to it too. */
  async #begin(queue: string): Promise<void> {
    if (this.#begun.has(queue)) return
    await this.#store.call('importGroup', { queue, group: GROUP, fromId: 1 })
    this.#begun.add(queue)
  }

  readonly #rowOf = ({ key, priority, ttrMs, delayMs, isBuried, body }: ImportedJob): PutRow => {
    const waitMs = isBuried ? UNTIL_BURIED_MS : delayMs
    return {
      bytes: body.length,
      priority,
      leaseMs: ttrMs,
      ...(waitMs > 0 && { delayMs: waitMs }),
      ...(key !== undefined && { key, keyWindowMs: this.#keyWindowMs }),
    }
  }
}

/** Offsets as runs without a gap: each is one look. */
function runsOf(offsets: readonly number[]): { readonly from: number; limit: number }[] {
  const runs: { readonly from: number; limit: number }[] = []
  for (const offset of [...offsets].sort((a, b) => a - b)) {
    const last = runs.at(-1)
    if (last !== undefined && offset === last.from + last.limit) last.limit += 1
    else runs.push({ from: offset, limit: 1 })
  }
  return runs
}
