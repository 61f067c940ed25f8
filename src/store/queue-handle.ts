/** A queue as its users see it: putting, looking, deleting, pausing. */
import { QlogTypeError } from '../errors.ts'
import { checkInteger, checkKey, checkMs, checkOptionNames } from './check.ts'
import { type ImportedMessage, importMessages } from './commit/importing.ts'
import { PlainOperation } from './commit/operation.ts'
import { type Claim, isClaim } from './commit/pending-claims.ts'
import { Put, type PutPlan } from './commit/put.ts'
import { asDuplicate, PutBatch } from './commit/put-batch.ts'
import { PutMany, PutOne } from './commit/puts.ts'
import {
  checkGroupName,
  checkRefs,
  GroupHandle,
  groupStats,
  LIST_LIMIT_MAX,
} from './group-handle.ts'
import { checkGroupOptions, groupPlan } from './group-options.ts'
import { type ExportedPage, exportPage } from './look/exporting.ts'
import { findInQueue } from './look/listing.ts'
import { infoOf, lookAt } from './look/looking.ts'
import { oldestUnreadMs } from './look/oldest.ts'
import { checkPlace, offsetAt } from './look/queue-start.ts'
import { checkSettings, shownSettings } from './queue-settings.ts'
import { QueueValues, type ValueOptions } from './queue-values.ts'
import type { PauseOp } from './records/control-ops.ts'
import { checkRemoval, removeQueue } from './settle/remove-queue.ts'
import { beginPurge } from './settle/whole.ts'
import { QueueCounts } from './state/totals.ts'
import type { StoreCore } from './store-core.ts'
import type { Delivery } from './types/deliveries.ts'
import { GROUP_DEFAULT, type Group, type GroupOptions } from './types/groups.ts'
import type { MessageRef, StoredMessage } from './types/messages.ts'
import type { BareItem, PutItem, PutOptions, PutResult, PutValue } from './types/puts.ts'
import type { DeleteOptions, Queue, RangeOptions, RemoveQueueOptions } from './types/queues.ts'
import type { QueueSettingsChange } from './types/settings.ts'
import type { QueueStats } from './types/stats.ts'
import type { ConsumeOptions, Handler, Worker, WorkOptions } from './work/types.ts'
import type { Workers } from './work/workers.ts'

const READ_LIMIT_DEFAULT = 100

export class QueueHandle<T = Uint8Array, In = PutValue<T>> implements Queue<T, In> {
  readonly name: string
  /** How values and options of its puts are taken. */
  readonly values: QueueValues<T>
  readonly #core: StoreCore
  readonly #workers: Workers
  /** Whoever made it has named a retry. */
  readonly #namesRetry: boolean

  constructor(
    core: StoreCore,
    name: string,
    options: ValueOptions<T>,
    workers: Workers,
    namesRetry: boolean,
  ) {
    this.#core = core
    this.#namesRetry = namesRetry
    this.name = name
    this.values = new QueueValues(core, options)
    this.#workers = workers
  }

  /** False for a queue of another store. */
  isOf(core: StoreCore): boolean {
    return this.#core === core
  }

  put(value: In, options?: PutOptions): Promise<PutResult> {
    // No async function: the promise of the operation itself is what the caller gets.
    try {
      const core = this.#core
      core.assertOpen()
      const bytes = this.values.bytes(value)
      const plan = this.values.plan(options)
      if (plan.onDuplicate !== 'drop') return this.#putOver(bytes, plan)
      const queue = core.registry.queueNumber(this.name)
      const first = isClaim(plan) ? this.#first(queue, plan) : undefined
      if (first !== undefined) return first
      const put = new Put(queue, bytes, core.settings.planFor(queue, plan))
      return core.send(new PutOne(put, core.claims))
    } catch (error) {
      return Promise.reject(error)
    }
  }

  async putMany(items: readonly (PutItem<In> | BareItem<In>)[]): Promise<readonly PutResult[]> {
    const core = this.#core
    core.assertOpen()
    if (!Array.isArray(items)) throw new QlogTypeError('putMany takes an array of messages')
    if (items.length === 0) return []
    const batch = new PutBatch(core)
    for (const item of items) {
      const { bytes, plan } = this.values.item(item)
      // What a codec made has been copied.
      batch.add(this.name, bytes, plan, this.values.codec !== undefined)
    }
    return this.#putBatch(batch)
  }

  work(handler: Handler<T>, options?: WorkOptions): Worker {
    return this.#workers.work(this.name, this.values.codec, handler, options)
  }

  consume(options?: ConsumeOptions): AsyncIterableIterator<Delivery<T>> {
    return this.#workers.consume(this.name, this.values.codec, options)
  }

  async createGroup(name: string, options: GroupOptions = {}): Promise<Group<T>> {
    this.#core.assertOpen()
    checkGroupName(name)
    checkGroupOptions('the options of createGroup', options)
    const plan = groupPlan(this.#core, this.name, options)
    await this.#core.registry.makeGroup(this.name, name, plan)
    return new GroupHandle(this.#core, this.name, name, this.values)
  }

  group(name = GROUP_DEFAULT): Group<T> {
    return new GroupHandle(this.#core, this.name, checkGroupName(name), this.values)
  }

  async get(id: number, group = GROUP_DEFAULT): Promise<StoredMessage<T> | undefined> {
    this.#core.assertOpen()
    checkInteger('id', id, 1, Number.MAX_SAFE_INTEGER)
    checkGroupName(group)
    const seen = await lookAt(this.#core, id, group, this.name)
    return seen && this.values.stored(seen.info, seen.body)
  }

  async findByKey(key: string, group?: string): Promise<StoredMessage<T> | undefined> {
    this.#core.assertOpen()
    checkKey(key)
    if (group !== undefined) checkGroupName(group)
    const { registry, claims, clock } = this.#core
    const number = registry.knownNumber(this.name)
    const found =
      number === undefined
        ? undefined
        : claims.durable(number, { key, producer: undefined, sequence: 0 }, clock.nowMs())
    return found && this.get(found.id, group)
  }

  async read(options: RangeOptions = {}): Promise<readonly StoredMessage<T>[]> {
    this.#core.assertOpen()
    checkOptionNames('the options of read', options, ['from', 'limit', 'bytesMax'])
    const { limit = READ_LIMIT_DEFAULT, bytesMax } = options
    checkInteger('limit', limit, 1, LIST_LIMIT_MAX)
    if (bytesMax !== undefined) checkInteger('bytesMax', bytesMax, 1, Number.MAX_SAFE_INTEGER)
    const start = checkStart(options.from)
    const queue = this.#core.registry.queue(this.name)
    if (!queue) return []
    this.#core.dispatcher.advance()
    const wanted = { from: this.#startOf(start), limit }
    const found = await findInQueue(this.#core.system.clock, queue, wanted, () => true)
    const group = queue.group(GROUP_DEFAULT)
    const ids = found.map(({ id }) => id)
    const messages = await this.#core.fetch.many(ids, bytesMax)
    const stored: StoredMessage<T>[] = []
    for (const [row, message] of messages.entries()) {
      const one = found[row]
      if (!one || !message) continue
      const info = infoOf(this.#core, queue, group, GROUP_DEFAULT, one, message)
      stored.push(this.values.stored(info, message.body))
    }
    return stored
  }

  async delete(
    messages: readonly (MessageRef | number)[],
    options: DeleteOptions = {},
  ): Promise<number> {
    this.#core.assertOpen()
    checkRefs(messages)
    checkOptionNames('the options of delete', options, ['unlessLeased'])
    const { unlessLeased = false } = options
    const queue = this.#core.registry.queue(this.name)
    if (!queue) return 0
    const located = await this.#core.fetch.locate(queue, messages)
    this.#core.assertOpen()
    const there = located.filter(
      ({ offset }) =>
        !queue.state.isGone(offset) &&
        !queue.leaving.has(offset) &&
        !(unlessLeased && queue.isOut(offset)),
    )
    if (there.length === 0 || queue.isPurging) return 0
    const operation = this.#core.deleteOperation(
      queue,
      there.map(({ id }) => id),
      there.map(({ offset }) => offset),
    )
    await this.#core.send(operation)
    return there.length
  }

  async pause(pauseMs: number): Promise<void> {
    this.#core.assertOpen()
    const operation = new PlainOperation([pauseOp(this.#core, this.name, pauseMs)])
    await this.#core.send(operation)
  }

  async configure(settings: QueueSettingsChange): Promise<void> {
    const { registry, settings: inForce } = this.#core
    this.#core.assertOpen()
    const change = checkSettings(this.#core, this.name, settings)
    if (Object.keys(change).length === 0) return
    await inForce.change(registry.queueNumber(this.name), change)
    // What was retained is gone with that.
    if (change.retains === 0) this.#core.gone.discardAll()
  }

  async purge(): Promise<number> {
    const core = this.#core
    core.assertOpen()
    const number = core.registry.knownNumber(this.name)
    if (number === undefined) return 0
    const { ops, done, undo } = beginPurge(core, number)
    let count = 0
    const whenDone = () => {
      count = core.registry.queue(this.name)?.purgedCount ?? 0
      done()
    }
    await core.send(new PlainOperation(ops, whenDone, undo))
    return count
  }

  async remove(options?: RemoveQueueOptions): Promise<boolean> {
    this.#core.assertOpen()
    return removeQueue(this.#core, this.name, checkRemoval(options), this.#namesRetry)
  }

  /** What stands from this offset on, for an export. */
  async exportPage(from: number): Promise<ExportedPage> {
    this.#core.assertOpen()
    const queue = this.#core.registry.queue(this.name)
    return queue ? exportPage(this.#core, queue, from) : { messages: [], next: undefined }
  }

  /** Puts what was exported, all or none. */
  async importMany(messages: readonly ImportedMessage[]): Promise<readonly PutResult[]> {
    this.#core.assertOpen()
    return importMessages(this.#core, this.name, messages)
  }

  stats(): QueueStats {
    return queueStats(this.#core, this.name)
  }

  async #putBatch(batch: PutBatch): Promise<readonly PutResult[]> {
    const core = this.#core
    // Others that waited for the same message may have gone first.
    while (batch.mustWait) {
      await batch.wait()
      core.assertOpen()
    }
    const puts = batch.build()
    if (puts.length === 0) return batch.results([])
    try {
      const done = () => batch.done()
      return batch.results(await core.send(new PutMany(puts, core.claims, batch.ops, done)))
    } catch (error) {
      batch.undo()
      throw error
    }
  }

  /** Where the key is taken it may come in the place of another, or after it. */
  async #putOver(bytes: Uint8Array, plan: PutPlan): Promise<PutResult> {
    const batch = new PutBatch(this.#core)
    batch.add(this.name, bytes, plan, false)
    const [result] = await this.#putBatch(batch)
    if (!result) throw new Error('a put has an outcome')
    return result
  }

  #first(queue: number, plan: Claim): Promise<PutResult> | undefined {
    const { claims, clock } = this.#core
    const pending = claims.pending(queue, plan)
    if (pending !== undefined) return pending.then(asDuplicate)
    const first = claims.durable(queue, plan, clock.nowMs())
    return first && Promise.resolve(asDuplicate(first))
  }

  #startOf(from: NonNullable<RangeOptions['from']>): number {
    if ('offset' in from) return from.offset
    const state = this.#core.registry.queue(this.name)?.state
    return offsetAt(state, state?.nextOffset ?? 0, from)
  }
}

export function queueStats(core: StoreCore, name: string): QueueStats {
  const queue = core.registry.queue(name)
  if (!queue) {
    const settings = shownSettings(core)
    const totals = new QueueCounts().totals()
    const none = { nextOffset: 0, messages: 0, retained: 0, pausedMs: 0 }
    const unknown = { bytes: undefined, retainedBytes: undefined, oldestMs: undefined }
    return { queue: name, ...none, ...unknown, settings, totals, groups: [] }
  }
  const { nextOffset, pending, retained, pausedUntilMs, sizes, settings } = queue.state
  const groups = [...queue.groups.values()].map((group) => groupStats(group))
  const ages = groups.flatMap(({ oldestMs }) => oldestMs ?? [])
  return {
    queue: name,
    nextOffset,
    messages: pending,
    bytes: sizes && queue.state.bytes,
    retained: retained.count,
    retainedBytes: sizes && queue.state.retainedBytes,
    settings: shownSettings(core, settings),
    oldestMs:
      groups.length === 0 ? oldestUnreadMs(queue) : ages.length > 0 ? Math.max(...ages) : undefined,
    pausedMs: Math.max(0, pausedUntilMs - core.clock.nowMs()),
    totals: queue.state.allCounts().totals(),
    groups,
  }
}

export function pauseOp(core: StoreCore, queue: string, pauseMs: number): PauseOp {
  const ms = checkMs('pauseMs', pauseMs)
  const untilMs = ms === 0 ? 0 : core.clock.nowMs() + ms
  return { kind: 'pause', queue: core.registry.queueNumber(queue), untilMs }
}

function checkStart(from: RangeOptions['from']): NonNullable<RangeOptions['from']> {
  if (from === undefined) return { offset: 0 }
  if (typeof from === 'object' && from !== null && 'offset' in from) {
    return { offset: checkInteger('from.offset', from.offset, 0, Number.MAX_SAFE_INTEGER) }
  }
  return checkPlace(from, '{ offset }, { id } or { timeMs }')
}
