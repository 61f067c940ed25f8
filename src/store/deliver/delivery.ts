/** A leased message as its holder sees it: the body and the verbs that end the lease. */
import { QlogError } from '../../errors.ts'
import type { LazyValue } from '../codec.ts'
import type { Taken } from '../dispatch/taken.ts'
import type { Headers } from '../records/message-record.ts'
import type { Verbs } from '../settle/verbs.ts'
import type { BuryOptions, Delivery, ReleaseOptions, RetryOutcome } from '../types.ts'

const decoder = new TextDecoder()

export class LeasedDelivery implements Delivery {
  readonly taken: Taken
  readonly body: Uint8Array
  readonly headers: Headers
  readonly key: string | undefined
  /** Set where it was asked for through a queue with a codec. */
  lazy: LazyValue<unknown> | undefined
  readonly #verbs: Verbs

  constructor(
    verbs: Verbs,
    taken: Taken,
    body: Uint8Array,
    headers: Headers,
    key: string | undefined,
  ) {
    this.#verbs = verbs
    this.taken = taken
    this.body = body
    this.headers = headers
    this.key = key
  }

  /** False for a delivery of another store. */
  isOf(verbs: Verbs): boolean {
    return this.#verbs === verbs
  }

  get id(): number {
    return this.taken.id
  }

  get offset(): number {
    return this.taken.offset
  }

  get queue(): string {
    return this.taken.group.queue.state.name
  }

  get group(): string {
    return this.taken.group.state.name
  }

  get priority(): number {
    return this.taken.priority
  }

  get putMs(): number {
    return this.taken.group.queue.find(this.taken.offset)?.timeMs ?? 0
  }

  get attempt(): number {
    return this.taken.attempt
  }

  get leaseLeftMs(): number {
    return this.#verbs.leaseLeftMs(this.taken)
  }

  get value(): unknown {
    return this.lazy === undefined ? this.body : this.lazy.of(this.body)
  }

  text(): string {
    return decoder.decode(this.body)
  }

  json(): unknown {
    return JSON.parse(this.text())
  }

  ack(): Promise<void> {
    return this.#verbs.ack(this)
  }

  release(options?: ReleaseOptions): Promise<void> {
    return this.#verbs.release([this], options)
  }

  async retry(error?: unknown): Promise<RetryOutcome> {
    const [outcome] = await this.#verbs.retry([this], error)
    if (!outcome) throw new Error('a retry has an outcome')
    return outcome
  }

  bury(options?: BuryOptions): Promise<void> {
    return this.#verbs.bury([this], options)
  }

  extend(leaseMs?: number): void {
    this.#verbs.extend([this], leaseMs)
  }
}

export function staleLease(taken: Taken): QlogError {
  const { id, group } = taken
  return new QlogError(
    'QLOG_STALE_LEASE',
    `message ${id} of ${group.queue.state.name} is not leased by this delivery any more`,
  )
}
