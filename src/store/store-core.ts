/**
 * The parts of an open store, joined: state, journal, dispatch, registry. What the faces (queue, group,
 * session, transaction) are made of; knows the seam and nothing of files.
 */

import { QlogError, systemErrorCode } from '../errors.ts'
import type { OwnedLog } from '../log/seam.ts'
import type { System } from '../system/system.ts'
import { Admission } from './commit/admission.ts'
import type { Journal, JournalEvents } from './commit/journal.ts'
import { Opening, type OpeningHost } from './commit/opening.ts'
import { NO_PUTS, PlainOperation, type Sendable } from './commit/operation.ts'
import { PendingClaims } from './commit/pending-claims.ts'
import type { Put } from './commit/put.ts'
import { Registry } from './commit/registry.ts'
import { Riding } from './commit/riding.ts'
import { SettingsInForce } from './commit/settings-in-force.ts'
import { putBackMended } from './deliver/mended-messages.ts'
import { type Decisions, Dispatcher } from './dispatch/dispatcher.ts'
import type { QueueDispatch } from './dispatch/queue-dispatch.ts'
import type { Taken } from './dispatch/taken.ts'
import type { ElapsedClock } from './elapsed-clock.ts'
import { MessageFetch } from './message-fetch.ts'
import { StoreWatch } from './observe/store-watch.ts'
import type { OpenOp, ReturnOp } from './records/control-ops.ts'
import { rangesOf } from './records/offset-ranges.ts'
import { RetryPlans } from './retry-plans.ts'
import { DeadLetters } from './settle/dead-letters.ts'
import { LastAttempts } from './settle/last-attempts.ts'
import { GoneMessages } from './space/gone-messages.ts'
import type { QueueState } from './state/queue-state.ts'
import type { StoreState } from './state/store-state.ts'
import type { StoreStatus } from './types/stats.ts'

export type StoreSystem = Pick<System, 'clock' | 'identity' | 'random' | 'watchLoop' | 'warn'>

/** Messages of one entry that nobody asked to be one: their records fit the smallest log. */
export const OPS_MAX = 1024

export class StoreCore implements Decisions, JournalEvents, OpeningHost {
  readonly system: StoreSystem
  readonly log: OwnedLog
  readonly state: StoreState
  readonly clock: ElapsedClock
  readonly journal: Journal
  readonly dispatcher: Dispatcher
  readonly registry: Registry
  readonly riding: Riding
  readonly claims: PendingClaims
  readonly gone: GoneMessages
  readonly settings: SettingsInForce
  readonly deadLetters: DeadLetters
  readonly lastAttempts: LastAttempts
  readonly fetch: MessageFetch
  readonly retries = new RetryPlans()
  /** Leases that a purge or a seek ends, from the call on. */
  readonly revoked = new WeakSet<Taken>()
  readonly #admission: Admission
  readonly watch: StoreWatch
  status: StoreStatus = 'open'
  /** The disk has no room for messages: the log lives on what was set aside for this. */
  isFull = false
  /** Messages below this id may have been started, and killed their process, without a word of it. */
  readonly uncleanBelowId: number
  /** Called once a group has become durable. */
  onApplied: () => void = () => undefined
  /** Called once, when the store cannot go on. */
  onFailed: (cause: Error) => void = () => undefined
  readonly #sequences = new WeakMap<object, number>()
  readonly #opening: Opening

  constructor(
    system: StoreSystem,
    log: OwnedLog,
    state: StoreState,
    clock: ElapsedClock,
    journal: Journal,
    directory: string,
  ) {
    this.system = system
    this.log = log
    this.state = state
    this.clock = clock
    this.journal = journal
    this.uncleanBelowId = state.isClosed ? 0 : log.nextId
    this.dispatcher = new Dispatcher(system.clock, clock, this)
    const submit = (operation: Sendable) => this.submit(operation)
    const submitOpen = (operation: Sendable) => {
      // Whoever makes or changes a group may have waited for something since he was let in.
      this.assertOpen()
      this.submit(operation)
    }
    this.gone = new GoneMessages(system.clock, log, state, () => this.status === 'open')
    this.registry = new Registry(state, this.dispatcher, submitOpen, () => this.gone.discardAll())
    this.riding = new Riding({
      submit,
      finished: (taken) => this.finished(taken),
      unsettle: (taken) => this.dispatcher.unsettle(taken),
      isOpen: () => this.status === 'open',
      soon: (callback) => system.clock.soon(callback),
      later: (delayMs, callback) => void system.clock.after(delayMs, callback),
    })
    this.#opening = new Opening(this)
    this.claims = new PendingClaims(state)
    this.fetch = new MessageFetch(log, (id) => this.dispatcher.noteDamaged(id))
    const send = (operation: Sendable) => this.send(operation)
    this.settings = new SettingsInForce(state, send, () => clock.nowMs())
    this.#admission = new Admission(this)
    this.deadLetters = new DeadLetters(this)
    this.lastAttempts = new LastAttempts(this)
    this.watch = new StoreWatch(system, directory, state)
    journal.begin(log, this.registry, this)
    this.dispatcher.begin(state)
  }

  assertOpen(): void {
    if (this.status === 'failed') throw this.journal.failure ?? new Error('failed without a cause')
    if (this.status !== 'open') throw new QlogError('QLOG_CLOSED', 'the store is closed')
  }

  /** Sends an operation into the log; the first one of an opening has the opening's own in front. */
  submit(operation: Sendable): void {
    this.#opening.say()
    this.journal.submit(operation)
  }

  /**
   * The lease of this message is recorded before anybody gets it: it may have killed its process before, or
   * may now, before the log tells of an opening at all.
   */
  isRecordedFirst(id: number): boolean {
    return id < this.uncleanBelowId || !this.#opening.isDurable
  }

  /** Anything was written by this opening. */
  get hasWritten(): boolean {
    return this.#opening.isSent
  }

  /** Tells the time a last time, and that this was a proper end. */
  async sendClose(): Promise<void> {
    this.#opening.sayAtEnd()
    const sent = this.send(new PlainOperation([{ kind: 'close' }]))
    this.journal.end()
    await sent
  }

  beforeAppend(): void {
    this.riding.flush()
  }

  admit(operation: Sendable): void {
    this.#admission.admit(operation)
  }

  applied(): void {
    this.#opening.applied()
    this.#admission.settled()
    this.gone.flush()
    this.watch.applied()
    this.onApplied()
  }

  failed(cause: Error): void {
    if (this.status === 'closed') return
    this.status = 'failed'
    this.dispatcher.close()
    this.watch.failed(cause)
    this.onFailed(cause)
  }

  space(state: 'ok' | 'full'): void {
    this.isFull = state === 'full'
  }

  mended(firstId: number, endId: number): void {
    putBackMended(this, firstId, endId).catch((error: unknown) => {
      // What cannot be read now stays damaged, and whoever asks for it is told why.
      if (!(error instanceof QlogError) && systemErrorCode(error) === '') throw error
    })
  }

  timedOut(taken: readonly Taken[]): void {
    this.lastAttempts.timedOut(taken)
  }

  attemptsUsedUp(taken: readonly Taken[]): void {
    this.lastAttempts.usedUp(taken)
  }

  expired(queue: QueueDispatch, ids: readonly number[], offsets: readonly number[]): void {
    // This may come from within the log's word of a commit, which is no place to append.
    queueMicrotask(() => this.#deleteExpired(queue, ids, offsets))
    for (const offset of offsets) queue.leave(offset)
  }

  queueRemoved({ number }: QueueState): void {
    this.registry.forgetQueue(number)
    this.settings.forgetQueue(number)
    this.#admission.forgetQueue(number)
  }

  lapsed(queue: QueueDispatch, ids: readonly number[], offsets: readonly number[]): void {
    queueMicrotask(() => this.#deleteLapsed(queue, ids, offsets))
    for (const offset of offsets) queue.leave(offset)
  }

  #deleteExpired(queue: QueueDispatch, ids: readonly number[], offsets: readonly number[]): void {
    if (this.deadLetters.isFor(queue)) {
      this.deadLetters.expired(queue, ids, offsets)
      return
    }
    this.#deleteEach(queue, ids, offsets, 'expired')
  }

  /** Some may have left on their own meanwhile. */
  #deleteLapsed(queue: QueueDispatch, ids: readonly number[], offsets: readonly number[]): void {
    const left: { readonly id: number; readonly offset: number }[] = []
    offsets.forEach((offset, row) => {
      if (queue.state.isGone(offset)) queue.stay(offset)
      else left.push({ id: ids[row] ?? 0, offset })
    })
    const leftIds = left.map(({ id }) => id)
    const leftOffsets = left.map(({ offset }) => offset)
    if (left.length > 0) this.#deleteEach(queue, leftIds, leftOffsets, 'lapsed')
  }

  #deleteEach(
    queue: QueueDispatch,
    ids: readonly number[],
    offsets: readonly number[],
    why: 'expired' | 'lapsed',
  ): void {
    for (let first = 0; first < ids.length; first += OPS_MAX) {
      const some = ids.slice(first, first + OPS_MAX)
      const at = offsets.slice(first, first + OPS_MAX)
      const undo = () => queue.expireAgain(some, at)
      this.send(this.deleteOperation(queue, some, at, undo, why))
    }
  }

  /** The same; what `submit` would throw is what the operation is refused with, and its promise. */
  send<T extends Sendable>(operation: T): T['promise'] {
    try {
      this.submit(operation)
    } catch (error) {
      operation.refused(error instanceof Error ? error : new Error(String(error)))
    }
    return operation.promise
  }

  /** Takes messages out of their queue, for every group, and puts others in the same entry. */
  deleteOperation(
    queue: QueueDispatch,
    ids: readonly number[],
    offsets: readonly number[],
    whenVoid?: () => void,
    why: 'deleted' | 'expired' | 'lapsed' = 'deleted',
    whenDone?: () => void,
    puts: readonly Put[] = NO_PUTS,
  ): PlainOperation {
    for (const offset of offsets) queue.leave(offset)
    const settle = () => {
      for (const offset of offsets) queue.stay(offset)
    }
    return new PlainOperation(
      [{ kind: 'delete', queue: queue.state.number, ranges: rangesOf(offsets) }],
      () => {
        settle()
        if (why === 'lapsed') queue.state.counts.lastHadLapsed()
        else if (why === 'expired') {
          queue.state.counts.lastHadExpired()
          this.watch.expired(queue.state.name, ids)
        }
        for (const id of ids) this.gone.note(id)
        whenDone?.()
      },
      () => {
        settle()
        for (const group of queue.groups.values()) group.restore(offsets, ids)
        whenVoid?.()
      },
      puts,
    )
  }

  /** These are finished for their group: where every other one is done too, nobody fetches them again. */
  finished(taken: readonly Taken[]): void {
    for (const { group, offset, id } of taken) {
      if (group.queue.state.isGone(offset)) this.gone.note(id)
    }
  }

  returnOp(
    taken: Taken,
    how: ReturnOp['how'],
    more: { priority?: number; dueKind?: 0 | 1 | 2; dueMs?: number; error?: string } = {},
  ) {
    const { group, offset, id } = taken
    const { priority = taken.priority, dueKind = 0, dueMs = 0, error = '' } = more
    const of = { queue: group.queue.state.number, group: group.state.number }
    return { kind: 'return', ...of, offset, id, how, priority, dueKind, dueMs, error } as const
  }

  buryOp(taken: Taken, reason: string, error: string, priority = taken.priority) {
    const { group, offset, id } = taken
    const of = { queue: group.queue.state.number, group: group.state.number }
    const sequence = Math.max(this.#sequences.get(group) ?? 0, group.state.sequenceNext)
    this.#sequences.set(group, sequence + 1)
    return { kind: 'bury', ...of, offset, id, sequence, priority, reason, error } as const
  }

  append(operation: Sendable): void {
    this.journal.submit(operation)
  }

  openOp(): OpenOp {
    return {
      kind: 'open',
      bootId: this.system.identity.bootId,
      sinceBootMs: Math.floor(this.system.clock.sinceBootMs()),
      elapsedMs: this.clock.nowMs(),
      wallMs: this.clock.wallMs(),
      uncleanBelowId: this.uncleanBelowId,
    }
  }
}
