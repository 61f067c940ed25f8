/** A group as its users see it: looking, kicking, settings. */
import { QlogTypeError } from '../errors.ts'
import { checkInteger, checkName, checkOptionNames } from './check.ts'
import { PlainOperation } from './commit/operation.ts'
import { heldBehind } from './dispatch/behind.ts'
import type { GroupDispatch } from './dispatch/group-dispatch.ts'
import type { FoundMessage } from './dispatch/queue-dispatch.ts'
import { checkSettings, groupPlan } from './group-options.ts'
import { findInQueue, findInState } from './look/listing.ts'
import {
  dueInMs,
  firstPlainDelayed,
  infoOf,
  plainDelayed,
  stateOf,
  unbegunState,
} from './look/looking.ts'
import { oldestReadyMs } from './look/oldest.ts'
import { countReady } from './look/ready-count.ts'
import { checkSeek, isLookedUp, seekOffset } from './look/seek-place.ts'
import { firstUnbegun } from './look/unbegun.ts'
import type { QueueValues } from './queue-values.ts'
import type { KickOp } from './records/control-ops.ts'
import { checkMove, moveMessages } from './settle/move.ts'
import { beginRedrive, buriedIn, checkRedrive, isBuried, redrivePieces } from './settle/redrive.ts'
import { checkCount } from './settle/verbs.ts'
import { beginSeek } from './settle/whole.ts'
import type { Exception } from './state/exception.ts'
import { GroupCounts } from './state/totals.ts'
import type { StoreCore } from './store-core.ts'
import type {
  Group,
  GroupSettings,
  ListOptions,
  MoveOptions,
  RedriveOptions,
  SeekPlace,
} from './types/groups.ts'
import type { MessageInfo, MessageRef, MessageState, StoredMessage } from './types/messages.ts'
import { PRIORITY_MAX } from './types/puts.ts'
import type { GroupStats } from './types/stats.ts'

const LIST_LIMIT_DEFAULT = 100
export const LIST_LIMIT_MAX = 10_000
const STATES: readonly MessageState[] = ['ready', 'delayed', 'leased', 'buried', 'finished']

export class GroupHandle<T = unknown> implements Group<T> {
  readonly queue: string
  readonly name: string
  readonly #core: StoreCore
  readonly #values: QueueValues<T>

  constructor(core: StoreCore, queue: string, name: string, values: QueueValues<T>) {
    this.#core = core
    this.#values = values
    this.queue = queue
    this.name = name
  }

  /** False for a group of another store. */
  isOf(core: StoreCore): boolean {
    return this.#core === core
  }

  async peek(
    state: 'ready' | 'delayed' | 'buried' = 'ready',
  ): Promise<StoredMessage<T> | undefined> {
    this.#core.assertOpen()
    if (state !== 'ready' && state !== 'delayed' && state !== 'buried') {
      throw new QlogTypeError("peek looks at 'ready', 'delayed' or 'buried'")
    }
    let before = 0
    for (;;) {
      const queue = this.#core.registry.queue(this.queue)
      if (!queue) return undefined
      this.#core.dispatcher.advance()
      const group = this.#known()
      const found = group ? this.#first(group, state) : firstUnbegun(this.#core, queue, state)
      // One that comes again is one that cannot be looked at now.
      if (!found || found.id === before) return undefined
      before = found.id
      const [message] = await this.#core.fetch.many([found.id], undefined)
      // Taken or finished since: there is another first one.
      const isLeft = queue.state.isGone(found.offset) || queue.isLeaving(found.offset, found.id)
      const now = group ? stateOf(group, found) : unbegunState(queue, found.offset)
      if (now !== state || (!group && isLeft)) continue
      // Lost to damage, or to whoever else discards messages of this log: it is passed over from now on.
      if (!message) {
        this.#core.dispatcher.noteDamaged(found.id)
        continue
      }
      const info = infoOf(this.#core, queue, group, this.name, found, message)
      return this.#values.stored(info, message.body)
    }
  }

  async list(options: ListOptions = {}): Promise<readonly MessageInfo[]> {
    this.#core.assertOpen()
    const { state, from, limit } = checkList(options)
    const queue = this.#core.registry.queue(this.queue)
    if (!queue) return []
    this.#core.dispatcher.advance()
    const { clock } = this.#core.system
    const group = this.#known()
    const found = group
      ? await findInState(clock, group, state, { from, limit })
      : await findInQueue(clock, queue, { from, limit }, ({ offset }) =>
          isMeant(state, unbegunState(queue, offset)),
        )
    const infos: MessageInfo[] = []
    const ids = found.map(({ id }) => id)
    await this.#core.fetch.heads(ids, (row, message) => {
      const one = found[row]
      if (one) infos.push(infoOf(this.#core, queue, group, this.name, one, message))
    })
    return infos
  }

  async countReady(belowPriority: number): Promise<number> {
    this.#core.assertOpen()
    checkInteger('belowPriority', belowPriority, 0, PRIORITY_MAX + 1)
    const group = this.#known()
    if (!group) return 0
    this.#core.dispatcher.advance()
    return countReady(this.#core.system.clock, group, belowPriority)
  }

  async kick(what: number | readonly (MessageRef | number)[]): Promise<number> {
    this.#core.assertOpen()
    const count = typeof what === 'number' ? checkCount('count', what) : checkRefs(what).length
    if (count === 0) return 0
    const group = this.#known() ?? (await this.#group())
    this.#core.assertOpen()
    if (group.isStill) return 0
    const ops =
      typeof what === 'number' ? this.#kickCount(group, what) : await this.#kickThese(group, what)
    if (ops.length === 0) return 0
    const undo = () => {
      for (const { offset } of ops) {
        const taken = group.out.get(offset)
        if (taken) group.putBack(taken)
      }
    }
    const operation = new PlainOperation(ops, undefined, undo)
    await this.#core.send(operation)
    return ops.length
  }

  async redrive(options?: RedriveOptions): Promise<number> {
    this.#core.assertOpen()
    const plan = checkRedrive(options)
    const group = this.#known()
    // A group that there is not has buried nothing.
    if (!group) return 0
    let count = 0
    for (const piece of redrivePieces(buriedIn(group, plan))) {
      this.#core.assertOpen()
      // Some of it may have been kicked or deleted while the piece before was on its way.
      const offsets = piece.filter((offset) => isBuried(group, offset))
      if (offsets.length === 0) continue
      const { ops, done, undo } = beginRedrive(group, offsets)
      await this.#core.send(new PlainOperation(ops, done, undo))
      count += offsets.length
    }
    return count
  }

  async move(target: string, options: MoveOptions): Promise<number> {
    this.#core.assertOpen()
    const plan = checkMove(this.queue, target, options)
    const group = this.#known() ?? (await this.#group())
    return moveMessages(this.#core, group, plan)
  }

  async seek(from: SeekPlace): Promise<void> {
    const core = this.#core
    core.assertOpen()
    const place = checkSeek(from)
    // No turn later than it has to be: from now on its deliveries are stale.
    const group = this.#known() ?? (await this.#group())
    core.assertOpen()
    const change = beginSeek(core, group, () => seekOffset(group.queue.state, place))
    if (isLookedUp(place)) {
      // The message that is meant may be on its way.
      await core.journal.settled()
      if (core.status !== 'open') change.undo()
      core.assertOpen()
    }
    await core.send(new PlainOperation(change.ops, change.done, change.undo))
  }

  async configure(settings: GroupSettings): Promise<void> {
    this.#core.assertOpen()
    const plan = checkSettings(settings)
    await this.#core.registry.configure(await this.#group(), plan)
  }

  get exists(): boolean {
    return this.#core.registry.group(this.queue, this.name) !== undefined
  }

  stats(): GroupStats {
    const group = this.#core.registry.group(this.queue, this.name)
    return group ? groupStats(group) : emptyStats(this.queue, this.name)
  }

  async remove(): Promise<void> {
    this.#core.assertOpen()
    await this.#core.registry.removeGroup(this.queue, this.name)
    this.#core.gone.discardAll()
  }

  /** The op that makes one message ready, which is out of the order from now on; for a transaction. */
  kickOne(message: MessageRef): KickOp {
    const group = this.#core.registry.group(this.queue, this.name)
    const op = group && this.#kickOp(group, message.id, message.offset)
    if (!op) throw new QlogTypeError(`message ${message.id} is neither buried nor delayed`)
    return op
  }

  /** Whoever looks at the group, or changes it, uses it. */
  #known(): GroupDispatch | undefined {
    const group = this.#core.registry.group(this.queue, this.name)
    group?.use.note()
    return group
  }

  #group(): Promise<GroupDispatch> {
    const known = this.#known()
    if (known) return Promise.resolve(known)
    const plan = groupPlan(this.#core, this.queue, {})
    return this.#core.registry.ensureGroup(this.queue, this.name, plan)
  }

  #first(group: GroupDispatch, state: 'ready' | 'delayed' | 'buried'): FoundMessage | undefined {
    if (state === 'buried') return this.#found(group, group.order.exceptions.firstBuried)
    this.#core.dispatcher.advance()
    if (state === 'ready') {
      const offset = group.order.peekBest()
      return offset === undefined ? undefined : group.queue.find(offset)
    }
    const [behind] = heldBehind(group)
    if (behind !== undefined) return group.queue.find(behind)
    const due = (one: { dueKind: 0 | 1 | 2; dueMs: number }) =>
      dueInMs(this.#core, one.dueKind, one.dueMs)
    const { firstElapsed, firstWall } = group.order.exceptions
    const exceptions = [firstElapsed, firstWall].flatMap((one) => (one ? [one] : []))
    exceptions.sort((a, b) => due(a) - due(b) || a.id - b.id)
    const [exception] = exceptions
    const plain = firstPlainDelayed(this.#core, group)
    if (!exception || (plain && due(plain) < due(exception))) return plain
    return this.#found(group, exception)
  }

  #found(group: GroupDispatch, exception: Exception | undefined): FoundMessage | undefined {
    return exception && group.queue.find(exception.offset)
  }

  /** Buried ones where there are any, else delayed ones. */
  #kickCount(group: GroupDispatch, count: number): KickOp[] {
    this.#core.dispatcher.advance()
    const buried = group.order.takeBuried(count)
    if (buried.length > 0)
      return buried.map((one) => this.#hold(group, one.id, one.offset, one.priority))
    const delayed = [
      ...group.order.exceptions
        .delayed(count)
        .map((one) => ({ ...one, inMs: dueInMs(this.#core, one.dueKind, one.dueMs) })),
      ...plainDelayed(this.#core, group, count).map((one) => ({
        ...one,
        inMs: dueInMs(this.#core, one.dueKind, one.dueMs),
      })),
    ]
    delayed.sort((a, b) => a.inMs - b.inMs || a.id - b.id)
    return delayed
      .slice(0, count)
      .map(({ id, offset, priority }) => this.#hold(group, id, offset, priority))
  }

  async #kickThese(
    group: GroupDispatch,
    messages: readonly (MessageRef | number)[],
  ): Promise<KickOp[]> {
    const located = await this.#core.fetch.locate(group.queue, messages)
    this.#core.assertOpen()
    const ops: KickOp[] = []
    for (const { id, offset } of located) {
      const op = this.#kickOp(group, id, offset)
      if (op) ops.push(op)
    }
    return ops
  }

  #kickOp(group: GroupDispatch, id: number, offset: number): KickOp | undefined {
    const found = group.queue.find(offset)
    const isFree = !group.isStill && group.isFree(offset, id)
    if (!found || found.id !== id || !isFree) return undefined
    const state = stateOf(group, found)
    // What comes after another of its key cannot go before it.
    const isDelayed = state === 'delayed' && !group.isBehind(offset)
    if (state !== 'buried' && !isDelayed) return undefined
    const priority = group.state.exception(offset)?.priority ?? found.priority
    return this.#hold(group, id, offset, priority)
  }

  #hold(group: GroupDispatch, id: number, offset: number, priority: number): KickOp {
    group.hold(id, offset, priority).status = 'settling'
    const of = { queue: group.queue.state.number, group: group.state.number }
    return { kind: 'kick', ...of, offset, id, priority }
  }
}

export function groupStats(group: GroupDispatch): GroupStats {
  const { queue, state } = group
  const { nextOffset } = queue.state
  const delayed = group.delayedCount
  const { leased, buriedCount } = group
  const lag = nextOffset - state.finished.count
  const ready = Math.max(0, lag - delayed - leased - buriedCount)
  return {
    queue: queue.state.name,
    group: state.name,
    ready,
    delayed,
    leased,
    buried: buriedCount,
    lag,
    oldestMs: ready > 0 ? oldestReadyMs(group) : undefined,
    totals: state.counts.totals(),
    floor: Math.min(state.finished.floor, nextOffset),
    leasedMax: state.leasedMax === 0 ? undefined : state.leasedMax,
    promoteAfterMs: state.promoteAfterMs === 0 ? undefined : state.promoteAfterMs,
    waiting: group.waiters.size,
  }
}

function emptyStats(queue: string, group: string): GroupStats {
  return {
    queue,
    group,
    ready: 0,
    delayed: 0,
    leased: 0,
    buried: 0,
    lag: 0,
    oldestMs: undefined,
    totals: new GroupCounts().totals(),
    floor: 0,
    leasedMax: undefined,
    promoteAfterMs: undefined,
    waiting: 0,
  }
}

function isMeant(wanted: MessageState | undefined, state: MessageState): boolean {
  return wanted === undefined || wanted === state
}

function checkList(options: ListOptions): {
  readonly state: MessageState | undefined
  readonly from: number
  readonly limit: number
} {
  checkOptionNames('the options of list', options, ['state', 'from', 'limit'])
  const { state, from = 0, limit = LIST_LIMIT_DEFAULT } = options
  if (state !== undefined && !STATES.includes(state)) {
    throw new QlogTypeError(`state must be one of ${STATES.join(', ')}`)
  }
  return {
    state,
    from: checkInteger('from', from, 0, Number.MAX_SAFE_INTEGER),
    limit: checkInteger('limit', limit, 1, LIST_LIMIT_MAX),
  }
}

/** Throws where one of them names no message. */
export function checkRefs(
  messages: readonly (MessageRef | number)[],
): readonly (MessageRef | number)[] {
  if (!Array.isArray(messages)) throw new QlogTypeError('an array of messages or ids is expected')
  for (const one of messages) {
    const isObject = typeof one === 'object' && one !== null && 'id' in one
    const id: unknown = isObject ? one.id : one
    checkInteger('the id of a message', id, 1, Number.MAX_SAFE_INTEGER)
  }
  return messages
}

export function checkGroupName(name: unknown): string {
  return checkName('the name of a group', name)
}
