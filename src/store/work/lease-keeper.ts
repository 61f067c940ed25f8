/**
 * The leases of a worker's running handlers: one timer renews them all, and where one is lost all the same,
 * its handler's signal says so. Signals are made only for handlers that ask.
 */
import { QlogError } from '../../errors.ts'
import type { LeasedDelivery } from '../deliver/delivery.ts'
import { staleLease } from '../deliver/delivery.ts'
import type { Taken, TakenHolder } from '../dispatch/taken.ts'
import type { StoreCore } from '../store-core.ts'

/** Leases are looked at three times within the time of one, and renewed when a third has passed. */
const LOOKS_A_LEASE = 3

export class LeaseKeeper implements TakenHolder {
  /** Leases that ended by anything but a verb. */
  lostCount = 0
  readonly #core: StoreCore
  readonly #leaseMs: number
  readonly #running: () => Iterable<LeasedDelivery>
  /** Who holds them beside this: the session. */
  #holder: TakenHolder | undefined
  #cancel: (() => void) | undefined
  #isClosed = false
  readonly #lost = new WeakSet<Taken>()
  /** Of handlers that run and have asked. */
  readonly #signals = new Map<Taken, AbortController>()
  /** Why every signal is aborted. */
  #end: Error | undefined

  /** `running` tells the deliveries whose handlers run. */
  constructor(core: StoreCore, leaseMs: number, running: () => Iterable<LeasedDelivery>) {
    this.#core = core
    this.#leaseMs = leaseMs
    this.#running = running
  }

  /** From now on this is told what becomes of it, and passes it on. */
  watch(taken: Taken): void {
    this.#holder ??= taken.holder
    taken.holder = this
  }

  leased(taken: Taken, isNew: boolean): void {
    this.#holder?.leased(taken, isNew)
  }

  settling(taken: Taken): void {
    this.#holder?.settling(taken)
    // A verb is refused once the time is over, so that this is the end by time.
    if (taken.endMs <= this.#core.clock.nowMs()) this.#lose(taken)
  }

  ended(taken: Taken): void {
    const isLost = taken.status === 'leased' || this.#core.revoked.has(taken)
    this.#holder?.ended(taken)
    // No verb of its own was on its way: the message was deleted or purged, or its group went elsewhere or away.
    if (isLost) this.#lose(taken)
  }

  /** A handler begins: from now on leases are looked at. */
  begun(): void {
    if (this.#cancel !== undefined || this.#isClosed) return
    this.#cancel = this.#core.system.clock.after(this.#leaseMs / LOOKS_A_LEASE, this.#look, true)
  }

  signalOf(taken: Taken): AbortSignal {
    let controller = this.#signals.get(taken)
    if (controller === undefined) {
      controller = new AbortController()
      if (this.#end) controller.abort(this.#end)
      else if (this.#lost.has(taken)) controller.abort(staleLease(taken))
      else this.#signals.set(taken, controller)
    }
    return controller.signal
  }

  /** Its handler has ended. */
  over(taken: Taken): void {
    if (this.#signals.size > 0) this.#signals.delete(taken)
  }

  /** What the handlers do is in vain from now on. */
  abortAll(reason: Error): void {
    this.#end ??= reason
    const controllers = [...this.#signals.values()]
    this.#signals.clear()
    for (const controller of controllers) controller.abort(reason)
  }

  close(): void {
    this.#isClosed = true
    this.#cancel?.()
    this.#cancel = undefined
  }

  readonly #look = (): void => {
    this.#cancel = undefined
    let runs = false
    for (const delivery of this.#running()) {
      runs = true
      this.#renew(delivery)
    }
    if (runs) this.begun()
  }

  /** A handler that took itself more time keeps that. */
  #renew(delivery: LeasedDelivery): void {
    const leftMs = delivery.leaseLeftMs
    if (leftMs === 0 || leftMs > this.#leaseMs - this.#leaseMs / LOOKS_A_LEASE) return
    try {
      delivery.extend(this.#leaseMs)
    } catch (error) {
      // It ended in this very moment: whoever ends leases says so.
      if (!(error instanceof QlogError)) throw error
    }
  }

  #lose(taken: Taken): void {
    this.lostCount++
    this.#lost.add(taken)
    const controller = this.#signals.get(taken)
    this.#signals.delete(taken)
    controller?.abort(staleLease(taken))
  }
}
