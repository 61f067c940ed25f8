/**
 * Walks the valid blocks of one segment in order and tells where bytes are damaged. Every block is
 * checked on every read; this is the only way from a file to a message.
 */
import { type Block, checkBlock, readBlock } from '../../format/block.ts'
import { getUint32 } from '../../format/bytes.ts'
import {
  BLOCK_ALIGN_BYTES,
  BLOCK_HEADER_BYTES,
  BLOCK_LENGTH_AT,
  SEGMENT_HEADER_BYTES,
} from '../../format/layout.ts'
import type { FileHandle, System } from '../../system/system.ts'
import { blockStateAt, skipToCandidate } from '../block-state.ts'
import { FileWindow } from '../file-window.ts'
import type { ReadableSegment } from '../view.ts'

/** A body that a user keeps pins at most this much beyond its own bytes. */
const READ_CHUNK_BYTES = 64 * 1024

export class BlockWalk {
  /** The block that `next` moved to: `bytes[at..]`, and its header. */
  bytes: Uint8Array = new Uint8Array(0)
  at = 0
  block: Block | undefined
  /** Damaged bytes between the block before and this one, or up to the end: [start, end). */
  damageStart = 0
  damageEnd = 0
  /** Offset behind the block that `next` moved to. */
  offset: number
  readonly #handle: FileHandle
  readonly #window: FileWindow
  readonly #system: System

  constructor(system: System, handle: FileHandle, offset: number) {
    this.#system = system
    this.#handle = handle
    this.#window = new FileWindow(handle, READ_CHUNK_BYTES, true)
    this.offset = Math.max(offset, SEGMENT_HEADER_BYTES)
  }

  close(): Promise<void> {
    return this.#handle.close()
  }

  /** True where the next block stands in memory as a whole, so that `next` costs no read. */
  get isBuffered(): boolean {
    const { bytes, start } = this.#window
    if (!this.#window.has(this.offset, BLOCK_HEADER_BYTES)) return false
    const length = getUint32(bytes, this.offset - start + BLOCK_LENGTH_AT)
    return this.#window.has(this.offset, length)
  }

  /**
   * Moves to the next valid block below the segment's end; false where none is left. Either way
   * `damageStart < damageEnd` tells of invalid bytes that were passed.
   */
  async next(segment: ReadableSegment): Promise<boolean> {
    const { end, key } = segment
    const { crc32 } = this.#system
    this.block = undefined
    this.damageStart = this.offset
    while (this.offset < end) {
      if ((await blockStateAt(this.#window, this.offset, end, key, crc32)) === 0) {
        this.#moveTo(this.offset)
        return true
      }
      const candidate = skipToCandidate(this.#window, this.offset + BLOCK_ALIGN_BYTES, key.salt1)
      this.offset = Math.min(end, candidate)
    }
    this.damageEnd = end
    return false
  }

  /** The same without a promise, where a valid block stands in memory next; false where not. */
  nextBuffered(segment: ReadableSegment): boolean {
    const { end, key } = segment
    if (this.offset >= end || !this.isBuffered) return false
    const { bytes, start } = this.#window
    if (checkBlock(bytes, this.offset - start, this.offset, key, this.#system.crc32) !== 0) {
      return false
    }
    this.damageStart = this.offset
    this.#moveTo(this.offset)
    return true
  }

  #moveTo(offset: number): void {
    this.bytes = this.#window.bytes
    this.at = offset - this.#window.start
    this.block = readBlock(this.bytes, this.at)
    this.damageEnd = offset
    this.offset = offset + this.block.length
  }
}
