/**
 * Queues and groups by name, also those whose record is still on its way, and the offsets that messages
 * on their way have taken.
 */
import type { Dispatcher } from './dispatch/dispatcher.ts'
import type { GroupDispatch } from './dispatch/group-dispatch.ts'
import type { QueueDispatch } from './dispatch/queue-dispatch.ts'
import type { Offsets } from './journal.ts'
import { PlainOperation, type Sendable } from './operation.ts'
import type { StoreState } from './state/store-state.ts'

/** Where a group begins and its settings, checked; 0 = none. */
export interface GroupPlan {
  /** Works out the first offset, where the group is new. */
  readonly from: () => number
  readonly leasedMax: number | undefined
  readonly promoteAfterMs: number | undefined
}

export class Registry implements Offsets {
  readonly #state: StoreState
  readonly #dispatcher: Dispatcher
  readonly #submit: (operation: Sendable) => void
  readonly #pendingQueues = new Map<string, number>()
  #nextQueue = 0
  /** Next offsets of queues with messages on their way, by queue. */
  readonly #offsets = new Map<number, number>()
  readonly #pendingGroups = new Map<string, Promise<void>>()
  readonly #nextGroups = new Map<number, number>()

  constructor(state: StoreState, dispatcher: Dispatcher, submit: (operation: Sendable) => void) {
    this.#state = state
    this.#dispatcher = dispatcher
    this.#submit = submit
  }

  /** The number of the queue; it begins where there is none of the name. */
  queueNumber(name: string): number {
    const known = this.#state.queue(name)?.number ?? this.#pendingQueues.get(name)
    if (known !== undefined) return known
    const queue = Math.max(this.#nextQueue, this.#state.nextQueue)
    this.#nextQueue = queue + 1
    this.#pendingQueues.set(name, queue)
    const settled = () => void this.#pendingQueues.delete(name)
    this.#submitOr(new PlainOperation([{ kind: 'queue', queue, name }], settled, settled), settled)
    return queue
  }

  queue(name: string): QueueDispatch | undefined {
    const state = this.#state.queue(name)
    return state && this.#dispatcher.queue(state)
  }

  group(queue: string, group: string): GroupDispatch | undefined {
    return this.queue(queue)?.group(group)
  }

  /** The group, once it is durable that there is one. Settings that are given are changed. */
  async ensureGroup(queueName: string, groupName: string, plan: GroupPlan): Promise<GroupDispatch> {
    const queue = this.queueNumber(queueName)
    const key = `${queue} ${groupName}`
    if (!this.group(queueName, groupName) && !this.#pendingGroups.has(key)) {
      const made = this.#addGroup(queue, groupName, plan)
      const pending = made.finally(() => this.#pendingGroups.delete(key))
      this.#pendingGroups.set(key, pending)
    }
    await this.#pendingGroups.get(key)
    const group = this.group(queueName, groupName)
    if (!group) throw new Error(`group ${groupName} is not there after it was made`)
    await this.configure(group, plan)
    return group
  }

  /** Changes what differs. */
  async configure(
    group: GroupDispatch,
    plan: { readonly leasedMax: number | undefined; readonly promoteAfterMs: number | undefined },
  ): Promise<void> {
    const { state } = group
    const leasedMax = plan.leasedMax ?? state.leasedMax
    const promoteAfterMs = plan.promoteAfterMs ?? state.promoteAfterMs
    if (leasedMax === state.leasedMax && promoteAfterMs === state.promoteAfterMs) return
    const of = { queue: group.queue.state.number, group: state.number }
    const operation = new PlainOperation([{ kind: 'settings', ...of, leasedMax, promoteAfterMs }])
    this.#submit(operation)
    await operation.promise
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
    const group = Math.max(
      this.#nextGroups.get(queue) ?? 1,
      this.#state.queues.get(queue)?.nextGroup ?? 1,
    )
    this.#nextGroups.set(queue, group + 1)
    const operation = new PlainOperation([
      { kind: 'group', queue, group, name, from: plan.from() },
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
