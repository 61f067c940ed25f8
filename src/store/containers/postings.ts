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

/** A chunk of more entries is made of runs, which take next to nothing: it is not rewritten. */
const REWRITE_COUNT_MAX = 4_096

/** Kinds of due time of an entry. */
export const DUE_NONE = 0
export const DUE_ELAPSED = 1
export const DUE_WALL = 2

/** What is to be appended stands in front of what is there, or says what no entry can. */
export class NoEntryError extends Error {}

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
  ): void {
    this.#checkOrder(id, offset, timeMs)
    if (dueKind === DUE_NONE && expiresKind === 0 && priority === 0) {
      this.#appendPlain(id, offset, timeMs)
      this.#appended(id, offset, timeMs, 1)
      return
    }
    checkExtras(dueKind, dueMs, expiresKind, expiresMs, priority)
    const chunk = this.#chunkFor(id, offset, timeMs)
    const room = chunk.bytes.length
    chunk.writeExtras(id, offset, timeMs, dueKind, dueMs, expiresKind, expiresMs, priority)
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

  /**
   * Leaves out entries for which `isGone` is true, of the chunks from number `from` on, until it has
   * looked at about `entriesMax` of them. Returns the number to go on with; -1 at the end. Cursors find
   * their places again. What takes no less memory without them stays: the last chunk, and long runs.
   */
  rewriteSome(isGone: (offset: number) => boolean, from: number, entriesMax: number): number {
    const start = this.#indexOfNumber(from)
    let looked = 0
    let end = start
    const kept: PostingsChunk[] = []
    for (; end < this.#chunks.length - 1 && looked < entriesMax; end++) {
      const chunk = this.#chunks[end] as PostingsChunk
      const isRuns = chunk.count > REWRITE_COUNT_MAX
      looked += isRuns ? 1 : chunk.count
      const smaller = isRuns ? chunk : rewritten(chunk, isGone)
      if (smaller) kept.push(smaller)
    }
    this.#replace(start, end, kept)
    return end < this.#chunks.length - 1 ? (this.#chunks[start + kept.length]?.number ?? -1) : -1
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
    throw new NoEntryError(
      `entry ${id} at offset ${offset} and time ${timeMs} is not behind the last one`,
    )
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

  /** Puts other chunks, of the same numbers, in the place of those from `start` up to `end`. */
  #replace(start: number, end: number, kept: readonly PostingsChunk[]): void {
    const before = this.#chunks.slice(start, end)
    if (before.length === kept.length && before.every((chunk, row) => chunk === kept[row])) return
    this.#version++
    this.#rewrites++
    for (const { count, bytes } of before) {
      this.#count -= count
      this.#byteLength -= bytes.length
    }
    this.#chunks = [...this.#chunks.slice(0, start), ...kept, ...this.#chunks.slice(end)]
    const parts = new Set(before.filter((chunk) => !kept.includes(chunk)).map(partOf))
    for (let index = Math.max(0, start - 1); index < start + kept.length; index++) {
      const chunk = this.#chunks[index]
      if (chunk) chunk.next = this.#chunks[index + 1]
    }
    for (const { count, bytes } of kept) {
      this.#count += count
      this.#byteLength += bytes.length
    }
    for (const part of parts) {
      for (const chunk of this.#chunksOf(part)) chunk.changedAt = this.#version
    }
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

/** The chunk without what is gone; itself where that takes no less, undefined where nothing is left. */
function rewritten(
  chunk: PostingsChunk,
  isGone: (offset: number) => boolean,
): PostingsChunk | undefined {
  const cursor = new PostingsCursor({ rewrites: 0, findChunk: () => chunk })
  let live: PostingsChunk | undefined
  for (let row = 0; row < chunk.count; row++) {
    cursor.next()
    const { id, offset, timeMs } = cursor
    if (isGone(offset)) continue
    live ??= new PostingsChunk(chunk.number, id, offset, timeMs)
    if (live.isFull) return chunk
    if (cursor.hasExtras) {
      const { dueKind, dueMs, expiresKind, expiresMs, priority } = cursor
      live.writeExtras(id, offset, timeMs, dueKind, dueMs, expiresKind, expiresMs, priority)
    } else if (live.isNext(id, offset, timeMs)) live.extendRun(1)
    else live.writeSingle(id, offset, timeMs)
  }
  live?.close()
  return live && live.bytes.length >= chunk.bytes.length ? chunk : live
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
  throw new NoEntryError('an entry has extras that cannot be kept')
}
