/**
 * Runs a worker's handler: decodes, calls, and tells what came of it. A fixed set of slots, so that a message
 * needs no function of its own.
 */
import { decodeWith } from '../codec.ts'
import type { LeasedDelivery } from '../deliver/delivery.ts'
import { HandlerJob } from './job.ts'
import type { LeaseKeeper } from './lease-keeper.ts'
import type { WorkPlan } from './options.ts'
import type { Outcomes } from './outcomes.ts'

type Over = (slot: Slot, hasThrown: boolean, error: unknown) => void

class Slot {
  /** What its handler works on; undefined where the slot is free, or given up. */
  delivery: LeasedDelivery | undefined
  /** Called when what the handler returned fulfils or rejects. */
  readonly returned: () => void
  readonly threw: (error: unknown) => void

  constructor(over: Over) {
    this.returned = () => over(this, false, undefined)
    this.threw = (error) => over(this, true, error)
  }
}

export class Handlers<T> {
  readonly #plan: WorkPlan<T>
  readonly #keeper: LeaseKeeper
  readonly #outcomes: Outcomes
  readonly #ended: () => void
  readonly #slots: Slot[] = []
  readonly #free: Slot[] = []

  /** `ended` is called behind each handler that has. */
  constructor(plan: WorkPlan<T>, keeper: LeaseKeeper, outcomes: Outcomes, ended: () => void) {
    this.#plan = plan
    this.#keeper = keeper
    this.#outcomes = outcomes
    this.#ended = ended
  }

  /** Handlers that run now, given up or not. */
  get running(): number {
    return this.#slots.length - this.#free.length
  }

  *deliveries(): Iterable<LeasedDelivery> {
    for (const { delivery } of this.#slots) if (delivery !== undefined) yield delivery
  }

  /** There has to be a slot for it. */
  run(delivery: LeasedDelivery): void {
    // Deleted in this very moment.
    if (delivery.taken.status !== 'leased') return
    const { codec, handler } = this.#plan
    const slot = this.#takeSlot()
    slot.delivery = delivery
    this.#keeper.begun()
    try {
      const { body } = delivery
      const value = codec === undefined ? (body as T) : decodeWith(codec, body)
      const result = handler(value, new HandlerJob(delivery, this.#keeper, codec, value))
      if (isThenable(result)) {
        Promise.resolve(result).then(slot.returned, slot.threw)
        return
      }
    } catch (error) {
      this.#over(slot, true, error)
      return
    }
    this.#over(slot, false, undefined)
  }

  /** What those that run do from now on is ignored. */
  giveUp(): void {
    for (const slot of this.#slots) slot.delivery = undefined
  }

  #takeSlot(): Slot {
    const free = this.#free.pop()
    if (free) return free
    const slot = new Slot(this.#over)
    this.#slots.push(slot)
    if (this.#slots.length > this.#plan.concurrency) throw new Error('a handler too many')
    return slot
  }

  readonly #over: Over = (slot, hasThrown, error) => {
    const { delivery } = slot
    if (delivery === undefined) return
    slot.delivery = undefined
    this.#free.push(slot)
    this.#keeper.over(delivery.taken)
    // Where the handler ended the lease by a verb, or it was lost, there is nothing left to tell.
    if (delivery.taken.status === 'leased') {
      if (hasThrown) this.#outcomes.fail(delivery, error)
      else this.#outcomes.ack(delivery)
    }
    this.#ended()
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  if (value instanceof Promise) return true
  const isObject = (typeof value === 'object' || typeof value === 'function') && value !== null
  return isObject && 'then' in value && typeof value.then === 'function'
}
