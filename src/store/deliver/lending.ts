/**
 * The way of a delivery out of the store: what is taken out of the order gets its body, its lease begins,
 * and what is not delivered after all goes back. One for each session.
 */

import { PlainOperation } from '../commit/operation.ts'
import { byGroup } from '../commit/riding.ts'
import type { Taken } from '../dispatch/taken.ts'
import type { Watch } from '../dispatch/watch.ts'
import type { ControlOp } from '../records/control-ops.ts'
import { MessageDecoder } from '../records/message-record.ts'
import { rangesOf } from '../records/offset-ranges.ts'
import type { Verbs } from '../settle/verbs.ts'
import { OPS_MAX, type StoreCore } from '../store-core.ts'
import { LEASE_MS_DEFAULT } from '../types/deliveries.ts'
import { LeasedDelivery } from './delivery.ts'
import { SessionLeases } from './session-leases.ts'

/** What headers may take beside a body when a budget of bytes is asked of the log. */
const HEAD_BYTES = 64

export class Lending {
  readonly #core: StoreCore
  readonly #verbs: Verbs
  readonly #assertOpen: () => void
  readonly #leases = new SessionLeases()
  readonly #decoder = new MessageDecoder()

  /** `assertOpen` throws once the session is closed. */
  constructor(core: StoreCore, verbs: Verbs, assertOpen: () => void) {
    this.#core = core
    this.#verbs = verbs
    this.#assertOpen = assertOpen
  }

  get leased(): number {
    return this.#leases.leasedCount
  }

  get nearestEndMs(): number | undefined {
    const endMs = this.#leases.firstEndMs
    return endMs === undefined ? undefined : Math.max(0, endMs - this.#core.clock.nowMs())
  }

  /** As many as there are now. */
  take(watches: readonly Watch[], count: number): Taken[] {
    this.#assertOpen()
    const taken = this.#core.dispatcher.take(watches, count)
    for (const one of taken) this.hold(one)
    return taken
  }

  /** From now on it is this session's, until it ends. */
  hold(taken: Taken): void {
    this.#leases.hold(taken)
  }

  deliveryOf(taken: Taken, record: Uint8Array): LeasedDelivery {
    return new LeasedDelivery(this.#verbs, taken, record, this.#decoder.decode(record))
  }

  /** With their bodies; what is over the budget or cannot be read is put back or left out. */
  async load(
    taken: readonly Taken[],
    bytesMax: number,
    signal: AbortSignal | undefined,
  ): Promise<LeasedDelivery[]> {
    const ids = taken.map(({ id }) => id)
    const isBounded = bytesMax !== Number.POSITIVE_INFINITY
    const budget = isBounded ? bytesMax + HEAD_BYTES * ids.length : undefined
    const deliveries: LeasedDelivery[] = []
    let bytes = 0
    let isFull = false
    try {
      const records = await this.#core.fetch.records(ids, budget, signal)
      this.#assertOpen()
      for (let row = 0; row < taken.length; row++) {
        const one = taken[row] as Taken
        const record = records[row]
        const delivery = record && this.deliveryOf(one, record)
        if (row >= records.length) isFull = true
        else if (delivery) {
          bytes += delivery.bodyBytes
          isFull ||= bytes > bytesMax && deliveries.length > 0
        }
        if (one.status !== 'held') continue
        if (isFull || !delivery) this.#leave(one, isFull)
        else deliveries.push(delivery)
      }
    } catch (error) {
      for (const one of taken) one.group.putBack(one)
      throw error
    }
    return deliveries
  }

  /**
   * The leases begin, and those that have begun come back. Where a message may have killed its process
   * before, that is recorded first. Without `leaseMs` each is as long as its message asks for.
   */
  async begin(
    deliveries: readonly LeasedDelivery[],
    leaseMs: number | undefined,
  ): Promise<readonly LeasedDelivery[]> {
    this.#assertOpen()
    const nowMs = this.#core.clock.nowMs()
    const { dispatcher, riding } = this.#core
    let recorded: Promise<void> | undefined
    let begun = 0
    let firstEndMs = Number.POSITIVE_INFINITY
    for (const delivery of deliveries) {
      const { taken } = delivery
      const forMs = leaseMs ?? ownLeaseMs(delivery)
      if (!this.#lease(delivery, forMs, nowMs)) continue
      begun++
      firstEndMs = Math.min(firstEndMs, forMs)
      if (this.#core.isRecordedFirst(taken.id)) recorded = riding.lease(taken)
      else riding.leaseAlong(taken)
    }
    if (begun > 0) dispatcher.expectEnd(firstEndMs)
    if (recorded === undefined && begun === deliveries.length) return deliveries
    if (recorded !== undefined) await this.#untilRecorded(recorded, deliveries)
    return deliveries.filter(({ taken }) => taken.status === 'leased')
  }

  /** Begins this lease, where nothing stands in the way and nothing has to be recorded first. */
  beginNow(delivery: LeasedDelivery, leaseMs: number | undefined): boolean {
    const { taken } = delivery
    const { clock, dispatcher, riding } = this.#core
    if (this.#core.isRecordedFirst(taken.id)) return false
    const forMs = leaseMs ?? ownLeaseMs(delivery)
    if (!this.#lease(delivery, forMs, clock.nowMs())) return false
    riding.leaseAlong(taken)
    dispatcher.expectEnd(forMs)
    return true
  }

  #lease({ taken, expiresMs }: LeasedDelivery, leaseMs: number, nowMs: number): boolean {
    if (taken.status !== 'held') return false
    const { group, id, offset } = taken
    // More may expire at once than goes in one turn: nobody gets what still waits for its turn.
    const hasExpired = expiresMs > 0 && expiresMs <= nowMs
    // Deleted, expired or purged since it was taken: its record is on its way.
    if (hasExpired || group.isStill || group.queue.isLeaving(offset, id)) {
      group.putBack(taken)
      if (hasExpired) group.queue.noteOverdue(offset)
      return false
    }
    this.#core.dispatcher.lease(taken, leaseMs, nowMs)
    return true
  }

  /** Where the leases cannot be recorded, nobody gets the deliveries. */
  async #untilRecorded(
    recorded: Promise<void>,
    deliveries: readonly LeasedDelivery[],
  ): Promise<void> {
    try {
      await recorded
    } catch (error) {
      for (const { taken } of deliveries) {
        if (taken.status !== 'leased') continue
        this.#core.dispatcher.settle(taken)
        taken.group.putBack(taken)
      }
      throw error
    }
  }

  putBack(deliveries: readonly LeasedDelivery[]): void {
    for (const { taken } of deliveries) if (taken.status === 'held') taken.group.putBack(taken)
  }

  /** Everything goes back: what is leased once that is durable. */
  async giveBackAll(): Promise<void> {
    const leased: Taken[] = []
    for (const taken of this.#leases.all()) {
      if (taken.status === 'held') taken.group.putBack(taken)
      else if (taken.status === 'leased') leased.push(taken)
    }
    if (leased.length === 0 || this.#core.journal.failure) return
    await this.#giveBack(leased)
  }

  async #giveBack(leased: readonly Taken[]): Promise<void> {
    for (const taken of leased) this.#core.dispatcher.settle(taken)
    const promises: Promise<void>[] = []
    for (let first = 0; first < leased.length; first += OPS_MAX) {
      const some = leased.slice(first, first + OPS_MAX)
      const operation = new PlainOperation(giveBackOps(some), undefined, () => {
        for (const taken of some) this.#core.dispatcher.unsettle(taken)
      })
      this.#core.send(operation)
      promises.push(operation.promise)
    }
    await Promise.all(promises)
  }

  /** A message that is not delivered now: over the budget, or lost to damage. */
  #leave(taken: Taken, isOverBudget: boolean): void {
    const { group, id } = taken
    // Nobody discards what is not finished: a body that is not there was lost. It is not delivered, and
    // not finished in silence either.
    if (!isOverBudget) this.#core.dispatcher.noteDamaged(id)
    group.putBack(taken)
  }
}

function ownLeaseMs({ leaseMs }: LeasedDelivery): number {
  return leaseMs === 0 ? LEASE_MS_DEFAULT : leaseMs
}

function giveBackOps(leased: readonly Taken[]): ControlOp[] {
  return [...byGroup(leased)].map(([group, all]) => ({
    kind: 'give-back',
    queue: group.queue.state.number,
    group: group.state.number,
    ranges: rangesOf(all.map(({ offset }) => offset)),
  }))
}
