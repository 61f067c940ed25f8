/**
 * Counts promises that are under way, and waits for room: one counter and the same two callbacks for all of
 * them, so that a message costs whoever drives it no clock, no closure and no entry of a list. Nothing else.
 */

/** Nobody waits for so many. */
const NOBODY = -1

export class UnderWay {
  readonly #most: number
  #count = 0
  #wakeAt = NOBODY
  #wake: () => void = () => undefined
  #failure: { readonly error: unknown } | undefined

  constructor(most: number) {
    this.#most = most
  }

  add(promise: Promise<unknown>): void {
    this.#count += 1
    promise.then(this.#done, this.#failed)
  }

  /** As many are under way as may be: `room` before the next. */
  get isFull(): boolean {
    return this.#count >= this.#most
  }

  /** Resolves once one more may come; rejects where one has failed. One caller at a time. */
  room(): Promise<void> {
    return this.#until(this.#most - 1)
  }

  /** Resolves once all are done; rejects where one has failed. */
  all(): Promise<void> {
    return this.#until(0)
  }

  async #until(count: number): Promise<void> {
    if (this.#count > count && this.#failure === undefined) {
      this.#wakeAt = count
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
      this.#wakeAt = NOBODY
    }
    if (this.#failure !== undefined) throw this.#failure.error
  }

  readonly #done = (): void => {
    if (--this.#count === this.#wakeAt) this.#wake()
  }

  readonly #failed = (error: unknown): void => {
    this.#failure ??= { error }
    this.#wake()
  }
}
