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

  /** Moves the segment's marks over every group whose write returned, in order. */
  advanceMarks(): void {
    for (const flight of this.#flights) {
      if (!flight.written) return
      const { segment, end } = flight
      segment.writtenEnd = Math.max(segment.writtenEnd, end)
      if (this.#always || flight.mustFlush) {
        segment.durableOffset = Math.max(segment.durableOffset, end)
      }
    }
  }

  /** Takes the group at the front if it may resolve now. */
  takeReady(): Flight | undefined {
    const flight = this.#flights[0]
    if (!flight?.written || !flight.confirmed) return undefined
    this.#flights.shift()
    this.bytes -= flight.end - flight.offset
    return flight
  }

  /** First ticket that waits for its write or for the lock; 0 where none does. */
  get firstTicket(): number {
    return this.#flights.find((flight) => flight.lastTicket > 0)?.firstTicket ?? 0
  }
}
