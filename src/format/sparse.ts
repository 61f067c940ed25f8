/**
 * A SPARSE block in the making: messages that keep their ids and times where their neighbours are gone.
 * The table stands in front of the records, so both are gathered first. Pure; one serves any number of
 * blocks.
 */
import type { Block, SegmentKey } from './block.ts'
import { sealBlock } from './block.ts'
import { setUint64 } from './bytes.ts'
import type { Crc32 } from './crc.ts'
import {
  BLOCK_ALIGN_BYTES,
  BLOCK_HEADER_BYTES,
  BLOCK_RECORDS_MAX,
  BlockFlag,
  BlockType,
  RECORD_HEADER_BYTES,
  RecordKind,
  roundUp,
  SEGMENT_HEADER_BYTES,
  SPARSE_ENTRY_BYTES,
} from './layout.ts'
import { writeRecordHeader } from './records.ts'

/** What a message takes beside its body. */
export const SPARSE_MESSAGE_BYTES = SPARSE_ENTRY_BYTES + RECORD_HEADER_BYTES

/** Packs a payload in place: returns its new end, or the old one where it stays as it is. */
export type PackPayload = (
  bytes: Uint8Array,
  start: number,
  end: number,
  recordCount: number,
) => number

export class SparseBlock {
  readonly #ids: number[] = []
  readonly #times: number[] = []
  #records = new Uint8Array(16 * 1024)
  #recordsBytes = 0

  get isEmpty(): boolean {
    return this.#ids.length === 0
  }

  get firstId(): number {
    return this.#ids[0] ?? 0
  }

  /** Bytes of the block as it stands, without padding. */
  get byteLength(): number {
    return BLOCK_HEADER_BYTES + this.#ids.length * SPARSE_ENTRY_BYTES + this.#recordsBytes
  }

  /** Whether a message of so many bytes still belongs into a block that aims at `aimBytes`. */
  takes(bodyBytes: number, aimBytes: number): boolean {
    if (this.isEmpty) return true
    if (this.#ids.length >= BLOCK_RECORDS_MAX) return false
    return this.byteLength + SPARSE_MESSAGE_BYTES + bodyBytes <= aimBytes
  }

  /** Adds a message; ids must grow. */
  add(id: number, timeMs: number, body: Uint8Array): void {
    const needed = this.#recordsBytes + RECORD_HEADER_BYTES + body.length
    if (needed > this.#records.length) this.#grow(needed)
    const at = writeRecordHeader(this.#records, this.#recordsBytes, RecordKind.MESSAGE, body.length)
    this.#records.set(body, at)
    this.#recordsBytes = needed
    this.#ids.push(id)
    this.#times.push(timeMs)
  }

  /** The block as it stands at `offset` of a data-only segment, sealed; empty again afterwards. */
  take(
    offset: number,
    isLast: boolean,
    key: SegmentKey,
    crc32: Crc32,
    pack?: PackPayload,
  ): Uint8Array {
    const recordCount = this.#ids.length
    const plainEnd = this.byteLength
    const bytes = new Uint8Array(roundUp(plainEnd, BLOCK_ALIGN_BYTES))
    for (let row = 0; row < recordCount; row++) {
      const at = BLOCK_HEADER_BYTES + row * SPARSE_ENTRY_BYTES
      setUint64(bytes, at, this.#ids[row] as number)
      setUint64(bytes, at + 8, this.#times[row] as number)
    }
    const recordsAt = BLOCK_HEADER_BYTES + recordCount * SPARSE_ENTRY_BYTES
    bytes.set(this.#records.subarray(0, this.#recordsBytes), recordsAt)
    const end = pack?.(bytes, BLOCK_HEADER_BYTES, plainEnd, recordCount) ?? plainEnd
    const length = roundUp(end, BLOCK_ALIGN_BYTES)
    bytes.fill(0, end, length)
    const packed = end < plainEnd ? BlockFlag.COMPRESSED : 0
    const block: Block = {
      offset,
      length,
      durableOffset: SEGMENT_HEADER_BYTES,
      groupOffset: SEGMENT_HEADER_BYTES,
      type: BlockType.DATA,
      flags: BlockFlag.SPARSE | packed | (isLast ? BlockFlag.END : 0),
      recordCount,
      firstId: this.firstId,
      timeMs: this.#times[0] as number,
    }
    sealBlock(bytes, 0, block, key, crc32)
    this.#ids.length = 0
    this.#times.length = 0
    this.#recordsBytes = 0
    return bytes.subarray(0, length)
  }

  #grow(needed: number): void {
    const grown = new Uint8Array(Math.max(needed, 2 * this.#records.length))
    grown.set(this.#records.subarray(0, this.#recordsBytes))
    this.#records = grown
  }
}
