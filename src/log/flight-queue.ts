/**
 * The groups under way, in order: none resolves before every group in front of it, and none before its
 * write returned and the lock was seen held after that.
 */
import type { Flight } from './flight.ts'

export class FlightQueue {
  /** Bytes of all groups under way. */
  bytes = 0
  readonly #flights: Flight[] = []
  readonly #always: boolean

  constructor(always: boolean) {
    this.#always = always
  }

  get isEmpty(): boolean {
    return this.#flights.length === 0
  }

  /** Nothing may be sent before this one has resolved. */
  get opensSegment(): boolean {
    return this.#flights[0]?.opensSegment ?? false
  }

  all(): readonly Flight[] {
    return this.#flights
  }

  push(flight: Flight): void {
    flight.segment.sentEnd = flight.end
    this.bytes += flight.end - flight.offset
    this.#flights.push(flight)
  }

  /** Moves the segment's mark of what is written over every group whose write returned, in order. */
  noteWritten(): void {
    for (const { written, segment, end } of this.#flights) {
      if (!written) return
      segment.writtenEnd = Math.max(segment.writtenEnd, end)
    }
  }

  /**
   * Takes the group at the front if it may resolve now, and moves D behind it: not earlier, because a
   * reader shows what a block claims durable, and a group of a writer that lost the lock may be cut off.
   */
  takeReady(): Flight | undefined {
    const flight = this.#flights[0]
    if (!flight?.written || !flight.confirmed) return undefined
    this.#flights.shift()
    const { segment, offset, end } = flight
    this.bytes -= end - offset
    if (this.#always || flight.mustFlush) {
      segment.durableOffset = Math.max(segment.durableOffset, end)
    }
    return flight
  }

  /** First ticket that waits for its write or for the lock; 0 where none does. */
  get firstTicket(): number {
    return this.#flights.find((flight) => flight.lastTicket > 0)?.firstTicket ?? 0
  }
}
