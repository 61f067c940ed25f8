/**
 * The answers of one connection that the peer has not taken yet, gathered until they are sent. Pure.
 */

/** Longer pieces are not copied together with others. */
const COPIED_BYTES_MAX = 64 * 1024

export class Output {
  /** What was written, in its order; what follows a string at once is joined to it. */
  #parts: (Uint8Array | string)[] = []
  #text = ''
  #bytes = 0

  /** Bytes that were written and not taken out. */
  get bytes(): number {
    return this.#bytes
  }

  add(part: Uint8Array | string): void {
    this.#bytes += part.length
    if (typeof part === 'string') {
      this.#text += part
      return
    }
    if (this.#text !== '') {
      this.#parts.push(this.#text)
      this.#text = ''
    }
    this.#parts.push(part)
  }

  /** Takes out what is sent as one write, about `bytesMax` of it; undefined where there is nothing. */
  take(bytesMax: number): Uint8Array | string | undefined {
    if (this.#bytes === 0) return undefined
    if (this.#parts.length === 0 && this.#text.length <= bytesMax) {
      const text = this.#text
      this.#text = ''
      this.#bytes = 0
      return text
    }
    if (this.#text !== '') this.#parts.push(this.#text)
    this.#text = ''
    const first = this.#parts[0] ?? ''
    if (first.length > COPIED_BYTES_MAX) return this.#takeOf(first, bytesMax)
    return this.#join(bytesMax)
  }

  clear(): void {
    this.#parts = []
    this.#text = ''
    this.#bytes = 0
  }

  #takeOf(first: Uint8Array | string, bytesMax: number): Uint8Array | string {
    const isWhole = first.length <= bytesMax
    const taken = isWhole
      ? first
      : typeof first === 'string'
        ? first.slice(0, bytesMax)
        : first.subarray(0, bytesMax)
    if (isWhole) this.#parts.shift()
    else {
      this.#parts[0] = typeof first === 'string' ? first.slice(bytesMax) : first.subarray(bytesMax)
    }
    this.#bytes -= taken.length
    return taken
  }

  /** Short pieces as one buffer. */
  #join(bytesMax: number): Uint8Array {
    let bytes = 0
    let count = 0
    for (const part of this.#parts) {
      if (part.length > COPIED_BYTES_MAX || (count > 0 && bytes + part.length > bytesMax)) break
      bytes += part.length
      count += 1
    }
    const joined = Buffer.allocUnsafe(bytes)
    let at = 0
    for (let row = 0; row < count; row += 1) {
      const part = this.#parts[row] ?? ''
      if (typeof part === 'string') joined.write(part, at, 'latin1')
      else joined.set(part, at)
      at += part.length
    }
    this.#parts.splice(0, count)
    this.#bytes -= bytes
    return joined
  }
}
