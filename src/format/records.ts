/**
 * The records of a block: walking them and writing their headers. Hot: one cursor serves any number of
 * blocks, and a record is three numbers, not an object.
 */
import { getUint16, getUint32, getUint64, NOTHING, setUint32 } from './bytes.ts'
import {
  BATCH_RECORD_BYTES,
  BLOCK_FIRST_ID_AT,
  BLOCK_FLAGS_AT,
  BLOCK_HEADER_BYTES,
  BLOCK_LENGTH_AT,
  BLOCK_RECORDS_AT,
  BLOCK_TIME_AT,
  BlockFlag,
  ORIGIN_BYTES,
  RECORD_HEADER_BYTES,
  RECORD_LENGTH_MAX,
  RecordKind,
  SPARSE_ENTRY_BYTES,
} from './layout.ts'
import { type Decompress, unpackBlock } from './unpack.ts'

/** What a BATCH record says. */
export interface BatchSpan {
  /** Messages in the whole batch. */
  readonly messages: number
  /** Control records in the whole batch. */
  readonly controls: number
  /** Messages of the batch that stand in earlier blocks. */
  readonly messagesBefore: number
  /** Control records of the batch that stand in earlier blocks. */
  readonly controlsBefore: number
}

/** Writes the four bytes in front of a record's body; returns where the body begins. */
export function writeRecordHeader(
  target: Uint8Array,
  at: number,
  kind: RecordKind,
  length: number,
): number {
  if (length > RECORD_LENGTH_MAX) throw new Error(`a record of ${length} bytes is too long`)
  setUint32(target, at, (kind << 28) | length)
  return at + RECORD_HEADER_BYTES
}

/** Writes a BATCH record; returns where the next record begins. */
export function writeBatchRecord(
  target: Uint8Array,
  at: number,
  messages: number,
  controls: number,
  messagesBefore: number,
  controlsBefore: number,
): number {
  const body = writeRecordHeader(
    target,
    at,
    RecordKind.BATCH,
    BATCH_RECORD_BYTES - RECORD_HEADER_BYTES,
  )
  setUint32(target, body, messages)
  setUint32(target, body + 4, controls)
  setUint32(target, body + 8, messagesBefore)
  setUint32(target, body + 12, controlsBefore)
  return at + BATCH_RECORD_BYTES
}

/** What the BATCH record whose body begins at `start` says. */
export function readBatchRecord(bytes: Uint8Array, start: number): BatchSpan {
  return {
    messages: getUint32(bytes, start),
    controls: getUint32(bytes, start + 4),
    messagesBefore: getUint32(bytes, start + 8),
    controlsBefore: getUint32(bytes, start + 12),
  }
}

/**
 * Walks the records of valid blocks, one block after another:
 *
 * ```ts
 * cursor.open(bytes, at)
 * while (cursor.next()) use(cursor.bytes, cursor.start, cursor.length)
 * ```
 *
 * After `next()` returned true, the fields describe the record it moved to.
 */
export class RecordCursor {
  /** What `start` and `length` refer to: the bytes handed in, or the unpacked payload. */
  bytes: Uint8Array = NOTHING
  /** A {@link RecordKind}. */
  kind = 0
  /** Where the record's body begins in `bytes`. */
  start = 0
  /** Length of the record's body. */
  length = 0
  /** Id of the message; of any other record, of the next message. */
  id = 0
  /** When the message was appended: the block's time, or in a SPARSE block its own. */
  timeMs = 0
  /** Epoch of the writer that first appended a COPIED block; 0 where it is not one. */
  originEpoch = 0
  /** Records in the block. */
  recordCount = 0

  #end = 0
  #index = 0
  #nextId = 0
  /** Where the SPARSE table begins; -1 where there is none. */
  #table = -1
  readonly #decompress: Decompress | undefined

  constructor(decompress?: Decompress) {
    this.#decompress = decompress
  }

  /**
   * Moves in front of the first record of the valid block at `at`. Where it is COMPRESSED, `payload` is
   * what it unpacks to; left out, it is unpacked here.
   */
  open(bytes: Uint8Array, at: number, payload?: Uint8Array): void {
    const flags = bytes[at + BLOCK_FLAGS_AT] as number
    this.bytes = bytes
    this.recordCount = getUint16(bytes, at + BLOCK_RECORDS_AT)
    this.timeMs = getUint64(bytes, at + BLOCK_TIME_AT)
    this.originEpoch = 0
    this.#index = 0
    this.#nextId = getUint64(bytes, at + BLOCK_FIRST_ID_AT)
    this.id = this.#nextId
    this.#table = -1
    this.kind = 0
    this.length = 0
    this.#end = at + getUint32(bytes, at + BLOCK_LENGTH_AT)
    this.start = at + BLOCK_HEADER_BYTES
    if ((flags & BlockFlag.COMPRESSED) !== 0) {
      this.bytes = payload ?? unpackBlock(bytes, at, this.#decompress)
      this.start = 0
      this.#end = this.bytes.length
    }
    if ((flags & BlockFlag.COPIED) !== 0) {
      this.originEpoch = getUint64(this.bytes, this.start)
      this.start += ORIGIN_BYTES
    }
    if ((flags & BlockFlag.SPARSE) !== 0) {
      this.#table = this.start
      this.start += this.recordCount * SPARSE_ENTRY_BYTES
    }
  }

  /** Moves to the next record; false behind the last one. */
  next(): boolean {
    if (this.#index >= this.recordCount) return false
    const at = this.start + this.length
    const word = getUint32(this.bytes, at)
    this.kind = word >>> 28
    this.length = word & RECORD_LENGTH_MAX
    this.start = at + RECORD_HEADER_BYTES
    if (this.start + this.length > this.#end) throw new Error('a record leaves its valid block')
    if (this.#table >= 0) {
      const entry = this.#table + this.#index * SPARSE_ENTRY_BYTES
      this.id = getUint64(this.bytes, entry)
      this.timeMs = getUint64(this.bytes, entry + 8)
    } else {
      this.id = this.#nextId
      if (this.kind === RecordKind.MESSAGE) this.#nextId++
    }
    this.#index++
    return true
  }

  /** A view of the record's body; it lives as long as the bytes below it are left alone. */
  body(): Uint8Array {
    return this.bytes.subarray(this.start, this.start + this.length)
  }
}
