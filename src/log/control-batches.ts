/**
 * The batches of control records alone that a group not yet sent holds: what may still be written where
 * a full disk turns its messages down. Memory only.
 */
import { readBlock, type SegmentKey } from '../format/block.ts'
import { copyOf } from '../format/bytes.ts'
import {
  BlockType,
  RecordKind,
  SEGMENT_FILE_BYTES_MAX,
  SEGMENT_HEADER_BYTES,
} from '../format/layout.ts'
import { RecordCursor, readBatchRecord } from '../format/records.ts'
import type { Decompress } from '../format/unpack.ts'
import type { CommitGroup, Destination } from './group.ts'

export interface ControlBatch {
  /** Which batch of the group it is, from 0. */
  readonly row: number
  readonly records: readonly Uint8Array[]
}

/** A place that no group is ever written to. */
const KEY: SegmentKey = { salt1: 1, salt2: 0, fileBytes: SEGMENT_FILE_BYTES_MAX }
const NOWHERE: Destination = { key: KEY, durableOffset: SEGMENT_HEADER_BYTES }

/** Closes the group to read it back: it must be reset afterwards. The records are copies. */
export function controlBatches(group: CommitGroup, decompress: Decompress): ControlBatch[] {
  const cursor = new RecordCursor(decompress)
  const walk = new BatchWalk()
  group.attach(NOWHERE, SEGMENT_HEADER_BYTES, SEGMENT_HEADER_BYTES)
  const bytes = group.finish()
  for (let at = 0; at < bytes.length; ) {
    const block = readBlock(bytes, at)
    if (block.type !== BlockType.DATA) throw new Error('a group in the making holds DATA alone')
    cursor.open(bytes, at)
    while (cursor.next()) walk.take(cursor)
    at += block.length
  }
  return walk.found
}

/** Puts batches together again from their records, which may span blocks. */
class BatchWalk {
  readonly found: ControlBatch[] = []
  #row = 0
  #messagesDue = 0
  #controlsDue = 0
  #records: Uint8Array[] | undefined

  take(cursor: RecordCursor): void {
    if (cursor.kind === RecordKind.BATCH) {
      const span = readBatchRecord(cursor.bytes, cursor.start)
      if (span.messagesBefore + span.controlsBefore > 0) return
      this.#messagesDue = span.messages
      this.#controlsDue = span.controls
      this.#records = span.messages === 0 ? [] : undefined
      return
    }
    if (cursor.kind === RecordKind.MESSAGE) {
      // A message without a batch record is a batch of its own.
      if (this.#messagesDue > 0) this.#messagesDue--
    } else {
      this.#controlsDue--
      this.#records?.push(copyOf(cursor.body()))
    }
    if (this.#messagesDue === 0 && this.#controlsDue === 0) this.#end()
  }

  #end(): void {
    if (this.#records) this.found.push({ row: this.#row, records: this.#records })
    this.#records = undefined
    this.#row++
  }
}
