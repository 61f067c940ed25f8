/**
 * What was done with messages since the store was opened: plain counts beside the state, which no log
 * entry and no snapshot holds. Pure memory.
 */
import type { DeliveryTotals, QueueTotals } from '../types/stats.ts'

export class GroupCounts implements DeliveryTotals {
  delivered = 0
  acked = 0
  released = 0
  retried = 0
  timedOut = 0
  buried = 0
  kicked = 0

  add(other: DeliveryTotals): void {
    this.delivered += other.delivered
    this.acked += other.acked
    this.released += other.released
    this.retried += other.retried
    this.timedOut += other.timedOut
    this.buried += other.buried
    this.kicked += other.kicked
  }

  /** A copy that stays what it is. */
  totals(): DeliveryTotals {
    return { ...this }
  }
}

/** Of a queue, and what its groups had counted that are removed. */
export class QueueCounts extends GroupCounts implements QueueTotals {
  put = 0
  deleted = 0
  expired = 0
  #lastDeleted = 0

  /** A record took so many out of the queue. */
  noteDeleted(count: number): void {
    this.deleted += count
    this.#lastDeleted = count
  }

  /** The last of them did so because their time to live had passed. */
  lastHadExpired(): void {
    this.deleted -= this.#lastDeleted
    this.expired += this.#lastDeleted
    this.#lastDeleted = 0
  }

  /** The last of them were finished, and are only retained no longer. */
  lastHadLapsed(): void {
    this.deleted -= this.#lastDeleted
    this.#lastDeleted = 0
  }

  addQueue(other: QueueTotals): void {
    this.add(other)
    this.put += other.put
    this.deleted += other.deleted
    this.expired += other.expired
  }

  override totals(): QueueTotals {
    return { ...this }
  }
}
