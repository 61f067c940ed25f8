/** The store: joins its core with the faces, and knows how it ends. */
import { QlogError, QlogTypeError } from '../errors.ts'
import { checkInteger, checkMs, checkName, checkOptionNames } from './check.ts'
import { StoreSession } from './deliver/session.ts'
import { lookAt } from './look/looking.ts'
import { METRIC_STATS, type MetricSource, type MetricStats } from './observe/metric-source.ts'
import { metricStats } from './observe/metric-stats.ts'
import { storeFigures } from './observe/store-figures.ts'
import { QueueHandle, queueStats } from './queue-handle.ts'
import { checkValueOptions } from './queue-values.ts'
import { StoreTransaction } from './settle/transaction.ts'
import { Verbs } from './settle/verbs.ts'
import { IdleGroups } from './space/idle-groups.ts'
import { Retention } from './space/retention.ts'
import { type SavedSlice, Snapshots } from './space/snapshots.ts'
import type { StoreCore } from './store-core.ts'
import { GROUP_DEFAULT } from './types/groups.ts'
import type { StoredMessage } from './types/messages.ts'
import type { Queue, QueueOptions, TypedQueueOptions } from './types/queues.ts'
import type { SessionOptions } from './types/sessions.ts'
import type { StoreStats, StoreStatus } from './types/stats.ts'
import type { Store } from './types/store.ts'
import type { Transaction, TransactionResult } from './types/transactions.ts'
import { Workers } from './work/workers.ts'

export class LogStore implements Store, MetricSource {
  readonly #core: StoreCore
  readonly #verbs: Verbs
  readonly #snapshots: Snapshots
  readonly #retention: Retention
  readonly #sessions = new Set<StoreSession>()
  readonly #workers: Workers
  readonly #idleGroups: IdleGroups
  #hasApplied = false
  #closing: Promise<void> | undefined

  constructor(core: StoreCore, saved: ReadonlyMap<string, SavedSlice>) {
    this.#core = core
    this.#verbs = new Verbs(core)
    this.#snapshots = new Snapshots(core, saved)
    this.#retention = new Retention(core)
    this.#workers = new Workers(core, () => this.session())
    core.onApplied = () => {
      // Not at opening: a store that is opened and closed changes nothing.
      if (!this.#hasApplied) core.gone.discardAll()
      this.#hasApplied = true
      this.#snapshots.applied()
      this.#retention.applied()
      this.#workers.applied()
    }
    this.#idleGroups = new IdleGroups(core)
    core.settings.onSettled = () => this.#idleGroups.look()
    core.onFailed = (cause) => {
      this.#retention.close()
      this.#idleGroups.close()
      for (const session of this.#sessions) session.fail(cause)
      this.#workers.failed(cause)
    }
  }

  get status(): StoreStatus {
    return this.#core.status
  }

  queue<T>(name: string, options: TypedQueueOptions<T>): Queue<T, T>
  queue(name: string, options?: QueueOptions): Queue
  queue<T>(name: string, options?: Partial<TypedQueueOptions<T>>): Queue<T, T> {
    checkName('the name of a queue', name)
    const values = checkValueOptions(options)
    const retry = options?.retry
    if (retry !== undefined) this.#core.retries.set(name, retry)
    return new QueueHandle<T, T>(this.#core, name, values, this.#workers, retry !== undefined)
  }

  queues(): readonly string[] {
    return [...this.#core.state.queues.values()].map(({ name }) => name).sort()
  }

  async get(id: number, group = GROUP_DEFAULT): Promise<StoredMessage | undefined> {
    this.#core.assertOpen()
    checkInteger('id', id, 1, Number.MAX_SAFE_INTEGER)
    checkName('the name of a group', group)
    const seen = await lookAt(this.#core, id, group)
    return seen && { ...seen.info, body: seen.body, value: seen.body }
  }

  session(options?: SessionOptions): StoreSession {
    this.#core.assertOpen()
    const onClose = (one: StoreSession) => this.#sessions.delete(one)
    const session = new StoreSession(this.#core, this.#verbs, onClose, options)
    this.#sessions.add(session)
    return session
  }

  async transaction(body: (transaction: Transaction) => void): Promise<TransactionResult> {
    this.#core.assertOpen()
    if (typeof body !== 'function') throw new QlogTypeError('a transaction takes a function')
    const transaction = new StoreTransaction(this.#core, this.#verbs)
    try {
      const answer: unknown = body(transaction)
      if (answer instanceof Promise) {
        answer.catch(() => undefined)
        throw new QlogTypeError('the body of a transaction must not be asynchronous')
      }
    } catch (error) {
      transaction.abandon()
      throw error
    }
    return transaction.commit()
  }

  stats(): StoreStats {
    const { state, dispatcher, clock, watch } = this.#core
    const queues = this.queues().map((name) => queueStats(this.#core, name))
    const groups = queues.flatMap((queue) => queue.groups)
    const messages = [...state.queues.values()].reduce((sum, { pending }) => sum + pending, 0)
    return {
      status: this.status,
      openMs: watch.openMs,
      queues,
      totals: state.allCounts().totals(),
      messages,
      retained: queues.reduce((sum, { retained }) => sum + retained, 0),
      ready: groups.reduce((sum, { ready }) => sum + ready, 0),
      delayed: groups.reduce((sum, { delayed }) => sum + delayed, 0),
      leased: dispatcher.leased,
      buried: groups.reduce((sum, { buried }) => sum + buried, 0),
      waitingSessions: [...this.#sessions].filter((session) => session.isWaiting).length,
      stateBytes: this.#snapshots.stateBytes,
      snapshotBytes: this.#snapshots.savedBytes,
      ...storeFigures(this.#core, messages),
      clockWasAhead: clock.wasAhead,
    }
  }

  [METRIC_STATS](): MetricStats {
    const { stateBytes, savedBytes } = this.#snapshots
    return metricStats(this.#core, { status: this.status, stateBytes, snapshotBytes: savedBytes })
  }

  /** Saves the state now. */
  async checkpoint(): Promise<void> {
    this.#core.assertOpen()
    await this.#snapshots.save(false)
  }

  async compact(): Promise<void> {
    this.#core.assertOpen()
    await this.#retention.settle()
    // The log keeps what the last snapshot but one needs: two of now let go of everything older.
    this.#core.gone.discardAll()
    await this.#core.gone.settled()
    await this.#snapshots.save(true)
    await this.#snapshots.save(true)
    await this.#core.log.compact()
  }

  /** Hash of the state as the log has it so far: equal for two stores that answer alike. */
  stateHash(): string {
    return this.#core.state.hash()
  }

  close(options: { timeoutMs?: number } = {}): Promise<void> {
    checkOptionNames('the options of close', options, ['timeoutMs'])
    if (options.timeoutMs !== undefined) checkMs('timeoutMs', options.timeoutMs)
    this.#closing ??= this.#close(options)
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(options: { timeoutMs?: number }): Promise<void> {
    const core = this.#core
    const { clock } = core.system
    const wasOpen = core.status === 'open'
    this.#idleGroups.close()
    const { timeoutMs } = options
    const endMs = timeoutMs === undefined ? undefined : clock.monotonicMs() + timeoutMs
    // What their handlers do from now on is in vain.
    const stopped = this.#workers.close()
    try {
      if (wasOpen) await this.#settleWithin(timeoutMs, stopped)
    } finally {
      core.status = 'closed'
      this.#retention.close()
      core.dispatcher.close()
      core.journal.close()
      core.gone.close()
      core.watch.close()
      const left =
        endMs === undefined ? {} : { timeoutMs: Math.max(0, endMs - clock.monotonicMs()) }
      await core.log.close(left)
    }
  }

  async #settleWithin(timeoutMs: number | undefined, stopped: Promise<unknown>): Promise<void> {
    const settled = this.#settle(stopped).catch(ignoreAtTheEnd)
    if (timeoutMs === undefined) {
      await settled
      return
    }
    let cancel: () => void = () => undefined
    const late = new Promise<void>((resolve) => {
      cancel = this.#core.system.clock.after(timeoutMs, resolve, true)
    })
    await Promise.race([settled, late])
    cancel()
  }

  /** Gives leases back, waits for what is in flight, and says that this was a proper end. */
  async #settle(stopped: Promise<unknown>): Promise<void> {
    const core = this.#core
    const closing = [...this.#sessions].map((session) => session.close())
    core.status = 'closing'
    await Promise.allSettled([...closing, stopped])
    // Who only comes and goes, as commands do, lets go of what is beyond the limits too.
    await this.#retention.settle().catch(ignoreAtTheEnd)
    await this.#verbs.bodies.settled()
    core.riding.flush()
    await core.journal.settled()
    await this.#snapshots.settled()
    // Nothing may be decided behind the record that says that this was all.
    core.dispatcher.close()
    if (!core.hasWritten || core.journal.failure) return
    await core.sendClose()
    await this.#snapshots.saveAtEnd()
  }
}

/** What fails while a store closes fails the promises of those it concerns. */
function ignoreAtTheEnd(error: unknown): void {
  if (!(error instanceof QlogError)) throw error
}
