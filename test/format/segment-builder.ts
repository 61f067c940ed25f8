/** Writes segments block by block, as the golden files and the worked example need them. */
import { type Block, type SegmentKey, sealBlock } from '../../src/format/block.ts'
import type { Crc32 } from '../../src/format/crc.ts'
import { type PairedBlock, pairBytes, writePair } from '../../src/format/group.ts'
import { encodeSegmentHeader, type SegmentHeader } from '../../src/format/header.ts'
import {
  BLOCK_HEADER_BYTES,
  BlockFlag,
  roundUp,
  SEGMENT_HEADER_BYTES,
} from '../../src/format/layout.ts'

export class SegmentBuilder {
  readonly file: Uint8Array
  /** Where the next block begins. */
  offset = SEGMENT_HEADER_BYTES
  /** Where the group of the next block began. */
  groupOffset = SEGMENT_HEADER_BYTES
  durableOffset = SEGMENT_HEADER_BYTES
  nextId: number
  timeMs: number
  readonly #key: SegmentKey
  readonly #crc32: Crc32

  constructor(header: SegmentHeader, nextId: number, crc32: Crc32) {
    this.file = new Uint8Array(header.fileBytes)
    this.file.set(encodeSegmentHeader(header, crc32))
    this.#key = header
    this.#crc32 = crc32
    this.nextId = nextId
    this.timeMs = header.createdMs + 1
  }

  /** One block; without `open` it ends its group, and all before the next group is durable. */
  block(
    changes: Pick<Block, 'type' | 'recordCount'> & Partial<Block>,
    payload: Uint8Array,
    messages = 0,
    open = false,
  ): void {
    const block: Block = {
      offset: this.offset,
      length: roundUp(BLOCK_HEADER_BYTES + payload.length, 8),
      durableOffset: this.durableOffset,
      groupOffset: this.groupOffset,
      firstId: this.nextId,
      timeMs: this.timeMs,
      ...changes,
      flags: (changes.flags ?? 0) | (open ? 0 : BlockFlag.END),
    }
    this.file.set(payload, this.offset + BLOCK_HEADER_BYTES)
    sealBlock(this.file, this.offset, block, this.#key, this.#crc32)
    this.nextId = block.firstId + messages
    this.#advance(block.length, open)
  }

  /** Both blocks of LINK, MAP, SYNC or CLEAN. */
  pair(pair: Pick<PairedBlock, 'type' | 'body'>, open = false): void {
    const { durableOffset, groupOffset, timeMs, nextId: firstId } = this
    const whole = { ...pair, durableOffset, groupOffset, timeMs, firstId, end: !open }
    const bytes = pairBytes(this.offset, pair)
    writePair(this.file, this.offset, this.offset, whole, this.#key, this.#crc32)
    this.#advance(bytes, open)
  }

  /** Blocks that are sealed already, and end the group. */
  group(bytes: Uint8Array, nextId: number): void {
    this.file.set(bytes, this.offset)
    this.nextId = nextId
    this.#advance(bytes.length, false)
  }

  #advance(bytes: number, open: boolean): void {
    this.offset += bytes
    this.timeMs += 1
    if (open) return
    this.groupOffset = this.offset
    this.durableOffset = this.offset
  }
}
