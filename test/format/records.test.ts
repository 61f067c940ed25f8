import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { checkBlock } from '../../src/format/block.ts'
import { BlockFlag, BlockType, RecordKind } from '../../src/format/layout.ts'
import { checkPayload } from '../../src/format/payload.ts'
import {
  RecordCursor,
  readBatchRecord,
  writeBatchRecord,
  writeRecordHeader,
} from '../../src/format/records.ts'
import type { Decompress } from '../../src/format/unpack.ts'
import { compressed, concat, record, u32, u64, unpackLiterals } from './pieces.ts'
import { crc32, fileWithBlock, KEY } from './samples.ts'

const { MESSAGE, CONTROL, BATCH, FIELD } = RecordKind
const AT = 8192

interface Walked {
  readonly kind: number
  readonly id: number
  readonly timeMs: number
  readonly body: string
}

function walk(file: Uint8Array, at = AT, decompress?: Decompress): readonly Walked[] {
  const cursor = new RecordCursor(decompress)
  const walked: Walked[] = []
  cursor.open(file, at)
  while (cursor.next()) {
    const body = new TextDecoder().decode(cursor.body())
    walked.push({ kind: cursor.kind, id: cursor.id, timeMs: cursor.timeMs, body })
  }
  expect(cursor.next()).toBe(false)
  return walked
}

function holds(type: number, flags: number, count: number, payload: Uint8Array): boolean {
  // Sentinels around it: the check must not look at them.
  const bytes = concat(Uint8Array.of(0xff), payload, Uint8Array.of(0xff))
  return checkPayload(bytes, 1, 1 + payload.length, type, flags, count, 7)
}

describe('the record cursor', () => {
  test('walks any records, and ids count messages only', () => {
    const anyRecord = fc.tuple(
      fc.constantFrom<RecordKind>(MESSAGE, CONTROL),
      fc.string({ unit: 'grapheme', maxLength: 30 }),
    )
    const anyRecords = fc.array(anyRecord, { minLength: 1, maxLength: 40 })
    fc.assert(
      fc.property(anyRecords, (records) => {
        const payload = concat(...records.map(([kind, body]) => record(kind, body)))
        const { file } = fileWithBlock(payload, { recordCount: records.length })
        expect(checkBlock(file, AT, AT, KEY, crc32)).toBe(0)
        let id = 7
        const expected = records.map(([kind, body]) => ({
          kind,
          id: kind === MESSAGE ? id++ : id,
          timeMs: 1_700_000_000_000,
          body,
        }))
        expect(walk(file)).toEqual(expected)
      }),
    )
  })

  test('serves one block after another', () => {
    const cursor = new RecordCursor(unpackLiterals)
    const sparse = fileWithBlock(concat(u64(9, 1000), record(MESSAGE, 'sparse')), {
      flags: BlockFlag.SPARSE,
      firstId: 9,
    })
    const copied = fileWithBlock(compressed(concat(u64(3), record(MESSAGE, 'copied'))), {
      flags: BlockFlag.COPIED | BlockFlag.COMPRESSED,
    })
    const plain = fileWithBlock(record(MESSAGE, 'plain'))
    const found: (string | number)[] = []
    for (const { file } of [sparse, copied, plain]) {
      cursor.open(file, AT)
      expect(cursor.next()).toBe(true)
      found.push(new TextDecoder().decode(cursor.body()), cursor.id, cursor.originEpoch)
    }
    expect(found).toEqual(['sparse', 9, 0, 'copied', 7, 3, 'plain', 7, 0])
  })

  test('takes id and time of SPARSE records from the table', () => {
    const table = u64(10, 500, 12, 400, 99, 600)
    const records = concat(record(MESSAGE, 'a'), record(MESSAGE, ''), record(MESSAGE, 'ccc'))
    const { file } = fileWithBlock(concat(u64(42), table, records), {
      flags: BlockFlag.SPARSE | BlockFlag.COPIED,
      firstId: 10,
      recordCount: 3,
    })
    expect(checkBlock(file, AT, AT, KEY, crc32)).toBe(0)
    expect(walk(file)).toEqual([
      { kind: MESSAGE, id: 10, timeMs: 500, body: 'a' },
      { kind: MESSAGE, id: 12, timeMs: 400, body: '' },
      { kind: MESSAGE, id: 99, timeMs: 600, body: 'ccc' },
    ])
  })

  test('refuses to walk out of a block that was never checked', () => {
    const { file } = fileWithBlock(record(MESSAGE, 'a message'))
    file[AT + 48 + 1] = 1
    expect(() => walk(file)).toThrow(/leaves its valid block/)
  })
})

describe('COMPRESSED', () => {
  const payload = concat(record(MESSAGE, 'x'.repeat(300)), record(CONTROL, 'y'))
  const flags = BlockFlag.COMPRESSED | BlockFlag.END
  const { file } = fileWithBlock(compressed(payload), { flags, recordCount: 2 })

  test('is unpacked by the function handed in', () => {
    expect(checkBlock(file, AT, AT, KEY, crc32)).toBe(0)
    expect(walk(file, AT, unpackLiterals).map(({ kind, id }) => [kind, id])).toEqual([
      [MESSAGE, 7],
      [CONTROL, 8],
    ])
  })

  test('is a newer format where nothing can unpack it', () => {
    expect(() => walk(file)).toThrow(expect.objectContaining({ code: 'QLOG_NEWER_FORMAT' }))
  })

  test.each<[string, Decompress]>([
    ['throws', (stored) => unpackLiterals(stored, 1)],
    ['gives too little', (stored, length) => unpackLiterals(stored, length).subarray(1)],
    ['gives other records', (_stored, length) => new Uint8Array(length)],
    [
      'gives sound records of another length',
      () => concat(record(MESSAGE, 'z'), record(CONTROL, '')),
    ],
    ['gives bytes behind the records', () => concat(payload.subarray(0, 305), new Uint8Array(4))],
  ])('is damage where unpacking %s', (_name, decompress) => {
    expect(() => walk(file, AT, decompress)).toThrow(
      expect.objectContaining({ code: 'QLOG_DAMAGED' }),
    )
  })
})

describe('BATCH', () => {
  test('comes back', () => {
    const target = new Uint8Array(30)
    expect(writeBatchRecord(target, 3, 1, 2 ** 32 - 1, 3, 4)).toBe(23)
    const span = { messages: 1, controls: 2 ** 32 - 1, messagesBefore: 3, controlsBefore: 4 }
    expect(readBatchRecord(target, 7)).toEqual(span)
    expect([...target.subarray(3, 7)]).toEqual([16, 0, 0, BATCH << 4])
  })

  test('has exactly 16 bytes', () => {
    const message = record(MESSAGE, 'm')
    expect(holds(BlockType.DATA, 0, 2, concat(record(BATCH, u32(1, 1, 0, 0)), message))).toBe(true)
    expect(holds(BlockType.DATA, 0, 2, concat(record(BATCH, u32(1, 1, 0)), message))).toBe(false)
  })
})

describe('condition 11', () => {
  test('a record header holds a kind and up to 28 bits of length', () => {
    const target = new Uint8Array(4)
    expect(writeRecordHeader(target, 0, FIELD, 2 ** 28 - 1)).toBe(4)
    expect([...target]).toEqual([0xff, 0xff, 0xff, 0x4f])
    expect(() => writeRecordHeader(target, 0, FIELD, 2 ** 28)).toThrow(/too long/)
  })

  test('a type holds the kinds and the number of records that it may', () => {
    const single: readonly number[] = [
      BlockType.LINK,
      BlockType.MAP,
      BlockType.SNAPSHOT_PART,
      BlockType.SNAPSHOT_END,
      BlockType.SEAL,
    ]
    for (const type of Object.values(BlockType)) {
      for (const kind of [0, MESSAGE, CONTROL, FIELD, 5, 15]) {
        const fields = single.includes(type) || type === BlockType.GAP
        const right = fields ? kind === FIELD : kind === MESSAGE || kind === CONTROL
        const empty = type === BlockType.SYNC || type === BlockType.CLEAN
        const label = `kind ${kind} in type ${type}`
        expect(holds(type, 0, 1, record(kind, 'b')), label).toBe(right && !empty)
        const two = concat(record(kind, 'b'), record(kind, ''))
        expect(holds(type, 0, 2, two), label).toBe(right && !empty && !single.includes(type))
        expect(holds(type, 0, 0, new Uint8Array(8))).toBe(empty)
      }
    }
  })

  test('records lie within the block, and the rest is zero', () => {
    const one = record(MESSAGE, 'abc')
    expect(holds(BlockType.DATA, 0, 1, one)).toBe(true)
    expect(holds(BlockType.DATA, 0, 1, one.subarray(0, 6))).toBe(false)
    expect(holds(BlockType.DATA, 0, 1, one.subarray(0, 3))).toBe(false)
    expect(holds(BlockType.DATA, 0, 1, new Uint8Array(0))).toBe(false)
    expect(holds(BlockType.DATA, 0, 1, concat(one, new Uint8Array(5000)))).toBe(true)
    expect(holds(BlockType.DATA, 0, 1, concat(one, new Uint8Array(8), u32(1)))).toBe(false)
    expect(holds(BlockType.DATA, 0, 2, concat(one, new Uint8Array(8)))).toBe(false)
  })

  test('a COPIED block has an origin', () => {
    const { COPIED } = BlockFlag
    const one = record(MESSAGE, 'abc')
    expect(holds(BlockType.DATA, COPIED, 1, concat(u64(5), one))).toBe(true)
    expect(holds(BlockType.DATA, COPIED, 1, concat(u32(5, 0x20_0000), one))).toBe(false)
    expect(holds(BlockType.DATA, COPIED, 1, u32(5))).toBe(false)
  })

  test('a SPARSE block has a table of growing ids, and messages alone', () => {
    const sparse = (table: Uint8Array, ...kinds: readonly number[]) =>
      holds(
        BlockType.DATA,
        BlockFlag.SPARSE,
        kinds.length,
        concat(table, ...kinds.map((kind) => record(kind, 'x'))),
      )
    expect(sparse(u64(7, 1, 9, 0), MESSAGE, MESSAGE)).toBe(true)
    expect(sparse(u64(7, 1, 7, 0), MESSAGE, MESSAGE)).toBe(false)
    expect(sparse(u64(8, 1, 9, 0), MESSAGE, MESSAGE)).toBe(false)
    expect(sparse(u64(7, 1, 9, 0), MESSAGE, CONTROL)).toBe(false)
    expect(sparse(concat(u64(7, 1), u32(9, 0x20_0000, 0, 0)), MESSAGE, MESSAGE)).toBe(false)
    expect(sparse(concat(u64(7, 1), u32(9, 0, 0, 0x20_0000)), MESSAGE, MESSAGE)).toBe(false)
    expect(holds(BlockType.DATA, BlockFlag.SPARSE, 200, u64(7, 1, 9, 0))).toBe(false)
  })

  test('the lengths of a COMPRESSED block are possible', () => {
    const lengths = (count: number, unpacked: number, packed: number, stored: number) =>
      holds(
        BlockType.DATA,
        BlockFlag.COMPRESSED,
        count,
        concat(u32(unpacked, packed), new Uint8Array(stored)),
      )
    expect(lengths(1, 100, 50, 56)).toBe(true)
    expect(lengths(1, 100, 57, 56)).toBe(false)
    expect(lengths(1, 50 * 255, 50, 50)).toBe(true)
    expect(lengths(1, 50 * 255 + 1, 50, 50)).toBe(false)
    expect(lengths(25, 100, 50, 50)).toBe(true)
    expect(lengths(26, 100, 50, 50)).toBe(false)
    expect(lengths(2, 20_000, 16_000, 16_384 - 56)).toBe(true)
    expect(lengths(2, 20_000, 16_000, 16_384 - 48)).toBe(false)
    expect(lengths(1, 20_000, 16_000, 16_384 - 48)).toBe(true)
    expect(lengths(2, 65_536, 1_000, 1_000)).toBe(true)
    expect(lengths(2, 65_537, 1_000, 1_000)).toBe(false)
    expect(lengths(1, 65_537, 1_000, 1_000)).toBe(true)
    expect(lengths(1, 2 ** 26, 300_000, 300_000)).toBe(true)
    expect(lengths(1, 2 ** 26 + 1, 300_000, 300_000)).toBe(false)
    expect(holds(BlockType.DATA, BlockFlag.COMPRESSED, 1, u32(1))).toBe(false)
    const dirty = concat(u32(4, 4), u32(0), u32(1))
    expect(holds(BlockType.DATA, BlockFlag.COMPRESSED, 1, dirty)).toBe(false)
  })

  test('no byte outside the payload is looked at', () => {
    const anyPayload = fc.oneof(
      fc.uint8Array({ maxLength: 60 }),
      fc
        .array(fc.constantFrom(1, 4, 7, 16, 1 << 28, (1 << 28) + 40), { maxLength: 12 })
        .map((words) => u32(...words)),
    )
    const anyType = fc.constantFrom(...Object.values(BlockType))
    const anyFlags = fc.constantFrom(0, 2, 4, 8, 10, 12, 14)
    fc.assert(
      fc.property(anyPayload, anyType, anyFlags, fc.nat(9), (payload, type, flags, count) => {
        const looked: number[] = []
        const watched = new Proxy(concat(u64(9), payload, u64(9, 1, 11, 2)), {
          get: (target, key) => {
            looked.push(Number(key))
            return Reflect.get(target, key)
          },
        })
        const end = 8 + payload.length
        checkPayload(watched, 8, end, type, flags, count, 7)
        expect(looked.filter((at) => !(at >= 8 && at < end))).toEqual([])
      }),
      { numRuns: 2000 },
    )
    // A table that would go on behind the end, in bytes that look like one.
    const looked: number[] = []
    const table = new Proxy(u64(7, 1, 9, 1, 11, 1, 13, 1), {
      get: (target, key) => {
        looked.push(Number(key))
        return Reflect.get(target, key)
      },
    })
    expect(checkPayload(table, 0, 32, BlockType.DATA, BlockFlag.SPARSE, 4, 7)).toBe(false)
    expect(looked.filter((at) => at >= 32)).toEqual([])
  })

  test('arbitrary payloads are judged within their bounds, and what passes can be walked', () => {
    const anyWord = fc.oneof(fc.constantFrom(0, 1 << 28, (1 << 28) + 3, 2 << 28), fc.nat())
    const anyPayload = fc.array(anyWord, { maxLength: 12 }).map((words) => u32(...words))
    const anyFlags = fc.constantFrom(0, 2, 4, 8, 10, 12, 14)
    fc.assert(
      fc.property(anyPayload, anyFlags, fc.integer({ min: 1, max: 9 }), (payload, flags, count) => {
        if (!holds(BlockType.DATA, flags, count, payload) || (flags & 4) !== 0) return
        const { file } = fileWithBlock(payload, { flags, recordCount: count })
        expect(checkBlock(file, AT, AT, KEY, crc32)).toBe(0)
        expect(walk(file)).toHaveLength(count)
      }),
      { numRuns: 2000 },
    )
  })
})
