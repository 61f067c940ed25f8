/**
 * What has resolved: takes groups from the front of those under way, tells the owner in order, and
 * moves the end of what readers may see behind each. Memory only.
 */
import type { System } from '../system/system.ts'
import type { Composer } from './composer.ts'
import type { Flight } from './flight.ts'
import type { FlightQueue } from './flight-queue.ts'
import type { LogEvents } from './log-events.ts'
import type { LogOwner } from './seam.ts'
import { WriterStats } from './writer-stats.ts'

export class Settlement {
  readonly stats = new WriterStats()
  /** Everything of the current segment below this offset has resolved. */
  visibleEnd = 0
  visibleNextId: number
  /** Bytes of the groups that resolved last, together. */
  lastBytes = 0
  /** Called with each group that resolves, in order, while its bytes are still there. */
  onResolved: (flight: Flight) => void = () => undefined
  readonly #system: System
  readonly #owner: LogOwner
  readonly #flights: FlightQueue
  readonly #composer: Composer
  readonly #events: LogEvents

  constructor(
    system: System,
    owner: LogOwner,
    flights: FlightQueue,
    composer: Composer,
    events: LogEvents,
    nextId: number,
  ) {
    this.#system = system
    this.#owner = owner
    this.#flights = flights
    this.#composer = composer
    this.#events = events
    this.visibleNextId = nextId
  }

  /**
   * Resolves groups from the front, as far as they are written and the lock was seen held; false where
   * none is.
   */
  settleReady(): boolean {
    const bytesBefore = this.#flights.bytes
    let flight = this.#flights.takeReady()
    if (!flight) return false
    for (; flight; flight = this.#flights.takeReady()) this.#settle(flight)
    this.lastBytes = bytesBefore - this.#flights.bytes
    return true
  }

  #settle(flight: Flight): void {
    this.visibleEnd = flight.end
    this.visibleNextId = Math.max(this.visibleNextId, flight.nextId)
    const nowMs = this.#system.clock.monotonicMs()
    const tookMs = nowMs - flight.startedMs
    // It has left the queue: if anything else threw first, nobody would tell the owner any more.
    if (flight.lastTicket > 0) {
      // The last LSN that any of its entries can have.
      const lsn = flight.segment.base + flight.end - 1
      this.#owner.committed(flight.lastTicket, lsn, flight.timeMs)
    }
    this.onResolved(flight)
    this.stats.settled(flight.messages, flight.messageBytes, tookMs, nowMs)
    this.#events.resolved(flight, tookMs)
    flight.resolved?.()
    if (flight.settled) return
    flight.settled = true
    this.#composer.reuse(flight)
  }
}
