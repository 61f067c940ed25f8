/** A log that discards all but its newest messages while it is driven, so that it gives space back. */

import type { Log } from '../index.ts'
import type { Sink } from './driver.ts'

export class GivingBack implements Sink {
  readonly #log: Log
  readonly #keptMessages: number
  #firstKept = 1

  /** `keptMessages`: more than can be in flight, so that what is discarded has resolved. */
  constructor(log: Log, keptMessages: number) {
    this.#log = log
    this.#keptMessages = keptMessages
  }

  append(body: Uint8Array): Promise<unknown> {
    this.#giveBack()
    return this.#log.append(body)
  }

  appendMany(bodies: readonly Uint8Array[]): Promise<unknown> {
    this.#giveBack()
    return this.#log.appendMany(bodies)
  }

  appendSync(body: Uint8Array): unknown {
    this.#giveBack()
    return this.#log.appendSync(body)
  }

  /** Half of what stays at a time: a discard costs more than an append, and segments leave whole. */
  #giveBack(): void {
    const firstKept = this.#log.nextId - this.#keptMessages
    if (firstKept < this.#firstKept + this.#keptMessages / 2) return
    this.#log.discard(this.#firstKept, firstKept)
    this.#firstKept = firstKept
  }
}
