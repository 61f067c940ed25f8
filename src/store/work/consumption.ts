/**
 * A loop over the deliveries of one queue with a session of its own, which begins with the first delivery
 * that is asked for and ends with the loop, however that ends.
 */
import { LazyValue } from '../codec.ts'
import { LeasedDelivery } from '../deliver/delivery.ts'
import type { StoreSession } from '../deliver/session.ts'
import type { Delivery } from '../types/deliveries.ts'
import type { ConsumePlan } from './options.ts'

type Next<T> = IteratorResult<Delivery<T>>

const DONE = { done: true, value: undefined } as const

export class Consumption<T> implements AsyncIterableIterator<Delivery<T>> {
  readonly #newSession: () => StoreSession
  readonly #plan: ConsumePlan<T>
  #session: StoreSession | undefined
  #opening: Promise<void> | undefined
  #deliveries: AsyncIterableIterator<Delivery> | undefined
  #isOver = false

  constructor(newSession: () => StoreSession, plan: ConsumePlan<T>) {
    this.#newSession = newSession
    this.#plan = plan
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  next(): Promise<Next<T>> {
    const deliveries = this.#deliveries
    if (this.#isOver) return Promise.resolve(DONE)
    if (deliveries === undefined) return this.#first()
    return deliveries.next().then(this.#pass, this.#end)
  }

  async return(): Promise<Next<T>> {
    this.#isOver = true
    await this.#opening?.catch(() => undefined)
    await this.#deliveries?.return?.()
    await this.#session?.close()
    return DONE
  }

  async #first(): Promise<Next<T>> {
    this.#opening ??= this.#open()
    try {
      await this.#opening
    } catch (error) {
      return this.#end(error)
    }
    return this.next()
  }

  async #open(): Promise<void> {
    const { queue, group, groupOptions, prefetch, leaseMs, signal } = this.#plan
    const session = this.#newSession()
    this.#session = session
    await session.watch(queue, { ...groupOptions, group })
    this.#deliveries = session.deliveries({ prefetch, leaseMs, ...(signal && { signal }) })
  }

  readonly #pass = (next: IteratorResult<Delivery>): Next<T> | Promise<Next<T>> => {
    if (next.done) return this.return()
    const { codec } = this.#plan
    const delivery = next.value
    if (codec !== undefined && delivery instanceof LeasedDelivery) {
      delivery.lazy = new LazyValue<unknown>(codec as never)
    }
    // Without a codec a T is bytes, which is what the value of a delivery is.
    return { done: false, value: delivery as Delivery<T> }
  }

  /** A loop that is told of an error does not ask to return. */
  readonly #end = async (error: unknown): Promise<never> => {
    // Why it ends is what to tell, also where giving back fails for the same reason.
    await this.return().catch(() => undefined)
    throw error
  }
}
