/** When appends to a log in memory become durable: at the end of their turn, or as a test has it. */
import type { QlogError } from '../../errors.ts'
import type { Clock } from '../../system/system.ts'
import type { Ticket } from '../seam.ts'

/** So many groups become durable without a turn of the event loop between them, then one gets its turn. */
const GROUPS_A_TURN_MAX = 1024

/** What of a system a log in memory needs: a part of its clock. */
export interface MemorySystem {
  readonly clock: Pick<Clock, 'nowMs' | 'after'>
}

/** What a pace may ask of its log. */
export interface PacedLog {
  /** The last ticket that was given. */
  readonly lastTicket: Ticket
  /** Makes everything up to a ticket durable, and tells the owner once a group. */
  commit(upTo: Ticket): void
  /** What comes from now on belongs to a group of its own. */
  endGroup(): void
  /** Stops for good. What waits is rejected; of what is on its way nobody can know. */
  stop(failure: QlogError): void
}

/** Says when what was appended becomes durable, by calling `commit` of the log. */
export interface MemoryPace {
  /** The last ticket that is on its way: it may be durable before anybody knows. */
  readonly sentTicket: Ticket
  /** Something was appended. */
  appended(log: PacedLog): void
  /** The log stops: of what is on its way everything up to this ticket survives. */
  survivor(): Ticket
  /** Nothing will become durable any more: timers go. */
  end(): void
}

/** All appends of one turn become durable in its microtasks. */
export class TurnPace implements MemoryPace {
  readonly sentTicket = 0
  readonly #system: MemorySystem
  #isPlanned = false
  #groups = 0
  #cancel: (() => void) | undefined

  constructor(system: MemorySystem) {
    this.#system = system
  }

  appended(log: PacedLog): void {
    if (this.#isPlanned) return
    this.#isPlanned = true
    const commit = (): void => {
      this.#isPlanned = false
      log.commit(log.lastTicket)
    }
    this.#groups += 1
    if (this.#groups % GROUPS_A_TURN_MAX !== 0) queueMicrotask(commit)
    // An owner that appends whenever the last append resolved would keep timers and sockets out.
    else this.#cancel = this.#system.clock.after(0, commit, true)
  }

  survivor(): Ticket {
    return 0
  }

  end(): void {
    this.#cancel?.()
  }
}
