/** Promises of appends and what becomes of them: the plain log's owner, which knows appends by their tickets. */
import { QlogError } from '../../errors.ts'
import { Fifo } from '../fifo.ts'
import type { LogOwner, Ticket } from '../seam.ts'

/** Where an append's outcome is told. */
export interface Settling {
  readonly resolve: (value: never) => void
  readonly reject: (error: Error) => void
}

/** Three lists with one row an append: an object for each would live as long as the append is under way. */
export class AppendPromises implements LogOwner {
  /** Tickets come in order: queues, not maps. */
  readonly #values = new Fifo<unknown>()
  readonly #resolves = new Fifo<Settling['resolve']>()
  readonly #rejects = new Fifo<Settling['reject']>()
  /** Of the first row. */
  #firstTicket = 1

  /** A promise for the append that gets the next ticket; it resolves with `value`. */
  add<T>(value: T): Promise<T> {
    this.#values.push(value)
    return new Promise<T>((resolve, reject) => {
      this.#resolves.push(resolve as Settling['resolve'])
      this.#rejects.push(reject)
    })
  }

  /** The same for an append whose promise is there already, or that has none. */
  addSettling(value: unknown, { resolve, reject }: Settling): void {
    this.#values.push(value)
    this.#resolves.push(resolve)
    this.#rejects.push(reject)
  }

  committed(upTo: Ticket): void {
    while (this.#firstTicket <= upTo) {
      const value = this.#values.first
      const resolve = this.#resolves.first
      this.#dropFirst()
      resolve?.(value as never)
    }
    this.#dropRefused()
  }

  refused(from: Ticket, upTo: Ticket, cause: Error): void {
    for (let ticket = from; ticket <= upTo; ticket++) {
      const row = ticket - this.#firstTicket
      const reject = this.#rejects.at(row)
      if (reject === undefined) continue
      this.#resolves.set(row, ignore)
      this.#rejects.set(row, ignore)
      reject(cause)
    }
    this.#dropRefused()
  }

  failed(from: Ticket, outcome: 'rejected' | 'indeterminate', cause: Error): void {
    const error =
      outcome === 'rejected'
        ? new QlogError('QLOG_REJECTED', 'not written: the log had stopped', { cause })
        : new QlogError('QLOG_INDETERMINATE', 'may or may not be on disk: its flush failed', {
            cause,
          })
    this.refused(from, this.#firstTicket + this.#rejects.length - 1, error)
  }

  space(): void {
    // The plain log tells of a full disk by the appends it refuses.
  }

  #dropFirst(): void {
    this.#firstTicket++
    this.#values.take()
    this.#resolves.take()
    this.#rejects.take()
  }

  #dropRefused(): void {
    while (this.#rejects.first === ignore) this.#dropFirst()
  }
}

/** For who has its outcome, or looks for it elsewhere. */
export function ignore(): void {
  // Nobody waits.
}
