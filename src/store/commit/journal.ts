/**
 * The way of decisions into the log and of the log's word back: appends operations in order, waits for
 * room where too much is in flight, and applies to the state what has become durable. The only place of
 * the store that appends.
 */
import { QlogError } from '../../errors.ts'
import { Fifo } from '../../log/fifo.ts'
import type { Encodable, LogOwner, Lsn, OwnedLog, Ticket } from '../../log/seam.ts'
import { WaitingTally } from '../../log/waiting/waiting-bound.ts'
import { encodeControl } from '../records/control-record.ts'
import type { StoreState } from '../state/store-state.ts'
import { Backlog } from './backlog.ts'
import type { Sendable } from './operation.ts'
import type { Put } from './put.ts'

/** What a log says that will never take anything again. */
const STOPPED: readonly string[] = ['QLOG_FAILED', 'QLOG_FENCED', 'QLOG_CLOSED']

export interface JournalEvents {
  /** Called in front of every operation: what was put together before goes first. */
  beforeAppend(): void
  /** Called once the messages have their places; throws where their queues have no room. */
  admit(operation: Sendable): void
  /** Called once a group has become durable and is applied. */
  applied(): void
  failed(cause: Error): void
  space(state: 'ok' | 'full'): void
  mended(firstId: number, endId: number): void
}

/** Gives offsets to messages, in the order of the log. */
export interface Offsets {
  take(queue: number): number
  /** The messages from this offset on were turned down. */
  giveBack(queue: number, offset: number): void
}

const NO_CONTROL: readonly Bytes[] = []

class Bytes implements Encodable {
  readonly #bytes: Uint8Array

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  get byteLength(): number {
    return this.#bytes.length
  }

  encodeInto(target: Uint8Array, at: number): void {
    target.set(this.#bytes, at)
  }
}

export class Journal implements LogOwner {
  /** LSN of everything that is applied. */
  appliedLsn = 0
  appendedBytes = 0
  controlBytes = 0
  failure: Error | undefined
  /** Messages that wait: for room here, or elsewhere for the outcome of others. */
  readonly waiting = new WaitingTally()
  readonly #state: StoreState
  #offsets: Offsets | undefined
  #events: JournalEvents | undefined
  #log: OwnedLog | undefined
  /** Appended and not settled, by ticket, and between them what was turned down since. */
  readonly #sent = new Fifo<Sendable>()
  readonly #backlog: Backlog
  #draining: Promise<void> | undefined
  /** The first of those that wait, while the log is asked to take it. */
  #appending: Sendable | undefined
  #isClosed = false

  constructor(state: StoreState) {
    this.#state = state
    this.#backlog = new Backlog(this.waiting)
  }

  begin(log: OwnedLog, offsets: Offsets, events: JournalEvents): void {
    this.#log = log
    this.#offsets = offsets
    this.#events = events
  }

  /**
   * Appends it now, or as soon as there is room. Throws with nothing taken where the log takes it never:
   * QLOG_TOO_LARGE, QLOG_DISK_FULL, QLOG_FENCED, QLOG_FAILED, QLOG_CLOSED; QLOG_BUSY where too much waits already.
   */
  submit(operation: Sendable): void {
    if (this.failure) throw this.failure
    if (this.#isClosed) throw new QlogError('QLOG_CLOSED', 'the store is closed')
    // What was put together before this stands in front of it, also where both have to wait.
    this.#events?.beforeAppend()
    if (this.#backlog.length === 0 && this.#append(operation)) return
    this.#backlog.add(operation)
    this.#draining ??= this.#drain()
  }

  /** Something of this queue, or that needs it, is on its way. */
  concerns(queue: number): boolean {
    const isOf = (operation: Sendable) => operation.ticket > 0 && concerns(operation, queue)
    if (this.#sent.some(isOf)) return true
    return this.#backlog.some((operation) => concerns(operation, queue))
  }

  /** Resolves when everything submitted so far has settled. */
  async settled(): Promise<void> {
    const sent = this.#lastSent()
    const waiting = this.#backlog.last
    await Promise.allSettled([sent?.promise, waiting?.promise])
  }

  /**
   * LSN that the state stands for from now on. Behind the last entry stand the log's own blocks, older snapshots above
   * all, which it would have to keep for a state that stands for less.
   */
  stateLsn(): Lsn {
    if (this.#lastSent() === undefined)
      this.appliedLsn = Math.max(this.appliedLsn, this.#log?.durableLsn ?? 0)
    return this.appliedLsn
  }

  /** Nothing comes behind what was submitted so far: from now on `submit` throws QLOG_CLOSED. */
  end(): void {
    this.#isClosed = true
  }

  /** The same, and what waits is turned away. */
  close(): void {
    this.end()
    const error = new QlogError('QLOG_CLOSED', 'the store was closed before this was written')
    for (const operation of this.#backlog.takeAll()) operation.refused(error)
  }

  committed(upTo: Ticket, lsn: number, timeMs: number): void {
    const state = this.#state
    state.timeMs = Math.max(state.timeMs, timeMs)
    for (;;) {
      const operation = this.#sent.first
      if (operation === undefined || operation.ticket > upTo) break
      this.#sent.take()
      if (operation.ticket === 0) continue
      for (const op of operation.ops) state.apply(op)
      for (const put of operation.puts) state.put(put, put.id, put.byteLength)
      operation.committed()
    }
    this.appliedLsn = lsn
    this.#events?.applied()
  }

  refused(from: Ticket, upTo: Ticket, cause: Error): void {
    for (let row = 0; row < this.#sent.length; row++) {
      const operation = this.#sent.at(row)
      if (!operation || operation.ticket < from || operation.ticket > upTo) continue
      // A ticket of 0 marks what was turned down: committed() passes it over.
      operation.ticket = 0
      this.#takeBack(operation.puts)
      operation.refused(cause)
    }
  }

  failed(from: Ticket, outcome: 'rejected' | 'indeterminate', cause: Error): void {
    this.failure ??= cause
    const [code, message] =
      outcome === 'rejected'
        ? (['QLOG_REJECTED', 'not written: the log had stopped'] as const)
        : (['QLOG_INDETERMINATE', 'may or may not be on disk: its flush failed'] as const)
    const error = new QlogError(code, message, { cause })
    for (let row = 0; row < this.#sent.length; row++) {
      const operation = this.#sent.at(row)
      if (!operation || operation.ticket < from) continue
      operation.ticket = 0
      operation.failed(error)
    }
    this.#stop(cause)
  }

  space(state: 'ok' | 'full'): void {
    this.#events?.space(state)
  }

  mended(firstId: number, endId: number): void {
    this.#events?.mended(firstId, endId)
  }

  /** False where the log has no room now. */
  #append(operation: Sendable): boolean {
    const log = this.#log
    if (!log) throw new Error('the journal appends only while the store is open')
    const { puts } = operation
    this.#place(puts)
    const firstId = log.nextId
    let control: readonly Bytes[]
    try {
      this.#events?.admit(operation)
      const { ops } = operation
      control = ops.length === 0 ? NO_CONTROL : ops.map((op) => new Bytes(encodeControl(op)))
      operation.ticket = log.append({ messages: puts, control })
    } catch (error) {
      this.#takeBack(puts)
      operation.part(error instanceof Error ? error : new Error(String(error)))
      if (error instanceof QlogError && error.code === 'QLOG_BUSY') return false
      // A log that stops while nothing of ours is on its way may have told nobody.
      if (error instanceof QlogError && STOPPED.includes(error.code)) this.#stop(error)
      throw error
    }
    // The log may have stopped within the call, and told of everything but this.
    if (this.failure) {
      operation.ticket = 0
      const message = 'may or may not be on disk: the log stopped while it was appended'
      operation.failed(new QlogError('QLOG_INDETERMINATE', message, { cause: this.failure }))
      return true
    }
    let bytes = 0
    for (let i = 0; i < puts.length; i++) {
      const put = puts[i] as Put
      put.id = firstId + i
      bytes += put.byteLength
    }
    for (const { byteLength } of control) this.controlBytes += byteLength
    this.appendedBytes += bytes
    this.#sent.push(operation)
    return true
  }

  #stop(cause: Error): void {
    this.failure ??= cause
    for (const operation of this.#backlog.takeAll()) {
      // What became of the one that is being appended is known when that returns.
      if (operation !== this.#appending) operation.failed(cause)
    }
    this.#events?.failed(cause)
  }

  #place(puts: readonly Put[]): void {
    const offsets = this.#offsets
    if (!offsets) throw new Error('the journal has not begun')
    for (const put of puts) put.place(offsets.take(put.queue))
  }

  #takeBack(puts: readonly Put[]): void {
    for (const put of puts) this.#offsets?.giveBack(put.queue, put.offset)
  }

  async #drain(): Promise<void> {
    try {
      while (this.#backlog.length > 0) {
        // Asked before each: whatever the log turns down has been placed and admitted in vain.
        await this.#log?.room()
        const first = this.#backlog.first
        if (first !== undefined && this.#appendOrRefuse(first)) this.#backlog.dropFirst()
      }
    } catch (error) {
      const cause = error instanceof Error ? error : new Error(String(error))
      for (const operation of this.#backlog.takeAll()) operation.refused(cause)
    } finally {
      this.#draining = undefined
    }
  }

  #appendOrRefuse(operation: Sendable): boolean {
    this.#appending = operation
    try {
      return this.#append(operation)
    } catch (error) {
      operation.refused(error instanceof Error ? error : new Error(String(error)))
      return true
    } finally {
      this.#appending = undefined
    }
  }

  /** The last of those that are on their way. */
  #lastSent(): Sendable | undefined {
    for (let row = this.#sent.length - 1; row >= 0; row--) {
      const operation = this.#sent.at(row)
      // What was turned down stays in the list for a while.
      if (operation !== undefined && operation.ticket > 0) return operation
    }
    return undefined
  }
}

function concerns({ ops, puts }: Sendable, queue: number): boolean {
  for (const put of puts) if (put.queue === queue) return true
  for (const op of ops) {
    if ('queue' in op && op.queue === queue) return true
    // Where another one's dead letters go from now on.
    if (op.kind === 'queue-settings' && op.settings.deadLetter === queue) return true
  }
  return false
}
