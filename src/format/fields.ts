/**
 * Reading and writing of structures whose fields follow one another. The reader never leaves the bytes
 * it was given and never allocates from a length it read: after the first field that does not fit it
 * is `failed`, and stays so, and yields zeros. Not for hot paths.
 */
import { getUint32, getUint64, NOT_SAFE, setUint32, setUint64 } from './bytes.ts'

const EMPTY = new Uint8Array(0)

export class FieldReader {
  /** True once a field did not fit or did not hold what it must. */
  failed = false
  #at: number
  readonly #bytes: Uint8Array
  readonly #end: number

  constructor(bytes: Uint8Array, start = 0, end = bytes.length) {
    this.#bytes = bytes
    this.#at = start
    this.#end = end
  }

  /** Bytes not read yet. */
  get rest(): number {
    return this.#end - this.#at
  }

  /** True where every field was read as it must be, and nothing is left over. */
  get complete(): boolean {
    return !this.failed && this.#at === this.#end
  }

  /** Marks the structure malformed unless `condition` holds. */
  require(condition: boolean): void {
    if (!condition) this.failed = true
  }

  uint32(): number {
    return this.#has(4) ? getUint32(this.#bytes, this.#advance(4)) : 0
  }

  uint64(): number {
    if (!this.#has(8)) return 0
    const value = getUint64(this.#bytes, this.#advance(8))
    if (value !== NOT_SAFE) return value
    this.failed = true
    return 0
  }

  /** A u32 that must be zero. */
  zero32(): void {
    this.require(this.uint32() === 0)
  }

  /** A number of entries that follow, each of at least `entryBytes`: 0 where they cannot fit. */
  count(value: number, entryBytes: number): number {
    if (value * entryBytes <= this.rest) return value
    this.failed = true
    return 0
  }

  /** A view of the next `length` bytes. */
  bytes(length: number): Uint8Array {
    if (!this.#has(length)) return EMPTY
    const start = this.#advance(length)
    return this.#bytes.subarray(start, start + length)
  }

  /** 16 bytes as 32 hexadecimal digits. */
  hex16(): string {
    let text = ''
    for (const byte of this.bytes(16)) text += byte.toString(16).padStart(2, '0')
    return text
  }

  /** UTF-8 text of `length` bytes. */
  text(length: number): string {
    const text = decodeUtf8(this.bytes(length))
    if (text !== undefined) return text
    this.failed = true
    return ''
  }

  #has(length: number): boolean {
    if (this.failed || length > this.rest) this.failed = true
    return !this.failed
  }

  #advance(length: number): number {
    const start = this.#at
    this.#at += length
    return start
  }
}

export class FieldWriter {
  /** What was written; of exactly the size announced. */
  readonly target: Uint8Array
  #at = 0

  constructor(byteLength: number) {
    this.target = new Uint8Array(byteLength)
  }

  uint32(value: number): void {
    if (!Number.isInteger(value) || value < 0 || value > 0xffff_ffff) {
      throw new Error(`${value} is no u32`)
    }
    setUint32(this.target, this.#take(4), value)
  }

  uint64(value: number): void {
    setUint64(this.target, this.#take(8), value)
  }

  bytes(value: Uint8Array): void {
    this.target.set(value, this.#take(value.length))
  }

  hex16(text: string): void {
    if (!/^[0-9a-f]{32}$/.test(text)) throw new Error(`${text} is not 32 hexadecimal digits`)
    const start = this.#take(16)
    for (let i = 0; i < 16; i++) {
      this.target[start + i] = Number.parseInt(text.slice(2 * i, 2 * i + 2), 16)
    }
  }

  /** Bytes left as zero. */
  zero(length: number): void {
    this.#take(length)
  }

  /** The whole structure; throws where its size was announced wrongly. */
  finish(): Uint8Array {
    if (this.#at !== this.target.length) {
      throw new Error(`a structure of ${this.#at} bytes was announced as ${this.target.length}`)
    }
    return this.target
  }

  #take(length: number): number {
    const start = this.#at
    this.#at += length
    if (this.#at > this.target.length) throw new Error('a structure outgrew its announced size')
    return start
  }
}

/** UTF-8 of a name; throws where the text is not well formed, since it would not come back. */
export function encodeUtf8(text: string): Uint8Array {
  const bytes = new TextEncoder().encode(text)
  if (decodeUtf8(bytes) !== text) throw new Error('text with a lone surrogate cannot be stored')
  return bytes
}

function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    // A byte order mark is part of the text here, or it would not come back.
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    // The decoder throws for malformed bytes only; the caller calls the structure malformed.
    return undefined
  }
}
