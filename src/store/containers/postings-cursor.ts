/**
 * Reads a list of message facts in order, from any offset on, while entries are appended to it and
 * chunks behind the cursor are dropped. Allocates nothing. Pure memory.
 */
import {
  FLAG_DUE_KIND,
  FLAG_DUE_RELATIVE,
  FLAG_EXPIRES,
  FLAG_EXPIRES_RELATIVE,
  FLAG_PRIORITY,
  FLAG_TIME,
  type PostingsChunk,
  TOKEN_EXTRAS,
  TOKEN_MORE,
  TOKEN_RUN,
  TOKEN_TIME,
} from './postings-chunk.ts'

/** What a cursor needs of a list. */
export interface ChunkSource {
  /** How often all chunks were replaced. */
  readonly rewrites: number
  /** The first chunk with an entry at or above the offset, else the last chunk. */
  findChunk(offset: number): PostingsChunk | undefined
}

export class PostingsCursor {
  /** The entry that the last {@link next} came to; without meaning after it returned false. */
  id = -1
  offset = -1
  timeMs = 0
  /** True where any of the fields below is not what it is for most entries. */
  hasExtras = false
  dueKind = 0
  dueMs = 0
  expiresKind = 0
  expiresMs = 0
  priority = 0

  readonly #source: ChunkSource
  #rewrites = -1
  #chunk: PostingsChunk | undefined
  /** Where in the chunk the next token stands. */
  #at = 0
  /** Entries of the open run that were announced in {@link runLength} before it became a token. */
  #openTaken = 0
  #runLeft = 0
  /** Entries below it are passed over. */
  #from = 0

  /** Stands in front of the first entry. */
  constructor(source: ChunkSource) {
    this.#source = source
  }

  /** How many entries follow, at least, with the next ids and offsets, the same time, no extras. */
  get runLength(): number {
    return this.#rewrites === this.#source.rewrites ? this.#runLeft : 0
  }

  /** The next entry will be the first one whose offset is at least this, also if yet to come. */
  moveTo(offset: number): void {
    this.#from = offset
    this.offset = -1
    this.#runLeft = 0
    this.#rewrites = -1
  }

  /** Goes to the next entry; false where there is none yet. */
  next(): boolean {
    if (this.#runLeft > 0 && this.#rewrites === this.#source.rewrites) {
      this.#runLeft--
      this.id++
      this.offset++
      return true
    }
    return this.#nextToken()
  }

  /** Goes on by `count` entries, of which there must be so many in {@link runLength}. */
  skip(count: number): void {
    if (count > this.runLength || count < 0) throw new Error('skipping beyond the run')
    this.#runLeft -= count
    this.id += count
    this.offset += count
  }

  #nextToken(): boolean {
    if (this.#rewrites !== this.#source.rewrites || this.#chunk === undefined) this.#find()
    while (this.#step()) {
      const ahead = this.#from - this.offset
      if (ahead <= 0) return true
      const isWithin = ahead <= this.#runLeft
      this.skip(isWithin ? ahead : this.#runLeft)
      if (isWithin) return true
    }
    return false
  }

  /** Finds its place again by its offset. */
  #find(): void {
    this.#from = Math.max(this.#from, this.offset + 1)
    this.#rewrites = this.#source.rewrites
    this.#chunk = undefined
    this.#runLeft = 0
    const chunk = this.#source.findChunk(this.#from)
    if (chunk !== undefined) this.#enter(chunk)
  }

  #enter(chunk: PostingsChunk): void {
    this.#chunk = chunk
    this.#at = 0
    this.#openTaken = 0
    this.id = chunk.firstId - 1
    this.offset = chunk.firstOffset - 1
    this.timeMs = chunk.firstTimeMs
  }

  /** Goes to the next entry, or to the first one of a run. */
  #step(): boolean {
    for (let chunk = this.#chunk; chunk !== undefined; chunk = this.#chunk) {
      if (this.#at < chunk.byteLength) {
        const token = chunk.bytes[this.#at++] as number
        if (token < TOKEN_RUN) return this.#readSingle(chunk.bytes, token)
        if (token >= TOKEN_EXTRAS) return this.#readExtras(chunk.bytes, token)
        const length = this.#readSmall(chunk.bytes, token) + 1 - this.#openTaken
        this.#openTaken = 0
        if (length > 0) return this.#beginRun(length)
      } else if (chunk.openRun > this.#openTaken) {
        const length = chunk.openRun - this.#openTaken
        this.#openTaken = chunk.openRun
        return this.#beginRun(length)
      } else if (chunk.next !== undefined) this.#enter(chunk.next)
      else if (chunk.isDropped) this.#find()
      else return false
    }
    return false
  }

  #beginRun(length: number): boolean {
    this.id++
    this.offset++
    this.#runLeft = length - 1
    if (this.hasExtras) this.#clearExtras()
    return true
  }

  #readSingle(bytes: Uint8Array, token: number): boolean {
    this.offset += this.#readSmall(bytes, token) + 1
    this.id += this.#readVarint(bytes) + 1
    if ((token & TOKEN_TIME) !== 0) this.timeMs += this.#readVarint(bytes)
    if (this.hasExtras) this.#clearExtras()
    return true
  }

  #readExtras(bytes: Uint8Array, token: number): boolean {
    const flags = bytes[this.#at++] as number
    this.hasExtras = true
    this.offset += this.#readSmall(bytes, token) + 1
    this.id += this.#readVarint(bytes) + 1
    if ((flags & FLAG_TIME) !== 0) this.timeMs += this.#readVarint(bytes)
    this.dueKind = flags & FLAG_DUE_KIND
    this.dueMs = this.dueKind === 0 ? 0 : this.#readTime(bytes, flags & FLAG_DUE_RELATIVE)
    this.expiresKind = (flags & FLAG_EXPIRES) === 0 ? 0 : 1
    this.expiresMs =
      this.expiresKind === 0 ? 0 : this.#readTime(bytes, flags & FLAG_EXPIRES_RELATIVE)
    this.priority = (flags & FLAG_PRIORITY) === 0 ? 0 : this.#readVarint(bytes)
    return true
  }

  #clearExtras(): void {
    this.hasExtras = false
    this.dueKind = 0
    this.dueMs = 0
    this.expiresKind = 0
    this.expiresMs = 0
    this.priority = 0
  }

  #readTime(bytes: Uint8Array, isRelative: number): number {
    const value = this.#readVarint(bytes)
    return isRelative === 0 ? value : this.timeMs + value
  }

  /** The number whose beginning stands in a token. */
  #readSmall(bytes: Uint8Array, token: number): number {
    const small = token & TOKEN_MORE
    return small < TOKEN_MORE ? small : small + this.#readVarint(bytes)
  }

  /** Without checks: chunks are made by this process, or were checked when they were loaded. */
  #readVarint(bytes: Uint8Array): number {
    let byte = bytes[this.#at++] as number
    if (byte < 0x80) return byte
    let value = byte & 0x7f
    let scale = 0x80
    do {
      byte = bytes[this.#at++] as number
      value += (byte & 0x7f) * scale
      scale *= 0x80
    } while (byte >= 0x80)
    return value
  }
}
