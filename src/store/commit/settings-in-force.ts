/**
 * The settings of each queue that count for what is put now: those on their way into the log, else those
 * of the state. And how they are changed.
 */
import { isSameSettings, NO_SETTINGS, type SettingValues } from '../records/queue-settings.ts'
import type { StoreState } from '../state/store-state.ts'
import { PlainOperation, type Sendable } from './operation.ts'
import type { PutPlan } from './put.ts'

export class SettingsInForce {
  /** Called once a change has become durable, or was turned down. */
  onSettled: () => void = () => undefined
  readonly #state: StoreState
  readonly #send: (operation: Sendable) => Promise<unknown>
  readonly #nowMs: () => number
  /** Of queues that have any. */
  readonly #byQueue = new Map<number, SettingValues>()
  /** How many of them keep finished messages. */
  #retaining = 0
  /** The last change of each queue that is on its way. */
  readonly #pending = new Map<number, Promise<unknown>>()
  /** What each queue's changes on their way make of its settings, in the order of the calls. */
  readonly #underWay = new Map<number, readonly SettingValues[]>()

  /** `nowMs` tells the store's own time. */
  constructor(
    state: StoreState,
    send: (operation: Sendable) => Promise<unknown>,
    nowMs: () => number,
  ) {
    this.#state = state
    this.#send = send
    this.#nowMs = nowMs
    for (const { number, settings } of state.queues.values()) this.#set(number, settings)
  }

  /** Some queue keeps finished messages. */
  get retains(): boolean {
    return this.#retaining > 0
  }

  /** No queue has any. */
  get isEmpty(): boolean {
    return this.#byQueue.size === 0
  }

  of(queue: number): SettingValues {
    return this.#byQueue.get(queue) ?? NO_SETTINGS
  }

  /** Some queue sends its dead letters to this one. */
  isForLetters(queue: number): boolean {
    for (const { deadLetter } of this.#byQueue.values()) if (deadLetter === queue) return true
    return false
  }

  /** The queue is gone. */
  forgetQueue(queue: number): void {
    this.#set(queue, NO_SETTINGS)
  }

  /** Changes these; resolves once that is durable. */
  async change(queue: number, change: Partial<SettingValues>): Promise<void> {
    const before = this.of(queue)
    const settings: SettingValues = { ...before, ...change }
    if (isSameSettings(before, settings)) {
      await this.#pending.get(queue)
      return
    }
    this.#set(queue, settings)
    this.#underWay.set(queue, [...(this.#underWay.get(queue) ?? []), settings])
    const end = () => this.#end(queue, settings)
    const undo = () => {
      end()
      const last = this.#underWay.get(queue)?.at(-1) ?? this.#durable(queue)
      if (this.#byQueue.get(queue) === settings) this.#set(queue, last)
    }
    const operation = new PlainOperation([{ kind: 'queue-settings', queue, settings }], end, undo)
    const sent = this.#send(operation)
    this.#pending.set(queue, sent)
    try {
      await sent
    } finally {
      if (this.#pending.get(queue) === sent) this.#pending.delete(queue)
      this.onSettled()
    }
  }

  /** What a put asks for, with what its queue says where it says nothing itself. */
  planFor(queue: number, plan: PutPlan): PutPlan {
    if (this.#byQueue.size === 0 || plan.expiresMs > 0) return plan
    const { ttlMs } = this.of(queue)
    return ttlMs === 0 ? plan : { ...plan, expiresMs: this.#nowMs() + ttlMs }
  }

  #end(queue: number, settings: SettingValues): void {
    const left = (this.#underWay.get(queue) ?? []).filter((one) => one !== settings)
    if (left.length === 0) this.#underWay.delete(queue)
    else this.#underWay.set(queue, left)
  }

  #durable(queue: number): SettingValues {
    return this.#state.queues.get(queue)?.settings ?? NO_SETTINGS
  }

  #set(queue: number, settings: SettingValues): void {
    this.#retaining += settings.retains - this.of(queue).retains
    if (isSameSettings(settings, NO_SETTINGS)) this.#byQueue.delete(queue)
    else this.#byQueue.set(queue, settings)
  }
}
