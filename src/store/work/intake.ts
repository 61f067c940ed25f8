/**
 * What a worker takes in: messages out of the order with their bodies, held ready until a handler is free.
 * A lease begins when its message leaves here. Knows the worker's session and nothing of handlers.
 */
import type { LeasedDelivery } from '../deliver/delivery.ts'
import type { StoreSession } from '../deliver/session.ts'
import type { LeaseKeeper } from './lease-keeper.ts'

/** Bodies fetched at once come to no more than this, but for the first. */
const FETCH_BYTES_MAX = 16 * 1024 * 1024

export class Intake {
  readonly #session: StoreSession
  readonly #keeper: LeaseKeeper
  readonly #leaseMs: number
  #isClosed = false
  /** Held ready; the next one is `#ready[#readyAt]`. */
  #ready: LeasedDelivery[] = []
  #readyAt = 0

  constructor(session: StoreSession, keeper: LeaseKeeper, leaseMs: number) {
    this.#session = session
    this.#keeper = keeper
    this.#leaseMs = leaseMs
  }

  /** Messages held ready. */
  get held(): number {
    return this.#ready.length - this.#readyAt
  }

  /** Waits for messages and fetches up to `count` of them. Rejects as `reserve` does. */
  async fill(count: number, signal: AbortSignal): Promise<void> {
    const taken = await this.#session.takeOrWait(count, signal)
    for (const one of taken) this.#keeper.watch(one)
    const loaded = await this.#session.lending.load(taken, FETCH_BYTES_MAX, signal)
    if (this.#isClosed) {
      this.#session.lending.putBack(loaded)
      return
    }
    const left = this.#ready.slice(this.#readyAt)
    this.#ready = left.length === 0 ? loaded : left.concat(loaded)
    this.#readyAt = 0
  }

  /** The leases of the next ones begin, up to `count`; those whose lease has begun come out. */
  async begin(count: number): Promise<readonly LeasedDelivery[]> {
    const next = this.#ready.slice(this.#readyAt, this.#readyAt + count)
    this.#readyAt += next.length
    const queue = next[0]?.taken.group.queue
    if (queue) {
      // What is held has not been looked at since: it may have expired.
      this.#session.advance(queue)
      if (queue.isPaused) {
        this.#session.lending.putBack(next)
        this.putBack()
        return []
      }
    }
    return this.#session.lending.begin(next, this.#leaseMs)
  }

  /** What is held ready goes back, as if it had never been taken. */
  putBack(): void {
    this.#session.lending.putBack(this.#ready.slice(this.#readyAt))
    this.#ready = []
    this.#readyAt = 0
  }

  /** The same, and whatever comes later goes back at once. */
  close(): void {
    this.#isClosed = true
    this.putBack()
  }
}
