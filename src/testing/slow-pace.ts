/**
 * When a `SlowLog` acknowledges: groups leave at the end of a turn, come back late, and are told in
 * order; a planned fault strikes when its group comes back. All time and chance is handed in.
 */
import { QlogError } from '../errors.ts'
import type { MemoryPace, MemorySystem, PacedLog } from '../log/memory/pace.ts'
import type { Ticket } from '../log/seam.ts'
import type { Random } from '../system/simulated/random.ts'

export interface SlowPaceOptions {
  readonly delayMsMin: number
  readonly delayMsMax: number
  readonly readDelayMsMax: number
  readonly groupsInFlightMax: number
  /** Makes somebody else the writer. */
  readonly takeOver: () => void
}

/** What happens to a ticket instead of being committed. */
export interface PlannedFault {
  readonly ticket: Ticket
  readonly kind: 'fenced' | 'rejected' | 'indeterminate'
}

interface SlowGroup {
  readonly upTo: Ticket
  isBack: boolean
}

export class SlowPace implements MemoryPace {
  readonly #clock: MemorySystem['clock']
  readonly #random: Random
  readonly #options: SlowPaceOptions
  readonly #groups: SlowGroup[] = []
  /** Waits under way, and how each is cut short. */
  readonly #waits = new Set<() => void>()
  #sentTicket: Ticket = 0
  #committedTicket: Ticket = 0
  #fault: PlannedFault | undefined
  #isPlanned = false
  #isOver = false

  constructor(clock: MemorySystem['clock'], random: Random, options: SlowPaceOptions) {
    this.#clock = clock
    this.#random = random
    this.#options = options
  }

  get sentTicket(): Ticket {
    return this.#sentTicket
  }

  /** The log has stopped. */
  get isOver(): boolean {
    return this.#isOver
  }

  /** The fault that strikes first counts. One that comes too late strikes with the next group. */
  plan(fault: PlannedFault): void {
    if (!this.#fault || fault.ticket < this.#fault.ticket) this.#fault = fault
  }

  appended(log: PacedLog): void {
    if (this.#isPlanned) return
    this.#isPlanned = true
    queueMicrotask(() => {
      this.#isPlanned = false
      this.#send(log)
    })
  }

  survivor(): Ticket {
    return this.#random.between(this.#committedTicket, this.#sentTicket)
  }

  end(): void {
    this.#isOver = true
    for (const cut of [...this.#waits]) cut()
  }

  /** Resolves as late as a group is acknowledged; at once where the log has stopped. */
  delay(): Promise<void> {
    const { delayMsMin, delayMsMax } = this.#options
    return this.#wait(this.#random.between(delayMsMin, delayMsMax))
  }

  /** Resolves as late as a read is answered. */
  readDelay(): Promise<void> {
    return this.#wait(this.#random.between(0, this.#options.readDelayMsMax))
  }

  #wait(delayMs: number): Promise<void> {
    if (this.#isOver) return Promise.resolve()
    return new Promise((resolve) => {
      const end = (): void => {
        this.#waits.delete(end)
        cancel()
        resolve()
      }
      const cancel = this.#clock.after(delayMs, end, true)
      this.#waits.add(end)
    })
  }

  #send(log: PacedLog): void {
    if (this.#isOver || this.#groups.length >= this.#options.groupsInFlightMax) return
    const upTo = log.lastTicket
    if (upTo === this.#sentTicket) return
    log.endGroup()
    this.#sentTicket = upTo
    const group: SlowGroup = { upTo, isBack: false }
    this.#groups.push(group)
    void this.delay().then(() => {
      group.isBack = true
      this.#settle(log)
    })
  }

  /** Tells what is back, from the front: a later group waits for those before it. */
  #settle(log: PacedLog): void {
    while (!this.#isOver && this.#groups[0]?.isBack) {
      const { upTo } = this.#groups.shift() as SlowGroup
      const fault = this.#fault
      if (fault && fault.ticket <= upTo) {
        this.#commit(log, Math.max(fault.ticket - 1, this.#committedTicket))
        this.#strike(log, fault)
        return
      }
      this.#commit(log, upTo)
    }
    this.#send(log)
  }

  #commit(log: PacedLog, upTo: Ticket): void {
    this.#committedTicket = upTo
    log.commit(upTo)
  }

  #strike(log: PacedLog, { kind }: PlannedFault): void {
    if (this.#isOver) return
    if (kind === 'fenced') {
      this.#options.takeOver()
      return
    }
    // Nothing of it had left, so nothing of it can be there.
    if (kind === 'rejected') this.#sentTicket = this.#committedTicket
    const cause = new Error('a planned fault')
    log.stop(new QlogError('QLOG_FAILED', 'a planned fault has stopped the log', { cause }))
  }
}
