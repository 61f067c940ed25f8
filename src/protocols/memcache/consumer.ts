/**
 * The reading side of one connection: what it takes, what it has open, and what it gives back when it
 * goes. Knows nothing of how a client asks.
 */
import { QlogError } from '../../errors.ts'
import { type Delivery, GROUP_DEFAULT, type Store } from '../../index.ts'
import type { Client } from '../../server/index.ts'
import { type Address, keyOf, type ReadRequest } from './key.ts'
import { OPEN_BYTES_MAX, OPEN_READS_MAX } from './limits.ts'
import { OpenReads } from './open-reads.ts'
import type { MemcachePlan } from './options.ts'
import { OwnReaders } from './own-readers.ts'
import type { Reader, Readers } from './readers.ts'

/** What a client sees of a message. */
export interface Found {
  readonly id: number
  readonly body: Uint8Array
  readonly headers: Readonly<Record<string, string>>
}

export class Consumer {
  readonly #store: Store
  readonly #readers: Readers
  readonly #plan: MemcachePlan
  readonly #client: Client
  readonly #open = new OpenReads()
  readonly #own = new OwnReaders()
  /** What is under way with readers, also once the connection is gone. */
  #works = 0
  /** Ends what waits; made when something does. */
  #waiting: AbortController | undefined
  #mayWait = true
  /** Reads that wait for a message. */
  #waits = 0
  /** A read was waiting when its peer ended: most likely nobody is there to be shown anything. */
  #isDeserted = false
  #isClosed = false

  constructor(readers: Readers, client: Client) {
    this.#readers = readers
    this.#client = client
    this.#store = readers.store
    this.#plan = readers.plan
  }

  /** It waits for a message, which must not be given to a client that has left. */
  get isWaiting(): boolean {
    return this.#waits > 0
  }

  /** A plain read beside an open one, or one more open read than may be: Kestrel hangs up. */
  isConflict(requests: readonly ReadRequest[]): boolean {
    const opened = new Map<string, number>()
    for (const request of requests) {
      const { open, close, abort, peek } = request
      if (peek) continue
      const key = keyOf(request)
      let count = opened.get(key) ?? this.#open.count(key)
      if ((close || abort) && count > 0) count--
      if (open) count++
      else if (!close && !abort && count > 0) return true
      if (open && (count > this.#plan.openReadsMax || this.#open.total >= OPEN_READS_MAX))
        return true
      opened.set(key, count)
    }
    return false
  }

  /** What the key asks for; undefined where there is nothing to show. `took` is told of a body at once. */
  async read(request: ReadRequest, took?: (bytes: number) => void): Promise<Found | undefined> {
    this.#works++
    try {
      return await this.#read(request, took)
    } finally {
      this.#workDone()
    }
  }

  /** Opens one more read of `monitor`; undefined where none comes in time, or no more may be open. */
  async openNext(address: Address, waitMs: number): Promise<Found | undefined> {
    const { total, bytes } = this.#open
    if (total >= OPEN_READS_MAX || bytes >= OPEN_BYTES_MAX) return undefined
    this.#works++
    try {
      const reader = this.#readers.of(address)
      this.#own.note(reader)
      const found = await this.#next(reader, waitMs, true)
      if (!found) return undefined
      const { tally } = this.#readers
      tally.cmdGet++
      tally.getHits++
      return found
    } finally {
      this.#workDone()
    }
  }

  /** Finishes the oldest open reads, as one entry; false where there are fewer. */
  async confirm(address: Address, count: number): Promise<boolean> {
    const key = keyOf(address)
    if (this.#open.count(key) < count) return false
    this.#works++
    try {
      await this.#finish(this.#open.shift(key, count))
    } finally {
      this.#workDone()
    }
    return true
  }

  /** Held ready until the connection ends: for a put, which makes the group but reads nothing. */
  held(address: Address): Reader {
    const reader = this.#readers.of(address)
    this.#own.note(reader)
    return reader
  }

  /** It asks for the group to be deleted: it is not the one that still reads it. */
  leave(address: Address): void {
    const reader = address.group === GROUP_DEFAULT ? undefined : this.#readers.known(address)
    if (reader) this.#own.forget(reader)
  }

  /** What waits ends with nothing, and so does whatever would. */
  stopWaiting(): void {
    this.#mayWait = false
    this.#waiting?.abort()
  }

  /** The connection is gone: everything goes back to its place. */
  close(): void {
    this.#isClosed = true
    this.stopWaiting()
    const deliveries = this.#open.shiftAll()
    this.#works++
    this.#giveBack(deliveries, 'the connection ended')
      .catch((error: Error) => {
        // A store that has ended has given back everything itself.
        if (this.#store.status === 'open') this.#plan.onError(error)
      })
      .finally(() => this.#workDone())
  }

  /** Its readers go once nothing of them is held: a session that ended would give that back itself. */
  #workDone(): void {
    this.#works--
    if (this.#isClosed && this.#works === 0) this.#own.leaveAll()
  }

  async #read(
    request: ReadRequest,
    took: ((bytes: number) => void) | undefined,
  ): Promise<Found | undefined> {
    const { tally } = this.#readers
    const reader = this.#readers.of(request)
    this.#own.note(reader)
    if (request.peek) {
      tally.cmdPeek++
      return this.#peek(reader, request.waitMs)
    }
    if (request.abort) {
      await this.#giveBack(this.#open.shift(reader.key, 1), 'aborted')
      return undefined
    }
    if (request.close) {
      await this.#finish(this.#open.shift(reader.key, 1))
      if (!request.open) return undefined
    }
    tally.cmdGet++
    const found = await this.#next(reader, request.waitMs, request.open, took)
    if (found) tally.getHits++
    else tally.getMisses++
    return found
  }

  async #next(
    reader: Reader,
    waitMs: number,
    isOpening: boolean,
    took?: (bytes: number) => void,
  ): Promise<Found | undefined> {
    if (this.#isDeserted && !isOpening) return undefined
    const delivery =
      (await this.#take(reader, 0)) ?? (await this.#takeWaiting(reader, waitMs, isOpening))
    if (!delivery) return undefined
    if (this.#isClosed) {
      await giveBackUnshown(delivery)
      return undefined
    }
    took?.(delivery.body.length)
    // What is shown for good is on disk as finished before.
    if (isOpening) this.#open.add(reader.key, delivery)
    else await this.#finish([delivery])
    return delivery
  }

  /** What comes in time, and while there is a peer: a plain read would lose it to one that is gone. */
  async #takeWaiting(
    reader: Reader,
    waitMs: number,
    isOpening: boolean,
  ): Promise<Delivery | undefined> {
    if (!this.#mayWaitFor(waitMs)) return undefined
    const delivery = await this.#take(reader, waitMs)
    if (!this.#client.intake.ended) return delivery
    this.#isDeserted = true
    if (isOpening) return delivery
    if (delivery) await giveBackUnshown(delivery)
    return undefined
  }

  #mayWaitFor(waitMs: number): boolean {
    return waitMs > 0 && this.#mayWait && !this.#client.intake.ended
  }

  async #take(reader: Reader, waitMs: number): Promise<Delivery | undefined> {
    try {
      if (waitMs === 0) return await reader.take(waitMs, this.#plan.openMs, undefined)
      return await this.#wait(reader, waitMs)
    } catch (error) {
      if (error instanceof QlogError && error.code === 'QLOG_ABORTED') return undefined
      throw error
    }
  }

  async #wait(reader: Reader, waitMs: number): Promise<Delivery | undefined> {
    this.#waiting ??= new AbortController()
    this.#waits++
    // What stands behind it keeps the socket from being read: from now on it may be read further.
    if (this.#client.intake.length > 0) this.#client.wake()
    try {
      return await reader.take(waitMs, this.#plan.openMs, this.#waiting.signal)
    } finally {
      this.#waits--
    }
  }

  async #peek(reader: Reader, waitMs: number): Promise<Found | undefined> {
    if (!reader.exists && waitMs === 0) return undefined
    await reader.ready()
    const group = reader.queue.group(reader.group)
    const found = await group.peek()
    if (found || !this.#mayWaitFor(waitMs)) return found
    // Nobody can wait for a message without taking it.
    const delivery = await this.#take(reader, waitMs)
    await delivery?.release()
    return delivery
  }

  /** As one entry, durably. */
  async #finish(deliveries: readonly Delivery[]): Promise<void> {
    try {
      const [only] = deliveries
      if (only && deliveries.length === 1) await only.ack()
      else if (only) await this.#readers.verbs.ack(deliveries)
    } catch (error) {
      // Nobody holds them any more: what was not finished comes again.
      await this.#giveBack(deliveries, 'could not be finished').catch(() => undefined)
      throw error
    }
  }

  /** Each by itself: one that is over, or whose queue is gone, must not keep the others. */
  async #giveBack(deliveries: readonly Delivery[], why: string): Promise<void> {
    // It was shown to somebody: that counts, where the queue is set to a number of attempts.
    const giveBack = (delivery: Delivery): Promise<void> =>
      ignoreStale(
        this.#plan.retry ? delivery.retry(why) : delivery.release({ counts: 'if-limited' }),
      )
    await Promise.all(deliveries.map(giveBack))
  }
}

/** No attempt, whatever counts as one. */
function giveBackUnshown(delivery: Delivery): Promise<void> {
  return ignoreStale(delivery.release())
}

/** What is over needs nobody to give it back. */
async function ignoreStale(settled: Promise<unknown>): Promise<void> {
  try {
    await settled
  } catch (error) {
    if (!(error instanceof QlogError && error.code === 'QLOG_STALE_LEASE')) throw error
  }
}
