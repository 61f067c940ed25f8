/**
 * The public log: promises, iterators and `appendSync` over the segment log, with a built-in owner that
 * knows no control records. Thin: what it adds is the way from a ticket to its promise.
 */
import { QlogError, QlogTypeError } from '../errors.ts'
import { checkId, checkReadOptions } from './options.ts'
import { BatchIterator, MessageIterator } from './read/message-iterators.ts'
import { RoomQueue, type WaitingAppend } from './room-queue.ts'
import type { LogOwner, Ticket } from './seam.ts'
import type { SegmentLog } from './segment-log.ts'
import { statsOf } from './stats.ts'
import type { IdRange, Log, LogStats, LogStatus, Message, ReadOptions } from './types.ts'

/** What each append resolves with, by ticket; tickets come in order: a queue, not a map. */
export class Waiting implements LogOwner {
  #firstTicket = 1
  #head = 0
  readonly #values: unknown[] = []
  readonly #resolve: ((value: never) => void)[] = []
  readonly #reject: ((error: Error) => void)[] = []

  /** A promise for the append that gets the next ticket; it resolves with `value`. */
  add<T>(value: T): Promise<T> {
    this.#values.push(value)
    return new Promise<T>((resolve, reject) => {
      this.#resolve.push(resolve as (value: never) => void)
      this.#reject.push(reject)
    })
  }

  /** The same for an append whose promise is there already. */
  addWaiting(value: unknown, { resolve, reject }: WaitingAppend): void {
    this.#values.push(value)
    this.#resolve.push(resolve)
    this.#reject.push(reject)
  }

  /** The same for an append that looks at its outcome when it returns. */
  addSync(reject: (error: Error) => void): void {
    this.#values.push(undefined)
    this.#resolve.push(ignore)
    this.#reject.push(reject)
  }

  committed(upTo: Ticket): void {
    const end = upTo - this.#firstTicket + 1
    for (let i = this.#head; i < end; i++) this.#resolve[i]?.(this.#values[i] as never)
    this.#dropTo(end)
  }

  refused(from: Ticket, upTo: Ticket, cause: Error): void {
    const end = upTo - this.#firstTicket + 1
    const first = from - this.#firstTicket
    for (let i = first; i < end; i++) {
      this.#reject[i]?.(cause)
      this.#resolve[i] = ignore
      this.#reject[i] = ignore
    }
    if (first <= this.#head) this.#dropTo(end)
  }

  failed(from: Ticket, outcome: 'rejected' | 'indeterminate', cause: Error): void {
    const first = Math.max(this.#head, from - this.#firstTicket)
    const error =
      outcome === 'rejected'
        ? new QlogError('QLOG_REJECTED', 'not written: the log had stopped', { cause })
        : new QlogError('QLOG_INDETERMINATE', 'may or may not be on disk: its flush failed', {
            cause,
          })
    for (let i = first; i < this.#reject.length; i++) this.#reject[i]?.(error)
    this.#values.length = first
    this.#resolve.length = first
    this.#reject.length = first
  }

  space(): void {
    // The public face tells of a full disk by the appends it refuses.
  }

  /** Forgets settled promises; the arrays are cut now and then, not once a ticket. */
  #dropTo(end: number): void {
    this.#head = end
    if (end < 4096 && end < this.#resolve.length) return
    this.#values.splice(0, end)
    this.#resolve.splice(0, end)
    this.#reject.splice(0, end)
    this.#firstTicket += end
    this.#head = 0
  }
}

export class PublicLog implements Log {
  readonly #log: SegmentLog
  readonly #waiting: Waiting
  readonly #mode: 'always' | 'interval' | 'never'
  readonly #encoder = new TextEncoder()
  readonly #roomQueue: RoomQueue
  #status: 'open' | 'closing' | 'closed' = 'open'
  #closing: Promise<void> | undefined

  constructor(log: SegmentLog, waiting: Waiting, mode: 'always' | 'interval' | 'never') {
    this.#log = log
    this.#waiting = waiting
    this.#mode = mode
    const { loop, limits } = log
    this.#roomQueue = new RoomQueue({
      get hasRoom() {
        return loop.bytesWaiting < limits.inFlightBytesMax
      },
      room: () => loop.room(limits.inFlightBytesMax),
      send: (append) => this.#sendWaiting(append),
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
    // No async function: the promise of the ticket itself is what the caller gets.
    try {
      const bytes = this.#bytesOf(body)
      this.#assertOpen()
      if (this.#mustWait) return this.#roomQueue.add([bytes.slice()], true)
      return this.#appendOne(bytes)
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
      if (this.#mustWait) {
        const copies = all.map((bytes) => bytes.slice())
        return this.#roomQueue.add(copies, false)
      }
      return this.#appendBatch(all)
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
    loop.admission.assertAdmits(1, bytes.length)
    const id = loop.nextId
    let outcome: Error | undefined
    loop.beginAppend().addMessage(bytes)
    this.#waiting.addSync((error) => {
      outcome = error
    })
    loop.endAppend(bytes.length, true)
    try {
      loop.commitSync()
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
    this.#closing ??= this.#close(options)
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(options: { timeoutMs?: number }): Promise<void> {
    this.#status = 'closing'
    try {
      const waiting = this.#roomQueue.drained()
      if (options.timeoutMs === undefined) await waiting
      await this.#log.close(options, waiting)
    } finally {
      this.#status = 'closed'
    }
  }

  get #mustWait(): boolean {
    const { loop, limits } = this.#log
    return this.#roomQueue.length > 0 || loop.bytesWaiting >= limits.inFlightBytesMax
  }

  #appendOne(bytes: Uint8Array): Promise<number> {
    const id = this.#encodeOne(bytes)
    const done = this.#waiting.add(id)
    this.#log.loop.endAppend(bytes.length)
    return done
  }

  #appendBatch(all: readonly Uint8Array[]): Promise<IdRange> {
    const { range, bytes } = this.#encodeBatch(all)
    const done = this.#waiting.add(range)
    this.#log.loop.endAppend(bytes)
    return done
  }

  /** There is room for it now, or the log has stopped and says so. */
  #sendWaiting(append: WaitingAppend): void {
    const { bodies, isOne } = append
    const [one] = bodies
    if (isOne && one !== undefined) {
      this.#waiting.addWaiting(this.#encodeOne(one), append)
      this.#log.loop.endAppend(one.length)
      return
    }
    const { range, bytes } = this.#encodeBatch(bodies)
    this.#waiting.addWaiting(range, append)
    this.#log.loop.endAppend(bytes)
  }

  /** Into the group that is being put together; its id. `endAppend` follows. */
  #encodeOne(bytes: Uint8Array): number {
    const { loop } = this.#log
    if (loop.admission.isDiskFull) loop.admission.assertAdmits(1, bytes.length)
    const id = loop.nextId
    loop.beginAppend().addMessage(bytes)
    return id
  }

  #encodeBatch(all: readonly Uint8Array[]): { readonly range: IdRange; readonly bytes: number } {
    const { loop } = this.#log
    if (loop.admission.isDiskFull) loop.admission.assertAdmits(all.length, byteCountOf(all))
    const firstId = loop.nextId
    const group = loop.beginAppend()
    const mark = group.mark()
    let bytes = 0
    try {
      group.beginBatch(all.length, 0)
      for (const body of all) {
        group.addBatchBytes(body)
        bytes += body.length
      }
      group.endBatch()
    } catch (error) {
      // There was no memory for all of it: nothing of the batch is taken.
      group.rollBack(mark)
      throw error
    }
    return { range: { firstId, endId: firstId + all.length }, bytes }
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
  return bodies.reduce((sum, { length }) => sum + length, 0)
}

function ignore(): void {
  // An append that looks at its outcome has no use for its promise.
}
