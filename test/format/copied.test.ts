/** Goal: a copied block holds its origin and what it held before, packed or not, within all limits. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { compressBlock, decompressBlock } from '../../native-free/index.ts'
import { checkBlock, readBlock, sealBlock } from '../../src/format/block.ts'
import { withOrigin } from '../../src/format/copied.ts'
import { BlockFlag, BlockType, RecordKind, roundUp } from '../../src/format/layout.ts'
import { RecordCursor } from '../../src/format/records.ts'
import { unpackBlock } from '../../src/format/unpack.ts'
import { compressed, concat, packLiterals, record, u32 } from './pieces.ts'
import { crc32, KEY } from './samples.ts'

const PLACE = { offset: 4096, durableOffset: 4096, groupOffset: 4096 }

function block(flags: number, recordCount: number, payload: Uint8Array): Uint8Array {
  const length = roundUp(48 + payload.length, 8)
  const bytes = new Uint8Array(length)
  bytes.set(payload, 48)
  const header = { ...PLACE, length, type: BlockType.DATA, flags, recordCount }
  sealBlock(bytes, 0, { ...header, firstId: 7, timeMs: 9 }, bigKey(), crc32)
  return bytes
}

function bigKey() {
  return { ...KEY, fileBytes: 8 * 1024 * 1024 }
}

/** Sealed as recovery seals it, and then valid. */
function sealed(copy: Uint8Array): Uint8Array {
  sealBlock(copy, 0, { ...readBlock(copy, 0), ...PLACE }, bigKey(), crc32)
  expect(checkBlock(copy, 0, 4096, bigKey(), crc32)).toBe(0)
  return copy
}

function bodies(bytes: Uint8Array): { origin: number; bodies: string[] } {
  const cursor = new RecordCursor(decompressBlock)
  cursor.open(bytes, 0)
  const found: string[] = []
  while (cursor.next()) found.push(Buffer.from(cursor.body()).toString('latin1'))
  return { origin: cursor.originEpoch, bodies: found }
}

function packed(payload: Uint8Array): Uint8Array {
  const stored = compressBlock(payload)
  return concat(u32(payload.length, stored.length), stored)
}

describe('a block with an origin', () => {
  const messages = fc.array(
    fc.oneof(
      fc.uint8Array({ maxLength: 400 }),
      fc.nat(900).map((length) => new Uint8Array(length).fill(length)),
    ),
    { minLength: 1, maxLength: 12 },
  )
  const pack = fc.constantFrom('plain', 'literals', 'lz4')

  test('holds what it held, packed or plain', () => {
    fc.assert(
      fc.property(messages, pack, fc.nat(2 ** 40), (all, how, epoch) => {
        const payload = concat(...all.map((body) => record(RecordKind.MESSAGE, body)))
        const fields =
          how === 'plain' ? payload : how === 'lz4' ? packed(payload) : compressed(payload)
        const bytes = block(how === 'plain' ? 0 : BlockFlag.COMPRESSED, all.length, fields)
        const copy = sealed(withOrigin(bytes, epoch, decompressBlock))
        expect(bodies(copy)).toEqual({ origin: epoch, bodies: bodies(bytes).bodies })
        const { flags } = readBlock(copy, 0)
        expect(flags & BlockFlag.COPIED).not.toBe(0)
        expect((flags & BlockFlag.COMPRESSED) !== 0).toBe(how !== 'plain')
        expect(copy.length - bytes.length).toBeLessThanOrEqual(16)
      }),
    )
  })

  test.each([0, 1, 6, 7, 14, 15, 20, 260, 261, 262, 263, 269, 270, 524])(
    'is packed with %i literals in front of the first match or the end',
    (literals) => {
      const text = Uint8Array.from({ length: literals }, (_, i) => (i * 151) & 0xff)
      const payload = record(RecordKind.MESSAGE, concat(text, new Uint8Array(40)))
      for (const stored of [compressBlock(payload), packLiterals(payload)]) {
        const fields = concat(u32(payload.length, stored.length), stored)
        const bytes = block(BlockFlag.COMPRESSED, 1, fields)
        const copy = sealed(withOrigin(bytes, 5, decompressBlock))
        expect(unpackBlock(copy, 0, decompressBlock)).toEqual(concat(u32(5, 0), payload))
      }
    },
  )

  test('is the same block where it has one already', () => {
    const bytes = block(BlockFlag.COPIED, 1, concat(u32(3, 0), record(RecordKind.MESSAGE, 'a')))
    expect(withOrigin(bytes, 5, decompressBlock)).toBe(bytes)
  })

  test('is plain where its records together leave no room for it', () => {
    const body = Uint8Array.from({ length: 8140 }, (_, i) => (i * i * 31) >>> 3)
    const two = concat(record(RecordKind.MESSAGE, body), record(RecordKind.MESSAGE, body))
    const long = block(BlockFlag.COMPRESSED, 2, compressed(two.subarray(0, 16_264 + 24)))
    expect(long.length).toBeGreaterThan(16_384 - 16)
    const zeros = record(RecordKind.MESSAGE, new Uint8Array(32_764))
    const wide = block(BlockFlag.COMPRESSED, 2, packed(concat(zeros, zeros)))
    for (const bytes of [long, wide]) {
      const copy = sealed(withOrigin(bytes, 5, decompressBlock))
      expect(readBlock(copy, 0).flags).toBe(BlockFlag.COPIED)
      expect(bodies(copy)).toEqual({ origin: 5, bodies: bodies(bytes).bodies })
    }
  })

  test('stays packed where it is one large record', () => {
    const zeros = record(RecordKind.MESSAGE, new Uint8Array(1_000_000))
    const copy = sealed(
      withOrigin(block(BlockFlag.COMPRESSED, 1, packed(zeros)), 5, decompressBlock),
    )
    expect(readBlock(copy, 0).flags).toBe(BlockFlag.COPIED | BlockFlag.COMPRESSED)
    expect(copy.length).toBeLessThan(5_000)
  })
})
