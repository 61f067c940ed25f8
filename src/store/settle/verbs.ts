/**
 * The verbs that end leases, alone and for many at once: checks, what is decided, and the operation that
 * records it. Each either takes all of its deliveries or none.
 */
import { QlogTypeError } from '../../errors.ts'
import {
  checkDue,
  checkInteger,
  checkMs,
  checkOptionNames,
  checkPriority,
  textOf,
} from '../check.ts'
import { PlainOperation } from '../commit/operation.ts'
import type { Put } from '../commit/put.ts'
import { byGroup, finishOp } from '../commit/riding.ts'
import { LeasedDelivery, staleLease } from '../deliver/delivery.ts'
import type { Taken } from '../dispatch/taken.ts'
import type { ControlOp } from '../records/control-ops.ts'
import type { StoreCore } from '../store-core.ts'
import type {
  BuryOptions,
  Delivery,
  ReleaseOptions,
  ReleaseOutcome,
  RetryOutcome,
} from '../types/deliveries.ts'
import { StoredBodies } from './stored-bodies.ts'

/** Back-off is spread by so much in both directions, so that failures of one moment part. */
const JITTER = 0.2

/** What a verb does to one message, and what to tell of it. */
export interface Settled<Outcome> {
  readonly ops: readonly ControlOp[]
  readonly outcome: Outcome
  /** What is put into the queue for dead letters. */
  readonly letter: Put | undefined
}

/** What a release asks for. */
interface ReleasePlan {
  readonly dueKind?: 0 | 1 | 2
  readonly dueMs?: number
  readonly priority?: number
  readonly countsIfLimited: boolean
}

export class Verbs {
  readonly bodies: StoredBodies
  readonly #core: StoreCore
  #calls = 0

  constructor(core: StoreCore) {
    this.#core = core
    this.bodies = new StoredBodies(core)
  }

  leaseLeftMs(taken: Taken): number {
    if (taken.status !== 'leased') return 0
    return Math.max(0, taken.endMs - this.#core.clock.nowMs())
  }

  ack(delivery: LeasedDelivery): Promise<void> {
    try {
      this.#core.assertOpen()
      const taken = this.assertLeased(delivery)
      this.#core.dispatcher.settle(taken)
      return this.#core.riding.finish(taken)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** As one atomic entry. */
  async ackMany(deliveries: readonly Delivery[]): Promise<void> {
    const taken = this.assertAllLeased(deliveries)
    if (taken.length === 0) return
    const withheld = this.#core.riding.withhold(taken)
    const done = () => this.#core.finished(taken)
    await this.#send(taken, this.ackOps(taken), done, () => this.#core.riding.goOn(withheld))
  }

  async release(
    deliveries: readonly Delivery[],
    options?: ReleaseOptions,
  ): Promise<ReleaseOutcome[]> {
    const plan = this.checkRelease(options)
    return this.#settle(deliveries, (one, delivery) => this.releaseOne(one, delivery, plan))
  }

  async retry(deliveries: readonly Delivery[], error?: unknown): Promise<RetryOutcome[]> {
    return this.#settle(deliveries, (one, delivery) => this.retryOne(one, delivery, error))
  }

  async bury(deliveries: readonly Delivery[], options?: BuryOptions): Promise<void> {
    const { reason, priority } = this.checkBury(options)
    const taken = this.assertAllLeased(deliveries)
    if (taken.length === 0) return
    await this.#send(
      taken,
      taken.map((one) => this.#core.buryOp(one, reason, '', priority)),
    )
  }

  extend(deliveries: readonly Delivery[], leaseMs?: number): void {
    if (leaseMs !== undefined) checkMs('leaseMs', leaseMs, 1)
    const { dispatcher, clock } = this.#core
    for (const taken of this.assertAllLeased(deliveries)) {
      const forMs = leaseMs ?? taken.leaseMs
      dispatcher.lease(taken, forMs, clock.nowMs())
      dispatcher.expectEnd(forMs)
    }
  }

  ackOps(taken: readonly Taken[]): ControlOp[] {
    return [...byGroup(taken)].map(([group, all]) => finishOp(group, all))
  }

  /** `delivery` is that of the message, whose body goes where dead letters go. */
  retryOne(taken: Taken, delivery: Delivery, error: unknown): Settled<RetryOutcome> {
    const text = textOf(error)
    const { state } = taken.group.queue
    if (taken.attempt >= this.#core.lastAttempts.maxOf(state)) {
      const dead = this.#moved(taken, delivery, text, taken.attempt)
      const op = () => this.#core.buryOp(taken, 'attempts', text)
      return dead ?? { ops: [op()], outcome: { buried: true }, letter: undefined }
    }
    const { backoffMs, backoffMaxMs } = this.#core.retries.of(state.name)
    const plainMs = Math.min(backoffMaxMs, backoffMs * 2 ** Math.min(40, taken.attempt - 1))
    const delayMs = Math.round(plainMs * (1 - JITTER + 2 * JITTER * this.#chance()))
    const due =
      delayMs === 0 ? {} : { dueKind: 1 as const, dueMs: this.#core.clock.nowMs() + delayMs }
    return {
      ops: [this.#core.returnOp(taken, 'retried', { ...due, error: text })],
      outcome: { buried: false, delayMs },
      letter: undefined,
    }
  }

  /**
   * The same for what is given back: where its next delivery would be one too many, it is buried in the entry
   * that gives it back.
   */
  releaseOne(
    taken: Taken,
    delivery: Delivery,
    { countsIfLimited, ...more }: ReleasePlan,
  ): Settled<ReleaseOutcome> {
    const { lastAttempts } = this.#core
    const { state } = taken.group.queue
    const counts = countsIfLimited && lastAttempts.isSetFor(state)
    const attempts = counts ? taken.attempt : taken.attempt - 1
    const how = counts ? 'released-counted' : 'released'
    const released = this.#core.returnOp(taken, how, more)
    if (attempts < lastAttempts.maxOf(state)) {
      return { ops: [released], outcome: { buried: false }, letter: undefined }
    }
    const error = taken.group.state.exception(taken.offset)?.error ?? ''
    const dead = this.#moved(taken, delivery, error, attempts)
    if (dead) return dead
    const buried = this.#core.buryOp(taken, 'attempts', error, more.priority)
    return { ops: [released, buried], outcome: { buried: true }, letter: undefined }
  }

  checkRelease(options: ReleaseOptions | undefined): ReleasePlan {
    checkOptionNames('the options of release', options, ['delayMs', 'at', 'priority', 'counts'])
    const due = checkDue(options ?? {}, this.#core.clock)
    const { priority, counts = 'never' } = options ?? {}
    if (counts !== 'never' && counts !== 'if-limited') {
      throw new QlogTypeError("counts must be 'never' or 'if-limited'")
    }
    const own = priority !== undefined && { priority: checkPriority(priority) }
    return { ...due, ...own, countsIfLimited: counts === 'if-limited' }
  }

  checkBury(options: BuryOptions | undefined): { reason: string; priority: number | undefined } {
    checkOptionNames('the options of bury', options, ['reason', 'priority'])
    const { reason, priority } = options ?? {}
    if (reason !== undefined && typeof reason !== 'string') {
      throw new QlogTypeError('reason must be a text')
    }
    if (priority !== undefined) checkPriority(priority)
    return { reason: textOf(reason ?? ''), priority }
  }

  /** Throws QLOG_STALE_LEASE where one of them is not leased any more, or comes twice. */
  assertAllLeased(deliveries: readonly Delivery[]): Taken[] {
    if (!Array.isArray(deliveries)) throw new QlogTypeError('an array of deliveries is expected')
    this.#core.assertOpen()
    const nowMs = this.#core.clock.nowMs()
    const call = ++this.#calls
    const taken: Taken[] = []
    for (const delivery of deliveries) {
      const one = this.assertLeased(delivery, nowMs)
      if (one.seenBy === call) throw staleLease(one)
      one.seenBy = call
      taken.push(one)
    }
    return taken
  }

  /**
   * Work that comes in front of the record that ends these leases. Throws QLOG_STALE_LEASE where one was ended by
   * something else meanwhile, or is about to be by what takes effect in front of that record.
   */
  async whileSettling(taken: Iterable<Taken>, work: () => Promise<void>): Promise<void> {
    const before = [...taken].map((one) => ({ one, upheavals: one.group.upheavals }))
    await work()
    for (const { one, upheavals } of before) {
      const { status, group } = one
      const isOurs = status === 'settling' && !group.isRemoved && group.upheavals === upheavals
      if (!isOurs) throw staleLease(one)
    }
  }

  assertLeased(delivery: Delivery, nowMs = this.#core.clock.nowMs()): Taken {
    if (!(delivery instanceof LeasedDelivery)) {
      throw new QlogTypeError('a delivery of a store is expected')
    }
    const { taken } = delivery
    // One of another store, or of an earlier opening of this one, is leased by nobody here.
    if (!delivery.isOf(this)) throw staleLease(taken)
    const isOver = taken.status !== 'leased' || taken.endMs <= nowMs
    if (isOver || taken.group.isRemoved) throw staleLease(taken)
    return taken
  }

  /**
   * What has no attempt left goes to the queue for dead letters; undefined where there is no room for it, or
   * it cannot be read.
   */
  #moved(
    taken: Taken,
    delivery: Delivery,
    error: string,
    attempts: number,
  ): Settled<{ readonly buried: true; readonly deadLetter: string }> | undefined {
    const { deadLetters, registry } = this.#core
    const body = delivery instanceof LeasedDelivery ? delivery.storedBody : undefined
    if (body === undefined) return undefined
    const { id, headers } = delivery
    const letter = deadLetters.letterOf(taken, { id, headers, body }, error, attempts)
    if (letter === undefined) return undefined
    const outcome = { buried: true, deadLetter: registry.nameOf(letter.queue) } as const
    return { ops: [finishOp(taken.group, [taken])], outcome, letter }
  }

  /** As one atomic entry. */
  async #settle<Outcome>(
    deliveries: readonly Delivery[],
    decide: (taken: Taken, delivery: Delivery) => Settled<Outcome>,
  ): Promise<Outcome[]> {
    const taken = this.assertAllLeased(deliveries)
    if (taken.length === 0) return []
    if (!deliveries.some((one) => this.bodies.mustRead(one))) {
      return this.#sendSettled(taken, deliveries, decide)
    }
    // The caller has moved on by then, and may use its array again.
    const own = [...deliveries]
    return this.bodies.during(async () => {
      await this.#readHeld(taken, own)
      return this.#sendSettled(taken, own, decide)
    })
  }

  async #sendSettled<Outcome>(
    taken: readonly Taken[],
    deliveries: readonly Delivery[],
    decide: (taken: Taken, delivery: Delivery) => Settled<Outcome>,
  ): Promise<Outcome[]> {
    const settled = taken.map((one, row) => decide(one, deliveries[row] as Delivery))
    const dead = taken.filter((_one, row) => settled[row]?.letter)
    await this.#send(
      taken,
      settled.flatMap(({ ops }) => ops),
      () => this.#core.finished(dead),
      undefined,
      settled.flatMap(({ letter }) => (letter ? [letter] : [])),
    )
    return settled.map(({ outcome }) => outcome)
  }

  /** Reads again while no other verb can end the leases. */
  async #readHeld(taken: readonly Taken[], deliveries: readonly Delivery[]): Promise<void> {
    const { dispatcher } = this.#core
    for (const one of taken) dispatcher.settle(one)
    try {
      await this.whileSettling(taken, () => this.bodies.read(deliveries))
    } catch (error) {
      for (const one of taken) dispatcher.unsettle(one)
      throw error
    }
  }

  async #send(
    taken: readonly Taken[],
    ops: readonly ControlOp[],
    whenDone?: () => void,
    whenVoid?: () => void,
    puts?: readonly Put[],
  ): Promise<void> {
    const { dispatcher } = this.#core
    for (const one of taken) dispatcher.settle(one)
    const undo = () => {
      for (const one of taken) dispatcher.unsettle(one)
      whenVoid?.()
    }
    const operation = new PlainOperation(ops, whenDone, undo, puts)
    await this.#core.send(operation)
  }

  /** From 0 to 1. */
  #chance(): number {
    const bytes = new Uint8Array(2)
    this.#core.system.random(bytes)
    return ((bytes[0] ?? 0) * 256 + (bytes[1] ?? 0)) / 65_535
  }
}

/** For what takes a number of things. */
export function checkCount(what: string, count: unknown): number {
  return checkInteger(what, count, 1, 1_000_000)
}
