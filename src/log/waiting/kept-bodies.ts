/**
 * Copies of bodies whose callers have moved on, first in, first out. They stand one behind another in chunks: an
 * allocation for each would cost as much as its promise (docs/decisions/0015). Pure memory.
 */
import { getUint32, setUint32 } from '../../format/bytes.ts'
import { Fifo } from '../fifo.ts'

/** In front of each body. */
const LENGTH_BYTES = 4
/** Bodies of a power of two fill it. */
const CHUNK_BYTES = 64 * 1024 + 16 * LENGTH_BYTES

interface Chunk {
  readonly bytes: Uint8Array
  used: number
}

export class KeptBodies {
  readonly #chunks = new Fifo<Chunk>()
  /** Where the next body to be taken stands in the first chunk. */
  #at = 0
  #byteLength = 0
  #length = 0

  get length(): number {
    return this.#length
  }

  /** Of the memory that is held for them. */
  get byteLength(): number {
    return this.#byteLength
  }

  /** Takes the bytes of all of them. Throws where there is no memory for all, with none taken. */
  keep(bodies: readonly Uint8Array[]): void {
    let needed = 0
    for (const body of bodies) needed += LENGTH_BYTES + body.length
    const chunk = this.#chunkWith(needed)
    for (const body of bodies) write(chunk, body)
    this.#length += bodies.length
  }

  /** The same for one. */
  keepOne(body: Uint8Array): void {
    write(this.#chunkWith(LENGTH_BYTES + body.length), body)
    this.#length++
  }

  /** The first of those that are kept, no longer kept; its bytes hold until the next `keep`. There must be one. */
  take(): Uint8Array {
    let chunk = this.#chunks.first
    if (chunk && this.#at === chunk.used) {
      this.#dropFirst(chunk)
      chunk = this.#chunks.first
    }
    if (!chunk) throw new Error('no body is kept')
    const start = this.#at + LENGTH_BYTES
    const end = start + getUint32(chunk.bytes, this.#at)
    this.#at = end
    this.#length--
    if (end === chunk.used && this.#chunks.length === 1) this.#empty(chunk)
    return chunk.bytes.subarray(start, end)
  }

  clear(): void {
    this.#chunks.takeAll()
    this.#at = 0
    this.#byteLength = 0
    this.#length = 0
  }

  /** The last chunk is used again, or an append a chunk would be made where there is always one that waits. */
  #empty(chunk: Chunk): void {
    if (chunk.bytes.length > CHUNK_BYTES) this.#dropFirst(chunk)
    chunk.used = 0
    this.#at = 0
  }

  #dropFirst(chunk: Chunk): void {
    this.#chunks.take()
    this.#byteLength -= chunk.bytes.length
    this.#at = 0
  }

  #chunkWith(freeBytes: number): Chunk {
    const { last } = this.#chunks
    if (last && last.used + freeBytes <= last.bytes.length) return last
    const chunk = { bytes: new Uint8Array(Math.max(CHUNK_BYTES, freeBytes)), used: 0 }
    this.#chunks.push(chunk)
    this.#byteLength += chunk.bytes.length
    return chunk
  }
}

function write(chunk: Chunk, body: Uint8Array): void {
  setUint32(chunk.bytes, chunk.used, body.length)
  chunk.bytes.set(body, chunk.used + LENGTH_BYTES)
  chunk.used += LENGTH_BYTES + body.length
}
