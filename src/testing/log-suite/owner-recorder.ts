/** An owner that writes down what its log tells it, and notices what no log may say. */
import type { LogOwner, Lsn, Ticket } from '../../log/seam.ts'

export interface Commit {
  readonly upTo: Ticket
  readonly lsn: Lsn
  readonly timeMs: number
}

export interface Failure {
  readonly from: Ticket
  readonly outcome: 'rejected' | 'indeterminate'
  readonly cause: Error
}

/** What became of an append. */
export type Fate = 'waiting' | 'committed' | 'refused' | 'rejected' | 'indeterminate'

type Soon = (what: string, promise: Promise<void>) => Promise<void>

export class OwnerRecorder implements LogOwner {
  readonly commits: Commit[] = []
  readonly failures: Failure[] = []
  readonly spaces: ('ok' | 'full')[] = []
  /** Every word, for messages. */
  readonly words: string[] = []
  /** What the contract forbids. */
  readonly violations: string[] = []
  readonly #refused = new Set<Ticket>()
  readonly #soon: Soon
  readonly #wakers = new Set<() => void>()
  #silent = false

  constructor(soon: Soon) {
    this.#soon = soon
  }

  committed(upTo: Ticket, lsn: Lsn, timeMs: number): void {
    const last = this.commits.at(-1)
    this.#say(`committed ${upTo}`, () => {
      if (this.failures.length > 0) this.#forbid('3: committed after failed')
      if (last && upTo <= last.upTo) this.#forbid(`1: committed ${upTo} after ${last.upTo}`)
      if (last && lsn <= last.lsn) this.#forbid(`1: LSN ${lsn} after ${last.lsn}`)
      if (last && timeMs < last.timeMs) this.#forbid(`time ${timeMs} after ${last.timeMs}`)
      if (this.#refused.has(upTo)) this.#forbid(`committed ${upTo}, which was refused`)
      this.commits.push({ upTo, lsn, timeMs })
    })
  }

  failed(from: Ticket, outcome: 'rejected' | 'indeterminate', cause: Error): void {
    this.#say(`failed ${from} ${outcome}`, () => {
      if (from <= this.upTo) this.#forbid(`3: failed ${from} after committed ${this.upTo}`)
      if (!(cause instanceof Error)) this.#forbid('failed without an error')
      this.failures.push({ from, outcome, cause })
    })
  }

  refused(from: Ticket, upTo: Ticket, cause: Error): void {
    this.#say(`refused ${from} ${upTo}`, () => {
      if (upTo < from) this.#forbid(`refused ${from} to ${upTo}`)
      if (from <= this.upTo) this.#forbid(`refused ${from} after committed ${this.upTo}`)
      if (!(cause instanceof Error)) this.#forbid('refused without an error')
      for (let ticket = from; ticket <= upTo; ticket++) this.#refused.add(ticket)
    })
  }

  space(state: 'ok' | 'full'): void {
    this.#say(`space ${state}`, () => {
      if (state === (this.spaces.at(-1) ?? 'ok')) this.#forbid(`space ${state} twice`)
      this.spaces.push(state)
    })
  }

  /** The last ticket that was told to be durable. */
  get upTo(): Ticket {
    return this.commits.at(-1)?.upTo ?? 0
  }

  fateOf(ticket: Ticket): Fate {
    if (this.#refused.has(ticket)) return 'refused'
    if (ticket <= this.upTo) return 'committed'
    return this.failures.find(({ from }) => from <= ticket)?.outcome ?? 'waiting'
  }

  /** Waits until this ticket and those before it wait no longer. */
  async settled(ticket: Ticket): Promise<Fate> {
    await this.until(`the fate of ticket ${ticket}`, () => this.fateOf(ticket) !== 'waiting')
    return this.fateOf(ticket)
  }

  async until(what: string, isSo: () => boolean): Promise<void> {
    while (!isSo()) {
      let wake = (): void => undefined
      const next = new Promise<void>((resolve) => {
        wake = resolve
        this.#wakers.add(wake)
      })
      try {
        await this.#soon(`${what} (told: ${this.words.slice(-5).join(', ')})`, next)
      } finally {
        this.#wakers.delete(wake)
      }
    }
  }

  /** The process of this owner is gone: what is told now reaches nobody. */
  silence(): void {
    this.#silent = true
  }

  #say(word: string, note: () => void): void {
    if (this.#silent) return
    this.words.push(word)
    note()
    for (const wake of [...this.#wakers]) wake()
  }

  #forbid(what: string): void {
    this.violations.push(what)
  }
}
