/**
 * How many bytes each message of a queue takes that is not gone, for queues with a limit of bytes: four
 * bytes a message. Kept, and saved, by chunks of offsets. Pure memory.
 */
import type { StateHash } from '../containers/state-hash.ts'
import { ByteReader, ByteWriter } from '../containers/varint.ts'

/** Offsets of a chunk. */
export const CHUNK_SIZES = 1_024

class SizeChunk {
  readonly sizes = new Uint32Array(CHUNK_SIZES)
  count = 0
  total = 0
  version = 0
}

export class SizeTable {
  readonly #chunks = new Map<number, SizeChunk>()
  /** Of all chunks: one that comes back shall not have a version that it had before. */
  #version = 0
  #total = 0
  #count = 0

  /** Bytes of all messages together. */
  get total(): number {
    return this.#total
  }

  /** Messages whose bytes are known. */
  get count(): number {
    return this.#count
  }

  /** 0 where the message is gone, or was put before sizes were kept. */
  get(offset: number): number {
    const number = Math.floor(offset / CHUNK_SIZES)
    return this.#chunks.get(number)?.sizes[offset - number * CHUNK_SIZES] ?? 0
  }

  add(offset: number, bytes: number): void {
    const number = Math.floor(offset / CHUNK_SIZES)
    let chunk = this.#chunks.get(number)
    if (!chunk) {
      chunk = new SizeChunk()
      this.#chunks.set(number, chunk)
    }
    chunk.sizes[offset - number * CHUNK_SIZES] = bytes
    chunk.count++
    chunk.total += bytes
    this.#count++
    chunk.version = ++this.#version
    this.#total += bytes
  }

  /** Bytes of the messages of [first, end). */
  bytesWithin(first: number, end: number): number {
    let sum = 0
    for (let from = first; from < end; ) {
      const number = Math.floor(from / CHUNK_SIZES)
      const start = number * CHUNK_SIZES
      const to = Math.min(end, start + CHUNK_SIZES)
      const chunk = this.#chunks.get(number)
      if (chunk && to - from === CHUNK_SIZES) sum += chunk.total
      else if (chunk) {
        for (let row = from - start; row < to - start; row++) sum += chunk.sizes[row] ?? 0
      }
      from = to
    }
    return sum
  }

  remove(first: number, end: number): void {
    const last = Math.floor((end - 1) / CHUNK_SIZES)
    for (let number = Math.floor(first / CHUNK_SIZES); number <= last; number++) {
      const chunk = this.#chunks.get(number)
      if (chunk) this.#removeWithin(chunk, number, first, end)
    }
  }

  chunkNumbers(): readonly number[] {
    return [...this.#chunks.keys()].sort((a, b) => a - b)
  }

  versionOf(chunk: number): number {
    return this.#chunks.get(chunk)?.version ?? 0
  }

  /** The sizes of a chunk, one for each of its offsets up to the last that has one. */
  encodeChunk(number: number): Uint8Array {
    const writer = new ByteWriter()
    const sizes = this.#chunks.get(number)?.sizes ?? new Uint32Array(0)
    const count = sizes.findLastIndex((bytes) => bytes > 0) + 1
    writer.varint(count)
    for (const bytes of sizes.subarray(0, count)) writer.varint(bytes)
    return writer.finish()
  }

  /** Takes in what {@link encodeChunk} wrote; false where it is malformed. */
  loadChunk(number: number, bytes: Uint8Array): boolean {
    const reader = new ByteReader(bytes)
    const count = reader.varint()
    reader.require(count <= CHUNK_SIZES)
    for (let row = 0; row < count && !reader.failed; row++) {
      const size = reader.varint()
      if (size > 0) this.add(number * CHUNK_SIZES + row, size)
    }
    return reader.complete
  }

  hashInto(hash: StateHash): void {
    for (const number of this.chunkNumbers()) {
      hash.number(number)
      for (const bytes of this.#chunks.get(number)?.sizes ?? []) hash.number(bytes)
    }
  }

  #removeWithin(chunk: SizeChunk, number: number, first: number, end: number): void {
    const start = number * CHUNK_SIZES
    const from = Math.max(0, first - start)
    const to = Math.min(CHUNK_SIZES, end - start)
    for (let row = from; row < to; row++) {
      const bytes = chunk.sizes[row] ?? 0
      if (bytes === 0) continue
      chunk.sizes[row] = 0
      chunk.count--
      chunk.total -= bytes
      this.#count--
      this.#total -= bytes
    }
    chunk.version = ++this.#version
    if (chunk.count === 0) this.#chunks.delete(number)
  }
}
