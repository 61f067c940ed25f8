/** What a handler is told of its message. Knows the delivery and who keeps its lease. */
import { type Codec, LazyValue } from '../codec.ts'
import type { LeasedDelivery } from '../deliver/delivery.ts'
import type { Delivery } from '../types/deliveries.ts'
import type { LeaseKeeper } from './lease-keeper.ts'
import type { Job } from './types.ts'

/** What costs something is made when it is asked for. */
export class HandlerJob<T> implements Job<T> {
  readonly #delivery: LeasedDelivery
  readonly #keeper: LeaseKeeper
  readonly #codec: Codec<T> | undefined
  readonly #value: T
  #signal: AbortSignal | undefined

  constructor(
    delivery: LeasedDelivery,
    keeper: LeaseKeeper,
    codec: Codec<T> | undefined,
    value: T,
  ) {
    this.#delivery = delivery
    this.#keeper = keeper
    this.#codec = codec
    this.#value = value
  }

  get id(): number {
    return this.#delivery.id
  }

  get offset(): number {
    return this.#delivery.offset
  }

  get queue(): string {
    return this.#delivery.queue
  }

  get group(): string {
    return this.#delivery.group
  }

  get attempt(): number {
    return this.#delivery.attempt
  }

  get priority(): number {
    return this.#delivery.priority
  }

  get putMs(): number {
    return this.#delivery.putMs
  }

  get key(): string | undefined {
    return this.#delivery.key
  }

  get headers(): Readonly<Record<string, string>> {
    return this.#delivery.headers
  }

  get signal(): AbortSignal {
    this.#signal ??= this.#keeper.signalOf(this.#delivery.taken)
    return this.#signal
  }

  get delivery(): Delivery<T> {
    const delivery = this.#delivery
    if (this.#codec !== undefined && delivery.lazy === undefined) {
      const lazy = new LazyValue(this.#codec)
      lazy.set(this.#value)
      delivery.lazy = lazy
    }
    return delivery as Delivery<T>
  }
}
