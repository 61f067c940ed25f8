/** A session: what it watches, what it waits for, what it holds. */
import { QlogError, QlogTypeError } from '../errors.ts'
import { checkInteger, checkMs, checkName, checkOptionNames } from './check.ts'
import { LeasedDelivery } from './delivery.ts'
import { DeliveryIterator } from './delivery-iterator.ts'
import type { QueueDispatch } from './dispatch/queue-dispatch.ts'
import type { Taken } from './dispatch/taken.ts'
import type { Watch } from './dispatch/watch.ts'
import { checkGroupOptions, groupPlan } from './group-options.ts'
import { PlainOperation } from './operation.ts'
import { type ControlOp, rangesOf } from './records/control-record.ts'
import { byGroup } from './riding.ts'
import { SessionWait } from './session-wait.ts'
import { OPS_MAX, type StoreCore } from './store-core.ts'
import {
  type BuryOptions,
  type DeliveriesOptions,
  type Delivery,
  GROUP_DEFAULT,
  type GroupOptions,
  LEASE_MS_DEFAULT,
  type ReleaseOptions,
  type ReserveOptions,
  type RetryOutcome,
  type Session,
} from './types.ts'
import type { Verbs } from './verbs.ts'

const RESERVE_COUNT_MAX = 65_536
const PREFETCH_DEFAULT = 64
/** What headers may take beside a body when a budget of bytes is asked of the log. */
const HEAD_BYTES = 64

interface ReservePlan {
  readonly count: number
  readonly bytesMax: number
  readonly timeoutMs: number
  readonly leaseMs: number
  readonly signal: AbortSignal | undefined
}

export class StoreSession implements Session {
  readonly #core: StoreCore
  readonly #verbs: Verbs
  readonly #watches: Watch[] = []
  readonly #taken = new Set<Taken>()
  readonly #waits = new Set<SessionWait>()
  readonly #iterators = new Set<DeliveryIterator>()
  readonly #onClose: (session: StoreSession) => void
  #closing: Promise<void> | undefined

  constructor(core: StoreCore, verbs: Verbs, onClose: (session: StoreSession) => void) {
    this.#core = core
    this.#verbs = verbs
    this.#onClose = onClose
  }

  async watch(queue: string, options: GroupOptions & { group?: string } = {}): Promise<void> {
    this.assertOpen()
    checkName('the name of a queue', queue)
    checkGroupOptions('the options of watch', options, ['group'])
    const { group: groupName = GROUP_DEFAULT } = options
    const name = checkName('the name of a group', groupName)
    const group = await this.#core.registry.ensureGroup(
      queue,
      name,
      groupPlan(this.#core, queue, options),
    )
    this.assertOpen()
    this.#forgetRemoved()
    if (this.#watches.some((watch) => watch.group === group)) return
    this.#watches.push({ group, attemptsMax: () => this.#core.retryOf(queue).attemptsMax })
    // What waits keeps its place in the other lines.
    for (const wait of this.#waits) this.#core.dispatcher.waitIn(group, wait)
  }

  ignore(queue: string, group = GROUP_DEFAULT): void {
    this.#forgetRemoved()
    const row = this.#watches.findIndex(
      (watch) => watch.group.queue.state.name === queue && watch.group.state.name === group,
    )
    if (row < 0) return
    const [watch] = this.#watches.splice(row, 1)
    for (const wait of this.#waits) watch?.group.waiters.delete(wait)
  }

  get watched(): readonly { readonly queue: string; readonly group: string }[] {
    this.#forgetRemoved()
    return this.#watches.map(({ group }) => ({
      queue: group.queue.state.name,
      group: group.state.name,
    }))
  }

  get leased(): number {
    let leased = 0
    for (const { status } of this.#taken) if (status === 'leased') leased++
    return leased
  }

  get nearestEndMs(): number | undefined {
    let nearestMs: number | undefined
    for (const taken of this.#taken) {
      if (taken.status !== 'leased') continue
      const leftMs = this.#verbs.leaseLeftMs(taken)
      if (nearestMs === undefined || leftMs < nearestMs) nearestMs = leftMs
    }
    return nearestMs
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
      const deliveries = await this.load(taken, plan.bytesMax, plan.signal)
      // Everything that was taken may have been lost to damage: then the wait goes on.
      if (deliveries.length === 0) continue
      const leased = await this.begin(deliveries, plan.leaseMs)
      if (leased.length > 0) return leased
    }
  }

  async reserveById(
    id: number,
    options: { group?: string; leaseMs?: number } = {},
  ): Promise<Delivery | undefined> {
    this.assertOpen()
    checkInteger('id', id, 1, Number.MAX_SAFE_INTEGER)
    checkOptionNames('the options of reserveById', options, ['group', 'leaseMs'])
    const { group: groupName = GROUP_DEFAULT } = options
    const name = checkName('the name of a group', groupName)
    const leaseMs = checkMs('leaseMs', options.leaseMs ?? LEASE_MS_DEFAULT, 1)
    const message = await this.#core.fetchOne(id)
    this.assertOpen()
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
    const priority = group.state.exception(message.offset)?.priority ?? message.priority
    const taken = group.takeThis(id, message.offset, priority)
    if (!taken) return undefined
    taken.attempt = group.state.attempts(message.offset) + 1
    this.#hold(taken)
    const { body, headers, key } = message
    const delivery = new LeasedDelivery(this.#verbs, taken, body, headers, key)
    const [leased] = await this.begin([delivery], leaseMs)
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
      leaseMs: checkMs('leaseMs', options.leaseMs ?? LEASE_MS_DEFAULT, 1),
      signal: checkSignal(options.signal),
      whenDone: () => this.#iterators.delete(iterator),
    })
    this.#iterators.add(iterator)
    return iterator
  }

  async ack(deliveries: readonly Delivery[]): Promise<void> {
    await this.#verbs.ackMany(deliveries)
  }

  async release(deliveries: readonly Delivery[], options?: ReleaseOptions): Promise<void> {
    await this.#verbs.release(deliveries, options)
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
    this.assertOpen()
    const taken = this.#core.dispatcher.take(this.#watches, count)
    for (const one of taken) this.#hold(one)
    return taken
  }

  /** With their bodies; what is over the budget or cannot be read is put back or left out. */
  async load(
    taken: readonly Taken[],
    bytesMax: number,
    signal: AbortSignal | undefined,
  ): Promise<LeasedDelivery[]> {
    const ids = taken.map(({ id }) => id)
    const isBounded = bytesMax !== Number.POSITIVE_INFINITY
    const budget = isBounded ? bytesMax + HEAD_BYTES * ids.length : undefined
    const deliveries: LeasedDelivery[] = []
    let bytes = 0
    let isFull = false
    try {
      const messages = await this.#core.fetchMany(ids, budget, signal)
      this.assertOpen()
      for (let row = 0; row < taken.length; row++) {
        const one = taken[row] as Taken
        const message = messages[row]
        if (row >= messages.length) isFull = true
        else if (message) {
          bytes += message.body.length
          isFull ||= bytes > bytesMax && deliveries.length > 0
        }
        if (one.status !== 'held') continue
        if (isFull || !message) this.#leave(one, isFull)
        else {
          const { body, headers, key } = message
          deliveries.push(new LeasedDelivery(this.#verbs, one, body, headers, key))
        }
      }
    } catch (error) {
      for (const one of taken) one.group.putBack(one)
      throw error
    }
    return deliveries
  }

  /**
   * The leases begin, and those that have begun come back. Where a message may have killed its process
   * before, that is recorded first.
   */
  async begin(
    deliveries: readonly LeasedDelivery[],
    leaseMs: number,
  ): Promise<readonly LeasedDelivery[]> {
    this.assertOpen()
    const { dispatcher, riding, uncleanBelowId } = this.#core
    let recorded: Promise<void> | undefined
    for (const { taken } of deliveries) {
      if (taken.status !== 'held') continue
      const { group, id, offset } = taken
      // Deleted or expired since it was taken: its record is on its way.
      if (group.queue.isLeaving(offset, id)) {
        group.putBack(taken)
        continue
      }
      dispatcher.lease(taken, leaseMs)
      const promise = riding.lease(taken)
      if (id < uncleanBelowId) recorded = promise
    }
    if (recorded !== undefined) await this.#untilRecorded(recorded, deliveries)
    return deliveries.filter(({ taken }) => taken.status === 'leased')
  }

  /** Where the leases cannot be recorded, nobody gets the deliveries. */
  async #untilRecorded(
    recorded: Promise<void>,
    deliveries: readonly LeasedDelivery[],
  ): Promise<void> {
    try {
      await recorded
    } catch (error) {
      for (const { taken } of deliveries) {
        if (taken.status !== 'leased') continue
        this.#core.dispatcher.settle(taken)
        taken.group.putBack(taken)
      }
      throw error
    }
  }

  /** What of the queue has become due, or has expired, by now. */
  advance(queue: QueueDispatch): void {
    queue.advance(this.#core.clock.nowMs(), this.#core.clock.wallMs())
  }

  putBack(deliveries: readonly LeasedDelivery[]): void {
    for (const { taken } of deliveries) if (taken.status === 'held') taken.group.putBack(taken)
  }

  async #close(): Promise<void> {
    this.#onClose(this)
    const error = new QlogError('QLOG_CLOSED', 'the session is closed')
    for (const wait of this.#waits) wait.end(error)
    for (const iterator of this.#iterators) await iterator.end(error)
    const leased: Taken[] = []
    for (const taken of [...this.#taken]) {
      if (taken.status === 'held') taken.group.putBack(taken)
      else if (taken.status === 'leased') leased.push(taken)
    }
    if (leased.length === 0 || this.#core.journal.failure) return
    await this.#giveBack(leased)
  }

  async #giveBack(leased: readonly Taken[]): Promise<void> {
    for (const taken of leased) this.#core.dispatcher.settle(taken)
    const promises: Promise<void>[] = []
    for (let first = 0; first < leased.length; first += OPS_MAX) {
      const some = leased.slice(first, first + OPS_MAX)
      const operation = new PlainOperation(giveBackOps(some), undefined, () => {
        for (const taken of some) this.#core.dispatcher.unsettle(taken)
      })
      this.#core.submitQuietly(operation)
      promises.push(operation.promise)
    }
    await Promise.all(promises)
  }

  async #takeOrWait(plan: ReservePlan, leftMs: number): Promise<Taken[]> {
    const taken = this.take(plan.count)
    if (taken.length > 0 || leftMs === 0) return taken
    const wait = new SessionWait(this.#watches, plan.count, (one) => this.#hold(one))
    this.#waits.add(wait)
    this.#core.dispatcher.wait(wait)
    try {
      return await wait.run(this.#core.system.clock, leftMs, plan.signal)
    } finally {
      this.#waits.delete(wait)
      this.#core.dispatcher.stopWaiting(wait)
    }
  }

  #hold(taken: Taken): void {
    this.#taken.add(taken)
    taken.whenEnded = this.#forget
  }

  #forgetRemoved(): void {
    for (let row = this.#watches.length - 1; row >= 0; row--) {
      if (this.#watches[row]?.group.isRemoved) this.#watches.splice(row, 1)
    }
  }

  readonly #forget = (taken: Taken): void => {
    this.#taken.delete(taken)
  }

  /** A message that is not delivered now: over the budget, or lost to damage. */
  #leave(taken: Taken, isOverBudget: boolean): void {
    const { group, id } = taken
    // Nobody discards what is not finished: a body that is not there was lost. It is not delivered, and
    // not finished in silence either.
    if (!isOverBudget) this.#core.dispatcher.noteDamaged(id)
    group.putBack(taken)
  }
}

function giveBackOps(leased: readonly Taken[]): ControlOp[] {
  return [...byGroup(leased)].map(([group, all]) => ({
    kind: 'give-back',
    queue: group.queue.state.number,
    group: group.state.number,
    ranges: rangesOf(all.map(({ offset }) => offset)),
  }))
}

function checkReserve(options: ReserveOptions): ReservePlan {
  const known = ['count', 'bytesMax', 'timeoutMs', 'leaseMs', 'signal']
  checkOptionNames('the options of reserve', options, known)
  const { count = 1, bytesMax, timeoutMs, leaseMs = LEASE_MS_DEFAULT, signal } = options
  return {
    count: checkInteger('count', count, 1, RESERVE_COUNT_MAX),
    bytesMax:
      bytesMax === undefined
        ? Number.POSITIVE_INFINITY
        : checkInteger('bytesMax', bytesMax, 1, Number.MAX_SAFE_INTEGER),
    timeoutMs: timeoutMs === undefined ? Number.POSITIVE_INFINITY : checkMs('timeoutMs', timeoutMs),
    leaseMs: checkMs('leaseMs', leaseMs, 1),
    signal: checkSignal(signal),
  }
}

function checkSignal(signal: unknown): AbortSignal | undefined {
  if (signal === undefined || signal instanceof AbortSignal) return signal
  throw new QlogTypeError('signal must be an AbortSignal')
}

function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted)
    throw new QlogError('QLOG_ABORTED', 'the wait was aborted', { cause: signal.reason })
}
