/**
 * A worker: one loop takes messages in, a fixed set of slots runs the handler, and what comes of it is
 * recorded without anybody waiting for it one by one. Joins its parts, and knows how it ends.
 */
import { QlogError } from '../../errors.ts'
import { checkMs, checkOptionNames } from '../check.ts'
import type { LeasedDelivery } from '../deliver/delivery.ts'
import type { StoreSession } from '../deliver/session.ts'
import type { GroupDispatch } from '../dispatch/group-dispatch.ts'
import type { StoreCore } from '../store-core.ts'
import { Handlers } from './handlers.ts'
import { Intake } from './intake.ts'
import { LeaseKeeper } from './lease-keeper.ts'
import type { WorkPlan } from './options.ts'
import { Outcomes } from './outcomes.ts'
import type { StopOptions, Worker, WorkerStats, WorkerStatus } from './types.ts'
import { WorkerEnd } from './worker-end.ts'

/** Handlers begun before everything else gets a turn, also where nothing has to be waited for. */
const JOBS_A_TURN = 16_384

export class QueueWorker<T> implements Worker {
  readonly queue: string
  readonly group: string
  readonly #end: WorkerEnd
  #status: WorkerStatus = 'running'
  readonly #core: StoreCore
  readonly #session: StoreSession
  readonly #plan: WorkPlan<T>
  readonly #onEnd: () => void
  readonly #keeper: LeaseKeeper
  readonly #intake: Intake
  readonly #outcomes = new Outcomes(() => this.#pumpSoon())
  readonly #handlers: Handlers<T>
  /** Messages whose leases are about to begin. */
  #starting = 0
  #jobsThisTurn = 0
  #cancelTurn: (() => void) | undefined
  #isPumpScheduled = false
  #isFeeding = false
  readonly #abort = new AbortController()
  /** Wakes the loop that waits for room. */
  #wake: () => void = () => undefined
  /** Known once the group is there. */
  #dispatch: GroupDispatch | undefined
  #cancelDeadline: (() => void) | undefined
  /** Leases are renewed by the event loop, so that it is watched as long as this works. */
  #unwatchLoop: (() => void) | undefined
  /** Handlers that still run are given up. */
  #isGivenUp = false
  #finishing: Promise<void> | undefined
  readonly #stopped: Promise<void>
  #resolveStopped: () => void = () => undefined
  readonly #onAbort = (): void => this.#beginStop()

  constructor(core: StoreCore, session: StoreSession, plan: WorkPlan<T>, onEnd: () => void) {
    this.queue = plan.queue
    this.group = plan.group
    this.#core = core
    this.#session = session
    this.#plan = plan
    this.#onEnd = onEnd
    this.#keeper = new LeaseKeeper(core, plan.leaseMs, () => this.#handlers.deliveries())
    this.#handlers = new Handlers(plan, this.#keeper, this.#outcomes, () => this.#pumpSoon())
    this.#intake = new Intake(session, this.#keeper, plan.leaseMs)
    this.#stopped = new Promise((resolve) => {
      this.#resolveStopped = resolve
    })
    this.#end = new WorkerEnd(core.system, plan)
  }

  get ended(): Promise<void> {
    return this.#end.promise
  }

  get status(): WorkerStatus {
    return this.#status
  }

  stats(): WorkerStats {
    const { acked, retried, buried, settling } = this.#outcomes
    const { held } = this.#intake
    return {
      running: this.#handlers.running,
      held,
      settling,
      acked,
      retried,
      buried,
      lost: this.#keeper.lostCount,
    }
  }

  /** Called once. */
  begin(): void {
    const { signal } = this.#plan
    signal?.addEventListener('abort', this.#onAbort, { once: true })
    if (signal?.aborted) this.#beginStop()
    else {
      this.#isFeeding = true
      this.#unwatchLoop = this.#core.watch.loop.workBegun()
      this.#feed().then(
        () => this.#fed(undefined),
        (error: Error) => this.#fed(error),
      )
    }
  }

  async stop(options: StopOptions = {}): Promise<void> {
    checkOptionNames('the options of stop', options, ['timeoutMs'])
    const { timeoutMs } = options
    const ms = timeoutMs === undefined ? undefined : checkMs('timeoutMs', timeoutMs)
    this.#beginStop()
    if (ms === 0) this.#giveUp()
    else if (ms !== undefined && this.#finishing === undefined) {
      this.#cancelDeadline?.()
      this.#cancelDeadline = this.#core.system.clock.after(ms, () => this.#giveUp(), true)
    }
    await this.#stopped
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  /** The store has stopped: what handlers do from now on is in vain. */
  fail(cause: Error): void {
    this.#endByItself(cause)
    this.#keeper.abortAll(cause)
  }

  /** Something has become durable: the group may be gone. */
  look(): void {
    if (this.#dispatch?.isRemoved && this.#status === 'running') {
      const message = `the group ${this.group} of ${this.queue} was removed`
      this.#endByItself(new QlogError('QLOG_CLOSED', message))
    }
  }

  /** The one loop that takes messages in, as many at a time as there is room for. */
  async #feed(): Promise<void> {
    const { group, groupOptions } = this.#plan
    await this.#session.watch(this.queue, { ...groupOptions, group })
    this.#dispatch = this.#core.registry.group(this.queue, group)
    while (this.#status === 'running') {
      const room = this.#room
      if (room > 0) {
        await this.#intake.fill(room, this.#abort.signal)
        this.#pump()
      } else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve
        })
      }
    }
  }

  /** Messages to take in now: none while more than half of what may be held ready is. */
  get #room(): number {
    const { concurrency, prefetch } = this.#plan
    const { held } = this.#intake
    if (held > prefetch / 2 || this.#outcomes.isFull) return 0
    return concurrency - this.#handlers.running - this.#starting + prefetch - held
  }

  #fed(error: Error | undefined): void {
    this.#isFeeding = false
    if (error !== undefined) this.#trouble(error)
    this.#pumpSoon()
  }

  #trouble(error: Error): void {
    const { status } = this.#core
    // A store that closes is no failure of anybody.
    if (status === 'closing' || status === 'closed') this.#beginStop()
    else this.#endByItself(error)
  }

  #pumpSoon(): void {
    if (this.#isPumpScheduled) return
    this.#isPumpScheduled = true
    queueMicrotask(this.#pump)
  }

  /** Begins what can begin, and says where there is room for more. */
  readonly #pump = (): void => {
    this.#isPumpScheduled = false
    if (this.#status !== 'running') {
      this.#finishIfIdle()
      return
    }
    const free = this.#plan.concurrency - this.#handlers.running - this.#starting
    const count = Math.min(free, this.#intake.held)
    if (count > 0 && !this.#outcomes.isFull && this.#hasTurn(count)) this.#start(count)
    if (this.#room > 0) this.#wake()
  }

  /** False where so many have begun that everything else comes first. */
  #hasTurn(count: number): boolean {
    if (this.#jobsThisTurn >= JOBS_A_TURN) return false
    if (this.#jobsThisTurn === 0) {
      this.#cancelTurn = this.#core.system.clock.after(
        0,
        () => {
          this.#jobsThisTurn = 0
          this.#pumpSoon()
        },
        true,
      )
    }
    this.#jobsThisTurn += count
    return true
  }

  #start(count: number): void {
    this.#starting += count
    this.#intake.begin(count).then(
      (deliveries) => {
        this.#starting -= count
        this.#runAll(deliveries)
      },
      (error: Error) => {
        this.#starting -= count
        this.#trouble(error)
        this.#pumpSoon()
      },
    )
  }

  #runAll(deliveries: readonly LeasedDelivery[]): void {
    let next = 0
    for (; next < deliveries.length && this.#status === 'running'; next++) {
      this.#handlers.run(deliveries[next] as LeasedDelivery)
    }
    // Stopped meanwhile: these have not begun.
    for (; next < deliveries.length; next++) {
      deliveries[next]?.release().catch(() => undefined)
    }
    this.#pump()
  }

  #beginStop(): void {
    if (this.#status !== 'running') return
    this.#status = 'stopping'
    this.#takeNothing()
    this.#pumpSoon()
  }

  /** Whoever waits for its end is told at once. One that was told to stop ends as that. */
  #endByItself(cause: Error): void {
    if (this.#status !== 'running') return
    this.#status = 'failed'
    this.#takeNothing()
    this.#end.failed(cause)
    this.#pumpSoon()
  }

  #takeNothing(): void {
    this.#abort.abort()
    this.#intake.close()
    this.#wake()
  }

  /** What handlers do from now on is ignored; their messages go back with the session. */
  #giveUp(): void {
    if (this.#isGivenUp) return
    this.#isGivenUp = true
    this.#handlers.giveUp()
    this.#keeper.abortAll(new QlogError('QLOG_ABORTED', 'the worker was stopped'))
    this.#finish()
  }

  #finishIfIdle(): void {
    const { settling } = this.#outcomes
    const isIdle = this.#handlers.running + this.#starting + settling === 0 && !this.#isFeeding
    if (isIdle) this.#finish()
  }

  #finish(): void {
    this.#finishing ??= this.#letGo()
  }

  async #letGo(): Promise<void> {
    this.#cancelDeadline?.()
    this.#cancelTurn?.()
    this.#unwatchLoop?.()
    this.#keeper.close()
    this.#plan.signal?.removeEventListener('abort', this.#onAbort)
    // Where giving back fails, the store has: whoever uses it is told so.
    await this.#session.close().catch(() => undefined)
    await this.#outcomes.drained()
    if (this.#status !== 'failed') this.#status = 'stopped'
    this.#onEnd()
    this.#end.stopped()
    this.#resolveStopped()
  }
}
