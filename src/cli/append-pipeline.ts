/**
 * Keeps many appends in flight without keeping many messages in memory, and tells in order what
 * became durable. Touches the log and nothing else.
 */
import { QlogError } from '../errors.ts'
import type { Log } from '../index.ts'
import { formatBytes } from './text.ts'

/** Appends that may wait for their flush: ample for one group, small enough to remember. */
const APPENDS_IN_FLIGHT_MAX = 8_192
/** The log's own default for what may wait for its flush; also bounds what a batch gathers. */
const BYTES_IN_FLIGHT_MAX = 32 * 1024 * 1024

export interface AppendTotals {
  messages: number
  bytes: number
}

export class AppendPipeline {
  readonly totals: AppendTotals = { messages: 0, bytes: 0 }
  readonly #log: Log
  readonly #batchSize: number
  readonly #onDurable: (firstId: number, endId: number) => void
  #batch: Uint8Array[] = []
  #batchBytes = 0
  #inFlight = 0
  #bytesInFlight = 0
  #failure: { readonly error: unknown } | undefined
  #wake: (() => void) | undefined

  /** `batchSize` 1 appends each message by itself; more makes atomic batches of that many. */
  constructor(log: Log, batchSize: number, onDurable: (firstId: number, endId: number) => void) {
    this.#log = log
    this.#batchSize = batchSize
    this.#onDurable = onDurable
  }

  /** True once an append failed: nothing more will be taken. */
  get failed(): boolean {
    return this.#failure !== undefined
  }

  get full(): boolean {
    return this.#inFlight >= APPENDS_IN_FLIGHT_MAX || this.#bytesInFlight >= BYTES_IN_FLIGHT_MAX
  }

  /** Hands one message to the log. Check {@link full} before, and await {@link room} if it is. */
  push(message: Uint8Array): void {
    if (this.failed) return
    if (this.#batchSize === 1) {
      this.#track(this.#log.append(message).then(toRange), message.length)
      return
    }
    this.#batch.push(message)
    this.#batchBytes += message.length
    if (this.#batchBytes > BYTES_IN_FLIGHT_MAX) {
      const limit = formatBytes(BYTES_IN_FLIGHT_MAX)
      const words = `${this.#batch.length} messages of the input are larger than ${limit}: no batch holds ${this.#batchSize} of them`
      this.#failure = { error: new QlogError('QLOG_TOO_LARGE', words) }
    } else if (this.#batch.length === this.#batchSize) this.pushBatch()
  }

  /** Appends the messages gathered so far, though they are fewer than a batch. */
  pushBatch(): void {
    if (this.#batch.length === 0 || this.failed) return
    this.#track(this.#log.appendMany(this.#batch), this.#batchBytes)
    this.#batch = []
    this.#batchBytes = 0
  }

  /** Resolves when another append may be started, or one has failed. */
  async room(): Promise<void> {
    while (this.full && !this.failed) await this.#change()
  }

  /** Resolves when nothing is in flight; rejects with the first failure. */
  async drain(): Promise<void> {
    while (this.#inFlight > 0) await this.#change()
    if (this.#failure !== undefined) throw this.#failure.error
  }

  #track(
    appended: Promise<{ readonly firstId: number; readonly endId: number }>,
    bytes: number,
  ): void {
    this.#inFlight += 1
    this.#bytesInFlight += bytes
    appended.then(
      ({ firstId, endId }) => {
        this.totals.messages += endId - firstId
        this.totals.bytes += bytes
        this.#onDurable(firstId, endId)
        this.#settle(bytes)
      },
      (error: unknown) => {
        this.#failure ??= { error }
        this.#settle(bytes)
      },
    )
  }

  #settle(bytes: number): void {
    this.#inFlight -= 1
    this.#bytesInFlight -= bytes
    this.#wake?.()
    this.#wake = undefined
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve
    })
  }
}

function toRange(id: number): { readonly firstId: number; readonly endId: number } {
  return { firstId: id, endId: id + 1 }
}
