/**
 * The newest groups of a log in memory, for readers that follow at its tail: they read no file. A group
 * comes in once it has resolved, as one copy, because its writer uses its buffer again; while nobody is
 * at the tail none does. Memory only.
 *
 * Who reads from here checks every block's checksum as if it came from the file (invariant 4). Leaving
 * that out would gain half of what such a read costs; but it is what stands between a mistake in
 * the use of a buffer, or memory that went bad, and wrong bytes at the reader's.
 */
import { getUint32, getUint64 } from '../../format/bytes.ts'
import { BLOCK_FIRST_ID_AT, BLOCK_HEADER_BYTES, BLOCK_LENGTH_AT } from '../../format/layout.ts'

/** What a log keeps in all, and so how far behind a follower may be and still read no file. */
export const TAIL_CACHE_BYTES_MAX = 4 * 1024 * 1024
/** A body that a user keeps pins at most this much beyond its own bytes. */
export const TAIL_CHUNK_BYTES = 64 * 1024

/** Whole blocks that follow each other in one segment. Grows at its end, and never changes before it. */
export interface TailChunk {
  readonly number: number
  /** Offset in the file of its first byte, which begins a block. */
  readonly start: number
  /** First id of its first block. */
  readonly firstId: number
  readonly bytes: Uint8Array
  used: number
  readonly lent: Lent
}

/** What views of a stretch of memory were given to users, who may write into them. */
export interface Lent {
  /** The last message that was; 0 where none was. */
  id: number
}

export class TailCache {
  /** Oldest first. */
  #chunks: TailChunk[] = []
  #bytes = 0
  #passedBytes = 0
  readonly #seats = new Set<TailSeat>()

  /** What the chunks take, whether full or not. */
  get byteLength(): number {
    return this.#bytes
  }

  /** Bytes that have passed while this cache was watched: what a seat measures its distance in. */
  get passedBytes(): number {
    return this.#passedBytes
  }

  /** A reader waits at the tail: from now on groups are kept for it. */
  join(seat: TailSeat): void {
    this.#seats.add(seat)
  }

  leave(seat: TailSeat): void {
    if (this.#seats.delete(seat) && this.#seats.size === 0) this.clear()
  }

  /** Takes a group that has resolved: `pieces` stand one behind the other from `offset` on. */
  add(number: number, offset: number, pieces: readonly Uint8Array[]): void {
    if (this.#seats.size === 0) return
    const total = pieces.reduce((bytes, piece) => bytes + piece.length, 0)
    this.#passedBytes += total
    for (const seat of this.#seats) if (seat.isLeftBehind) this.leave(seat)
    if (this.#seats.size === 0) return
    if (total > TAIL_CACHE_BYTES_MAX) {
      // Its front would be gone before anybody could read it, and readers begin at the front.
      this.clear()
      return
    }
    let at = offset
    try {
      for (const piece of pieces) {
        this.#addPiece(number, at, piece)
        at += piece.length
      }
    } catch (error) {
      // There was no memory for the copy: readers find the group in the file.
      if (!(error instanceof RangeError)) throw error
      this.clear()
    }
  }

  /** The chunk that holds this place of a segment. */
  find(number: number, offset: number): TailChunk | undefined {
    for (let row = this.#chunks.length - 1; row >= 0; row--) {
      const chunk = this.#chunks[row]
      if (chunk?.number !== number || offset < chunk.start) continue
      return offset < chunk.start + chunk.used ? chunk : undefined
    }
    return undefined
  }

  /** Offset of a block at or in front of the one that holds `id`; undefined where it is not here. */
  locate(number: number, id: number): number | undefined {
    for (let row = this.#chunks.length - 1; row >= 0; row--) {
      const chunk = this.#chunks[row]
      if (chunk?.number === number && chunk.firstId <= id) return chunk.start
    }
    return undefined
  }

  clear(): void {
    this.#chunks = []
    this.#bytes = 0
  }

  #addPiece(number: number, offset: number, piece: Uint8Array): void {
    for (let from = 0; from < piece.length; ) {
      const last = this.#chunks.at(-1)
      const isNext = last?.number === number && last.start + last.used === offset + from
      const to = last && isNext ? blocksWithin(piece, from, last.bytes.length - last.used) : from
      if (last && to > from) {
        last.bytes.set(piece.subarray(from, to), last.used)
        last.used += to - from
        from = to
      } else this.#begin(number, offset + from, piece, from)
    }
  }

  /** Begins a chunk for the block at `from`; one that is larger gets a chunk of its own. */
  #begin(number: number, start: number, piece: Uint8Array, from: number): void {
    const byteLength = Math.max(TAIL_CHUNK_BYTES, blockLength(piece, from))
    const firstId = getUint64(piece, from + BLOCK_FIRST_ID_AT)
    const bytes = new Uint8Array(byteLength)
    this.#chunks.push({ number, start, firstId, bytes, used: 0, lent: { id: 0 } })
    this.#bytes += byteLength
    while (this.#bytes > TAIL_CACHE_BYTES_MAX)
      this.#bytes -= this.#chunks.shift()?.bytes.length ?? 0
  }
}

/**
 * One reader's place at the tail. It has it from when it waits for more until it has to read the file,
 * or does not come back for so long that what it needs next is gone.
 */
export class TailSeat {
  readonly #cache: TailCache
  #passedBytes = 0

  constructor(cache: TailCache) {
    this.#cache = cache
  }

  get isLeftBehind(): boolean {
    return this.#cache.passedBytes - this.#passedBytes > TAIL_CACHE_BYTES_MAX
  }

  take(): void {
    this.#passedBytes = this.#cache.passedBytes
    this.#cache.join(this)
  }

  leave(): void {
    this.#cache.leave(this)
  }

  /** The chunk that holds this place of a segment. */
  find(number: number, offset: number): TailChunk | undefined {
    const chunk = this.#cache.find(number, offset)
    if (chunk) this.#passedBytes = this.#cache.passedBytes
    return chunk
  }
}

/** The end of as many whole blocks from `from` on as fit into `room` bytes. */
function blocksWithin(piece: Uint8Array, from: number, room: number): number {
  let to = from
  while (to < piece.length) {
    const next = to + blockLength(piece, to)
    if (next - from > room) break
    to = next
  }
  return to
}

function blockLength(piece: Uint8Array, at: number): number {
  const length = getUint32(piece, at + BLOCK_LENGTH_AT)
  if (length < BLOCK_HEADER_BYTES || at + length > piece.length) {
    throw new Error('a group consists of whole blocks')
  }
  return length
}
