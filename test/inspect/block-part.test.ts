/** Goal: a part of a block holds the wanted messages with ids and times as they were, whatever the block was. */
import { expect, test } from 'vitest'
import { decompressBlock } from '../../native-free/index.ts'
import { checkBlock, sealBlock } from '../../src/format/block.ts'
import {
  BlockFlag,
  BlockType,
  RecordKind,
  roundUp,
  SEGMENT_FILE_BYTES_MAX,
  SEGMENT_HEADER_BYTES,
} from '../../src/format/layout.ts'
import { RecordCursor } from '../../src/format/records.ts'
import { unpackBlock } from '../../src/format/unpack.ts'
import { type BlockPart, partOfBlock } from '../../src/inspect/block-part.ts'
import { compressed, concat, record, u32, u64 } from '../format/pieces.ts'
import { crc32, KEY } from '../format/samples.ts'

const FIRST_ID = 7
const TIME_MS = 900
const ORIGIN = 12
const { COMPRESSED, COPIED, END, SPARSE } = BlockFlag

function block(flags: number, recordCount: number, payload: Uint8Array): Uint8Array {
  const stored = (flags & COMPRESSED) === 0 ? payload : compressed(payload)
  const length = roundUp(48 + stored.length, 8)
  const bytes = new Uint8Array(length)
  bytes.set(stored, 48)
  const offset = SEGMENT_HEADER_BYTES
  const place = { offset, durableOffset: offset, groupOffset: offset, length }
  const header = { type: BlockType.DATA, flags, recordCount, firstId: FIRST_ID, timeMs: TIME_MS }
  sealBlock(bytes, 0, { ...place, ...header }, KEY, crc32)
  return bytes
}

function part(bytes: Uint8Array, flags: number, from: number, to: number): BlockPart | undefined {
  const payload = (flags & COMPRESSED) === 0 ? undefined : unpackBlock(bytes, 0, decompressBlock)
  return partOfBlock(bytes, payload, from, to, crc32)
}

/** Id, time and body of each, of a block that a later reader takes for valid. */
function messagesIn(bytes: Uint8Array | undefined): [number, number, string][] {
  if (!bytes) return []
  const key = { salt1: 1, salt2: 0, fileBytes: SEGMENT_FILE_BYTES_MAX }
  expect(checkBlock(bytes, 0, SEGMENT_HEADER_BYTES, key, crc32)).toBe(0)
  const cursor = new RecordCursor()
  const found: [number, number, string][] = []
  cursor.open(bytes, 0)
  while (cursor.next()) {
    found.push([cursor.id, cursor.timeMs, new TextDecoder().decode(cursor.body())])
  }
  return found
}

const messages = ['a', '', 'ccc', 'dd'].map((body) => record(RecordKind.MESSAGE, body))
const table = u64(7, 901, 9, 902, 12, 903, 13, 904)

test.each([0, COMPRESSED])(
  'of a SPARSE block, flags %i: ids, times, origin and end of the group',
  (packed) => {
    const flags = SPARSE | COPIED | END | packed
    const bytes = block(flags, 4, concat(u64(ORIGIN), table, ...messages))
    const found = part(bytes, flags, 9, 13)
    expect(found?.originEpoch).toBe(ORIGIN)
    expect(messagesIn(found?.bytes)).toEqual([
      [9, 902, ''],
      [12, 903, 'ccc'],
    ])
    expect((found?.bytes?.[25] ?? 0) & END).toBe(END)
    expect(part(bytes, flags, 10, 12)).toEqual({ bytes: undefined, originEpoch: ORIGIN })
  },
)

test.each([0, COMPRESSED])(
  'of a block of batches of messages, flags %i: each stands alone',
  (packed) => {
    const batch = record(RecordKind.BATCH, u32(9, 0, 2, 0))
    const bytes = block(packed, 5, concat(batch, ...messages))
    const found = part(bytes, packed, 8, 10)
    expect(found?.originEpoch).toBe(0)
    expect(messagesIn(found?.bytes)).toEqual([
      [8, TIME_MS, ''],
      [9, TIME_MS, 'ccc'],
    ])
    expect((found?.bytes?.[25] ?? 0) & END).toBe(0)
  },
)

test('of a block that a batch with control records reaches into: no part', () => {
  const batch = record(RecordKind.BATCH, u32(4, 1, 0, 0))
  expect(part(block(0, 5, concat(batch, ...messages)), 0, 8, 10)).toBeUndefined()
})
