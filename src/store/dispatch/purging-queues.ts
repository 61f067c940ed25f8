/** Queues that records on their way empty: nothing of them is given out until then. Pure memory. */
import type { PurgeOp } from '../records/control-ops.ts'

export class PurgingQueues {
  /**
   * Those records, by the queue's number: it may be on its way itself. With each the offset below which
   * it takes everything out, once that is known.
   */
  readonly #ends = new Map<number, Map<PurgeOp, number>>()

  get isEmpty(): boolean {
    return this.#ends.size === 0
  }

  has(queue: number): boolean {
    return this.#ends.size > 0 && this.#ends.has(queue)
  }

  add(op: PurgeOp): void {
    const ends = this.#ends.get(op.queue)
    if (ends) ends.set(op, -1)
    else this.#ends.set(op.queue, new Map([[op, -1]]))
  }

  /** It has its place in the log, in front of the message with this offset. */
  place(op: PurgeOp, end: number): void {
    if (this.#ends.get(op.queue)?.has(op)) this.#ends.get(op.queue)?.set(op, end)
  }

  /** The messages from this offset on were turned down: others get these offsets, behind the record. */
  giveBack(queue: number, offset: number): void {
    const ends = this.#ends.get(queue)
    if (!ends) return
    for (const [op, end] of ends) if (end > offset) ends.set(op, offset)
  }

  /** Everything below this offset is on its way out; -1 where nothing is yet. */
  endOf(queue: number): number {
    let last = -1
    for (const end of this.#ends.get(queue)?.values() ?? []) last = Math.max(last, end)
    return last
  }

  /** It has taken effect, or was turned down. */
  remove(op: PurgeOp): void {
    const ends = this.#ends.get(op.queue)
    if (!ends?.delete(op)) throw new Error(`queue ${op.queue} is not being emptied`)
    if (ends.size === 0) this.#ends.delete(op.queue)
  }
}
