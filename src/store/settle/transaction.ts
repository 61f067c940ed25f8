/**
 * Verbs that take effect together: each is checked and decided when it is called, all of them leave as one
 * entry, and where anything throws nothing has happened.
 */
import { QlogTypeError } from '../../errors.ts'
import { checkInteger, checkMs, checkName, checkOwnBody, checkPut } from '../check.ts'
import type { Put } from '../commit/put.ts'
import { PutBatch } from '../commit/put-batch.ts'
import { PutMany } from '../commit/puts.ts'
import { staleLease } from '../deliver/delivery.ts'
import type { GroupDispatch } from '../dispatch/group-dispatch.ts'
import type { Taken } from '../dispatch/taken.ts'
import { GroupHandle } from '../group-handle.ts'
import { checkSettings } from '../group-options.ts'
import { checkSeek, seekOffset } from '../look/seek-place.ts'
import { pauseOp, QueueHandle } from '../queue-handle.ts'
import type { ControlOp } from '../records/control-ops.ts'
import type { StoreCore } from '../store-core.ts'
import type { BuryOptions, Delivery, ReleaseOptions } from '../types/deliveries.ts'
import type { Group, GroupSettings, RedriveOptions, SeekPlace } from '../types/groups.ts'
import type { MessageRef } from '../types/messages.ts'
import type { PutOptions, PutResult } from '../types/puts.ts'
import type { Queue } from '../types/queues.ts'
import type { Transaction, TransactionResult } from '../types/transactions.ts'
import { beginRedrive, buriedIn, checkRedrive } from './redrive.ts'
import type { Settled, Verbs } from './verbs.ts'
import { beginPurge, beginSeek, type WholeChange } from './whole.ts'

/** A verb whose message may become a letter, made of what the log holds. */
interface ReadFirst {
  readonly taken: Taken
  readonly delivery: Delivery
  readonly decide: () => Settled<unknown>
  /** How many records stand in front of its own. */
  readonly at: number
}

export class StoreTransaction implements Transaction {
  readonly #core: StoreCore
  readonly #verbs: Verbs
  readonly #ops: ControlOp[] = []
  readonly #batch: PutBatch
  readonly #pauses: { readonly queue: string; readonly pauseMs: number }[] = []
  readonly #settled = new Set<Taken>()
  readonly #acks: Taken[] = []
  readonly #letters: Put[] = []
  /** Decided only when their bodies were read, and recorded in their turn. */
  readonly #readFirst: ReadFirst[] = []
  readonly #whenDone: (() => void)[] = []
  readonly #whenVoid: (() => void)[] = []
  #isOver = false

  constructor(core: StoreCore, verbs: Verbs) {
    this.#core = core
    this.#verbs = verbs
    this.#batch = new PutBatch(core)
  }

  put(queue: string, body: Uint8Array | string, options?: PutOptions): void
  put<T, In>(queue: Queue<T, In>, value: In, options?: PutOptions): void
  put(queue: unknown, value: unknown, options?: PutOptions): void {
    this.#assertOpen()
    const handle = queue instanceof QueueHandle ? this.#own(queue) : undefined
    const name = handle?.name ?? checkName('the name of a queue', queue)
    // The caller may use its bytes again before the transaction leaves.
    const bytes =
      handle?.values.ownBytes(value) ?? checkOwnBody(value, this.#core.log.limits.messageBytesMax)
    const plan = handle?.values.plan(options) ?? checkPut(options, this.#core.clock)
    this.#batch.add(name, bytes, plan, true)
  }

  ack(delivery: Delivery): void {
    const taken = this.#settle(delivery)
    this.#acks.push(taken)
    this.#ops.push(...this.#verbs.ackOps([taken]))
  }

  release(delivery: Delivery, options?: ReleaseOptions): void {
    const plan = this.#verbs.checkRelease(options)
    const taken = this.#settle(delivery)
    this.#give(taken, delivery, () => this.#verbs.releaseOne(taken, delivery, plan))
  }

  retry(delivery: Delivery, error?: unknown): void {
    const taken = this.#settle(delivery)
    this.#give(taken, delivery, () => this.#verbs.retryOne(taken, delivery, error))
  }

  bury(delivery: Delivery, options?: BuryOptions): void {
    const { reason, priority } = this.#verbs.checkBury(options)
    this.#ops.push(this.#core.buryOp(this.#settle(delivery), reason, '', priority))
  }

  kick(group: Group<unknown>, message: MessageRef): void {
    this.#assertOpen()
    const handle = this.#checkGroup(group)
    this.#ops.push(handle.kickOne(message))
    const taken = this.#groupOf(group)?.out.get(message.offset)
    if (taken) this.#whenVoid.push(() => taken.group.putBack(taken))
  }

  delete(message: MessageRef): void {
    this.#assertOpen()
    const { id, offset } = message
    checkInteger('the id of a message', id, 1, Number.MAX_SAFE_INTEGER)
    const queue = this.#core.registry.queue(message.queue)
    const isThere = queue?.find(offset)?.id === id && !queue.state.isGone(offset)
    if (!queue || !isThere || queue.leaving.has(offset) || queue.isPurging) {
      throw new QlogTypeError(`there is no message ${id} in the queue ${String(message.queue)}`)
    }
    const operation = this.#core.deleteOperation(queue, [id], [offset])
    this.#ops.push(...operation.ops)
    this.#whenDone.push(() => operation.committed())
    this.#whenVoid.push(() => operation.refused(new Error('the transaction was void')))
  }

  pause(queue: string, pauseMs: number): void {
    this.#assertOpen()
    checkName('the name of a queue', queue)
    checkMs('pauseMs', pauseMs)
    this.#pauses.push({ queue, pauseMs })
  }

  purge(queue: string): void {
    this.#assertOpen()
    checkName('the name of a queue', queue)
    const number = this.#core.registry.knownNumber(queue)
    if (number !== undefined) this.#change(beginPurge(this.#core, number))
  }

  redrive(group: Group<unknown>, options?: RedriveOptions): number {
    this.#assertOpen()
    const plan = checkRedrive(options)
    const found = this.#groupOf(group)
    if (!found) return 0
    const offsets = buriedIn(found, plan)
    this.#change(beginRedrive(found, offsets))
    return offsets.length
  }

  configure(group: Group<unknown>, settings: GroupSettings): void {
    this.#assertOpen()
    const plan = checkSettings(settings)
    const change = this.#core.registry.settingsChange(this.#existing(group), plan)
    if (!change) return
    this.#ops.push(...change.ops)
    this.#whenDone.push(() => change.settled())
    this.#whenVoid.push(() => change.settled())
  }

  seek(group: Group<unknown>, from: SeekPlace): void {
    this.#assertOpen()
    const place = checkSeek(from)
    const found = this.#existing(group)
    this.#change(beginSeek(this.#core, found, () => seekOffset(found.queue.state, place)))
  }

  /** The body threw: what was taken for it stays what it was. */
  abandon(): void {
    this.#isOver = true
    this.#undo()
  }

  commit(): Promise<TransactionResult> {
    this.#isOver = true
    if (this.#readFirst.length === 0) return this.#commit()
    return this.#verbs.bodies.during(() => this.#commit())
  }

  async #commit(): Promise<TransactionResult> {
    let appended: readonly PutResult[] = []
    try {
      if (this.#readFirst.length > 0 || this.#batch.mustWait) {
        await this.#verbs.whileSettling(this.#settled, () => this.#wait())
      }
      const puts = this.#batch.build()
      this.#decideRest()
      const pauses = this.#pauses.map(({ queue, pauseMs }) => pauseOp(this.#core, queue, pauseMs))
      const ops = [...this.#ops, ...this.#batch.ops, ...pauses]
      if (puts.length + ops.length > 0) {
        const done = () => this.#done()
        const all = [...puts, ...this.#letters]
        appended = await this.#core.send(new PutMany(all, this.#core.claims, ops, done))
      }
    } catch (error) {
      this.#undo()
      throw error
    }
    return { puts: this.#batch.results(appended) }
  }

  async #wait(): Promise<void> {
    if (this.#readFirst.length > 0) {
      await this.#verbs.bodies.read(this.#readFirst.map(({ delivery }) => delivery))
    }
    // Others that waited for the same message may have gone first.
    while (this.#batch.mustWait) {
      await this.#batch.wait()
      this.#core.assertOpen()
    }
  }

  #done(): void {
    this.#core.finished(this.#acks)
    this.#batch.done()
    for (const done of this.#whenDone) done()
  }

  #undo(): void {
    this.#batch.undo()
    for (const taken of this.#settled) this.#core.dispatcher.unsettle(taken)
    for (const undo of this.#whenVoid) undo()
  }

  /** It comes back, or is buried, or its letter leaves in the same entry. */
  #give(taken: Taken, delivery: Delivery, decide: () => Settled<unknown>): void {
    if (this.#verbs.bodies.mustRead(delivery)) {
      this.#readFirst.push({ taken, delivery, decide, at: this.#ops.length })
    } else this.#ops.push(...this.#decided(taken, decide()))
  }

  #decided(taken: Taken, { ops, letter }: Settled<unknown>): readonly ControlOp[] {
    if (letter) {
      this.#letters.push(letter)
      this.#acks.push(taken)
    }
    return ops
  }

  #decideRest(): void {
    let more = 0
    for (const { taken, decide, at } of this.#readFirst) {
      const ops = this.#decided(taken, decide())
      this.#ops.splice(at + more, 0, ...ops)
      more += ops.length
    }
  }

  #checkGroup(group: Group<unknown>): GroupHandle {
    if (group instanceof GroupHandle && group.isOf(this.#core)) return group
    throw new QlogTypeError('a group of this store is expected')
  }

  /** Undefined where it does not exist yet. */
  #groupOf(group: Group<unknown>): GroupDispatch | undefined {
    const { queue, name } = this.#checkGroup(group)
    return this.#core.registry.group(queue, name)
  }

  #existing(group: Group<unknown>): GroupDispatch {
    const found = this.#groupOf(group)
    if (found) return found
    throw new QlogTypeError(`there is no group ${group.name} in the queue ${group.queue}`)
  }

  #change({ ops, done, undo }: WholeChange): void {
    this.#ops.push(...ops)
    this.#whenDone.push(done)
    this.#whenVoid.push(undo)
  }

  #own(queue: QueueHandle<unknown, unknown>): QueueHandle<unknown, unknown> {
    if (!queue.isOf(this.#core)) throw new QlogTypeError('a queue of this store is expected')
    return queue
  }

  #settle(delivery: Delivery): Taken {
    this.#assertOpen()
    const taken = this.#verbs.assertLeased(delivery)
    if (this.#settled.has(taken)) throw staleLease(taken)
    this.#settled.add(taken)
    this.#core.dispatcher.settle(taken)
    return taken
  }

  #assertOpen(): void {
    if (this.#isOver) throw new QlogTypeError('the transaction is over')
    this.#core.assertOpen()
  }
}
