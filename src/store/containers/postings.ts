/**
 * A compressed list of message facts in order of id, that only grows at its end and is dropped from its
 * front: a plain backlog costs next to nothing, an entry among many interleaved queues two or three
 * bytes. Read through a PostingsCursor. Pure memory.
 */
import { PostingsChunk } from './postings-chunk.ts'
import { type ChunkSource, PostingsCursor } from './postings-cursor.ts'
import { decodeChunks, encodeChunks, follows } from './postings-part.ts'

/** Chunks of one stored part: at most 200 KB. */
const PART_CHUNKS = 48
/** About what a chunk takes in memory beside its bytes. */
const CHUNK_OVERHEAD_BYTES = 250

/** Kinds of due time of an entry. */
export const DUE_NONE = 0
export const DUE_ELAPSED = 1
export const DUE_WALL = 2

export class Postings implements ChunkSource {
  #chunks: PostingsChunk[] = []
  /** The chunk that takes entries; the last one. */
  #open: PostingsChunk | undefined
  #nextNumber = 0
  #count = 0
  #byteLength = 0
  #rewrites = 0
  #version = 0
  /** The version at which chunks were dropped last. */
  #droppedAt = 0
  #lastId = -1
  #lastOffset = -1
  #lastTimeMs = 0

  /** Entries. */
  get count(): number {
    return this.#count
  }

  get isEmpty(): boolean {
    return this.#count === 0
  }

  /** Bytes of memory, about. */
  get byteLength(): number {
    return this.#byteLength + CHUNK_OVERHEAD_BYTES * this.#chunks.length
  }

  /** Offset of the first entry; -1 if there is none. */
  get firstOffset(): number {
    return this.#chunks[0]?.firstOffset ?? -1
  }

  /** Offset of the last entry; -1 if there is none. */
  get lastOffset(): number {
    return this.#chunks.at(-1)?.lastOffset ?? -1
  }

  /** Grows with every change; for {@link isPartChanged}. */
  get version(): number {
    return this.#version
  }

  get rewrites(): number {
    return this.#rewrites
  }

  /** Adds an entry behind all others: id and offset must be higher, the time not lower. */
  append(
    id: number,
    offset: number,
    timeMs: number,
    dueKind = DUE_NONE,
    dueMs = 0,
    expiresKind = 0,
    expiresMs = 0,
    priority = 0,
    isKeyed = false,
  ): void {
    this.#checkOrder(id, offset, timeMs)
    if (dueKind === DUE_NONE && expiresKind === 0 && priority === 0 && !isKeyed) {
      this.#appendPlain(id, offset, timeMs)
      this.#appended(id, offset, timeMs, 1)
      return
    }
    checkExtras(dueKind, dueMs, expiresKind, expiresMs, priority)
    const chunk = this.#chunkFor(id, offset, timeMs)
    const room = chunk.bytes.length
    chunk.writeExtras(id, offset, timeMs, dueKind, dueMs, expiresKind, expiresMs, priority, isKeyed)
    this.#byteLength += chunk.bytes.length - room
    this.#appended(id, offset, timeMs, 1)
  }

  /** Adds `count` entries without extras, each with the next id and offset, all at one time. */
  appendRun(id: number, offset: number, timeMs: number, count: number): void {
    if (count === 0) return
    this.#checkOrder(id, offset, timeMs)
    const lastId = id + count - 1
    const lastOffset = offset + count - 1
    if (!isWhole(count) || !isWhole(lastId) || !isWhole(lastOffset)) {
      throw new Error(`a run of ${count} entries is none`)
    }
    this.#appendPlain(id, offset, timeMs)
    this.#open?.extendRun(count - 1)
    this.#appended(lastId, lastOffset, timeMs, count)
  }

  /** Lets go of the chunks whose entries are all below the offset. */
  dropBelow(offset: number): void {
    let dropped = 0
    for (const chunk of this.#chunks) {
      if (chunk.lastOffset >= offset) break
      chunk.isDropped = true
      this.#count -= chunk.count
      this.#byteLength -= chunk.bytes.length
      dropped++
    }
    if (dropped === 0) return
    this.#chunks.splice(0, dropped)
    this.#droppedAt = ++this.#version
    if (this.#chunks.length === 0) this.#open = undefined
  }

  /** Leaves out the entries for which `isGone` is true. Cursors find their places again. */
  rewrite(isGone: (offset: number) => boolean): void {
    const live = new Postings()
    // Other numbers, so that no part of before is taken for one of these.
    live.#nextNumber = Math.ceil(this.#nextNumber / PART_CHUNKS) * PART_CHUNKS
    const cursor = new PostingsCursor(this)
    while (cursor.next()) {
      if (isGone(cursor.offset)) continue
      live.append(
        cursor.id,
        cursor.offset,
        cursor.timeMs,
        cursor.dueKind,
        cursor.dueMs,
        cursor.expiresKind,
        cursor.expiresMs,
        cursor.priority,
        cursor.isKeyed,
      )
    }
    this.#version++
    this.#rewrites++
    for (const chunk of live.#chunks) chunk.changedAt = this.#version
    this.#chunks = live.#chunks
    this.#open = live.#open
    this.#nextNumber = live.#nextNumber
    this.#count = live.#count
    this.#byteLength = live.#byteLength
  }

  /** For a cursor: the first chunk with an entry at or above the offset, else the last chunk. */
  findChunk(offset: number): PostingsChunk | undefined {
    let low = 0
    let high = this.#chunks.length - 1
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#chunks[middle] as PostingsChunk).lastOffset < offset) low = middle + 1
      else high = middle
    }
    return this.#chunks[low]
  }

  /**
   * An offset from which on the first entry is found for which `isFrom` is true, as it is for all behind
   * it: where the last chunk begins whose first entry is none of them.
   */
  offsetBefore(isFrom: (id: number, timeMs: number) => boolean): number {
    let low = 0
    let high = this.#chunks.length
    while (low < high) {
      const middle = (low + high) >>> 1
      const { firstId, firstTimeMs } = this.#chunks[middle] as PostingsChunk
      if (isFrom(firstId, firstTimeMs)) high = middle
      else low = middle + 1
    }
    return this.#chunks[Math.max(0, low - 1)]?.firstOffset ?? 0
  }

  /** Numbers of the parts that hold all entries, in order. A number never comes back. */
  partNumbers(): number[] {
    const numbers: number[] = []
    for (const chunk of this.#chunks) {
      const part = partOf(chunk)
      if (part !== numbers.at(-1)) numbers.push(part)
    }
    return numbers
  }

  encodePart(part: number): Uint8Array {
    return encodeChunks(this.#chunksOf(part))
  }

  /** False where a part has the bytes that it had when {@link version} was `version`. */
  isPartChanged(part: number, version: number): boolean {
    const chunks = this.#chunksOf(part)
    if (chunks.some((chunk) => chunk.changedAt > version)) return true
    return this.#droppedAt > version && chunks[0] === this.#chunks[0]
  }

  /**
   * Adds a part that {@link encodePart} wrote, in order of numbers and before anything is appended.
   * False where it is malformed.
   */
  loadPart(bytes: Uint8Array): boolean {
    if (this.#open !== undefined) throw new Error('a part cannot be loaded behind new entries')
    const chunks = decodeChunks(bytes)
    const first = chunks?.[0]
    const last = chunks?.at(-1)
    if (chunks === undefined || first === undefined || last === undefined) return false
    const before = this.#chunks.at(-1)
    if (partOf(first) !== partOf(last) || first.number < this.#nextNumber) return false
    if (before !== undefined && !follows(first, before)) return false
    if (before !== undefined) before.next = first
    for (const chunk of chunks) {
      chunk.changedAt = this.#version
      this.#chunks.push(chunk)
      this.#count += chunk.count
      this.#byteLength += chunk.bytes.length
    }
    // The next entry begins a chunk of its own: these are closed.
    this.#nextNumber = last.number + 1
    this.#lastId = last.lastId
    this.#lastOffset = last.lastOffset
    this.#lastTimeMs = last.lastTimeMs
    return true
  }

  #checkOrder(id: number, offset: number, timeMs: number): void {
    const isLater = id > this.#lastId && offset > this.#lastOffset && timeMs >= this.#lastTimeMs
    if (isLater && isWhole(id) && isWhole(offset) && isWhole(timeMs)) return
    throw new Error(`entry ${id} at offset ${offset} and time ${timeMs} is not behind the last one`)
  }

  #appendPlain(id: number, offset: number, timeMs: number): void {
    if (this.#open?.isNext(id, offset, timeMs)) {
      this.#open.extendRun(1)
      return
    }
    const chunk = this.#chunkFor(id, offset, timeMs)
    const room = chunk.bytes.length
    if (chunk.isNext(id, offset, timeMs)) chunk.extendRun(1)
    else chunk.writeSingle(id, offset, timeMs)
    this.#byteLength += chunk.bytes.length - room
  }

  #appended(id: number, offset: number, timeMs: number, count: number): void {
    this.#lastId = id
    this.#lastOffset = offset
    this.#lastTimeMs = timeMs
    this.#count += count
    if (this.#open !== undefined) this.#open.changedAt = ++this.#version
  }

  /** The open chunk, or a new one where it is full. */
  #chunkFor(id: number, offset: number, timeMs: number): PostingsChunk {
    if (this.#open !== undefined && !this.#open.isFull) return this.#open
    const chunk = new PostingsChunk(this.#nextNumber++, id, offset, timeMs)
    const before = this.#chunks.at(-1)
    if (before !== undefined) {
      const room = before.bytes.length
      before.close()
      before.next = chunk
      this.#byteLength += before.bytes.length - room
    }
    this.#byteLength += chunk.bytes.length
    this.#chunks.push(chunk)
    this.#open = chunk
    return chunk
  }

  #chunksOf(part: number): PostingsChunk[] {
    const start = this.#indexOfNumber(part * PART_CHUNKS)
    return this.#chunks.slice(start, this.#indexOfNumber((part + 1) * PART_CHUNKS))
  }

  /** Index of the first chunk with at least this number. */
  #indexOfNumber(number: number): number {
    let low = 0
    let high = this.#chunks.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#chunks[middle] as PostingsChunk).number < number) low = middle + 1
      else high = middle
    }
    return low
  }
}

function partOf(chunk: PostingsChunk): number {
  return Math.floor(chunk.number / PART_CHUNKS)
}

function isWhole(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0
}

function checkExtras(
  dueKind: number,
  dueMs: number,
  expiresKind: number,
  expiresMs: number,
  priority: number,
): void {
  const areKinds =
    dueKind >= DUE_NONE && dueKind <= DUE_WALL && expiresKind >= 0 && expiresKind <= 1
  if (areKinds && isWhole(dueMs) && isWhole(expiresMs) && isWhole(priority)) return
  throw new Error('an entry has extras that cannot be kept')
}
