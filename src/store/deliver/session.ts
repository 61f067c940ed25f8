/** A session: what it watches, what it waits for, what it holds. */
import { QlogError, QlogTypeError, throwIfAborted } from '../../errors.ts'
import { checkInteger, checkMs, checkName, checkOptionNames } from '../check.ts'
import type { GroupDispatch } from '../dispatch/group-dispatch.ts'
import type { QueueDispatch } from '../dispatch/queue-dispatch.ts'
import type { Taken } from '../dispatch/taken.ts'
import type { Watch } from '../dispatch/watch.ts'
import { checkGroupOptions, groupPlan } from '../group-options.ts'
import { decodeMessage } from '../records/message-record.ts'
import type { Verbs } from '../settle/verbs.ts'
import type { StoreCore } from '../store-core.ts'
import type {
  BuryOptions,
  Delivery,
  ReleaseOptions,
  ReleaseOutcome,
  RetryOutcome,
} from '../types/deliveries.ts'
import { GROUP_DEFAULT, type GroupOptions } from '../types/groups.ts'
import type {
  DeliveriesOptions,
  ReserveOptions,
  Session,
  SessionOptions,
} from '../types/sessions.ts'
import { DeliveryIterator } from './delivery-iterator.ts'
import { Lending } from './lending.ts'
import { SessionWait } from './session-wait.ts'

const RESERVE_COUNT_MAX = 65_536
const PREFETCH_DEFAULT = 64
interface Watched {
  readonly queue: string
  readonly group: string
}

interface ReservePlan {
  readonly count: number
  readonly bytesMax: number
  readonly timeoutMs: number
  readonly leaseMs: number | undefined
  readonly signal: AbortSignal | undefined
}

export class StoreSession implements Session {
  /** What is taken, on its way out. */
  readonly lending: Lending
  readonly #core: StoreCore
  readonly #verbs: Verbs
  readonly #watches = new Map<GroupDispatch, Watch>()
  /** The same as lists, made when they are asked for. */
  #list: readonly Watch[] | undefined
  #names: readonly Watched[] | undefined
  readonly #waits = new Set<SessionWait>()
  readonly #iterators = new Set<DeliveryIterator>()
  readonly #options: SessionOptions
  readonly #onClose: (session: StoreSession) => void
  #closing: Promise<void> | undefined

  constructor(
    core: StoreCore,
    verbs: Verbs,
    onClose: (session: StoreSession) => void,
    options: SessionOptions = {},
  ) {
    checkOptionNames('the options of session', options, ['onRemoved'])
    this.#options = options
    this.#core = core
    this.#verbs = verbs
    this.lending = new Lending(core, verbs, () => this.assertOpen())
    this.#onClose = onClose
  }

  async watch(queue: string, options: GroupOptions & { group?: string } = {}): Promise<void> {
    this.assertOpen()
    checkName('the name of a queue', queue)
    checkGroupOptions('the options of watch', options, ['group'])
    const { group: groupName = GROUP_DEFAULT } = options
    const name = checkName('the name of a group', groupName)
    // Until the group is known to be read, its queue stays.
    await this.#core.registry.using(queue, () => this.#watch(queue, name, options))
  }

  async #watch(queue: string, name: string, options: GroupOptions): Promise<void> {
    const group = await this.#core.registry.ensureGroup(
      queue,
      name,
      groupPlan(this.#core, queue, options),
    )
    this.assertOpen()
    if (group.isRemoved) this.#tellRemoved(group)
    if (group.isRemoved || this.#watches.has(group)) return
    group.use.begin(this, this.#groupRemoved)
    const attemptsMax = () => this.#core.lastAttempts.maxOf(group.queue.state)
    this.#watches.set(group, { group, attemptsMax })
    this.#changed()
    // What waits keeps its place in the other lines.
    for (const wait of this.#waits) this.#core.dispatcher.waitIn(group, wait)
  }

  ignore(queue: string, group = GROUP_DEFAULT): void {
    for (const known of this.#watches.keys()) {
      if (known.queue.state.name !== queue || known.state.name !== group) continue
      known.use.end(this)
      this.#forget(known)
      return
    }
  }

  get watched(): readonly Watched[] {
    this.#names ??= [...this.#watches.keys()].map(({ queue, state }) => ({
      queue: queue.state.name,
      group: state.name,
    }))
    return this.#names
  }

  get leased(): number {
    return this.lending.leased
  }

  get nearestEndMs(): number | undefined {
    return this.lending.nearestEndMs
  }

  async reserve(options: ReserveOptions = {}): Promise<readonly Delivery[]> {
    this.assertOpen()
    const plan = checkReserve(options)
    throwIfAborted(plan.signal)
    const endMs = this.#core.system.clock.monotonicMs() + plan.timeoutMs
    for (;;) {
      const leftMs = Math.max(0, endMs - this.#core.system.clock.monotonicMs())
      const taken = await this.#takeOrWait(plan, leftMs)
      if (taken.length === 0) return []
      const deliveries = await this.lending.load(taken, plan.bytesMax, plan.signal)
      // Everything that was taken may have been lost to damage: then the wait goes on.
      if (deliveries.length === 0) continue
      const leased = await this.lending.begin(deliveries, plan.leaseMs)
      if (leased.length > 0) return leased
    }
  }

  async reserveById(
    id: number,
    options: { group?: string; leaseMs?: number; buried?: boolean } = {},
  ): Promise<Delivery | undefined> {
    this.assertOpen()
    checkInteger('id', id, 1, Number.MAX_SAFE_INTEGER)
    checkOptionNames('the options of reserveById', options, ['group', 'leaseMs', 'buried'])
    const { group: groupName = GROUP_DEFAULT } = options
    const name = checkName('the name of a group', groupName)
    const leaseMs = checkLeaseMs(options.leaseMs)
    const record = await this.#core.fetch.record(id)
    this.assertOpen()
    const message = record && decodeMessage(record)
    const queue = message && this.#core.state.queues.get(message.queue)
    if (!queue) return undefined
    const group =
      this.#core.registry.group(queue.name, name) ??
      (await this.#core.registry.ensureGroup(
        queue.name,
        name,
        groupPlan(this.#core, queue.name, {}),
      ))
    this.assertOpen()
    // Its queue was removed meanwhile, and there is another one of the name.
    if (group.queue.state.number !== queue.number) return undefined
    const priority = group.state.exception(message.offset)?.priority ?? message.priority
    const taken = group.takeThis(id, message.offset, priority, options.buried === true)
    if (!taken) return undefined
    taken.attempt = group.state.attempts(message.offset) + 1
    this.lending.hold(taken)
    const delivery = this.lending.deliveryOf(taken, record)
    const [leased] = await this.lending.begin([delivery], leaseMs)
    return leased
  }

  deliveries(options: DeliveriesOptions = {}): AsyncIterableIterator<Delivery> {
    this.assertOpen()
    checkOptionNames('the options of deliveries', options, ['prefetch', 'leaseMs', 'signal'])
    const iterator: DeliveryIterator = new DeliveryIterator({
      session: this,
      prefetch: checkInteger(
        'prefetch',
        options.prefetch ?? PREFETCH_DEFAULT,
        1,
        RESERVE_COUNT_MAX,
      ),
      leaseMs: checkLeaseMs(options.leaseMs),
      signal: checkSignal(options.signal),
      whenDone: () => this.#iterators.delete(iterator),
    })
    this.#iterators.add(iterator)
    return iterator
  }

  async ack(deliveries: readonly Delivery[]): Promise<void> {
    await this.#verbs.ackMany(deliveries)
  }

  async release(
    deliveries: readonly Delivery[],
    options?: ReleaseOptions,
  ): Promise<readonly ReleaseOutcome[]> {
    return this.#verbs.release(deliveries, options)
  }

  async retry(deliveries: readonly Delivery[], error?: unknown): Promise<readonly RetryOutcome[]> {
    return this.#verbs.retry(deliveries, error)
  }

  async bury(deliveries: readonly Delivery[], options?: BuryOptions): Promise<void> {
    await this.#verbs.bury(deliveries, options)
  }

  extend(deliveries: readonly Delivery[], leaseMs?: number): void {
    this.#verbs.extend(deliveries, leaseMs)
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  get isOpen(): boolean {
    return this.#closing === undefined && this.#core.status === 'open'
  }

  get isWaiting(): boolean {
    return this.#waits.size > 0
  }

  /** The log has stopped: nothing comes any more. */
  fail(cause: Error): void {
    for (const wait of this.#waits) wait.end(cause)
    for (const iterator of this.#iterators) {
      // What it held is put back in memory alone: there is nothing to wait for.
      iterator.end(cause).catch(() => undefined)
    }
  }

  assertOpen(): void {
    if (this.#closing !== undefined) throw new QlogError('QLOG_CLOSED', 'the session is closed')
    this.#core.assertOpen()
  }

  /** What the wait is for, taken out of the order; nothing where its time passed first. */
  takeOrWait(count: number, signal: AbortSignal | undefined): Promise<Taken[]> {
    const plan = { count, bytesMax: 0, timeoutMs: 0, leaseMs: 0, signal }
    return this.#takeOrWait(plan, Number.POSITIVE_INFINITY)
  }

  /** As many as there are now. */
  take(count: number): Taken[] {
    return this.lending.take(this.watches, count)
  }

  /** What it watches now. */
  get watches(): readonly Watch[] {
    this.#list ??= [...this.#watches.values()]
    return this.#list
  }

  /** What of the queue has become due, or has expired, by now. */
  advance(queue: QueueDispatch): void {
    queue.advance(this.#core.clock.nowMs(), this.#core.clock.wallMs())
  }

  async #close(): Promise<void> {
    this.#onClose(this)
    const error = new QlogError('QLOG_CLOSED', 'the session is closed')
    for (const wait of this.#waits) wait.end(error)
    try {
      for (const iterator of this.#iterators) await iterator.end(error)
      await this.lending.giveBackAll()
    } finally {
      for (const group of this.#watches.keys()) group.use.end(this)
    }
  }

  async #takeOrWait(plan: ReservePlan, leftMs: number): Promise<Taken[]> {
    const taken = this.take(plan.count)
    if (taken.length > 0 || leftMs === 0) return taken
    const wait = new SessionWait(this, plan.count, (one) => this.lending.hold(one))
    this.#waits.add(wait)
    this.#core.dispatcher.wait(wait)
    try {
      return await wait.run(this.#core.system.clock, leftMs, plan.signal)
    } finally {
      this.#waits.delete(wait)
      this.#core.dispatcher.stopWaiting(wait)
    }
  }

  /** Somebody took the group away. */
  readonly #groupRemoved = (group: GroupDispatch): void => {
    this.#forget(group)
    this.#tellRemoved(group)
  }

  #tellRemoved(group: GroupDispatch): void {
    const { onRemoved } = this.#options
    if (onRemoved === undefined) return
    const { queue, state } = group
    // The change is only being made: what follows of it comes behind it.
    queueMicrotask(() => {
      if (this.isOpen) onRemoved(queue.state.name, state.name)
    })
  }

  #forget(group: GroupDispatch): void {
    this.#watches.delete(group)
    this.#changed()
    for (const wait of this.#waits) group.waiters.delete(wait)
  }

  #changed(): void {
    this.#list = undefined
    this.#names = undefined
  }
}

function checkReserve(options: ReserveOptions): ReservePlan {
  const known = ['count', 'bytesMax', 'timeoutMs', 'leaseMs', 'signal']
  checkOptionNames('the options of reserve', options, known)
  const { count = 1, bytesMax, timeoutMs, leaseMs, signal } = options
  return {
    count: checkInteger('count', count, 1, RESERVE_COUNT_MAX),
    bytesMax:
      bytesMax === undefined
        ? Number.POSITIVE_INFINITY
        : checkInteger('bytesMax', bytesMax, 1, Number.MAX_SAFE_INTEGER),
    timeoutMs: timeoutMs === undefined ? Number.POSITIVE_INFINITY : checkMs('timeoutMs', timeoutMs),
    leaseMs: checkLeaseMs(leaseMs),
    signal: checkSignal(signal),
  }
}

function checkLeaseMs(leaseMs: number | undefined): number | undefined {
  return leaseMs === undefined ? undefined : checkMs('leaseMs', leaseMs, 1)
}

function checkSignal(signal: unknown): AbortSignal | undefined {
  if (signal === undefined || signal instanceof AbortSignal) return signal
  throw new QlogTypeError('signal must be an AbortSignal')
}
