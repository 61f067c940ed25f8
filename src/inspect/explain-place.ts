/** What one byte of a valid structure is: which field of a header, which record of a block. Pure. */
import { type Block, readBlock } from '../format/block.ts'
import { getUint32 } from '../format/bytes.ts'
import {
  BLOCK_HEADER_BYTES,
  BlockFlag,
  COMPRESSED_HEADER_BYTES,
  RecordKind,
} from '../format/layout.ts'
import { RecordCursor } from '../format/records.ts'
import { flagNames, kindName, typeName } from './words.ts'

type Field = readonly [offset: number, bytes: number, name: string]

/** docs/format.md section 2. */
const SEGMENT_FIELDS: readonly Field[] = [
  [0, 8, 'the magic of a segment'],
  [8, 4, 'the format number'],
  [12, 4, 'the compatible features'],
  [16, 4, 'the read-only compatible features'],
  [20, 4, 'the incompatible features'],
  [24, 16, 'the store id'],
  [40, 8, 'the segment number'],
  [48, 4, 'the generation'],
  [52, 4, 'the first salt'],
  [56, 4, 'the second salt'],
  [60, 4, 'the block bytes'],
  [64, 8, 'the file size'],
  [72, 8, 'the creation time'],
  [80, 428, 'zero that the checksum covers'],
  [508, 4, 'the checksum of this copy'],
]

/** docs/format.md section 3. */
const BLOCK_FIELDS: readonly Field[] = [
  [0, 4, 'its magic, the first salt of this segment'],
  [4, 4, 'its checksum'],
  [8, 4, 'its length'],
  [12, 4, 'its own offset'],
  [16, 4, 'D, the durable mark that it claims'],
  [20, 4, "the offset of its group's first block"],
  [24, 1, 'its type'],
  [25, 1, 'its flags'],
  [26, 2, 'its number of records'],
  [28, 4, 'zero'],
  [32, 8, 'its first id'],
  [40, 8, 'its time'],
]

function fieldAt(fields: readonly Field[], at: number): string {
  const field = fields.find(([offset, bytes]) => at >= offset && at < offset + bytes)
  if (field === undefined) throw new Error(`no field covers byte ${at}`)
  return field[2]
}

/** The field of the segment header that byte `offset` of the file belongs to. */
export function segmentFieldAt(offset: number): string {
  if (offset < 512)
    return `${fieldAt(SEGMENT_FIELDS, offset)}, in the first copy of the segment header`
  if (offset < 3584) return 'zero between the two copies of the segment header'
  return `${fieldAt(SEGMENT_FIELDS, offset - 3584)}, in the last copy of the segment header`
}

/** The field of a block header, by its distance from the start of the block. */
export function blockFieldAt(distance: number): string {
  return fieldAt(BLOCK_FIELDS, distance)
}

/** What a valid block is, in one sentence. */
export function blockInWords(block: Block): string {
  const { offset, length, type, flags, recordCount, firstId, durableOffset, groupOffset, timeMs } =
    block
  const names = flagNames(flags)
  const marks = names.length > 0 ? ` (${names.join(', ')})` : ''
  const records = recordCount === 1 ? '1 record' : `${recordCount} records`
  return (
    `a ${typeName(type)} block${marks} at ${offset}, ${length} bytes, ${records}, first id ${firstId}, ` +
    `of the group at ${groupOffset}; it says that everything below ${durableOffset} was durable; ` +
    `sealed ${new Date(timeMs).toISOString()}`
  )
}

/** What byte `distance` of the valid block at `bytes[at..]` is. */
export function placeInBlock(
  bytes: Uint8Array,
  at: number,
  distance: number,
  payload?: Uint8Array,
  storeWords: (kind: number, body: Uint8Array) => string = () => '',
): string {
  if (distance < BLOCK_HEADER_BYTES) return `${blockFieldAt(distance)}, in the header of the block`
  const block = readBlock(bytes, at)
  if ((block.flags & BlockFlag.COMPRESSED) !== 0) {
    return compressedPlace(bytes, at, distance - BLOCK_HEADER_BYTES, payload?.length)
  }
  const cursor = new RecordCursor()
  cursor.open(bytes, at)
  const target = at + distance
  if (target < cursor.start) return 'what stands in front of the records: origin or table of ids'
  for (let record = 1; cursor.next(); record++) {
    if (target >= cursor.start + cursor.length) continue
    const name = kindName(cursor.kind)
    const id = cursor.kind === RecordKind.MESSAGE ? ` with id ${cursor.id}` : ''
    const told = storeWords(cursor.kind, cursor.body())
    const what = `record ${record} of the block, ${name}${id}, ${cursor.length} bytes${told}`
    if (target < cursor.start) return `kind and length of ${what}`
    return `byte ${target - cursor.start} of ${what}`
  }
  return 'padding behind the last record: zero, and covered by the checksum'
}

/** Compressed, a byte belongs to no record alone. */
function compressedPlace(
  bytes: Uint8Array,
  at: number,
  distance: number,
  unpackedBytes: number | undefined,
): string {
  if (distance < 4) return 'the length of what the block unpacks to'
  if (distance < COMPRESSED_HEADER_BYTES) return 'the length of the compressed payload'
  const stored = getUint32(bytes, at + BLOCK_HEADER_BYTES + 4)
  const place = distance - COMPRESSED_HEADER_BYTES
  if (place >= stored) return 'padding behind the compressed payload: zero, and checksummed'
  return `byte ${place} of the compressed payload, which unpacks to ${unpackedBytes ?? '?'} bytes`
}
