/**
 * The reference beside a store: one whole state for what is known to be durable, and one for each
 * append that has been called since, in the order of the calls. What a command decided is checked
 * against the newest; what a crash left must be one of them.
 */
import {
  copyState,
  type Deadline,
  emptyState,
  type Now,
  type Place,
  passed,
  type State,
} from './state.ts'

/** The wall clock is looked at so often where something is due by it. */
const WALL_LOOK_MS = 1_200

export class Violation extends Error {}

/** One append: whole or absent. */
export interface Entry {
  readonly label: string
  /** What there is once this and all in front of it have happened. */
  readonly after: State
  /** Cells that this changes without anybody waiting for it: its place in the log is not known. */
  readonly loose: readonly Place[]
  /** The log said that it will never appear. */
  rejected: boolean
}

/** A delivery that somebody holds. */
export interface Lease {
  readonly place: Place
  end: Deadline
}

/** A group of which somebody asked for a message. */
export interface Asked {
  readonly queue: string
  readonly group: string
  /** By this id, though it be buried. */
  readonly buriedId?: number
}

export class Reference {
  #durable: State = emptyState()
  #waiting: Entry[] = []
  /** By place. They do not survive a restart, so they stand in no state. */
  readonly leases = new Map<string, Lease>()
  /** Of the process that died: some may have run out before that. */
  readonly deadLeases = new Map<string, Lease>()
  /** Groups of a reserve that is under way: it may lease what nobody hears of. */
  reserving: readonly Asked[] = []
  /** Wall clock and elapsed time may have drifted apart by so much since a deadline was made. */
  jumpedMs = 0
  /** Something became durable since the last opening. */
  hasWritten = false
  /** What was called and answered, for whoever looks into a failure. */
  readonly history: string[] = []

  /** With everything that was called. */
  get current(): State {
    return this.#waiting.at(-1)?.after ?? this.#durable
  }

  get durable(): State {
    return this.#durable
  }

  /** What may be seen while some of it waits for its flush, oldest first. */
  get states(): readonly State[] {
    return [this.#durable, ...this.#waiting.map(({ after }) => after)]
  }

  /** Labels of what is in flight. */
  get flying(): readonly string[] {
    return this.#waiting.map(({ label }) => label)
  }

  get inFlight(): number {
    return this.#waiting.length
  }

  /** An append was called. */
  append<T>(label: string, change: (state: State) => T, loose: readonly Place[] = []): [Entry, T] {
    const after = copyState(this.current)
    const answer = change(after)
    const entry: Entry = { label, after, loose, rejected: false }
    this.#waiting.push(entry)
    this.history.push(label)
    return [entry, answer]
  }

  /** Their process is dead. */
  endLeases(): void {
    for (const [name, lease] of this.leases) this.deadLeases.set(name, lease)
    this.leases.clear()
  }

  /** The call has turned out to append nothing. */
  forget(entry: Entry): void {
    if (this.#waiting.at(-1) !== entry) throw new Error('only the last call can be forgotten')
    this.#waiting.pop()
  }

  /** It is durable, and with it everything in front of it. */
  acknowledge(entry: Entry): void {
    const index = this.#waiting.indexOf(entry)
    if (index < 0) return
    if (this.#waiting.slice(0, index + 1).some(({ rejected }) => rejected)) {
      throw new Violation(`invariant 13: ${entry.label} resolved behind what was rejected`)
    }
    this.history.push(`durable: ${entry.label}`)
    this.hasWritten = true
    this.#durable = entry.after
    this.#waiting = this.#waiting.slice(index + 1)
  }

  /** Everything that was called has had its time. */
  acknowledgeAll(): void {
    const last = this.#waiting.at(-1)
    if (last) this.acknowledge(last)
  }

  reject(entry: Entry): void {
    entry.rejected = true
  }

  /** A delivery was seen: what made its message ready has happened. */
  sawReady(place: Place, isReady: (state: State) => boolean): void {
    const index = this.states.findIndex(isReady)
    const entry = index > 0 ? this.#waiting[index - 1] : undefined
    if (index < 0) throw new Violation(`${nameOf(place)} was never ready`)
    if (entry) this.acknowledge(entry)
  }

  /** Every state that a crash may have left, newest first. */
  outcomes(): readonly Outcome[] {
    const end = this.#waiting.findIndex(({ rejected }) => rejected)
    const possible = end < 0 ? this.#waiting : this.#waiting.slice(0, end)
    const outcomes: Outcome[] = []
    for (let count = possible.length; count >= 0; count -= 1) {
      const state = possible[count - 1]?.after ?? this.#durable
      outcomes.push({ state, lost: this.#waiting.slice(count) })
    }
    return outcomes
  }

  /** Somebody set the wall clock. */
  jumped(ms: number, before: Now): void {
    this.jumpedMs += Math.abs(ms)
    for (const state of this.states) {
      for (const { groups, messages } of state.queues.values()) {
        for (const [id, message] of messages) {
          messages.set(id, { ...message, due: afterJump(message.due, ms, before) })
        }
        for (const { cells } of groups.values()) {
          for (const cell of cells.values()) cell.due = afterJump(cell.due, ms, before)
        }
      }
    }
  }

  /** In another boot it is the wall clock that tells how much time has passed, and that was set. */
  rebooted(): void {
    const { jumpedMs } = this
    if (jumpedMs === 0) return
    const drifted = (deadline: Deadline | undefined): Deadline | undefined =>
      deadline?.kind === 'elapsed' ? widened(deadline, jumpedMs) : deadline
    for (const state of this.states) {
      for (const queue of state.queues.values()) {
        queue.pausedUntil = drifted(queue.pausedUntil)
        for (const [key, taken] of queue.keys) {
          queue.keys.set(key, { ...taken, until: widened(taken.until, jumpedMs) })
        }
        for (const [id, message] of queue.messages) {
          const { due, expires } = message
          queue.messages.set(id, { ...message, due: drifted(due), expires: drifted(expires) })
        }
        for (const { cells } of queue.groups.values()) {
          for (const cell of cells.values()) cell.due = drifted(cell.due)
        }
      }
    }
  }

  /** This is what there is now; nothing is in flight. */
  adopt(state: State): void {
    this.#durable = state
    this.#waiting = []
    this.leases.clear()
    this.deadLeases.clear()
    this.reserving = []
    this.hasWritten = false
  }
}

export interface Outcome {
  readonly state: State
  /** What did not happen, but for changes of single cells whose place in the log is not known. */
  readonly lost: readonly Entry[]
}

/** The same deadline where clocks may be off by so much. */
export function widened(deadline: Deadline, ms: number): Deadline {
  return { ...deadline, lowMs: deadline.lowMs - ms, highMs: deadline.highMs + ms }
}

/** What has become due stays so where the clock is set back; a jump forward is noticed in a second. */
function afterJump(due: Deadline | undefined, ms: number, before: Now): Deadline | undefined {
  if (due === undefined || due.kind === 'elapsed') return due
  const wasDue = passed(due, before) !== 'no'
  if (ms < 0) return wasDue ? { ...due, lowMs: Number.NEGATIVE_INFINITY } : due
  const isDue = passed(due, { ...before, wallMs: before.wallMs + ms }) !== 'no'
  return isDue && !wasDue ? { ...due, highMs: before.wallMs + ms + WALL_LOOK_MS } : due
}

export function nameOf({ queue, group, id }: Place): string {
  return `${queue}/${group}/${id}`
}
