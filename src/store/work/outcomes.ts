/**
 * What handlers have done, on its way into the log: acknowledgements and failures that nobody waits for one
 * by one, counted until they are durable, so that a worker is never far ahead of its disk.
 */
import type { LeasedDelivery } from '../deliver/delivery.ts'
import type { RetryOutcome } from '../types/deliveries.ts'

/** Outcomes on their way; while there are more, nothing new is begun. */
const SETTLING_MAX = 8_192

/** Acknowledgements that share a promise, since they ride in one record. */
interface Riders {
  readonly promise: Promise<void>
  count: number
}

export class Outcomes {
  acked = 0
  retried = 0
  buried = 0
  /** Not durable yet. */
  settling = 0
  readonly #changed: () => void
  /** Who waits until nothing is on its way. */
  #drained: () => void = () => undefined
  #riders: Riders | undefined

  /** `changed` is called when some have become durable, or were turned down. */
  constructor(changed: () => void) {
    this.#changed = changed
  }

  get isFull(): boolean {
    return this.settling >= SETTLING_MAX
  }

  /** Resolves once all of them are durable, or were turned down. */
  async drained(): Promise<void> {
    while (this.settling > 0) {
      await new Promise<void>((resolve) => {
        this.#drained = resolve
      })
    }
  }

  ack(delivery: LeasedDelivery): void {
    const promise = delivery.ack()
    this.settling++
    if (this.#riders?.promise === promise) {
      this.#riders.count++
      return
    }
    const riders = { promise, count: 1 }
    this.#riders = riders
    promise.then(
      () => {
        this.acked += riders.count
        this.#settled(riders.count)
      },
      // The lease was over, or the log turned it down: the message comes again.
      () => this.#settled(riders.count),
    )
  }

  /** A failed attempt: there is another one later, or that was the last. */
  fail(delivery: LeasedDelivery, error: unknown): void {
    this.settling++
    delivery.retry(error).then(this.#failed, () => this.#settled(1))
  }

  readonly #failed = ({ buried }: RetryOutcome): void => {
    if (buried) this.buried++
    else this.retried++
    this.#settled(1)
  }

  #settled(count: number): void {
    this.settling -= count
    if (this.settling === 0) this.#drained()
    this.#changed()
  }
}
