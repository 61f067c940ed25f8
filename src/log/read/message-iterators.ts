/**
 * The two public iterators over a message reader. Hand-written, because they are on the way of every
 * message; calls that come while one is under way take their turn, as with a generator.
 */

import { abortError } from '../../errors.ts'
import type { Message } from '../types.ts'
import type { MessageReader } from './message-reader.ts'

/** Lets one asynchronous step run after the other. */
export class Turns {
  #last: Promise<unknown> | undefined

  get isFree(): boolean {
    return this.#last === undefined
  }

  run<T>(step: () => Promise<T>): Promise<T> {
    const run = this.#last === undefined ? step() : this.#last.then(step)
    const done: Promise<void> = run.then(
      () => this.#end(done),
      () => this.#end(done),
    )
    this.#last = done
    return run
  }

  #end(turn: Promise<void>): void {
    if (this.#last === turn) this.#last = undefined
  }
}

/** One message after the other. */
export class MessageIterator implements AsyncIterableIterator<Message> {
  readonly #reader: MessageReader
  readonly #signal: AbortSignal | undefined
  readonly #turns = new Turns()
  #batch: readonly Message[] = []
  #row = 0

  constructor(reader: MessageReader, signal: AbortSignal | undefined) {
    this.#reader = reader
    this.#signal = signal
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  next(): Promise<IteratorResult<Message>> {
    const value = this.#batch[this.#row]
    if (value !== undefined && this.#turns.isFree && !this.#signal?.aborted) {
      this.#row++
      return Promise.resolve({ done: false, value })
    }
    return this.#turns.run(() => this.#step())
  }

  async return(): Promise<IteratorResult<Message>> {
    this.#batch = []
    await this.#reader.close()
    return { done: true, value: undefined }
  }

  async #step(): Promise<IteratorResult<Message>> {
    if (this.#signal?.aborted) {
      await this.#reader.close()
      throw abortError(this.#signal)
    }
    if (this.#row >= this.#batch.length) {
      this.#batch = (await nextOrClose(this.#reader)) ?? []
      this.#row = 0
    }
    const value = this.#batch[this.#row++]
    return value === undefined ? { done: true, value } : { done: false, value }
  }
}

/** One batch after the other. */
export class BatchIterator implements AsyncIterableIterator<readonly Message[]> {
  readonly #reader: MessageReader
  readonly #turns = new Turns()

  constructor(reader: MessageReader) {
    this.#reader = reader
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  next(): Promise<IteratorResult<readonly Message[]>> {
    return this.#turns.run(() => this.#step())
  }

  async return(): Promise<IteratorResult<readonly Message[]>> {
    await this.#reader.close()
    return { done: true, value: undefined }
  }

  async #step(): Promise<IteratorResult<readonly Message[]>> {
    const value = await nextOrClose(this.#reader)
    return value === undefined ? { done: true, value } : { done: false, value }
  }
}

/** The next batch; at the end, or where reading fails, what the reader held is let go. */
async function nextOrClose(reader: MessageReader): Promise<readonly Message[] | undefined> {
  let batch: readonly Message[] | undefined
  try {
    batch = await reader.nextBatch()
    return batch
  } finally {
    if (batch === undefined) await reader.close()
  }
}
