/**
 * Cuts a stream of bytes into messages at a delimiter, however the chunks fall. Memory is bounded:
 * one unfinished message of limited length. Pure.
 */

export class MessageSplitter {
  readonly #delimiter: number
  readonly #messageBytesMax: number
  #pending: Uint8Array[] = []
  #pendingBytes = 0

  constructor(delimiter: number, messageBytesMax: number) {
    this.#delimiter = delimiter
    this.#messageBytesMax = messageBytesMax
  }

  /** True while a message longer than the limit has begun: it can never be appended. */
  get overflowed(): boolean {
    return this.#pendingBytes > this.#messageBytesMax
  }

  /** The messages that end in this chunk. Most are views of it, so use them before the next one. */
  push(chunk: Uint8Array): Uint8Array[] {
    const messages: Uint8Array[] = []
    let start = 0
    let end = chunk.indexOf(this.#delimiter)
    while (end !== -1) {
      messages.push(this.#finish(chunk.subarray(start, end)))
      start = end + 1
      end = chunk.indexOf(this.#delimiter, start)
    }
    if (start < chunk.length) {
      this.#pending.push(chunk.subarray(start))
      this.#pendingBytes += chunk.length - start
    }
    return messages
  }

  /** What stands behind the last delimiter; undefined where nothing does. */
  end(): Uint8Array | undefined {
    return this.#pendingBytes === 0 ? undefined : this.#finish(new Uint8Array(0))
  }

  #finish(tail: Uint8Array): Uint8Array {
    if (this.#pendingBytes === 0) return tail
    const whole = Buffer.concat([...this.#pending, tail])
    this.#pending = []
    this.#pendingBytes = 0
    return whole
  }
}
