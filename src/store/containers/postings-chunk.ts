/**
 * One chunk of a list of message facts: where it begins and ends, and its entries as bytes. Pure memory.
 *
 * Every token counts from the entry before it; the first one from an imagined entry with an id and an
 * offset one lower and the same time. So a chunk of one run needs no token for its first entry.
 *
 *   0 t dddddd  one entry: [d], id, [time if t]
 *   1 0 nnnnnn  a run of n + 1 entries, each with the next id and offset and the same time: [n]
 *   1 1 dddddd  one entry with extras: flags, [d], id, [time], [due], [expires], [priority]
 *
 * d is the step of the offset less one, n the length less one; 63 means that a varint with the rest
 * follows. The id is the step less one. Due and expiring times count from the entry's own time where
 * they are not before it. An entry that continues a run always stands in a run.
 */
import { varintBytes, writeVarint } from './varint.ts'

/** The two upper bits of a token, and what they mean. */
export const TOKEN_TIME = 0x40
export const TOKEN_RUN = 0x80
export const TOKEN_EXTRAS = 0xc0
/** The largest value of the six lower bits: the rest follows. */
export const TOKEN_MORE = 0x3f

export const FLAG_DUE_KIND = 0x03
export const FLAG_DUE_RELATIVE = 0x04
export const FLAG_EXPIRES = 0x08
export const FLAG_EXPIRES_RELATIVE = 0x10
export const FLAG_PRIORITY = 0x20
export const FLAG_TIME = 0x80

/** A chunk is full at this many tokens: seeking reads the half of them. */
const TOKENS_MAX = 1_024
/** A chunk is full where less than a token's room is left of it. */
const CHUNK_BYTES = 4_096
/** Upper bound of one token. */
const TOKEN_BYTES_MAX = 64
const CHUNK_BYTES_FIRST = 64
/** A closed chunk at its longest: the open run at its end is written when it is closed. */
export const CLOSED_BYTES_MAX = CHUNK_BYTES + TOKEN_BYTES_MAX

export class PostingsChunk {
  /** Running number within its list. */
  readonly number: number
  readonly firstId: number
  readonly firstOffset: number
  readonly firstTimeMs: number
  lastId: number
  lastOffset: number
  lastTimeMs: number
  /** Entries. */
  count = 0
  bytes: Uint8Array
  /** Bytes used so far. */
  byteLength = 0
  /** Entries of the run that is still open and stands behind the bytes. */
  openRun = 0
  next: PostingsChunk | undefined = undefined
  /** True once its list has let go of it. */
  isDropped = false
  /** The list's version when it changed last. */
  changedAt = 0
  #tokens = 0

  constructor(number: number, id: number, offset: number, timeMs: number, bytes?: Uint8Array) {
    this.number = number
    this.firstId = id
    this.firstOffset = offset
    this.firstTimeMs = timeMs
    this.lastId = id - 1
    this.lastOffset = offset - 1
    this.lastTimeMs = timeMs
    this.bytes = bytes ?? new Uint8Array(CHUNK_BYTES_FIRST)
  }

  /** True where an entry without extras would belong to the run that is open, or begin one. */
  isNext(id: number, offset: number, timeMs: number): boolean {
    return id === this.lastId + 1 && offset === this.lastOffset + 1 && timeMs === this.lastTimeMs
  }

  /** True where an entry that continues no run belongs into a new chunk. */
  get isFull(): boolean {
    return this.#tokens >= TOKENS_MAX || this.byteLength > CHUNK_BYTES - 2 * TOKEN_BYTES_MAX
  }

  /** Adds `count` entries to the open run. */
  extendRun(count: number): void {
    this.openRun += count
    this.lastId += count
    this.lastOffset += count
    this.count += count
  }

  /** Adds an entry without extras that continues no run. */
  writeSingle(id: number, offset: number, timeMs: number): void {
    this.closeRun()
    const bytes = this.#makeRoom()
    const isLater = timeMs !== this.lastTimeMs
    let at = this.byteLength
    at = writeToken(bytes, at, isLater ? TOKEN_TIME : 0, offset - this.lastOffset - 1)
    at = writeVarint(bytes, at, id - this.lastId - 1)
    if (isLater) at = writeVarint(bytes, at, timeMs - this.lastTimeMs)
    this.#wrote(at, id, offset, timeMs)
  }

  /** Adds an entry with extras. */
  writeExtras(
    id: number,
    offset: number,
    timeMs: number,
    dueKind: number,
    dueMs: number,
    expiresKind: number,
    expiresMs: number,
    priority: number,
  ): void {
    this.closeRun()
    const bytes = this.#makeRoom()
    const offsetStep = offset - this.lastOffset - 1
    const flagsAt = this.byteLength + 1
    let flags = dueKind
    let at = writeToken(bytes, this.byteLength, TOKEN_EXTRAS, offsetStep, 1)
    at = writeVarint(bytes, at, id - this.lastId - 1)
    if (timeMs !== this.lastTimeMs) {
      flags |= FLAG_TIME
      at = writeVarint(bytes, at, timeMs - this.lastTimeMs)
    }
    if (dueKind !== 0) {
      if (dueMs >= timeMs) flags |= FLAG_DUE_RELATIVE
      at = writeVarint(bytes, at, dueMs >= timeMs ? dueMs - timeMs : dueMs)
    }
    if (expiresKind !== 0) {
      flags |= expiresMs >= timeMs ? FLAG_EXPIRES | FLAG_EXPIRES_RELATIVE : FLAG_EXPIRES
      at = writeVarint(bytes, at, expiresMs >= timeMs ? expiresMs - timeMs : expiresMs)
    }
    if (priority !== 0) {
      flags |= FLAG_PRIORITY
      at = writeVarint(bytes, at, priority)
    }
    bytes[flagsAt] = flags
    this.#wrote(at, id, offset, timeMs)
  }

  /** Writes the open run as a token. */
  closeRun(): void {
    if (this.openRun === 0) return
    this.byteLength = writeToken(this.#makeRoom(), this.byteLength, TOKEN_RUN, this.openRun - 1)
    this.openRun = 0
    this.#tokens++
  }

  /** Nothing is added any more: gives back the room that is left. */
  close(): void {
    this.closeRun()
    if (this.byteLength < this.bytes.length) this.bytes = this.bytes.slice(0, this.byteLength)
  }

  /** The bytes it would have if it were closed now. */
  closedBytes(): Uint8Array {
    if (this.openRun === 0) return this.bytes.subarray(0, this.byteLength)
    const closed = new Uint8Array(this.byteLength + 1 + varintBytes(this.openRun))
    closed.set(this.bytes.subarray(0, this.byteLength))
    return closed.subarray(0, writeToken(closed, this.byteLength, TOKEN_RUN, this.openRun - 1))
  }

  #wrote(at: number, id: number, offset: number, timeMs: number): void {
    this.byteLength = at
    this.lastId = id
    this.lastOffset = offset
    this.lastTimeMs = timeMs
    this.count++
    this.#tokens++
  }

  #makeRoom(): Uint8Array {
    if (this.byteLength + TOKEN_BYTES_MAX <= this.bytes.length) return this.bytes
    const larger = new Uint8Array(Math.min(2 * this.bytes.length, CLOSED_BYTES_MAX))
    larger.set(this.bytes.subarray(0, this.byteLength))
    this.bytes = larger
    return larger
  }
}

/** Writes a token's first byte and the rest of its number, `gap` bytes left free between them. */
function writeToken(bytes: Uint8Array, at: number, kind: number, value: number, gap = 0): number {
  if (value < TOKEN_MORE) {
    bytes[at] = kind | value
    return at + 1 + gap
  }
  bytes[at] = kind | TOKEN_MORE
  return writeVarint(bytes, at + 1 + gap, value - TOKEN_MORE)
}
