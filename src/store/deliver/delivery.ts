/** A leased message as its holder sees it: the body and the verbs that end the lease. */
import { QlogError } from '../../errors.ts'
import { copyOf } from '../../format/bytes.ts'
import type { LazyValue } from '../codec.ts'
import type { Taken } from '../dispatch/taken.ts'
import type { Headers, MessageDecoder } from '../records/message-record.ts'
import type { Verbs } from '../settle/verbs.ts'
import type {
  BuryOptions,
  Delivery,
  ReleaseOptions,
  ReleaseOutcome,
  RetryOutcome,
} from '../types/deliveries.ts'

const decoder = new TextDecoder()

export class LeasedDelivery implements Delivery {
  readonly taken: Taken
  readonly headers: Headers
  readonly key: string | undefined
  /** What the message asks its leases to be; 0 = nothing. */
  readonly leaseMs: number
  /** When its time to live ends, in the store's own time; 0 = never. */
  readonly expiresMs: number
  /** Set where it was asked for through a queue with a codec. */
  lazy: LazyValue<unknown> | undefined
  readonly #verbs: Verbs
  #record: Uint8Array
  readonly #bodyStart: number
  #body: Uint8Array | undefined
  /** The holder's bytes are those of the record: he may have changed them. */
  #isLent = false

  /** `decoder` has decoded the record, and nothing since. */
  constructor(verbs: Verbs, taken: Taken, record: Uint8Array, decoder: MessageDecoder) {
    this.#verbs = verbs
    this.taken = taken
    this.#record = record
    this.key = decoder.key
    this.leaseMs = decoder.leaseMs
    this.expiresMs = decoder.expiresMs
    this.headers = decoder.headers()
    this.#bodyStart = decoder.bodyStart
  }

  /** A view costs more than a message is worth, so that it is made for whoever asks. */
  get body(): Uint8Array {
    if (this.#body === undefined) {
      const own = this.#record.subarray(this.#bodyStart)
      // What may become a letter stays what it is, whatever its holder does.
      this.#isLent = !this.#verbs.bodies.mayBecomeLetter(this.taken)
      this.#body = this.#isLent ? own : copyOf(own)
    }
    return this.#body
  }

  /** The body as it stands in the log; undefined where only that knows. */
  get storedBody(): Uint8Array | undefined {
    return this.#isLent ? undefined : this.#record.subarray(this.#bodyStart)
  }

  /** The record as it was read once more: nobody has these bytes. */
  restore(record: Uint8Array): void {
    this.#record = record
    this.#isLent = false
  }

  get bodyBytes(): number {
    return this.#record.length - this.#bodyStart
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

  async release(options?: ReleaseOptions): Promise<ReleaseOutcome> {
    const [outcome] = await this.#verbs.release([this], options)
    if (!outcome) throw new Error('a release has an outcome')
    return outcome
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
