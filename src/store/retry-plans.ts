/**
 * How often and how fast the messages of a queue are tried again: one plan for each queue while the store is
 * open, whichever handle named it. Not stored.
 */
import { QlogTypeError } from '../errors.ts'
import { checkInteger, checkMs, checkOptionNames } from './check.ts'
import { ATTEMPTS_MAX_DEFAULT, type RetryOptions } from './types/deliveries.ts'

/** With the defaults filled in. */
interface RetryPlan {
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
  /** Of queues of which somebody named it. */
  readonly #named = new Map<string, number>()

  of(queue: string): Pick<RetryPlan, 'backoffMs' | 'backoffMaxMs'> {
    return this.#plans.get(queue) ?? RETRY_DEFAULT
  }

  /** The queue is about to go; what this returns takes that back, unless another plan was set since. */
  forget(queue: string): () => void {
    const plan = this.#plans.get(queue)
    const named = this.#named.get(queue)
    this.#plans.delete(queue)
    this.#named.delete(queue)
    return () => {
      if (!plan || this.#plans.has(queue)) return
      this.#plans.set(queue, plan)
      if (named !== undefined) this.#named.set(queue, named)
    }
  }

  /**
   * Deliveries of a message at most, where the queue itself is set to so many; 0 = it is not. Both are meant
   * as "not more often than", so that the smaller keeps to both. The default is nobody's word.
   */
  attemptsMax(queue: string, setMax: number): number {
    const named = this.#named.get(queue)
    if (setMax === 0) return named ?? RETRY_DEFAULT.attemptsMax
    return named === undefined ? setMax : Math.min(named, setMax)
  }

  /** Throws QlogTypeError where it is no plan, or another one than this queue has. */
  set(queue: string, options: RetryOptions): void {
    const plan = { ...RETRY_DEFAULT, ...checkRetry(options) }
    const known = this.#plans.get(queue)
    if (known !== undefined && wordsOf(known) !== wordsOf(plan)) {
      throw new QlogTypeError(
        `retry belongs to the queue, not to the handle: ${queue} has ${wordsOf(known)} in this store ` +
          `already, and is asked for ${wordsOf(plan)}. Name it once, or the same each time`,
      )
    }
    this.#plans.set(queue, plan)
    if (options.attemptsMax !== undefined) this.#named.set(queue, options.attemptsMax)
  }
}

function checkRetry(retry: RetryOptions): Partial<RetryPlan> {
  checkOptionNames('retry', retry, ['attemptsMax', 'backoffMs', 'backoffMaxMs'])
  const { attemptsMax, backoffMs, backoffMaxMs } = retry
  if (attemptsMax !== undefined && attemptsMax !== Number.POSITIVE_INFINITY) {
    checkInteger('attemptsMax', attemptsMax, 1, Number.MAX_SAFE_INTEGER)
  }
  return {
    ...(attemptsMax !== undefined && { attemptsMax }),
    ...(backoffMs !== undefined && { backoffMs: checkMs('backoffMs', backoffMs) }),
    ...(backoffMaxMs !== undefined && { backoffMaxMs: checkMs('backoffMaxMs', backoffMaxMs) }),
  }
}

function wordsOf({ attemptsMax, backoffMs, backoffMaxMs }: RetryPlan): string {
  return `{ attemptsMax: ${attemptsMax}, backoffMs: ${backoffMs}, backoffMaxMs: ${backoffMaxMs} }`
}
