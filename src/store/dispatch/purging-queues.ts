/** Queues that records on their way empty: nothing of them is given out until then. Pure memory. */
export class PurgingQueues {
  /** How many such records are on their way, by the queue's number: it may be on its way itself. */
  readonly #counts = new Map<number, number>()

  has(queue: number): boolean {
    return this.#counts.size > 0 && this.#counts.has(queue)
  }

  add(queue: number): void {
    this.#counts.set(queue, (this.#counts.get(queue) ?? 0) + 1)
  }

  /** One of them has taken effect, or was turned down. */
  remove(queue: number): void {
    const left = (this.#counts.get(queue) ?? 0) - 1
    if (left < 0) throw new Error(`queue ${queue} is not being emptied`)
    if (left > 0) this.#counts.set(queue, left)
    else this.#counts.delete(queue)
  }
}
