/** Messages of a queue's schedules that wait for no time in one group any more. Pure memory. */
import { OffsetSet } from '../containers/offset-set.ts'
import type { QueueDispatch } from './queue-dispatch.ts'

export class Early {
  readonly #queue: QueueDispatch
  readonly #offsets = new OffsetSet()

  constructor(queue: QueueDispatch) {
    this.#queue = queue
  }

  get count(): number {
    return this.#offsets.count
  }

  /** Of these, those that stand in a schedule. */
  add(first: number, end: number): void {
    this.#queue.forEachScheduled(first, end, (from, to) => this.#offsets.add(from, to))
  }

  /** No schedule holds anything. */
  clear(): void {
    this.#offsets.setFloor(0)
  }

  /** It waits for its time, or stands in no schedule any more. */
  remove(offset: number): void {
    if (this.#offsets.count > 0) this.#offsets.remove(offset, offset + 1)
  }
}
