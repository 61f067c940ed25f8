/**
 * Bodies of puts that are not durable yet, bounded over all connections of a protocol. Pure.
 *
 * What finds no room waits in a row, and begins as soon as others are durable. What is under way needs
 * nobody who waits, so that the row always moves; nobody passes its first.
 */

/** All that is under way together, or one body. */
export const PUTS_BYTES_MAX = 64 * 1024 * 1024

/** A connection whose put waits; it has one at most. */
export interface PutWaiter {
  readonly waitingBytes: number
  /** The room is taken for it: it begins now, or gives it back. */
  admitted(): void
}

export class PutRoom {
  readonly #bytesMax: number
  #bytes = 0
  readonly #row = new Set<PutWaiter>()

  constructor(bytesMax = PUTS_BYTES_MAX) {
    this.#bytesMax = bytesMax
  }

  /** Bytes that are under way. */
  get bytes(): number {
    return this.#bytes
  }

  /** Takes room for the bytes that `waiter` tells; false where it stands in the row from now on. */
  enter(waiter: PutWaiter): boolean {
    if (this.#row.size === 0 && this.#take(waiter.waitingBytes)) return true
    this.#row.add(waiter)
    return false
  }

  isWaiting(waiter: PutWaiter): boolean {
    return this.#row.has(waiter)
  }

  /** A put is durable, or has failed. */
  leave(bytes: number): void {
    this.#bytes -= bytes
    if (this.#row.size > 0) this.#serve()
  }

  /** Whoever waits does so no more. */
  giveUp(waiter: PutWaiter): void {
    if (this.#row.delete(waiter)) this.#serve()
  }

  #serve(): void {
    for (const waiter of this.#row) {
      if (!this.#take(waiter.waitingBytes)) return
      this.#row.delete(waiter)
      waiter.admitted()
    }
  }

  #take(bytes: number): boolean {
    // One that is larger than all the room there is goes alone.
    if (this.#bytes > 0 && this.#bytes + bytes > this.#bytesMax) return false
    this.#bytes += bytes
    return true
  }
}
