/**
 * Tickets of the batches in the pending group, row by row: they follow one another, unless a refusal has taken
 * some out of it and left the others. Memory only.
 */
import type { Ticket } from './seam.ts'

/** Appends by their tickets, both ends included. */
export interface TicketRange {
  readonly firstTicket: Ticket
  readonly lastTicket: Ticket
}

export class PendingTickets {
  /** Of the batches that refusals have left, in order. */
  #kept: readonly Ticket[] = []
  /** Of the first batch behind these. */
  #from: Ticket = 1

  /** The group is empty, and `next` is the ticket of its first batch. */
  begin(next: Ticket): void {
    this.#kept = []
    this.#from = next
  }

  at(row: number): Ticket {
    return this.#kept[row] ?? this.#from + row - this.#kept.length
  }

  /** Only these stay of the group, whose next batch gets `next`; tells which go. */
  keepOnly(kept: readonly Ticket[], next: Ticket): readonly TicketRange[] {
    const gone: TicketRange[] = []
    const stays = new Set(kept)
    const rows = this.#kept.length + (next - this.#from)
    for (let row = 0; row < rows; row++) {
      const ticket = this.at(row)
      if (stays.has(ticket)) continue
      const last = gone.at(-1)
      if (last && last.lastTicket === ticket - 1) {
        gone[gone.length - 1] = { firstTicket: last.firstTicket, lastTicket: ticket }
      } else gone.push({ firstTicket: ticket, lastTicket: ticket })
    }
    this.#kept = kept
    this.#from = next
    return gone
  }
}
