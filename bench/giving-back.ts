/** A log that discards all but its newest messages while it is driven, so that it gives space back. */

import type { Log } from '../src/index.ts'
import type { Sink } from './driver.ts'

export class GivingBack implements Sink {
  readonly #log: Log
  readonly #keptMessages: number
  #firstKept = 1

  constructor(log: Log, keptMessages: number) {
    this.#log = log
    this.#keptMessages = keptMessages
  }

  async append(body: Uint8Array): Promise<void> {
    this.#giveBack((await this.#log.append(body)) + 1)
  }

  async appendMany(bodies: readonly Uint8Array[]): Promise<void> {
    this.#giveBack((await this.#log.appendMany(bodies)).endId)
  }

  appendSync(body: Uint8Array): void {
    this.#giveBack(this.#log.appendSync(body) + 1)
  }

  /** Half of what stays at a time: a discard costs more than an append, and segments leave whole. */
  #giveBack(endId: number): void {
    const firstKept = endId - this.#keptMessages
    if (firstKept < this.#firstKept + this.#keptMessages / 2) return
    this.#log.discard(this.#firstKept, firstKept)
    this.#firstKept = firstKept
  }
}
