/**
 * Walks the valid blocks of one segment in order and tells where bytes are damaged. Every block is
 * checked on every read; this is the only way from a file to a message.
 */
import { type Block, readBlock } from '../format/block.ts'
import { BLOCK_ALIGN_BYTES, BLOCK_HEADER_BYTES, SEGMENT_HEADER_BYTES } from '../format/layout.ts'
import type { FileHandle, System } from '../system/system.ts'
import { blockStateAt } from './block-state.ts'
import { FileWindow } from './file-window.ts'
import type { ReadableSegment } from './view.ts'

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

  /** True where the next header stands in memory, so that `next` costs no read. */
  get isBuffered(): boolean {
    return this.#window.has(this.offset, BLOCK_HEADER_BYTES)
  }

  /**
   * Moves to the next valid block below the segment's end; false where none is left. Either way
   * `damageStart < damageEnd` tells of invalid bytes that were passed.
   */
  async next(segment: ReadableSegment): Promise<boolean> {
    this.block = undefined
    this.damageStart = this.offset
    this.damageEnd = this.offset
    const { end, key } = segment
    const { crc32 } = this.#system
    while (this.offset < end) {
      if ((await blockStateAt(this.#window, this.offset, end, key, crc32)) === 0) {
        this.bytes = this.#window.bytes
        this.at = this.offset - this.#window.start
        this.block = readBlock(this.bytes, this.at)
        this.damageEnd = this.offset
        this.offset += this.block.length
        return true
      }
      this.offset = Math.min(end, this.offset + BLOCK_ALIGN_BYTES)
    }
    this.damageEnd = end
    return false
  }
}
