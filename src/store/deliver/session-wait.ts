/** One wait of a session for messages: ends with some, with its time, an abort, or the session's end. */
import { abortError } from '../../errors.ts'
import type { Clock } from '../../system/system.ts'
import type { Taken } from '../dispatch/taken.ts'
import type { Waiter } from '../dispatch/waiter.ts'
import type { Watch } from '../dispatch/watch.ts'

export class SessionWait implements Waiter {
  readonly #of: { readonly watches: readonly Watch[] }
  readonly count: number
  isOver = false
  readonly #hold: (taken: Taken) => void
  #resolve: (taken: Taken[]) => void = () => undefined
  #reject: (error: Error) => void = () => undefined
  readonly #promise: Promise<Taken[]>

  /** For what `of` watches, now and later. */
  constructor(
    of: { readonly watches: readonly Watch[] },
    count: number,
    hold: (taken: Taken) => void,
  ) {
    this.#of = of
    this.count = count
    this.#hold = hold
    this.#promise = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    this.#promise.catch(() => undefined)
  }

  get watches(): readonly Watch[] {
    return this.#of.watches
  }

  serve(taken: Taken[]): void {
    for (const one of taken) this.#hold(one)
    this.isOver = true
    this.#resolve(taken)
  }

  end(error: Error): void {
    this.isOver = true
    this.#reject(error)
  }

  async run(clock: Clock, timeoutMs: number, signal: AbortSignal | undefined): Promise<Taken[]> {
    const abort = () => {
      if (signal) this.end(abortError(signal))
    }
    signal?.addEventListener('abort', abort, { once: true })
    if (signal?.aborted) abort()
    const isBounded = timeoutMs !== Number.POSITIVE_INFINITY
    const cancel = isBounded ? clock.after(timeoutMs, () => this.#timeOut(), true) : clock.hold()
    try {
      return await this.#promise
    } finally {
      cancel()
      signal?.removeEventListener('abort', abort)
    }
  }

  #timeOut(): void {
    this.isOver = true
    this.#resolve([])
  }
}
