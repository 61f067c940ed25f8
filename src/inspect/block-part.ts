/**
 * The part of a DATA block whose ids are wanted, as a SPARSE block of its own: a merge packs messages anew, so
 * that its blocks straddle the borders of the segments it was made of. Ids and times stay as they were. Pure.
 */
import { readBlock, type SegmentKey } from '../format/block.ts'
import type { Crc32 } from '../format/crc.ts'
import {
  BlockFlag,
  RecordKind,
  SEGMENT_FILE_BYTES_MAX,
  SEGMENT_HEADER_BYTES,
} from '../format/layout.ts'
import { RecordCursor, readBatchRecord } from '../format/records.ts'
import { SparseBlock } from '../format/sparse.ts'

/** A place that nothing is ever written to: whoever writes the block seals it once more. */
const NOWHERE: SegmentKey = { salt1: 1, salt2: 0, fileBytes: SEGMENT_FILE_BYTES_MAX }

export interface BlockPart {
  /** Stored as it is, not packed; undefined where the block holds none of these ids. */
  readonly bytes: Uint8Array | undefined
  /** Epoch of the writer that first appended it, where the block is COPIED; else 0. */
  readonly originEpoch: number
}

/**
 * The messages from `fromId` up to `toId` of the valid DATA block `bytes`, `payload` being what a COMPRESSED one
 * unpacks to. Undefined where the block has to do with a batch with control records, which is taken or dropped
 * whole. Of a batch of messages alone any may stand without the others, and each is a batch of its own then.
 */
export function partOfBlock(
  bytes: Uint8Array,
  payload: Uint8Array | undefined,
  fromId: number,
  toId: number,
  crc32: Crc32,
): BlockPart | undefined {
  const cursor = new RecordCursor()
  const part = new SparseBlock()
  cursor.open(bytes, 0, payload)
  while (cursor.next()) {
    const { kind, id, timeMs } = cursor
    if (kind === RecordKind.BATCH && readBatchRecord(cursor.bytes, cursor.start).controls > 0) {
      return undefined
    }
    if (kind === RecordKind.MESSAGE && id >= fromId && id < toId) {
      part.add(id, timeMs, cursor.body())
    }
  }
  const { originEpoch } = cursor
  const endsGroup = (readBlock(bytes, 0).flags & BlockFlag.END) !== 0
  const taken = part.isEmpty
    ? undefined
    : part.take(SEGMENT_HEADER_BYTES, endsGroup, NOWHERE, crc32)
  return { bytes: taken, originEpoch }
}
