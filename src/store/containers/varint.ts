/**
 * Unsigned numbers below 2^53 as LEB128 (seven bits a byte, lowest first), and readers and writers of
 * bytes made of them. The reader never leaves its bytes and never throws for what it finds in them.
 * Pure memory; knows nothing of what the bytes mean.
 */

const TWO_7 = 0x80
const TWO_28 = 0x1000_0000
/** Below this a value is handled by bit operations; above it they would lose bits. */
const TWO_31 = 0x8000_0000
/** Bytes of the largest varint: 53 bits. */
export const VARINT_BYTES_MAX = 8
/** The eighth byte carries the bits 49 to 52 only. */
const LAST_BYTE_MAX = 0x0f
const WRITER_BYTES_FIRST = 64
const EMPTY = new Uint8Array(0)

/** How many bytes {@link writeVarint} takes for `value`. */
export function varintBytes(value: number): number {
  let length = 1
  for (let limit = TWO_7; value >= limit; limit *= TWO_7) length++
  return length
}

/** Writes `value` at `at` and returns the position behind it; room is the caller's duty. */
export function writeVarint(target: Uint8Array, at: number, value: number): number {
  let next = at
  let rest = value
  while (rest >= TWO_31) {
    const high = Math.floor(rest / TWO_7)
    target[next++] = (rest - high * TWO_7) | 0x80
    rest = high
  }
  while (rest >= TWO_7) {
    target[next++] = (rest & 0x7f) | 0x80
    rest >>>= 7
  }
  target[next] = rest
  return next + 1
}

/** Strict, or a text would not be what was written; a byte order mark is part of it. */
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const encoder = new TextEncoder()

/** Reads what {@link ByteWriter} wrote; usable again after `reset`. */
export class ByteReader {
  /** True once something did not fit or was malformed; zeros come from then on. */
  failed = false
  at: number
  source: Uint8Array
  end: number

  constructor(bytes: Uint8Array = EMPTY, at = 0, end = bytes.length) {
    this.source = bytes
    this.at = at
    this.end = end
  }

  /** Begins anew on other bytes. */
  reset(bytes: Uint8Array, at = 0, end = bytes.length): void {
    this.failed = false
    this.source = bytes
    this.at = at
    this.end = end
  }

  /** Bytes not read yet. */
  get rest(): number {
    return this.end - this.at
  }

  /** True where everything was read as it must be, and nothing is left over. */
  get complete(): boolean {
    return !this.failed && this.at === this.end
  }

  /** Marks the bytes malformed unless `condition` holds. */
  require(condition: boolean): void {
    if (!condition) this.failed = true
  }

  /** One byte as a number. */
  byte(): number {
    return this.#has(1) ? (this.source[this.at++] as number) : 0
  }

  /** The next varint; one that is longer than it need be is malformed, as it would not come back. */
  varint(): number {
    if (!this.#has(1)) return 0
    const first = this.source[this.at++] as number
    return first < TWO_7 ? first : this.#longVarint(first)
  }

  /** A varint of those that are given one after the other: the largest has none behind it. */
  ordinal(): number {
    const value = this.varint()
    if (value < Number.MAX_SAFE_INTEGER) return value
    this.failed = true
    return 0
  }

  /** A view of the next `length` bytes. */
  bytes(length: number): Uint8Array {
    if (!this.#has(length)) return EMPTY
    const start = this.at
    this.at += length
    return this.source.subarray(start, this.at)
  }

  /** UTF-8 text of `length` bytes; the writer puts that length in front as a varint. */
  text(length: number): string {
    try {
      return decoder.decode(this.bytes(length))
    } catch {
      // The decoder throws for malformed bytes only.
      this.failed = true
      return ''
    }
  }

  #longVarint(first: number): number {
    let value = first & 0x7f
    let scale = TWO_7
    for (let length = 2; length <= VARINT_BYTES_MAX && this.at < this.end; length++) {
      const byte = this.source[this.at++] as number
      // Only the fifth byte and later ones can exceed 31 bits.
      if (scale < TWO_28) value |= (byte & 0x7f) * scale
      else value += (byte & 0x7f) * scale
      if (byte < TWO_7) {
        if (byte === 0 || (length === VARINT_BYTES_MAX && byte > LAST_BYTE_MAX)) break
        return value
      }
      scale *= TWO_7
    }
    this.failed = true
    return 0
  }

  #has(length: number): boolean {
    if (this.failed || length > this.end - this.at) this.failed = true
    return !this.failed
  }
}

/** Bytes that grow as they are written. */
export class ByteWriter {
  #target: Uint8Array
  #at = 0

  constructor(byteLengthExpected = WRITER_BYTES_FIRST) {
    this.#target = new Uint8Array(Math.max(byteLengthExpected, VARINT_BYTES_MAX))
  }

  /** Bytes written so far. */
  get length(): number {
    return this.#at
  }

  byte(value: number): void {
    this.#makeRoom(1)
    this.#target[this.#at++] = value
  }

  varint(value: number): void {
    if (!Number.isSafeInteger(value) || value < 0) throw new Error(`${value} is no varint`)
    this.#makeRoom(VARINT_BYTES_MAX)
    this.#at = writeVarint(this.#target, this.#at, value)
  }

  /** The bytes alone, without their length. */
  bytes(value: Uint8Array): void {
    this.#makeRoom(value.length)
    this.#target.set(value, this.#at)
    this.#at += value.length
  }

  /** The text as UTF-8, its length in bytes in front of it; throws where it would not come back. */
  text(value: string): void {
    if (!value.isWellFormed()) throw new Error('text with a lone surrogate cannot be stored')
    const encoded = encoder.encode(value)
    this.varint(encoded.length)
    this.bytes(encoded)
  }

  /** What was written, in bytes of their own; the writer is empty afterwards. */
  finish(): Uint8Array {
    const written = this.#target.slice(0, this.#at)
    this.#at = 0
    return written
  }

  #makeRoom(length: number): void {
    const needed = this.#at + length
    if (needed <= this.#target.length) return
    const larger = new Uint8Array(Math.max(needed, 2 * this.#target.length))
    larger.set(this.#target.subarray(0, this.#at))
    this.#target = larger
  }
}
