/**
 * A window over a file that is read forwards: holds what was asked for last, and a stretch behind it.
 * Its memory is used again and again, so nothing that stands in it may be kept. Reads only.
 */
import type { Crc32 } from '../format/crc.ts'
import type { ReadHandle } from '../system/system.ts'
import type { ByteWindow } from './block-state.ts'
import { fill, guessNextLoad, ReadAhead } from './read-ahead.ts'

/** What a checksum is read in. */
const PIECE_BYTES = 256 * 1024

const NOTHING = new Uint8Array(0)

export class FileWindow implements ByteWindow {
  bytes: Uint8Array = NOTHING
  /** Offset in the file of the first byte of `bytes`. */
  start = 0
  readonly #handle: ReadHandle
  readonly #chunkBytes: number
  readonly #ahead: ReadAhead | undefined
  /** What `bytes` is a view of, and what is read ahead into. */
  #buffer: Uint8Array = NOTHING
  #spare: Uint8Array = NOTHING

  /** `readsAhead`: the next chunk is read while this one is worked on; `settled` must follow. */
  constructor(handle: ReadHandle, chunkBytes: number, readsAhead: boolean) {
    this.#handle = handle
    this.#chunkBytes = chunkBytes
    this.#ahead = readsAhead ? new ReadAhead() : undefined
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
    const ahead = await this.#ahead?.take(offset)
    if (ahead && ahead.length >= byteLength) {
      const old = this.#buffer
      this.#buffer = this.#spare
      this.#spare = old
      this.bytes = ahead
    } else {
      // Where reading fails the window holds nothing, for its memory is not what it was.
      this.bytes = NOTHING
      if (this.#buffer.length < wanted) this.#buffer = new Uint8Array(wanted)
      const filled = await fill(this.#handle, this.#buffer.subarray(0, wanted), offset)
      this.bytes = this.#buffer.subarray(0, filled)
    }
    this.start = offset
    this.#readAhead(limit)
    return this.bytes.length >= byteLength
  }

  checksum(
    offset: number,
    byteLength: number,
    seed: number,
    crc32: Crc32,
  ): Promise<number | undefined> {
    return checksumOf(this.#handle, offset, byteLength, seed, crc32)
  }

  /** Waits until nothing is being read ahead, so that the file may be closed. */
  async settled(): Promise<void> {
    await this.#ahead?.settled()
  }

  #readAhead(limit: number): void {
    if (!this.#ahead?.isIdle) return
    const next = guessNextLoad(this.bytes, this.start, this.#chunkBytes)
    if (!next || next.offset >= limit) return
    const wanted = Math.min(next.byteLength, limit - next.offset)
    if (this.#spare.length < wanted) this.#spare = new Uint8Array(wanted)
    this.#ahead.begin(this.#handle, this.#spare.subarray(0, wanted), next.offset)
  }
}

/**
 * CRC-32 over [offset, offset + byteLength) of a file, read in pieces; undefined where the file ends
 * before.
 */
export async function checksumOf(
  handle: ReadHandle,
  offset: number,
  byteLength: number,
  seed: number,
  crc32: Crc32,
): Promise<number | undefined> {
  const piece = new Uint8Array(Math.min(byteLength, PIECE_BYTES))
  let crc = seed
  for (let at = 0; at < byteLength; ) {
    const wanted = Math.min(piece.length, byteLength - at)
    const read = await handle.read(piece.subarray(0, wanted), offset + at)
    if (read === 0) return undefined
    crc = crc32(piece.subarray(0, read), crc)
    at += read
  }
  return crc
}
