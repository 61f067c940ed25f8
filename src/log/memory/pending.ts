/** Appends of a log in memory that are not durable yet, by ticket. */

import type { MessageId, Ticket } from '../seam.ts'
import type { StoredEntry } from './bodies.ts'

interface Refused {
  readonly from: Ticket
  upTo: Ticket
}

/** Three lists with one row an append; tickets grow, but some may be missing. */
export class MemoryPending {
  #entries: StoredEntry[] = []
  #tickets: Ticket[] = []
  #sizes: number[] = []
  #bytes = 0

  /** Bytes that wait. */
  get bytes(): number {
    return this.#bytes
  }

  /** The first ticket that waits; 0 where none does. */
  get first(): Ticket {
    return this.#tickets[0] ?? 0
  }

  push(entry: StoredEntry, ticket: Ticket, bytes: number): void {
    this.#entries.push(entry)
    this.#tickets.push(ticket)
    this.#sizes.push(bytes)
    this.#bytes += bytes
  }

  /** The first ticket behind `after` that waits; 0 where none does. */
  firstAfter(after: Ticket): Ticket {
    return this.#tickets[this.#rowAfter(after)] ?? 0
  }

  upTo(ticket: Ticket): readonly StoredEntry[] {
    return this.#entries.slice(0, this.#rowAfter(ticket))
  }

  /** Takes what has the time of the first append, up to a ticket. There must be something. */
  takeGroup(upTo: Ticket): { readonly entries: StoredEntry[]; readonly lastTicket: Ticket } {
    const rows = this.#rowAfter(upTo)
    const timeMs = this.#entries[0]?.timeMs
    let end = 0
    while (end < rows && this.#entries[end]?.timeMs === timeMs) end++
    const lastTicket = this.#tickets[end - 1]
    if (lastTicket === undefined) throw new Error(`nothing waits up to ticket ${upTo}`)
    const entries = this.#entries
    if (end === entries.length) {
      this.clear()
      return { entries, lastTicket }
    }
    for (const size of this.#sizes.splice(0, end)) this.#bytes -= size
    this.#tickets.splice(0, end)
    return { entries: entries.splice(0, end), lastTicket }
  }

  /**
   * Drops batches with messages behind `after`. Tells their tickets in runs, and the first id that they
   * had, which is free again; 0 where there was none.
   */
  dropMessages(after: Ticket): {
    readonly refused: readonly Refused[]
    readonly firstId: MessageId
  } {
    const refused: Refused[] = []
    let firstId: MessageId = 0
    const begin = this.#rowAfter(after)
    const entries = this.#entries.splice(begin)
    const tickets = this.#tickets.splice(begin)
    const sizes = this.#sizes.splice(begin)
    for (const size of sizes) this.#bytes -= size
    for (let row = 0; row < entries.length; row++) {
      const entry = entries[row] as StoredEntry
      const ticket = tickets[row] as Ticket
      if (entry.ids.length === 0) {
        this.push(entry, ticket, sizes[row] as number)
        continue
      }
      firstId ||= entry.ids[0] as MessageId
      const run = refused.at(-1)
      if (run && run.upTo === ticket - 1) run.upTo = ticket
      else refused.push({ from: ticket, upTo: ticket })
    }
    return { refused, firstId }
  }

  clear(): void {
    this.#entries = []
    this.#tickets = []
    this.#sizes = []
    this.#bytes = 0
  }

  #rowAfter(ticket: Ticket): number {
    const { length } = this.#tickets
    if (length === 0 || (this.#tickets[length - 1] as Ticket) <= ticket) return length
    let row = 0
    while ((this.#tickets[row] as Ticket) <= ticket) row++
    return row
  }
}
