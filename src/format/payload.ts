/**
 * Condition 11: whether the payload of a block parses. Never reads outside the payload it is given and
 * allocates nothing, so that it can stand in the recovery scan.
 */
import { getUint32, getUint64, isZero, NOT_SAFE } from './bytes.ts'
import {
  BATCH_RECORD_BYTES,
  BLOCK_HEADER_BYTES,
  BlockFlag,
  BlockType,
  COMPRESSED_BLOCK_BYTES_MAX,
  COMPRESSED_HEADER_BYTES,
  COMPRESSED_PAYLOAD_BYTES_MAX,
  ORIGIN_BYTES,
  RECORD_HEADER_BYTES,
  RECORD_LENGTH_MAX,
  RecordKind,
  SPARSE_ENTRY_BYTES,
  UNCOMPRESSED_BYTES_MAX,
  UNCOMPRESSED_RATIO_MAX,
} from './layout.ts'

/** Bit k is set where records of kind k may stand. */
const KINDS_OF_DATA =
  (1 << RecordKind.MESSAGE) | (1 << RecordKind.CONTROL) | (1 << RecordKind.BATCH)
const KINDS_OF_SPARSE = 1 << RecordKind.MESSAGE
const KINDS_OF_FIELDS = 1 << RecordKind.FIELD

const BATCH_BODY_BYTES = BATCH_RECORD_BYTES - RECORD_HEADER_BYTES

/**
 * True where bytes `start` to `end` are the payload, with its padding, of a block whose header says
 * `type`, `flags`, `recordCount` and `firstId`. Of a COMPRESSED one only the stored lengths are looked
 * at: what it unpacks to is for {@link checkUnpackedPayload}.
 */
export function checkPayload(
  bytes: Uint8Array,
  start: number,
  end: number,
  type: number,
  flags: number,
  recordCount: number,
  firstId: number,
): boolean {
  if (!recordCountFits(type, recordCount, end - start)) return false
  if ((flags & BlockFlag.COMPRESSED) !== 0) {
    return checkCompressed(bytes, start, end, recordCount)
  }
  const recordsEnd = checkRecords(bytes, start, end, type, flags, recordCount, firstId)
  return recordsEnd >= 0 && isZero(bytes, recordsEnd, end)
}

/** True where `unpacked` is, to its last byte, what a COMPRESSED block with this header may hold. */
export function checkUnpackedPayload(
  unpacked: Uint8Array,
  type: number,
  flags: number,
  recordCount: number,
  firstId: number,
): boolean {
  const end = unpacked.length
  return checkRecords(unpacked, 0, end, type, flags, recordCount, firstId) === end
}

function recordCountFits(type: number, recordCount: number, payloadBytes: number): boolean {
  if (recordCount > payloadBytes) return false
  switch (type) {
    case BlockType.DATA:
    case BlockType.GAP:
      return recordCount >= 1
    case BlockType.SYNC:
    case BlockType.CLEAN:
      return recordCount === 0
    default:
      return recordCount === 1
  }
}

/** The position behind the last record, or -1 where something does not parse. */
function checkRecords(
  bytes: Uint8Array,
  start: number,
  end: number,
  type: number,
  flags: number,
  recordCount: number,
  firstId: number,
): number {
  const sparse = (flags & BlockFlag.SPARSE) !== 0
  let at = start
  if ((flags & BlockFlag.COPIED) !== 0) {
    if (end - at < ORIGIN_BYTES || getUint64(bytes, at) === NOT_SAFE) return -1
    at += ORIGIN_BYTES
  }
  if (sparse) {
    if (!checkSparseTable(bytes, at, end, recordCount, firstId)) return -1
    at += recordCount * SPARSE_ENTRY_BYTES
  }
  const kinds = kindsOf(type, sparse)
  for (let i = 0; i < recordCount; i++) {
    if (end - at < RECORD_HEADER_BYTES) return -1
    const word = getUint32(bytes, at)
    const kind = word >>> 28
    const length = word & RECORD_LENGTH_MAX
    at += RECORD_HEADER_BYTES
    if (length > end - at || (kinds & (1 << kind)) === 0) return -1
    if (kind === RecordKind.BATCH && length !== BATCH_BODY_BYTES) return -1
    at += length
  }
  return at
}

function kindsOf(type: number, sparse: boolean): number {
  if (sparse) return KINDS_OF_SPARSE
  return type === BlockType.DATA ? KINDS_OF_DATA : KINDS_OF_FIELDS
}

/** Ids grow, the first is the block's first id, ids and times are below 2^53. */
function checkSparseTable(
  bytes: Uint8Array,
  start: number,
  end: number,
  recordCount: number,
  firstId: number,
): boolean {
  if (recordCount * SPARSE_ENTRY_BYTES > end - start) return false
  let previousId = 0
  for (let i = 0; i < recordCount; i++) {
    const at = start + i * SPARSE_ENTRY_BYTES
    const id = getUint64(bytes, at)
    // NOT_SAFE is below every id, so it fails here too.
    if (id <= previousId || getUint64(bytes, at + 8) === NOT_SAFE) return false
    if (i === 0 && id !== firstId) return false
    previousId = id
  }
  return true
}

function checkCompressed(
  bytes: Uint8Array,
  start: number,
  end: number,
  recordCount: number,
): boolean {
  if (end - start < COMPRESSED_HEADER_BYTES) return false
  const blockBytes = end - start + BLOCK_HEADER_BYTES
  if (recordCount > 1 && blockBytes > COMPRESSED_BLOCK_BYTES_MAX) return false
  const uncompressedLength = getUint32(bytes, start)
  if (recordCount > 1 && uncompressedLength > COMPRESSED_PAYLOAD_BYTES_MAX) return false
  const compressedLength = getUint32(bytes, start + 4)
  const stored = start + COMPRESSED_HEADER_BYTES
  return (
    compressedLength <= end - stored &&
    uncompressedLength <= UNCOMPRESSED_BYTES_MAX &&
    uncompressedLength <= compressedLength * UNCOMPRESSED_RATIO_MAX &&
    recordCount * RECORD_HEADER_BYTES <= uncompressedLength &&
    isZero(bytes, stored + compressedLength, end)
  )
}
