/**
 * A window over one segment for readers of messages. Every chunk gets memory of its own, so that views
 * into it stay what they are; it comes from the groups kept at the tail where they hold it, or from the
 * file, which is opened when it is first needed. Reads only.
 */
import { QlogError, systemErrorCode } from '../../errors.ts'
import { getUint32, NOTHING } from '../../format/bytes.ts'
import type { Crc32 } from '../../format/crc.ts'
import { BLOCK_HEADER_BYTES, BLOCK_LENGTH_AT } from '../../format/layout.ts'
import type { FileHandle, ReadHandle, System } from '../../system/system.ts'
import type { ByteWindow } from '../block-state.ts'
import { checksumOf, FileWindow } from '../file-window.ts'
import { ioError } from '../io-errors.ts'
import { fill } from '../read-ahead.ts'
import { ReadAround } from '../read-around.ts'
import type { Lent, TailSeat } from './tail-cache.ts'

/** A body that a user keeps pins at most this much beyond its own bytes. */
const CHUNK_BYTES = 64 * 1024
/** After a seek so many reads bring what is needed only; then comes a chunk, then a stage. */
const CHUNK_FROM_READ = 2
/**
 * Who reads on is served from a stage of this size, while the next as many bytes are read into a second
 * one: a way through the thread pool costs more than the copy of a chunk.
 */
const STAGE_BYTES = 256 * 1024

/** The file is not there (any more). Whoever knows the log's map knows what that means. */
export class SegmentGone extends Error {}

export class ReadWindow implements ByteWindow {
  bytes: Uint8Array = NOTHING
  start = 0
  /** `bytes` come from the tail, not from the file. */
  isCached = false
  /** `bytes` are memory that the next read uses again. */
  isShared = false
  /** Which messages of `bytes` users have views of. */
  lent: Lent = { id: 0 }
  readonly #system: System
  readonly #path: string
  readonly #number: number
  #seat: TailSeat | undefined
  #handle: FileHandle | undefined
  /** The same. For a reader of messages a page that the disk cannot return is damage like any other. */
  #reads: ReadHandle | undefined
  /** Who reads a single message reads one chunk, and nothing ahead. */
  #stage: FileWindow | undefined
  /** How many reads went on where the one before ended; begins higher where none are told of. */
  #readsInRow = 0
  /** What a read after a seek needs, as an index tells; 0 where that is unknown, or a chunk. */
  #expectedBytes = 0
  /** For reads of less than a chunk. */
  #scratch: Uint8Array = NOTHING

  constructor(system: System, path: string, number: number, seat: TailSeat | undefined) {
    this.#system = system
    this.#path = path
    this.#number = number
    this.#seat = seat
  }

  has(offset: number, byteLength: number): boolean {
    return offset >= this.start && offset + byteLength <= this.start + this.bytes.length
  }

  /** After a seek: so many bytes are likely to be all that is needed. */
  expect(byteLength: number): void {
    this.#expectedBytes = byteLength < CHUNK_BYTES ? byteLength : 0
  }

  /** Moves to the kept group that holds `offset`, up to `limit`; false where none does. */
  lookUp(offset: number, limit: number): boolean {
    const chunk = this.#seat?.find(this.#number, offset)
    if (!chunk || offset >= limit) return false
    this.bytes = chunk.bytes.subarray(0, Math.min(chunk.used, limit - chunk.start))
    this.start = chunk.start
    this.isCached = true
    this.isShared = false
    this.lent = chunk.lent
    return true
  }

  /** Memory that is not as the file filled it: a writer's copy, or views of it are in the hands of users. */
  get isHearsay(): boolean {
    return this.isCached || this.lent.id > 0
  }

  /** From here on the file has the word: what stands in memory does not hold what it should. */
  distrust(): void {
    if (this.isCached) {
      this.#seat?.leave()
      this.#seat = undefined
    }
    this.isCached = false
    this.#fill(NOTHING)
  }

  /** Rejects with QLOG_IO where the file cannot be read for another reason than its bytes. */
  async load(offset: number, byteLength: number, limit: number): Promise<boolean> {
    try {
      return await this.#load(offset, byteLength, limit)
    } catch (error) {
      throw ioError(`read ${this.#path}`, error)
    }
  }

  async #load(offset: number, byteLength: number, limit: number): Promise<boolean> {
    if (this.has(offset, byteLength)) return true
    if (this.lookUp(offset, limit) && this.has(offset, byteLength)) return true
    if (limit - offset < byteLength) return false
    // Too slow for what is kept: nothing needs to be kept for this reader until it has caught up.
    this.#seat?.leave()
    const reads = await this.reads()
    const isNext = offset >= this.start && offset <= this.start + this.bytes.length
    const first = this.#expectedBytes > 0 ? 0 : CHUNK_FROM_READ
    this.#readsInRow = isNext ? this.#readsInRow + 1 : first
    const isLone = this.#readsInRow < CHUNK_FROM_READ && byteLength <= this.#expectedBytes
    const isStaged = this.#readsInRow > CHUNK_FROM_READ && byteLength <= STAGE_BYTES
    const wanted = Math.min(
      isLone ? this.#expectedBytes : Math.max(byteLength, CHUNK_BYTES),
      limit - offset,
    )
    const bytes = isStaged
      ? await this.#fromStage(reads, offset, byteLength, limit)
      : await readChunk(reads, this.#target(wanted, isLone), offset)
    this.#fill(bytes)
    this.start = offset
    this.isCached = false
    this.isShared = isLone
    return this.bytes.length >= byteLength
  }

  async checksum(
    offset: number,
    byteLength: number,
    seed: number,
    crc32: Crc32,
  ): Promise<number | undefined> {
    const reads = await this.reads()
    try {
      return await checksumOf(reads, offset, byteLength, seed, crc32)
    } catch (error) {
      throw ioError(`read ${this.#path}`, error)
    }
  }

  /** The file, opened if nobody needed it so far. Rejects with SegmentGone where it is not there. */
  async reads(): Promise<ReadHandle> {
    if (this.#reads) return this.#reads
    try {
      this.#handle = await this.#system.files.open(this.#path, { mode: 'read' })
      this.#reads = new ReadAround(this.#handle)
      return this.#reads
    } catch (error) {
      if (systemErrorCode(error) === 'ENOENT') throw new SegmentGone(this.#path)
      throw new QlogError('QLOG_IO', `cannot open ${this.#path}`, { cause: error })
    }
  }

  /** Waits for what is being read ahead, then closes the file, if it was opened. */
  async close(): Promise<void> {
    await this.#stage?.settled()
    const handle = this.#handle
    this.#stage = undefined
    this.#handle = undefined
    this.#reads = undefined
    await handle?.close().catch((error: unknown) => {
      throw ioError(`close ${this.#path}`, error)
    })
  }

  /** With memory that nobody else has seen. */
  #fill(bytes: Uint8Array): void {
    this.bytes = bytes
    this.lent = { id: 0 }
  }

  #target(byteLength: number, isLone: boolean): Uint8Array {
    if (!isLone) return new Uint8Array(byteLength)
    if (this.#scratch.length < byteLength) this.#scratch = new Uint8Array(byteLength)
    return this.#scratch.subarray(0, byteLength)
  }

  /** A chunk from `offset` on, copied out of the stage. */
  async #fromStage(
    reads: ReadHandle,
    offset: number,
    byteLength: number,
    limit: number,
  ): Promise<Uint8Array> {
    this.#stage ??= new FileWindow(reads, STAGE_BYTES, true)
    const stage = this.#stage
    if (!stage.has(offset, byteLength)) await stage.load(offset, byteLength, limit)
    const length = blockLength(stage.bytes, offset - stage.start)
    if (length <= STAGE_BYTES && !stage.has(offset, length)) {
      await stage.load(offset, length, limit)
    }
    const at = offset - stage.start
    const byteCount = Math.max(byteLength, wholeBlocks(stage.bytes, at))
    return stage.bytes.slice(at, at + byteCount)
  }
}

/** The length that a header claims, which nobody has checked; 0 where it cannot be one. */
function blockLength(bytes: Uint8Array, at: number): number {
  if (at + BLOCK_HEADER_BYTES > bytes.length) return 0
  const length = getUint32(bytes, at + BLOCK_LENGTH_AT)
  return length < BLOCK_HEADER_BYTES || length % 8 !== 0 ? 0 : length
}

/**
 * How many bytes from `at` on are whole blocks, as far as they fit into a chunk, or one that is larger;
 * where no block begins, as much as a chunk holds.
 */
function wholeBlocks(bytes: Uint8Array, at: number): number {
  let end = at
  for (;;) {
    const length = blockLength(bytes, end)
    if (length === 0 || end + length > bytes.length) break
    if (end > at && end + length - at > CHUNK_BYTES) break
    end += length
  }
  return end > at ? end - at : CHUNK_BYTES
}

async function readChunk(
  reads: ReadHandle,
  target: Uint8Array,
  offset: number,
): Promise<Uint8Array> {
  return target.subarray(0, await fill(reads, target, offset))
}
