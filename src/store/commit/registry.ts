/**
 * Queues and groups by name, also those whose record is still on its way, and the offsets that messages
 * on their way have taken.
 */
import { QlogError } from '../../errors.ts'
import type { Dispatcher } from '../dispatch/dispatcher.ts'
import type { GroupDispatch } from '../dispatch/group-dispatch.ts'
import type { QueueDispatch } from '../dispatch/queue-dispatch.ts'
import type { ControlOp } from '../records/control-ops.ts'
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
  /** Next offsets of queues with messages on their way, by queue. */
  readonly #offsets = new Map<number, number>()
  readonly #pendingGroups = new Map<string, Promise<void>>()
  readonly #nextGroups = new Map<number, number>()
  /** Groups whose removal is on its way. */
  readonly #leaving = new Set<GroupDispatch>()
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
    return this.#state.queue(name)?.number ?? this.#pendingQueues.get(name)
  }

  /** The number of the queue; it begins where there is none of the name. */
  queueNumber(name: string): number {
    const known = this.knownNumber(name)
    if (known !== undefined) return known
    const queue = Math.max(this.#nextQueue, this.#state.nextQueue)
    this.#nextQueue = queue + 1
    this.#pendingQueues.set(name, queue)
    const settled = () => void this.#pendingQueues.delete(name)
    this.#submitOr(new PlainOperation([{ kind: 'queue', queue, name }], settled, settled), settled)
    return queue
  }

  /** The name of the queue with this number, also where that is on its way. */
  nameOf(queue: number): string {
    for (const [name, number] of this.#pendingQueues) if (number === queue) return name
    return this.#state.queues.get(queue)?.name ?? ''
  }

  queue(name: string): QueueDispatch | undefined {
    const state = this.#state.queue(name)
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
    const group = this.group(queueName, groupName)
    if (!group) return
    await this.remove(group)
  }

  /** Takes this very group away, from this call on. */
  async remove(group: GroupDispatch): Promise<void> {
    this.#leaving.add(group)
    const settled = () => void this.#leaving.delete(group)
    const of = { queue: group.queue.state.number, group: group.state.number }
    const operation = new PlainOperation([{ kind: 'group-removed', ...of }], settled, settled)
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
  async makeGroup(
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
    const now = this.#pendingSettings.get(group) ?? state
    const leasedMax = plan.leasedMax ?? now.leasedMax
    const promoteAfterMs = plan.promoteAfterMs ?? now.promoteAfterMs
    if (leasedMax === now.leasedMax && promoteAfterMs === now.promoteAfterMs) return undefined
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
