/**
 * A message that is out of the order: leased, about to be, or the subject of a change that is on
 * its way into the log. Its group keeps it by offset until the change is durable.
 */
import type { GroupDispatch } from './group-dispatch.ts'

export type TakenStatus =
  /** Out of the order, its lease not begun. */
  | 'held'
  | 'leased'
  /** A change that ends the lease is on its way. */
  | 'settling'
  | 'ended'

/** Who holds messages, and is told what becomes of their leases. */
export interface TakenHolder {
  /** The lease begins or goes on after all; not new: it is given another end. */
  leased(taken: Taken, isNew: boolean): void
  /** A change is on its way that ends the lease. */
  settling(taken: Taken): void
  /** It is about to be out no more, by whatever; its status still tells what it was. */
  ended(taken: Taken): void
}

export class Taken {
  readonly group: GroupDispatch
  readonly id: number
  readonly offset: number
  readonly priority: number
  status: TakenStatus = 'held'
  /** Deliveries that count, with this one. */
  attempt = 0
  /** It was leased when an earlier opening ended without a close. */
  isSuspect = false
  /** How long its lease is, and when it ends in the store's own time. */
  leaseMs = 0
  endMs = 0
  /** Of the heap of suspects, or of leases; -1 = in none. */
  heapIndex = -1
  /** Who took it, and where it stands there. */
  holder: TakenHolder | undefined
  holderIndex = -1
  /** An acknowledgement is on its way. */
  isFinishing = false
  /** Number of the call that saw it last, to tell what comes twice in one. */
  seenBy = 0

  constructor(group: GroupDispatch, id: number, offset: number, priority: number) {
    this.group = group
    this.id = id
    this.offset = offset
    this.priority = priority
  }
}

/** The order of deliveries. */
export function byPriority(a: Ordered, b: Ordered): number {
  return a.priority - b.priority || a.id - b.id
}

interface Ordered {
  readonly priority: number
  readonly id: number
}
