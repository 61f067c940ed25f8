/**
 * One delivery after the other, with bodies held ready. A lease begins when its delivery leaves, not when
 * it is fetched; what was held ready when the loop ends is put back as if it had never been taken.
 */
import { throwIfAborted } from '../../errors.ts'
import type { Delivery } from '../types/deliveries.ts'
import type { LeasedDelivery } from './delivery.ts'
import type { StoreSession } from './session.ts'

/** Bodies held ready come to no more than this, but for the first. */
const PREFETCH_BYTES_MAX = 16 * 1024 * 1024

export interface DeliveryIteratorOptions {
  readonly session: StoreSession
  readonly prefetch: number
  readonly leaseMs: number | undefined
  readonly signal: AbortSignal | undefined
  readonly whenDone: () => void
}

export class DeliveryIterator implements AsyncIterableIterator<Delivery> {
  readonly #options: DeliveryIteratorOptions
  readonly #end = new AbortController()
  readonly #signal: AbortSignal
  /** The next one is `#ready[#readyAt]`. */
  #ready: LeasedDelivery[] = []
  #readyAt = 0
  #filling: Promise<void> | undefined
  #turn: Promise<unknown> = Promise.resolve()
  /** Calls that wait for their turn, or have it. */
  #waiting = 0
  #isDone = false
  /** Why nothing comes any more, where that was not the wish of whoever reads. */
  #failure: Error | undefined

  constructor(options: DeliveryIteratorOptions) {
    this.#options = options
    const { signal } = options
    this.#signal = signal ? AbortSignal.any([signal, this.#end.signal]) : this.#end.signal
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  next(): Promise<IteratorResult<Delivery>> {
    // Most find what they want: a promise that waits for others costs more than a message does.
    const leased = this.#waiting === 0 ? this.#nextNow() : undefined
    if (leased) return Promise.resolve({ done: false, value: leased })
    this.#waiting++
    const next = this.#turn.then(() => this.#next()).finally(() => this.#waiting--)
    this.#turn = next.catch(() => undefined)
    return next
  }

  /** The session ends: what waits, and what asks from now on, is told so. */
  async end(failure: Error): Promise<void> {
    this.#failure ??= failure
    await this.return()
  }

  async return(): Promise<IteratorResult<Delivery>> {
    if (!this.#isDone) {
      this.#isDone = true
      this.#end.abort()
      await this.#filling?.catch(() => undefined)
      this.#options.session.lending.putBack(this.#ready.slice(this.#readyAt))
      this.#ready = []
      this.#readyAt = 0
      this.#options.whenDone()
    }
    return { done: true, value: undefined }
  }

  async #next(): Promise<IteratorResult<Delivery>> {
    const { session, leaseMs, signal } = this.#options
    try {
      for (;;) {
        if (this.#failure) throw this.#failure
        if (this.#isDone) return { done: true, value: undefined }
        throwIfAborted(signal)
        const delivery = this.#shift()
        if (!delivery) {
          this.#filling ??= this.#fill()
          await this.#filling
          continue
        }
        if (!this.#mayLeave(delivery)) {
          session.lending.putBack([delivery])
          continue
        }
        if (this.#isLow) this.#fillBehind()
        const [leased] = await session.lending.begin([delivery], leaseMs)
        if (leased) return { done: false, value: leased }
      }
    } catch (error) {
      const isLeft = this.#isDone && this.#failure === undefined && !signal?.aborted
      await this.return()
      if (isLeft) return { done: true, value: undefined }
      throw this.#failure ?? error
    }
  }

  /** The next one where it is ready and nothing is to be waited for or told. */
  #nextNow(): LeasedDelivery | undefined {
    const { session, leaseMs, signal } = this.#options
    const delivery = this.#ready[this.#readyAt]
    if (!delivery || this.#isDone || this.#failure || signal?.aborted || !session.isOpen) {
      return undefined
    }
    if (!this.#mayLeave(delivery) || !session.lending.beginNow(delivery, leaseMs)) return undefined
    this.#shift()
    if (this.#isLow) this.#fillBehind()
    return delivery
  }

  /** False where its queue is paused now. Whether it is still held is seen where its lease begins. */
  #mayLeave({ taken }: LeasedDelivery): boolean {
    const { queue } = taken.group
    this.#options.session.advance(queue)
    return !queue.isPaused
  }

  get #isLow(): boolean {
    return this.#ready.length - this.#readyAt < this.#options.prefetch / 2
  }

  #shift(): LeasedDelivery | undefined {
    const delivery = this.#ready[this.#readyAt]
    if (!delivery) return undefined
    this.#readyAt++
    if (this.#readyAt === this.#ready.length) {
      this.#ready = []
      this.#readyAt = 0
    }
    return delivery
  }

  /** Fetches what there is now, without waiting for it. */
  #fillBehind(): void {
    const { session, prefetch } = this.#options
    // Whoever asks next is told why.
    if (this.#filling !== undefined || !session.isOpen) return
    const taken = session.take(prefetch - (this.#ready.length - this.#readyAt))
    if (taken.length === 0) return
    this.#filling = this.#load(taken)
    // What could not be fetched is put back: whoever asks next fetches it, and meets the error itself.
    this.#filling.catch(() => undefined)
  }

  async #fill(): Promise<void> {
    try {
      const { session, prefetch } = this.#options
      const taken = await session.takeOrWait(prefetch, this.#signal)
      await this.#load(taken)
    } finally {
      this.#filling = undefined
    }
  }

  async #load(taken: Awaited<ReturnType<StoreSession['takeOrWait']>>): Promise<void> {
    try {
      const { session } = this.#options
      const loaded = await session.lending.load(taken, PREFETCH_BYTES_MAX, this.#signal)
      const left = this.#ready.slice(this.#readyAt)
      this.#ready = left.length > 0 ? left.concat(loaded) : loaded
      this.#readyAt = 0
    } finally {
      this.#filling = undefined
    }
  }
}
