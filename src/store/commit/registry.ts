/**
 * Queues and groups by name, also those whose record is still on its way, without those whose removal is;
 * and the offsets that messages on their way have taken.
 */
import { QlogError } from '../../errors.ts'
import type { Dispatcher } from '../dispatch/dispatcher.ts'
import type { GroupDispatch } from '../dispatch/group-dispatch.ts'
import type { QueueDispatch } from '../dispatch/queue-dispatch.ts'
import type { ControlOp } from '../records/control-ops.ts'
import type { QueueState } from '../state/queue-state.ts'
import type { StoreState } from '../state/store-state.ts'
import type { Offsets } from './journal.ts'
import { PlainOperation, type Sendable } from './operation.ts'

/** Settings of a group, checked; 0 = none, undefined = as it is. */
export interface SettingsPlan {
  readonly leasedMax: number | undefined
  readonly promoteAfterMs: number | undefined
}

/** Where a group begins and its settings. */
export interface GroupPlan extends SettingsPlan {
  /** Works out the first offset, where the group is new. */
  readonly from: () => number | Promise<number>
}

interface Settings {
  readonly leasedMax: number
  readonly promoteAfterMs: number
}

export class Registry implements Offsets {
  readonly #state: StoreState
  readonly #dispatcher: Dispatcher
  readonly #submit: (operation: Sendable) => void
  /** What stood in front of the start of a first group is gone with that. */
  readonly #onGroupAdded: () => void
  readonly #pendingQueues = new Map<string, number>()
  #nextQueue = 0
  /** Queues that records on their way remove, and how many of these each has. */
  readonly #leavingQueues = new Map<number, number>()
  /** Outcomes of these removals, by the name of the queue. */
  readonly #removals = new Map<string, Promise<unknown>>()
  /** How many work with a queue of this name, and may be about to ask for its number. */
  readonly #users = new Map<string, number>()
  /** Next offsets of queues with messages on their way, by queue. */
  readonly #offsets = new Map<number, number>()
  readonly #pendingGroups = new Map<string, Promise<void>>()
  readonly #nextGroups = new Map<number, number>()
  /** Groups whose removal is on its way, and its outcome. */
  readonly #leaving = new Map<GroupDispatch, Promise<void>>()
  /** Settings on their way, which the next change starts from. */
  readonly #pendingSettings = new Map<GroupDispatch, Settings>()

  constructor(
    state: StoreState,
    dispatcher: Dispatcher,
    submit: (operation: Sendable) => void,
    onGroupAdded: () => void,
  ) {
    this.#state = state
    this.#dispatcher = dispatcher
    this.#submit = submit
    this.#onGroupAdded = onGroupAdded
  }

  /** The number of the queue; undefined where there is none, not even on its way. */
  knownNumber(name: string): number | undefined {
    return this.#stateOf(name)?.number ?? this.#pendingQueues.get(name)
  }

  #stateOf(name: string): QueueState | undefined {
    const state = this.#state.queue(name)
    if (state === undefined || this.#leavingQueues.size === 0) return state
    return this.#leavingQueues.has(state.number) ? undefined : state
  }

  /** The number of the queue; it begins where there is none of the name. */
  queueNumber(name: string): number {
    const known = this.knownNumber(name)
    if (known !== undefined) return known
    const queue = Math.max(this.#nextQueue, this.#state.nextQueue)
    this.#nextQueue = queue + 1
    this.#pendingQueues.set(name, queue)
    const begin: ControlOp = { kind: 'queue', queue, name }
    // Another one of the name is on its way out. Should that be turned down, it leaves with this: no two
    // queues ever have one name.
    const before = this.#state.queue(name)
    const stay = before && this.#leave(before.number)
    const settled = () => {
      this.#pendingQueues.delete(name)
      stay?.()
    }
    const ops = before ? [removal(before), begin] : [begin]
    this.#submitOr(new PlainOperation(ops, settled, settled), settled)
    return queue
  }

  /**
   * Takes the queue away, from this call on; the caller has made sure that nobody needs it. Resolves once
   * that is durable. `undo` is called where it is turned down.
   */
  async removeQueue(queue: QueueState, undo: () => void): Promise<void> {
    const { name, number } = queue
    const stay = this.#leave(number)
    const settled = () => {
      stay()
      if (this.#removals.get(name) === operation.promise) this.#removals.delete(name)
    }
    const isVoid = () => {
      settled()
      undo()
    }
    const operation = new PlainOperation([removal(queue)], settled, isVoid)
    this.#removals.set(name, operation.promise)
    this.#submitOr(operation, isVoid)
    await operation.promise
  }

  /** Resolves once a removal of a queue of this name that is on its way has had its outcome. */
  async removed(name: string): Promise<void> {
    await this.#removals.get(name)
  }

  /** The queue is gone: nothing is remembered of its number. */
  forgetQueue(queue: number): void {
    this.#offsets.delete(queue)
    this.#nextGroups.delete(queue)
  }

  /** As long as `work` goes on no queue of this name is removed. */
  async using<T>(name: string, work: () => Promise<T>): Promise<T> {
    this.#users.set(name, (this.#users.get(name) ?? 0) + 1)
    try {
      return await work()
    } finally {
      const left = (this.#users.get(name) ?? 1) - 1
      if (left > 0) this.#users.set(name, left)
      else this.#users.delete(name)
    }
  }

  isUsed(name: string): boolean {
    return this.#users.has(name)
  }

  /** Nobody finds it by its name, until what this returns is called. */
  #leave(queue: number): () => void {
    this.#leavingQueues.set(queue, (this.#leavingQueues.get(queue) ?? 0) + 1)
    return () => {
      const left = (this.#leavingQueues.get(queue) ?? 1) - 1
      if (left > 0) this.#leavingQueues.set(queue, left)
      else this.#leavingQueues.delete(queue)
    }
  }

  /** The name of the queue with this number, also where that is on its way. */
  nameOf(queue: number): string {
    for (const [name, number] of this.#pendingQueues) if (number === queue) return name
    return this.#state.queues.get(queue)?.name ?? ''
  }

  queue(name: string): QueueDispatch | undefined {
    const state = this.#stateOf(name)
    return state && this.#dispatcher.queue(state)
  }

  /** The group of this name, unless its removal is on its way. */
  group(queue: string, group: string): GroupDispatch | undefined {
    const found = this.queue(queue)?.group(group)
    return found && !this.#leaving.has(found) ? found : undefined
  }

  /** Its removal is on its way. */
  isLeaving(group: GroupDispatch): boolean {
    return this.#leaving.has(group)
  }

  /** Takes the group away, also one that is only being made. */
  async removeGroup(queueName: string, groupName: string): Promise<void> {
    const queue = this.knownNumber(queueName)
    if (queue === undefined) return
    const pending = this.#pendingGroups.get(`${queue} ${groupName}`)
    // In the order of the calls: what is called behind this finds the group leaving.
    if (pending !== undefined) await pending
    const group = this.queue(queueName)?.group(groupName)
    if (group) await (this.#leaving.get(group) ?? this.remove(group))
  }

  /** Takes this very group away, from this call on. */
  async remove(group: GroupDispatch): Promise<void> {
    const settled = () => void this.#leaving.delete(group)
    const of = { queue: group.queue.state.number, group: group.state.number }
    const operation = new PlainOperation([{ kind: 'group-removed', ...of }], settled, settled)
    this.#leaving.set(group, operation.promise)
    this.#submitOr(operation, settled)
    await operation.promise
  }

  /** The group, once it is durable that there is one. Settings that are given are changed. */
  async ensureGroup(queueName: string, groupName: string, plan: GroupPlan): Promise<GroupDispatch> {
    const group = await this.makeGroup(queueName, groupName, plan)
    if (group) return group
    throw new QlogError('QLOG_ABORTED', `the group ${groupName} was removed while it was made`)
  }

  /** The same; undefined where it was removed again before anybody could use it. */
  makeGroup(
    queueName: string,
    groupName: string,
    plan: GroupPlan,
  ): Promise<GroupDispatch | undefined> {
    return this.using(queueName, () => this.#makeGroup(queueName, groupName, plan))
  }

  async #makeGroup(
    queueName: string,
    groupName: string,
    plan: GroupPlan,
  ): Promise<GroupDispatch | undefined> {
    const queue = this.queueNumber(queueName)
    const key = `${queue} ${groupName}`
    if (!this.group(queueName, groupName) && !this.#pendingGroups.has(key)) {
      const made = this.#addGroup(queue, groupName, plan)
      const pending = made.finally(() => this.#pendingGroups.delete(key))
      this.#pendingGroups.set(key, pending)
    }
    await this.#pendingGroups.get(key)
    const group = this.group(queueName, groupName)
    if (!group) return undefined
    // Whoever asks for it is about to read it: it does not count as idle meanwhile.
    group.use.begin(plan)
    try {
      await this.configure(group, plan)
    } finally {
      group.use.end(plan)
    }
    return group
  }

  /** Changes what differs. */
  async configure(group: GroupDispatch, plan: SettingsPlan): Promise<void> {
    const change = this.settingsChange(group, plan)
    if (!change) return
    const { ops, settled } = change
    const operation = new PlainOperation(ops, settled, settled)
    this.#submitOr(operation, settled)
    await operation.promise
  }

  /**
   * What changes the settings that differ; undefined where none does. The next change starts from these,
   * until `settled` is called.
   */
  settingsChange(
    group: GroupDispatch,
    plan: SettingsPlan,
  ): { readonly ops: readonly ControlOp[]; settled(): void } | undefined {
    const { state } = group
    const pending = this.#pendingSettings.get(group)
    const now = pending ?? state
    const leasedMax = plan.leasedMax ?? now.leasedMax
    const promoteAfterMs = plan.promoteAfterMs ?? now.promoteAfterMs
    const isSame = leasedMax === now.leasedMax && promoteAfterMs === now.promoteAfterMs
    // What is on its way may be turned down yet: a record of its own answers whoever asks for the same.
    if (isSame && pending === undefined) return undefined
    const of = { queue: group.queue.state.number, group: state.number }
    const settings = { leasedMax, promoteAfterMs }
    this.#pendingSettings.set(group, settings)
    return {
      ops: [{ kind: 'settings', ...of, ...settings }],
      settled: () => {
        if (this.#pendingSettings.get(group) === settings) this.#pendingSettings.delete(group)
      },
    }
  }

  /** The offset that the next message of the queue gets. */
  nextOffset(queue: number): number {
    return Math.max(this.#offsets.get(queue) ?? 0, this.#state.queues.get(queue)?.nextOffset ?? 0)
  }

  take(queue: number): number {
    const offset = this.nextOffset(queue)
    this.#offsets.set(queue, offset + 1)
    return offset
  }

  giveBack(queue: number, offset: number): void {
    const next = this.#offsets.get(queue)
    if (next !== undefined && offset < next) this.#offsets.set(queue, offset)
    this.#dispatcher.purging.giveBack(queue, offset)
  }

  async #addGroup(queue: number, name: string, plan: GroupPlan): Promise<void> {
    const start = plan.from()
    // Not a turn later than it has to be: what is put behind this call comes behind the group's record.
    const from = typeof start === 'number' ? start : await start
    const group = Math.max(
      this.#nextGroups.get(queue) ?? 1,
      this.#state.queues.get(queue)?.nextGroup ?? 1,
    )
    this.#nextGroups.set(queue, group + 1)
    const operation = new PlainOperation([
      { kind: 'group', queue, group, name, from },
      {
        kind: 'settings',
        queue,
        group,
        leasedMax: plan.leasedMax ?? 0,
        promoteAfterMs: plan.promoteAfterMs ?? 0,
      },
    ])
    this.#submit(operation)
    await operation.promise
    this.#onGroupAdded()
  }

  #submitOr(operation: Sendable, undo: () => void): void {
    try {
      this.#submit(operation)
    } catch (error) {
      undo()
      throw error
    }
  }
}

function removal({ number }: QueueState): ControlOp {
  return { kind: 'queue-removed', queue: number }
}
