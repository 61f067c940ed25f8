/**
 * Appends of the public log that wait for room, in order, so that ids follow the order of the calls. One loop takes
 * as many as there is room for whenever there is some, so that whoever comes too late costs little more than
 * others: a log that slows down under its load catches up late, or never. Knows no file.
 */
import { Fifo } from './fifo.ts'

export interface WaitingAppend {
  /** Copies: the caller has moved on. */
  readonly bodies: readonly Uint8Array[]
  /** It resolves with an id, not with a range of them. */
  readonly isOne: boolean
  readonly resolve: (value: never) => void
  readonly reject: (error: unknown) => void
}

export interface RoomQueueHost {
  readonly hasRoom: boolean
  /** Resolves once there is room, or none will ever be. */
  room(): Promise<void>
  /** Takes it into the log; throws where that takes nothing any more. */
  send(append: WaitingAppend): void
}

export class RoomQueue {
  readonly #host: RoomQueueHost
  readonly #waiting = new Fifo<WaitingAppend>()
  #draining: Promise<void> | undefined

  constructor(host: RoomQueueHost) {
    this.#host = host
  }

  get length(): number {
    return this.#waiting.length
  }

  add<T>(bodies: readonly Uint8Array[], isOne: boolean): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#waiting.push({ bodies, isOne, resolve: resolve as (value: never) => void, reject })
      this.#draining ??= this.#drain()
    })
  }

  /** Resolves once none of those that wait now does. */
  async drained(): Promise<void> {
    await this.#draining
  }

  async #drain(): Promise<void> {
    try {
      while (this.#waiting.length > 0) {
        await this.#host.room()
        do this.#sendFirst()
        while (this.#waiting.length > 0 && this.#host.hasRoom)
      }
    } catch (error) {
      for (const append of this.#waiting.takeAll()) append.reject(error)
    } finally {
      this.#draining = undefined
    }
  }

  #sendFirst(): void {
    const append = this.#waiting.take()
    if (append === undefined) return
    try {
      this.#host.send(append)
    } catch (error) {
      append.reject(error)
    }
  }
}
