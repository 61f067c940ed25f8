/**
 * Promises of appends and what becomes of them: the plain log's owner. A group is durable as a whole or not at
 * all, and without control records it is refused as a whole too: so there is one outcome a group, and what an
 * append is given hangs on that. For a single message these are two small objects, since all of them outlive the
 * young generation wherever many appends are under way.
 */
import { QlogError } from '../../errors.ts'
import type { LogOwner, MessageId, Ticket } from '../seam.ts'
import type { IdRange } from '../types.ts'

/** Where the outcome of an append is told whose promise is there already. */
export interface Settling {
  readonly resolve: (value: never) => void
  readonly reject: (error: Error) => void
}

/** What becomes of one group. */
export class GroupOutcome {
  readonly firstTicket: Ticket
  readonly #settled: Promise<void>
  #resolve: () => void = ignore
  #reject: (error: Error) => void = ignore
  #rejectNow: ((error: Error) => void) | undefined
  /** Of the append that is told next: whatever hangs on a promise is called in the order in which it came. */
  #nextId: MessageId
  /** Behind all that hang on it. */
  #endTicket: Ticket
  #endId: MessageId

  constructor(firstTicket: Ticket, firstId: MessageId) {
    this.firstTicket = firstTicket
    this.#nextId = firstId
    this.#endTicket = firstTicket
    this.#endId = firstId
    this.#settled = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
  }

  get lastTicket(): Ticket {
    return this.#endTicket - 1
  }

  /** One that was encoded and does not hang here would give its id to whoever comes behind it. */
  assertNext(id: MessageId): void {
    if (id !== this.#endId) throw new Error(`id ${this.#endId} of a group has no promise`)
  }

  /** The next append of the group is of one message: its id. */
  one(): Promise<MessageId> {
    this.#noteAppend(1)
    return this.#settled.then(this.#takeId)
  }

  /** The next append is of so many messages. */
  batch(count: number): Promise<IdRange> {
    this.#noteAppend(count)
    return this.#settled.then(() => this.#takeIds(count))
  }

  settleOne({ resolve, reject }: Settling): void {
    this.#noteAppend(1)
    this.#settled.then(() => resolve(this.#takeId() as never), reject)
  }

  settleBatch(count: number, { resolve, reject }: Settling): void {
    this.#noteAppend(count)
    this.#settled.then(() => resolve(this.#takeIds(count) as never), reject)
  }

  /** The next append is of one message whose caller waits for no promise: `reject` is called at once. */
  sync(reject: (error: Error) => void): void {
    this.#noteAppend(1)
    this.#rejectNow = reject
    this.#settled.then(this.#takeId, ignore)
  }

  committed(): void {
    this.#resolve()
  }

  refused(error: Error): void {
    this.#rejectNow?.(error)
    this.#reject(error)
  }

  #noteAppend(messages: number): void {
    this.#endTicket += 1
    this.#endId += messages
  }

  readonly #takeId = (): MessageId => this.#nextId++

  #takeIds(count: number): IdRange {
    const firstId = this.#nextId
    this.#nextId += count
    return { firstId, endId: this.#nextId }
  }
}

export class AppendPromises implements LogOwner {
  /** Of the groups that are not settled, in order: the last one may still grow. */
  #groups: GroupOutcome[] = []

  /** Of the group whose first append has this ticket; it begins with `nextId` where it has just begun. */
  outcomeOf(firstTicket: Ticket, nextId: MessageId): GroupOutcome {
    const last = this.#groups[this.#groups.length - 1]
    if (last?.firstTicket === firstTicket) {
      last.assertNext(nextId)
      return last
    }
    const outcome = new GroupOutcome(firstTicket, nextId)
    this.#groups.push(outcome)
    return outcome
  }

  committed(upTo: Ticket): void {
    for (const group of this.#take(0, upTo)) group.committed()
  }

  refused(from: Ticket, upTo: Ticket, cause: Error): void {
    for (const group of this.#take(from, upTo)) group.refused(cause)
  }

  failed(from: Ticket, outcome: 'rejected' | 'indeterminate', cause: Error): void {
    const error =
      outcome === 'rejected'
        ? new QlogError('QLOG_REJECTED', 'not written: the log had stopped', { cause })
        : new QlogError('QLOG_INDETERMINATE', 'may or may not be on disk: its flush failed', {
            cause,
          })
    this.refused(from, Number.POSITIVE_INFINITY, error)
  }

  /** The groups of these tickets, which are settled now. */
  #take(from: Ticket, upTo: Ticket): GroupOutcome[] {
    const taken: GroupOutcome[] = []
    const left: GroupOutcome[] = []
    for (const group of this.#groups) {
      const { firstTicket, lastTicket } = group
      const isWhole = firstTicket >= from && lastTicket <= upTo
      const isOutside = lastTicket < from || firstTicket > upTo
      if (!isWhole && !isOutside) throw new Error('a group is settled as a whole, or not at all')
      if (isWhole) taken.push(group)
      else left.push(group)
    }
    this.#groups = left
    return taken
  }

  space(): void {
    // The plain log tells of a full disk by the appends it refuses.
  }
}

function ignore(): void {
  // Nobody waits.
}
