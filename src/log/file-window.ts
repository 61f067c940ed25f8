/** A window over a file that is read forwards: holds what was asked for last, and a stretch behind it. */
import { systemErrorCode } from '../errors.ts'
import type { Crc32 } from '../format/crc.ts'
import { PAGE_BYTES, roundUp } from '../format/layout.ts'
import type { FileHandle } from '../system/system.ts'

/** What a checksum is read in. */
const PIECE_BYTES = 256 * 1024

export class FileWindow {
  bytes: Uint8Array = new Uint8Array(0)
  /** Offset in the file of the first byte of `bytes`. */
  start = 0
  readonly #handle: FileHandle
  readonly #chunkBytes: number
  readonly #fresh: boolean

  /**
   * `fresh`: every load gets a buffer of its own, so that views into it stay what they are; otherwise
   * one buffer is used again and again.
   */
  constructor(handle: FileHandle, chunkBytes: number, fresh: boolean) {
    this.#handle = handle
    this.#chunkBytes = chunkBytes
    this.#fresh = fresh
  }

  get end(): number {
    return this.start + this.bytes.length
  }

  has(offset: number, byteLength: number): boolean {
    return offset >= this.start && offset + byteLength <= this.end
  }

  /** Makes [offset, offset + byteLength) available, up to `limit`; false where the file ends before. */
  async load(offset: number, byteLength: number, limit: number): Promise<boolean> {
    if (this.has(offset, byteLength)) return true
    const wanted = Math.min(Math.max(byteLength, this.#chunkBytes), limit - offset)
    if (wanted < byteLength) return false
    const target = this.#target(wanted)
    let filled: number
    try {
      filled = await this.#fill(target, wanted, offset)
    } catch (error) {
      if (!this.#fresh || systemErrorCode(error) !== 'EIO') throw error
      filled = await this.#fillBySectors(target, wanted, offset)
    }
    this.bytes = target.subarray(0, filled)
    this.start = offset
    return filled >= byteLength
  }

  /**
   * CRC-32 over [offset, offset + byteLength), read in pieces that leave the window as it is; undefined
   * where the file ends before.
   */
  async checksum(
    offset: number,
    byteLength: number,
    seed: number,
    crc32: Crc32,
  ): Promise<number | undefined> {
    const piece = new Uint8Array(Math.min(byteLength, PIECE_BYTES))
    let crc = seed
    for (let at = 0; at < byteLength; ) {
      const wanted = Math.min(piece.length, byteLength - at)
      const read = await this.#handle.read(piece.subarray(0, wanted), offset + at)
      if (read === 0) return undefined
      crc = crc32(piece.subarray(0, read), crc)
      at += read
    }
    return crc
  }

  async #fill(target: Uint8Array, wanted: number, offset: number): Promise<number> {
    let filled = 0
    while (filled < wanted) {
      const read = await this.#handle.read(target.subarray(filled, wanted), offset + filled)
      if (read === 0) break
      filled += read
    }
    return filled
  }

  /**
   * For a reader of messages a sector that the disk cannot return is damage like any other: its bytes
   * are made invalid, and what stands around it is still read. (Opening, which must tell where the log
   * ends, does not guess: it fails.)
   */
  async #fillBySectors(target: Uint8Array, wanted: number, offset: number): Promise<number> {
    for (let at = 0; at < wanted; ) {
      const next = Math.min(wanted, roundUp(offset + at + 1, PAGE_BYTES) - offset)
      const page = target.subarray(at, next)
      try {
        if ((await this.#fill(page, page.length, offset + at)) < page.length) return at
      } catch (error) {
        if (systemErrorCode(error) !== 'EIO') throw error
        page.fill(0xff)
      }
      at = next
    }
    return wanted
  }

  #buffer: Uint8Array | undefined

  #target(byteLength: number): Uint8Array {
    // A reused buffer must not be handed out as views; a fresh one is exactly as long as asked for.
    if (this.#fresh) return new Uint8Array(byteLength)
    if (!this.#buffer || this.#buffer.length < byteLength) this.#buffer = new Uint8Array(byteLength)
    return this.#buffer
  }
}
