/**
 * A window over one segment for readers of messages. Every load gets memory of its own, so that views
 * into it stay what they are; it comes from the groups kept at the tail where they hold it, or from the
 * file, which is opened when it is first needed. Reads only.
 */
import { QlogError, systemErrorCode } from '../../errors.ts'
import type { Crc32 } from '../../format/crc.ts'
import { PAGE_BYTES, roundUp } from '../../format/layout.ts'
import type { FileHandle, System } from '../../system/system.ts'
import type { ByteWindow } from '../block-state.ts'
import { checksumOf } from '../file-window.ts'
import { fill, guessNextLoad, ReadAhead } from '../read-ahead.ts'
import type { TailSeat } from './tail-cache.ts'

/** A body that a user keeps pins at most this much beyond its own bytes. */
const READ_CHUNK_BYTES = 64 * 1024
/** Who reads a single message reads one chunk; from the second on more are expected. */
const CHUNKS_BEFORE_READ_AHEAD = 2

/** The file is not there (any more). Whoever knows the log's map knows what that means. */
export class SegmentGone extends Error {}

export class ReadWindow implements ByteWindow {
  bytes: Uint8Array = new Uint8Array(0)
  start = 0
  /** `bytes` come from the tail, not from the file. */
  isCached = false
  readonly #system: System
  readonly #path: string
  readonly #number: number
  #seat: TailSeat | undefined
  #handle: FileHandle | undefined
  readonly #ahead = new ReadAhead()
  #chunks = 0

  constructor(system: System, path: string, number: number, seat: TailSeat | undefined) {
    this.#system = system
    this.#path = path
    this.#number = number
    this.#seat = seat
  }

  has(offset: number, byteLength: number): boolean {
    return offset >= this.start && offset + byteLength <= this.start + this.bytes.length
  }

  /** Moves to the kept group that holds `offset`, up to `limit`; false where none does. */
  lookUp(offset: number, limit: number): boolean {
    const chunk = this.#seat?.find(this.#number, offset)
    if (!chunk || offset >= limit) return false
    this.bytes = chunk.bytes.subarray(0, Math.min(chunk.used, limit - chunk.start))
    this.start = chunk.start
    this.isCached = true
    return true
  }

  /** From here on the file has the word: what was kept does not hold what it should. */
  distrustTail(): void {
    this.#seat?.leave()
    this.#seat = undefined
    this.isCached = false
    this.bytes = new Uint8Array(0)
  }

  async load(offset: number, byteLength: number, limit: number): Promise<boolean> {
    if (this.has(offset, byteLength)) return true
    if (this.lookUp(offset, limit) && this.has(offset, byteLength)) return true
    const wanted = Math.min(Math.max(byteLength, READ_CHUNK_BYTES), limit - offset)
    if (wanted < byteLength) return false
    // Too slow for what is kept: nothing needs to be kept for this reader until it has caught up.
    this.#seat?.leave()
    const handle = await this.handle()
    const ahead = await this.#ahead.take(offset)
    this.bytes =
      ahead && ahead.length >= byteLength
        ? ahead
        : await this.#read(handle, new Uint8Array(wanted), offset)
    this.start = offset
    this.isCached = false
    this.#chunks++
    if (this.#chunks >= CHUNKS_BEFORE_READ_AHEAD) this.#readAhead(handle, limit)
    return this.bytes.length >= byteLength
  }

  async checksum(
    offset: number,
    byteLength: number,
    seed: number,
    crc32: Crc32,
  ): Promise<number | undefined> {
    return checksumOf(await this.handle(), offset, byteLength, seed, crc32)
  }

  /** The file, opened if nobody needed it so far. Rejects with SegmentGone where it is not there. */
  async handle(): Promise<FileHandle> {
    if (this.#handle) return this.#handle
    try {
      this.#handle = await this.#system.files.open(this.#path, { mode: 'read' })
      return this.#handle
    } catch (error) {
      if (systemErrorCode(error) === 'ENOENT') throw new SegmentGone(this.#path)
      throw new QlogError('QLOG_IO', `cannot open ${this.#path}`, { cause: error })
    }
  }

  /** Waits for what is being read ahead, then closes the file, if it was opened. */
  async close(): Promise<void> {
    await this.#ahead.settled()
    const handle = this.#handle
    this.#handle = undefined
    await handle?.close()
  }

  /**
   * Begins to read what will be needed next. No further than `limit`: behind it a write may be under
   * way, and what is read of it now must not be taken for what stands there when the limit has moved.
   */
  #readAhead(handle: FileHandle, limit: number): void {
    if (!this.#ahead.isIdle) return
    const next = guessNextLoad(this.bytes, this.start, READ_CHUNK_BYTES)
    if (!next || next.offset >= limit) return
    const wanted = Math.min(next.byteLength, limit - next.offset)
    this.#ahead.begin(handle, new Uint8Array(wanted), next.offset)
  }

  async #read(handle: FileHandle, target: Uint8Array, offset: number): Promise<Uint8Array> {
    try {
      return target.subarray(0, await fill(handle, target, offset))
    } catch (error) {
      if (systemErrorCode(error) !== 'EIO') throw error
      return target.subarray(0, await fillBySectors(handle, target, offset))
    }
  }
}

/**
 * For a reader of messages a sector that the disk cannot return is damage like any other: its bytes
 * are made invalid, and what stands around it is still read. (Opening, which must tell where the log
 * ends, does not guess: it fails.)
 */
async function fillBySectors(
  handle: FileHandle,
  target: Uint8Array,
  offset: number,
): Promise<number> {
  for (let at = 0; at < target.length; ) {
    const next = Math.min(target.length, roundUp(offset + at + 1, PAGE_BYTES) - offset)
    const page = target.subarray(at, next)
    try {
      const filled = await fill(handle, page, offset + at)
      if (filled < page.length) return at
    } catch (error) {
      if (systemErrorCode(error) !== 'EIO') throw error
      page.fill(0xff)
    }
    at = next
  }
  return target.length
}
