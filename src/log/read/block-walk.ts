/**
 * Walks the valid blocks of one segment in order and tells where bytes are damaged. Every block is
 * checked on every read; this is the only way from a file, or from a kept group, to a message. While it
 * lasts its segment is pinned.
 */
import { type Block, checkBlock, readBlock, type SegmentKey } from '../../format/block.ts'
import { copyOf, getUint32, getUint64, NOTHING } from '../../format/bytes.ts'
import {
  BLOCK_ALIGN_BYTES,
  BLOCK_FIRST_ID_AT,
  BLOCK_HEADER_BYTES,
  BLOCK_LENGTH_AT,
  BLOCK_TYPE_AT,
  BlockType,
  SEGMENT_HEADER_BYTES,
} from '../../format/layout.ts'
import type { RecordCursor } from '../../format/records.ts'
import type { Unpacker } from '../../format/unpack.ts'
import type { ReadHandle, System } from '../../system/system.ts'
import { blockStateAt, isBlockBegun, skipToCandidate, unpackerOf } from '../block-state.ts'
import type { LogView, ReadableSegment } from '../view.ts'
import { ReadWindow } from './read-window.ts'
import type { Lent, TailSeat } from './tail-cache.ts'

/** Types without entries that differ from DATA in more than one bit; MAP does not. */
const ENTRYLESS: readonly number[] = [
  BlockType.LINK,
  BlockType.SNAPSHOT_PART,
  BlockType.SNAPSHOT_END,
  BlockType.SYNC,
  BlockType.CLEAN,
]

export class BlockWalk {
  /** The block that `next` moved to: `bytes[at..]`, and its header. */
  bytes: Uint8Array = NOTHING
  at = 0
  block: Block | undefined
  /** What the block unpacks to, where it is COMPRESSED. */
  payload: Uint8Array | undefined
  /** Damaged bytes between the block before and this one, or up to the end: [start, end). */
  damageStart = 0
  damageEnd = 0
  /** The damaged bytes are one block without entries, by what its header says: none is lost with it. */
  isEntryless = false
  /** Offset behind the block that `next` moved to. */
  offset: number
  readonly #window: ReadWindow
  readonly #system: System
  readonly #view: LogView
  readonly #number: number
  /** `bytes` are used again for what is read next. */
  #isShared = false
  /** Which messages of `bytes` users have views of. */
  #lent: Lent = { id: 0 }
  /** The block in hand may be asked for the same body again. */
  readonly #isKept: boolean
  /** Where blocks were passed unchecked up to the walk's place: from here on; else 0. */
  #passedFrom = 0
  #closed = false
  readonly #unpacker: Unpacker

  constructor(
    system: System,
    view: LogView,
    segment: ReadableSegment,
    seat: TailSeat | undefined,
    offset: number,
    isKept = false,
  ) {
    this.#system = system
    this.#isKept = isKept
    this.#unpacker = unpackerOf(system)
    this.#view = view
    this.#number = segment.number
    const path = `${view.directory}/${segment.file}`
    this.#window = new ReadWindow(system, path, segment.number, seat)
    this.offset = Math.max(offset, SEGMENT_HEADER_BYTES)
    view.pins.enter(segment.number)
  }

  /** Waits for what is being read ahead, and lets go of the file and of the segment. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    try {
      await this.#window.close()
    } finally {
      this.#view.pins.leave(this.#number)
    }
  }

  /** The segment's file, opened now if nothing had to be read from it so far. */
  reads(): Promise<ReadHandle> {
    return this.#window.reads()
  }

  /** Goes on from another block of the segment, of which so many bytes are likely to be asked for. */
  seek(offset: number, byteLength: number): void {
    this.offset = Math.max(offset, SEGMENT_HEADER_BYTES)
    this.block = undefined
    this.#passedFrom = 0
    this.#window.expect(byteLength)
  }

  /**
   * Passes blocks in front of the one that can hold `id` by what their headers say, unchecked, as far as
   * they stand in memory after one read. Where that does not lead to a valid block, all are checked.
   */
  async passTo({ key, end }: ReadableSegment, id: number): Promise<void> {
    const from = this.offset
    const window = this.#window
    if (!this.isBuffered && !(await window.load(from, BLOCK_HEADER_BYTES, end))) return
    const { bytes, start } = window
    for (;;) {
      const at = this.offset - start
      if (!this.isBuffered || !isBlockBegun(window, this.offset, key)) break
      // What other blocks say is not passed over.
      if (bytes[at + BLOCK_TYPE_AT] !== BlockType.DATA) break
      const next = at + getUint32(bytes, at + BLOCK_LENGTH_AT)
      if (next <= at || next + BLOCK_HEADER_BYTES > bytes.length) break
      if (!isBlockBegun(window, start + next, key)) break
      if (getUint64(bytes, next + BLOCK_FIRST_ID_AT) > id) break
      this.offset = start + next
    }
    if (this.offset > from) this.#passedFrom = from
  }

  /**
   * The body that the cursor is at in this block, for its user to do with as he likes: a view the first time,
   * which costs nothing, and a copy where the memory is used again or somebody has a view already.
   */
  bodyOf(cursor: RecordCursor): Uint8Array {
    const body = cursor.body()
    // No checksum says later whether what was unpacked is still what it was.
    if (this.payload) return this.#isKept ? copyOf(body) : body
    if (this.#isShared || cursor.id <= this.#lent.id) return copyOf(body)
    this.#lent.id = cursor.id
    return body
  }

  /** Somebody has a view of this body of the block in hand, or of one behind it. */
  isLent(id: number): boolean {
    return !this.payload && id <= this.#lent.id
  }

  /** Gives the block in hand memory of its own; false where what users did has changed it. */
  renew({ key }: ReadableSegment): boolean {
    const block = this.block
    if (!block) return false
    const bytes = copyOf(this.bytes.subarray(this.at, this.at + block.length))
    if (checkBlock(bytes, 0, block.offset, key, this.#system.crc32) !== 0) return false
    this.bytes = bytes
    this.at = 0
    this.#lent = { id: 0 }
    return true
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
    this.isEntryless = false
    let entrylessEnd = 0
    while (this.offset < end) {
      const state = await blockStateAt(this.#window, this.offset, end, key, crc32)
      if (state === 0 && this.#unpacks()) {
        this.isEntryless = this.offset === entrylessEnd
        this.#moveTo(this.offset)
        return true
      }
      if (this.#passedFrom > 0) {
        this.offset = this.#passedFrom
        this.damageStart = this.offset
        this.#passedFrom = 0
        continue
      }
      if (this.#window.isHearsay) {
        // Memory is no evidence of what the disk holds: damage is what the file shows.
        this.#window.distrust()
        continue
      }
      // The file ends here, short of its segment: nothing behind can be looked for.
      if (!this.#window.has(this.offset, BLOCK_HEADER_BYTES)) {
        this.offset = end
        break
      }
      if (this.offset === this.damageStart) entrylessEnd = this.#entrylessEnd(key)
      const candidate = skipToCandidate(this.#window, this.offset + BLOCK_ALIGN_BYTES, key.salt1)
      this.offset = Math.min(end, candidate)
    }
    this.damageEnd = end
    this.isEntryless = end === entrylessEnd
    return false
  }

  /** The same without a promise, where a valid block stands in memory next; false where not. */
  nextBuffered(segment: ReadableSegment): boolean {
    const { end, key } = segment
    if (this.offset >= end) return false
    if (!this.isBuffered && !this.#window.lookUp(this.offset, end)) return false
    if (!this.isBuffered) return false
    const { bytes, start } = this.#window
    if (checkBlock(bytes, this.offset - start, this.offset, key, this.#system.crc32) !== 0) {
      return false
    }
    if (!this.#unpacks()) return false
    this.damageStart = this.offset
    this.#moveTo(this.offset)
    return true
  }

  /** Where an invalid block at the walk's place ends, if its header says that it holds no entries; else 0. */
  #entrylessEnd(key: SegmentKey): number {
    if (!isBlockBegun(this.#window, this.offset, key)) return 0
    if (!this.#window.has(this.offset, BLOCK_HEADER_BYTES)) return 0
    const { type, length } = readBlock(this.#window.bytes, this.offset - this.#window.start)
    return ENTRYLESS.includes(type) ? this.offset + length : 0
  }

  #unpacks(): boolean {
    return this.#unpacker.open(this.#window.bytes, this.offset - this.#window.start)
  }

  #moveTo(offset: number): void {
    this.bytes = this.#window.bytes
    this.#isShared = this.#window.isShared
    this.#lent = this.#window.lent
    this.#passedFrom = 0
    this.at = offset - this.#window.start
    this.block = readBlock(this.bytes, this.at)
    this.payload = this.#unpacker.payload
    this.damageEnd = offset
    this.offset = offset + this.block.length
  }
}
