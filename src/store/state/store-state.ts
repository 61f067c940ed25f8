/**
 * The state of a store as a function of the log's entries: the same code applies them while the store is
 * open, as they become durable, and when it opens again. No clock, no chance, no option. Pure memory.
 */
import { NoEntryError } from '../containers/postings.ts'
import { StateHash } from '../containers/state-hash.ts'
import type { BuryOp, ControlOp, OpenOp } from '../records/control-ops.ts'
import { decodeControl } from '../records/control-record.ts'
import { MessageDecoder, type MessageFacts } from '../records/message-record.ts'
import { unreadable } from '../records/unreadable.ts'
import type { GroupState } from './group-state.ts'
import { hashQueue } from './queue-hash.ts'
import { QueueState } from './queue-state.ts'
import { forEachRange } from './ranges.ts'
import { QueueCounts } from './totals.ts'

/** What a store tells of its changes while it is open. */
export interface StateEvents {
  queueAdded(queue: QueueState): void
  queueRemoved(queue: QueueState): void
}

/** Called with each message that is buried while the store is open. */
export type OnBuried = (queue: QueueState, group: GroupState, op: BuryOp) => void

/** An entry as the seam gives it, as far as the state is concerned. */
export interface StateEntry {
  readonly timeMs: number
  readonly ids: ArrayLike<number>
  readonly messages: readonly Uint8Array[]
  readonly control: readonly Uint8Array[]
}

export class StoreState {
  readonly queues = new Map<number, QueueState>()
  /** What the queues had counted that were removed. */
  #removedCounts = new QueueCounts()
  nextQueue = 1
  /** Every message with a lower id is in the state, or is gone. */
  nextId = 1
  /** Of the last entry: never runs backwards. */
  timeMs = 0
  /** The store's own time, as far as the entries tell. */
  elapsedMs = 0
  /** The opening that wrote last; undefined before the first. */
  opened: OpenOp | undefined
  /** Time of the entry that told of it; of a later one where the state was loaded. */
  openedEntryMs = 0
  /** The opening that wrote last also closed. */
  isClosed = true
  /** Messages below this id may have been started without a word of it in the log. */
  uncleanBelowId = 0
  events: StateEvents | undefined
  #onBuried: OnBuried | undefined
  readonly #byName = new Map<string, QueueState>()
  readonly #decoder = new MessageDecoder()

  queue(name: string): QueueState | undefined {
    return this.#byName.get(name)
  }

  /** Applies an entry that the log gave back. Throws QLOG_NEWER_FORMAT where it is none of a store. */
  applyEntry(entry: StateEntry): void {
    this.timeMs = Math.max(this.timeMs, entry.timeMs)
    // What an entry decides stands in front of what it puts: a group that it makes gets its messages.
    for (const record of entry.control) this.apply(decodeControl(record))
    for (let i = 0; i < entry.messages.length; i++) {
      const record = entry.messages[i]
      if (record) this.#putBack(this.#decoder.decode(record), entry.ids[i] ?? 0, record.length)
    }
  }

  /** The state stands as opening found it: from now on what happens is counted, and told. */
  beginCounting(onBuried: OnBuried): void {
    this.#onBuried = onBuried
    this.#removedCounts = new QueueCounts()
    for (const queue of this.queues.values()) queue.beginCounting()
  }

  /** Counts of all queues, also of those that are removed. */
  allCounts(): QueueCounts {
    const all = new QueueCounts()
    all.addQueue(this.#removedCounts)
    for (const queue of this.queues.values()) all.addQueue(queue.allCounts())
    return all
  }

  /** `bytes` is what its record takes. */
  put(facts: MessageFacts, id: number, bytes: number): void {
    this.nextId = Math.max(this.nextId, id + 1)
    if (facts.key !== undefined) {
      this.elapsedMs = Math.max(this.elapsedMs, facts.keyUntilMs - facts.keyWindowMs)
    }
    this.#queueOf(facts.queue).put(facts, id, this.timeMs, this.elapsedMs, bytes)
  }

  apply(op: ControlOp): void {
    switch (op.kind) {
      case 'open':
        this.opened = op
        this.openedEntryMs = this.timeMs
        this.isClosed = false
        this.elapsedMs = Math.max(this.elapsedMs, op.elapsedMs)
        this.uncleanBelowId = op.uncleanBelowId
        return
      case 'close':
        this.isClosed = true
        return
      case 'queue':
        this.addQueue(op.queue, op.name)
        return
      case 'delete':
        this.#delete(this.#queueOf(op.queue), op.ranges)
        return
      case 'pause': {
        const queue = this.#queueOf(op.queue)
        queue.pausedUntilMs = op.untilMs
        queue.version++
        queue.events?.pauseChanged()
        return
      }
      case 'purge':
        this.#queueOf(op.queue).purge()
        return
      case 'queue-settings':
        this.#queueOf(op.queue).configure(op.settings)
        return
      case 'forget':
        this.#queueOf(op.queue).forget(op.below)
        return
      case 'queue-removed':
        this.#removeQueue(this.queues.get(op.queue))
        return
      default:
        this.#applyToGroup(op)
    }
  }

  /** A queue, new or loaded. */
  addQueue(number: number, name: string): QueueState {
    const known = this.queues.get(number)
    if (known) return known
    // No two have one name: the record that removed the other one was lost to damage.
    this.#removeQueue(this.#byName.get(name))
    const queue = new QueueState(number, name)
    this.queues.set(number, queue)
    this.#byName.set(name, queue)
    this.nextQueue = Math.max(this.nextQueue, number + 1)
    this.events?.queueAdded(queue)
    return queue
  }

  /** Looks at some of the keys of every queue, also of those that nobody puts to any more. */
  pruneKeys(count: number): void {
    for (const { keys } of this.queues.values()) keys.prune(this.elapsedMs, count)
  }

  /** Equal for two states that answer every question alike. */
  hash(): string {
    const hash = new StateHash()
    hash.number(this.nextQueue)
    hash.number(this.uncleanBelowId)
    hash.number(this.isClosed ? 1 : 0)
    hash.text(this.opened?.bootId ?? '')
    hash.number(this.opened?.elapsedMs ?? 0)
    const queues = [...this.queues.values()].sort((a, b) => a.number - b.number)
    for (const queue of queues) hashQueue(hash, queue, this.elapsedMs)
    return hash.digest()
  }

  #applyToGroup(op: Extract<ControlOp, { readonly group: number }>): void {
    if (op.kind === 'group') {
      const queue = this.#queueOf(op.queue)
      queue.version++
      queue.addGroup(op.group, op.name, op.from)
      return
    }
    const queue = this.queues.get(op.queue)
    // Removed since, or all records of it were lost to damage: there is nothing that this could change.
    if (!queue) {
      this.nextQueue = Math.max(this.nextQueue, op.queue + 1)
      return
    }
    queue.version++
    // Before any of it takes effect: each range would move what the next may name.
    if ('ranges' in op) queue.checkNamed(op.ranges.at(-1) ?? 0)
    else if ('offset' in op) queue.checkNamed(op.offset + 1)
    const group = queue.groups.get(op.group)
    // The record that made it was lost to damage, or it was removed since: it has nothing to keep.
    if (!group) return
    switch (op.kind) {
      case 'group-removed':
        queue.removeGroup(group)
        return
      case 'settings':
        group.leasedMax = op.leasedMax
        group.promoteAfterMs = op.promoteAfterMs
        group.events?.settingsChanged()
        return
      case 'finish':
        forEachRange(op.ranges, (first, end) => {
          queue.noteUsed(end)
          queue.finish(group, first, end)
        })
        return
      case 'lease':
        group.lease(op.ranges)
        return
      case 'give-back':
        group.giveBack(op.ranges)
        return
      case 'redrive':
        group.redrive(op.ranges)
        return
      case 'seek':
        queue.restart(group, op.from)
        return
      case 'bury':
        if (group.bury(op)) this.#onBuried?.(queue, group, op)
        return
      default:
        applyToMessage(group, op)
    }
  }

  /** Its number is not given again. Undefined: it is gone already. */
  #removeQueue(queue: QueueState | undefined): void {
    if (!queue) return
    this.queues.delete(queue.number)
    this.#byName.delete(queue.name)
    this.#removedCounts.addQueue(queue.allCounts())
    this.events?.queueRemoved(queue)
  }

  #delete(queue: QueueState, ranges: readonly number[]): void {
    queue.version++
    queue.checkNamed(ranges.at(-1) ?? 0)
    let count = 0
    forEachRange(ranges, (first, end) => {
      queue.noteUsed(end)
      count += queue.remove(first, end)
    })
    queue.sweep()
    queue.counts.noteDeleted(count)
  }

  #putBack(facts: MessageFacts, id: number, bytes: number): void {
    try {
      this.put(facts, id, bytes)
    } catch (error) {
      if (error instanceof NoEntryError) throw unreadable(`has ${error.message}`)
      throw error
    }
  }

  /** The record that named it may have been lost to damage: its messages are kept all the same. */
  #queueOf(number: number): QueueState {
    return this.queues.get(number) ?? this.addQueue(number, `queue ${number} (name lost)`)
  }
}

function applyToMessage(
  group: GroupState,
  op: Exclude<Extract<ControlOp, { readonly offset: number }>, BuryOp>,
): void {
  switch (op.kind) {
    case 'return':
      group.return(op)
      return
    case 'kick':
      group.kick(op)
      return
    case 'lease-again':
      group.leaseAgain(op)
  }
}
