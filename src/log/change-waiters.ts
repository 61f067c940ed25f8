/** Who waits for the next change of a log: all are woken together, and each may leave before. */

export class ChangeWaiters {
  readonly #waiters = new Set<() => void>()

  /** Resolves at the next change, or as soon as the signal is aborted. */
  next(signal?: AbortSignal): Promise<void> {
    return new Promise<void>((resolve) => {
      const wake = (): void => {
        this.#waiters.delete(wake)
        signal?.removeEventListener('abort', wake)
        resolve()
      }
      this.#waiters.add(wake)
      signal?.addEventListener('abort', wake, { once: true })
    })
  }

  wake(): void {
    for (const wake of [...this.#waiters]) wake()
  }
}
