/** Promises of appends and what becomes of them: the plain log's owner, which knows appends by their tickets. */
import { QlogError } from '../../errors.ts'
import { Fifo } from '../fifo.ts'
import type { LogOwner, Ticket } from '../seam.ts'

/** An append that somebody waits for. */
export class PendingAppend {
  /** What its promise resolves with, known once it has its ids. */
  value: unknown
  resolve: (value: never) => void = ignore
  reject: (error: Error) => void = ignore

  promise<T>(): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.resolve = resolve as (value: never) => void
      this.reject = reject
    })
  }

  /** Nothing that comes later is told. */
  refuse(cause: Error): void {
    this.reject(cause)
    this.resolve = ignore
    this.reject = ignore
  }

  get isRefused(): boolean {
    return this.reject === ignore
  }
}

export class AppendPromises implements LogOwner {
  /** Tickets come in order: a queue, not a map. */
  readonly #appends = new Fifo<PendingAppend>()
  /** Of the first one in the queue. */
  #firstTicket = 1

  /** It gets the next ticket. */
  add(append: PendingAppend): void {
    this.#appends.push(append)
  }

  committed(upTo: Ticket): void {
    while (this.#firstTicket <= upTo) {
      const append = this.#take()
      append?.resolve(append.value as never)
    }
    this.#dropRefused()
  }

  refused(from: Ticket, upTo: Ticket, cause: Error): void {
    for (let ticket = from; ticket <= upTo; ticket++) {
      this.#appends.at(ticket - this.#firstTicket)?.refuse(cause)
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
    this.refused(from, this.#firstTicket + this.#appends.length - 1, error)
  }

  space(): void {
    // The plain log tells of a full disk by the appends it refuses.
  }

  #take(): PendingAppend | undefined {
    this.#firstTicket++
    return this.#appends.take()
  }

  #dropRefused(): void {
    while (this.#appends.first?.isRefused) this.#take()
  }
}

function ignore(): void {
  // It has its outcome.
}
