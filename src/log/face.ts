/**
 * The public log: promises, iterators and `appendSync` over the segment log, with a built-in owner that
 * knows no control records. Thin: what it adds is the way of an append to its ticket and its promise.
 */
import { QlogError, QlogTypeError } from '../errors.ts'
import { checkCloseOptions, checkId, checkReadOptions } from './options.ts'
import { BatchIterator, MessageIterator } from './read/message-iterators.ts'
import type { SegmentLog } from './segment-log.ts'
import { statsOf } from './stats.ts'
import type { IdRange, Log, LogStats, LogStatus, Message, ReadOptions } from './types.ts'
import type { AppendPromises, GroupOutcome, Settling } from './waiting/append-promises.ts'
import { RoomQueue } from './waiting/room-queue.ts'

export class PublicLog implements Log {
  readonly #log: SegmentLog
  readonly #promises: AppendPromises
  readonly #mode: 'always' | 'interval' | 'never'
  readonly #encoder = new TextEncoder()
  readonly #roomQueue: RoomQueue
  #status: 'open' | 'closing' | 'closed' = 'open'
  #closing: Promise<void> | undefined

  constructor(log: SegmentLog, promises: AppendPromises, mode: 'always' | 'interval' | 'never') {
    this.#log = log
    this.#promises = promises
    this.#mode = mode
    const { loop, limits } = log
    this.#roomQueue = new RoomQueue({
      get hasRoom() {
        return loop.bytesWaiting < limits.inFlightBytesMax
      },
      room: () => loop.room(limits.inFlightBytesMax),
      sendOne: (body, append) => this.#sendOne(body, append),
      sendBatch: (bodies, append) => this.#sendBatch(bodies, append),
    })
  }

  get directory(): string {
    return this.#log.directory
  }

  get status(): LogStatus {
    if (this.#status !== 'open') return this.#status
    const { state } = this.#log.loop
    return state === 'failed' || state === 'fenced' ? state : 'open'
  }

  get firstId(): number {
    return this.#log.firstId
  }

  get nextId(): number {
    return this.#log.nextId
  }

  append(body: Uint8Array | string): Promise<number> {
    // No async function: what hangs on the outcome of its group is what the caller gets.
    try {
      const bytes = this.#bytesOf(body)
      this.#assertOpen()
      if (this.#roomQueue.mustWait) return this.#roomQueue.addOne(bytes)
      const outcome = this.#encodeOne(bytes).one()
      this.#log.loop.endAppend(bytes.length)
      return outcome
    } catch (error) {
      return Promise.reject(error)
    }
  }

  appendMany(bodies: readonly (Uint8Array | string)[]): Promise<IdRange> {
    try {
      if (!Array.isArray(bodies)) throw new QlogTypeError('appendMany takes an array of messages')
      const { nextId } = this.#log
      if (bodies.length === 0) return Promise.resolve({ firstId: nextId, endId: nextId })
      const all = this.#checkBatch(bodies)
      this.#assertOpen()
      if (this.#roomQueue.mustWait) return this.#roomQueue.addBatch(all)
      const outcome = this.#encodeBatch(all).batch(all.length)
      this.#log.loop.endAppend(byteCountOf(all))
      return outcome
    } catch (error) {
      return Promise.reject(error)
    }
  }

  appendSync(body: Uint8Array | string): number {
    const bytes = this.#bytesOf(body)
    this.#assertOpen()
    this.#log.assertUsable()
    const { length } = this.#roomQueue
    if (length > 0) {
      throw new QlogError('QLOG_BUSY', `${length} appends wait for room in front of this one`)
    }
    const { loop } = this.#log
    if (!loop.mayAppendSync(bytes.length)) {
      throw new QlogError('QLOG_BUSY', 'what waits to be sent is too large for one write with this')
    }
    let outcome: Error | undefined
    const reject = (error: Error): void => {
      outcome = error
    }
    const id = loop.nextId
    try {
      loop.appendSync(() => {
        this.#encodeOne(bytes).sync(reject)
        return bytes.length
      })
    } catch (error) {
      throw outcome ?? error
    }
    if (outcome !== undefined) throw outcome
    return id
  }

  read(options: ReadOptions = {}): AsyncIterableIterator<Message> {
    return new MessageIterator(this.#log.reader(checkReadOptions(options)), options.signal)
  }

  readBatches(options: ReadOptions = {}): AsyncIterableIterator<readonly Message[]> {
    return new BatchIterator(this.#log.reader(checkReadOptions(options)))
  }

  async get(id: number): Promise<Message | undefined> {
    return this.#log.get(checkId('id', id))
  }

  discard(firstId: number, endId: number): void {
    checkId('firstId', firstId)
    checkId('endId', endId)
    if (endId < firstId) throw new QlogTypeError('endId must not be below firstId')
    this.#log.assertUsable()
    if (endId > firstId) this.#log.discard([[firstId, endId - 1]])
  }

  async compact(): Promise<void> {
    this.#assertOpen()
    await this.#log.compact()
  }

  stats(): LogStats {
    return statsOf(this.#log, this.status, this.#mode)
  }

  close(options: { timeoutMs?: number } = {}): Promise<void> {
    checkCloseOptions(options)
    this.#closing ??= this.#close(options)
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(options: { timeoutMs?: number }): Promise<void> {
    this.#status = 'closing'
    try {
      await this.#log.close(options, this.#roomQueue.drained())
    } finally {
      this.#status = 'closed'
    }
  }

  #sendOne(bytes: Uint8Array, settling: Settling): void {
    this.#encodeOne(bytes).settleOne(settling)
    this.#log.loop.endAppend(bytes.length)
  }

  #sendBatch(all: readonly Uint8Array[], settling: Settling): void {
    this.#encodeBatch(all).settleBatch(all.length, settling)
    this.#log.loop.endAppend(byteCountOf(all))
  }

  /** Into the group that is being put together; what becomes of it. Its promise and `endAppend` follow. */
  #encodeOne(bytes: Uint8Array): GroupOutcome {
    const { loop } = this.#log
    if (loop.admission.isDiskFull) loop.admission.assertAdmits(1, bytes.length)
    const group = loop.beginAppend()
    group.addMessage(bytes)
    return this.#promises.outcomeOf(group.firstTicket, loop.nextId)
  }

  /** The same for a batch. */
  #encodeBatch(all: readonly Uint8Array[]): GroupOutcome {
    const { loop } = this.#log
    if (loop.admission.isDiskFull) loop.admission.assertAdmits(all.length, byteCountOf(all))
    const group = loop.beginAppend()
    const mark = group.mark()
    try {
      group.beginBatch(all.length, 0)
      for (const body of all) group.addBatchBytes(body)
      group.endBatch()
    } catch (error) {
      // There was no memory for all of it: nothing of the batch is taken.
      group.rollBack(mark)
      throw error
    }
    return this.#promises.outcomeOf(group.firstTicket, loop.nextId)
  }

  #assertOpen(): void {
    if (this.#status !== 'open') {
      throw new QlogError('QLOG_CLOSED', `the log ${this.directory} is closed`)
    }
    const { failure } = this.#log.loop
    if (failure) throw failure
  }

  #bytesOf(body: Uint8Array | string): Uint8Array {
    const bytes = typeof body === 'string' ? this.#encoder.encode(body) : body
    if (!(bytes instanceof Uint8Array)) {
      throw new QlogTypeError('a message must be a string or a Uint8Array')
    }
    const { messageBytesMax } = this.#log.limits
    if (bytes.length > messageBytesMax) {
      throw new QlogError(
        'QLOG_TOO_LARGE',
        `a message of ${bytes.length} bytes is over messageBytesMax (${messageBytesMax})`,
      )
    }
    return bytes
  }

  /** The batch as bytes: the array itself where nothing in it has to be encoded. */
  #checkBatch(bodies: readonly (Uint8Array | string)[]): readonly Uint8Array[] {
    let encoded: Uint8Array[] | undefined
    let total = 0
    for (let i = 0; i < bodies.length; i++) {
      const body = bodies[i] as Uint8Array | string
      const bytes = this.#bytesOf(body)
      if (bytes !== body) encoded ??= bodies.slice(0, i) as Uint8Array[]
      encoded?.push(bytes)
      total += bytes.length + 4
    }
    const { batchBytesMax } = this.#log.limits
    if (total > batchBytesMax) {
      throw new QlogError('QLOG_TOO_LARGE', `a batch of ${total} bytes is over ${batchBytesMax}`)
    }
    return encoded ?? (bodies as readonly Uint8Array[])
  }
}

function byteCountOf(bodies: readonly Uint8Array[]): number {
  let bytes = 0
  for (const body of bodies) bytes += body.length
  return bytes
}
