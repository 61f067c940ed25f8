/**
 * Appends of the plain log that wait for room, in order, so that ids follow the order of the calls. One loop takes
 * as many as there is room for whenever there is some, so that whoever comes too late costs little more than
 * others: a log that slows down under its load catches up late, or never. Knows no file.
 */
import { Fifo } from '../fifo.ts'
import type { IdRange } from '../types.ts'
import type { Settling } from './append-promises.ts'
import { KeptBodies } from './kept-bodies.ts'
import { assertMayWait, WAITING_BYTES_MAX } from './waiting-bound.ts'

export interface RoomQueueHost {
  readonly hasRoom: boolean
  /** Resolves once there is room, or none will ever be. */
  room(): Promise<void>
  /** Takes it into the log, bytes and all; throws where that takes nothing any more. */
  sendOne(body: Uint8Array, settling: Settling): void
  sendBatch(bodies: readonly Uint8Array[], settling: Settling): void
}

/** In place of the number of a batch's messages. */
const NO_BATCH = -1

export class RoomQueue {
  readonly #host: RoomQueueHost
  readonly #bytesMax: number
  readonly #appends = new Fifo<Settling>()
  /** Messages of each one's batch. */
  readonly #counts = new Fifo<number>()
  readonly #bodies = new KeptBodies()
  #draining: Promise<void> | undefined

  constructor(host: RoomQueueHost, bytesMax = WAITING_BYTES_MAX) {
    this.#host = host
    this.#bytesMax = bytesMax
  }

  get length(): number {
    return this.#appends.length
  }

  /** Whoever comes now waits here. */
  get mustWait(): boolean {
    return this.#appends.length > 0 || !this.#host.hasRoom
  }

  /** Copies the bytes: the caller moves on. Throws QLOG_BUSY where too much waits already. */
  addOne(body: Uint8Array): Promise<number> {
    this.#assertRoom()
    this.#bodies.keepOne(body)
    return this.#add(NO_BATCH)
  }

  /** The same for a batch. */
  addBatch(bodies: readonly Uint8Array[]): Promise<IdRange> {
    this.#assertRoom()
    this.#bodies.keep(bodies)
    return this.#add(bodies.length)
  }

  /** Resolves once none of those that wait now does. */
  async drained(): Promise<void> {
    await this.#draining
  }

  #assertRoom(): void {
    assertMayWait(this.#bodies.length, this.#bodies.byteLength, this.#bytesMax)
  }

  #add<T>(count: number): Promise<T> {
    this.#counts.push(count)
    return new Promise<T>((resolve, reject) => {
      this.#appends.push({ resolve: resolve as Settling['resolve'], reject })
      this.#draining ??= this.#drain()
    })
  }

  async #drain(): Promise<void> {
    try {
      while (this.length > 0) {
        await this.#host.room()
        do this.#sendFirst()
        while (this.length > 0 && this.#host.hasRoom)
      }
    } catch (error) {
      const cause = error instanceof Error ? error : new Error(String(error))
      this.#counts.takeAll()
      this.#bodies.clear()
      for (const append of this.#appends.takeAll()) append.reject(cause)
    } finally {
      this.#draining = undefined
    }
  }

  #sendFirst(): void {
    const append = this.#appends.take()
    const count = this.#counts.take()
    if (append === undefined || count === undefined) return
    try {
      if (count === NO_BATCH) this.#host.sendOne(this.#bodies.take(), append)
      else this.#host.sendBatch(this.#takeBatch(count), append)
    } catch (error) {
      append.reject(error instanceof Error ? error : new Error(String(error)))
    }
  }

  #takeBatch(count: number): readonly Uint8Array[] {
    const bodies: Uint8Array[] = []
    while (bodies.length < count) bodies.push(this.#bodies.take())
    return bodies
  }
}
