/** How often and how fast the messages of each queue are tried again, as this process was told. */
import { ATTEMPTS_MAX_DEFAULT, type RetryOptions } from './types/deliveries.ts'

/** What one queue's retries go by, with the defaults filled in. */
export interface RetryPlan {
  readonly attemptsMax: number
  readonly backoffMs: number
  readonly backoffMaxMs: number
}

const RETRY_DEFAULT: RetryPlan = {
  attemptsMax: ATTEMPTS_MAX_DEFAULT,
  backoffMs: 1_000,
  backoffMaxMs: 3_600_000,
}

export class RetryPlans {
  readonly #plans = new Map<string, RetryPlan>()

  set(queue: string, options: RetryOptions): void {
    this.#plans.set(queue, {
      attemptsMax: options.attemptsMax ?? RETRY_DEFAULT.attemptsMax,
      backoffMs: options.backoffMs ?? RETRY_DEFAULT.backoffMs,
      backoffMaxMs: options.backoffMaxMs ?? RETRY_DEFAULT.backoffMaxMs,
    })
  }

  of(queue: string): RetryPlan {
    return this.#plans.get(queue) ?? RETRY_DEFAULT
  }
}
