/**
 * Figures of the store, its queues and its groups: what is there now, and totals since it was
 * opened.
 */
import type { LogFigures } from '../../log/seam.ts'
import type { QueueSettings } from './settings.ts'

export type StoreStatus = 'open' | 'closing' | 'closed' | 'failed'

/** A group, and what it keeps from being given back: all that it alone of its queue has not finished. */
export interface PinningGroup {
  readonly queue: string
  readonly group: string
  readonly messages: number
  /** Of their records. */
  readonly bytes: number
  /**
   * Bytes are worked out from the mean of a record, as the queue does not count those of all its messages;
   * or there was too much to look at, and it is at least this.
   */
  readonly isEstimate: boolean
}

export interface StoreStats {
  readonly status: StoreStatus
  /** Milliseconds since the store was opened: the difference of two looks is the time between them. */
  readonly openMs: number
  readonly queues: readonly QueueStats[]
  /** Sums over the queues. */
  readonly totals: QueueTotals
  /** Messages that some group, or nobody yet, has still to finish. */
  readonly messages: number
  /** Finished ones that their queues keep. */
  readonly retained: number
  /** Sums over the groups of all queues: a message counts in each. */
  readonly ready: number
  readonly delayed: number
  readonly leased: number
  readonly buried: number
  /** The group that keeps most bytes from being given back; undefined where none keeps any. */
  readonly pinning: PinningGroup | undefined
  readonly waitingSessions: number
  /** Bytes that the state takes when it is saved. */
  readonly stateBytes: number
  readonly appendedBytes: number
  readonly snapshotBytes: number
  /** How often this opening has saved the state. */
  readonly snapshots: number
  /** Milliseconds since it did so last; undefined where it has not yet. */
  readonly snapshotAgeMs: number | undefined
  /** `full`: puts are refused until there is space. */
  readonly space: 'ok' | 'full'
  /** What the log says of itself: flushes, bytes in flight, disk. */
  readonly log: LogFigures
  /**
   * Ids that deliveries met and could not be read: never delivered, never finished, and so counted as ready
   * until they are deleted. At most 10000.
   */
  readonly damaged: readonly number[]
  /** The clock was set back by over an hour before this opening: times of then are not adopted. */
  readonly clockWasAhead: boolean
}

export interface QueueStats {
  readonly queue: string
  /** Next offset: messages put so far. */
  readonly nextOffset: number
  /** Messages that some group, or nobody yet, has still to finish. */
  readonly messages: number
  /** Bytes of their records; undefined where they are not counted, as no limit ever needed them. */
  readonly bytes: number | undefined
  /** Messages that every group has finished, and that stay as the settings say. */
  readonly retained: number
  /** Bytes of their records, where bytes are counted. */
  readonly retainedBytes: number | undefined
  readonly settings: QueueSettings
  /** The longest of its groups; where there are none, of the oldest message. */
  readonly oldestMs: number | undefined
  readonly pausedMs: number
  readonly totals: QueueTotals
  readonly groups: readonly GroupStats[]
}

/** The same for all groups together, also those that are removed, and what concerns no group. */
export interface QueueTotals extends DeliveryTotals {
  readonly put: number
  /** Taken out by `delete`. */
  readonly deleted: number
  /** Gone because their time to live had passed. */
  readonly expired: number
}

export interface GroupStats {
  readonly queue: string
  readonly group: string
  /** With those that damage has taken, which nobody gets: `damaged` of the store's stats. */
  readonly ready: number
  readonly delayed: number
  readonly leased: number
  /** Dead letters, as others call them. */
  readonly buried: number
  /** Messages that it has not finished: those of all four states. */
  readonly lag: number
  /**
   * Milliseconds since the oldest ready message was put; undefined where none is. Where over 4,096 older
   * ones are leased, delayed or buried, that of the next message.
   */
  readonly oldestMs: number | undefined
  readonly totals: DeliveryTotals
  /** Every offset below it is finished. */
  readonly floor: number
  readonly leasedMax: number | undefined
  readonly promoteAfterMs: number | undefined
  /** Sessions that wait for a message. */
  readonly waiting: number
}

/**
 * What happened since the store was opened. Totals never fall while it is open: the difference of two
 * looks is what happened between them.
 */
export interface DeliveryTotals {
  /** Leases that began. */
  readonly delivered: number
  /** Messages that an `ack` finished. */
  readonly acked: number
  /** Given back by `release`. */
  readonly released: number
  /** Given back by `retry`, and not buried by it. */
  readonly retried: number
  /** Leases whose time passed. */
  readonly timedOut: number
  /** Burials: by `bury`, or because attempts were used up. */
  readonly buried: number
  readonly kicked: number
}
