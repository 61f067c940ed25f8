import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { checkBlock, readBlock } from '../../src/format/block.ts'
import { pairBytes, pairedBlockLengths, writePair } from '../../src/format/group.ts'
import { BlockFlag, BlockType } from '../../src/format/layout.ts'
import { RecordCursor } from '../../src/format/records.ts'
import { crc32, FILE_BYTES, KEY } from './samples.ts'

const anyOffset = fc.integer({ min: 512, max: 1400 }).map((words) => words * 8)
const place = { durableOffset: 4096, groupOffset: 4096, firstId: 5, timeMs: 6 }

describe('a pair of blocks', () => {
  test('lies in different units, without space between', () => {
    fc.assert(
      fc.property(anyOffset, fc.nat(9000), fc.constantFrom(512, 4096), (offset, bytes, unit) => {
        const [first, second] = pairedBlockLengths(offset, bytes, unit)
        const lastByteOfFirst = offset + 48 + bytes - 1
        expect(first).toBeGreaterThanOrEqual(48 + bytes)
        expect(first - 48 - bytes).toBeLessThan(unit)
        expect((offset + first) % unit).toBe(0)
        expect(Math.floor((offset + first) / unit)).toBeGreaterThan(
          Math.floor(lastByteOfFirst / unit),
        )
        expect(second % 8).toBe(0)
        expect(second - 48 - bytes).toBeGreaterThanOrEqual(0)
        expect(second - 48 - bytes).toBeLessThan(8)
      }),
    )
  })

  test('of LINK or MAP is two valid blocks with the same record, over whatever stood there', () => {
    const anyBody = fc.uint8Array({ maxLength: 200 })
    const anyType = fc.constantFrom(BlockType.LINK, BlockType.MAP)
    fc.assert(
      fc.property(anyBody, anyType, fc.boolean(), fc.nat(9), (body, type, end, at) => {
        const target = new Uint8Array(FILE_BYTES).fill(0xee)
        const pair = { ...place, type, body, end }
        const written = writePair(target, at, 4096, pair, KEY, crc32)
        expect(written).toBe(pairBytes(4096, pair))
        expect(target.subarray(at + written).every((byte) => byte === 0xee)).toBe(true)
        expect(checkBlock(target, at, 4096, KEY, crc32)).toBe(0)
        const first = readBlock(target, at)
        const secondAt = at + first.length
        expect(checkBlock(target, secondAt, 8192, KEY, crc32)).toBe(0)
        const second = readBlock(target, secondAt)
        expect(first).toMatchObject({ ...place, type, flags: 0, recordCount: 1 })
        expect(second).toMatchObject({
          ...place,
          type,
          flags: end ? BlockFlag.END : 0,
          recordCount: 1,
        })
        expect(first.length + second.length).toBe(written)
        const cursor = new RecordCursor()
        for (const block of [at, secondAt]) {
          cursor.open(target, block)
          expect(cursor.next()).toBe(true)
          expect(cursor.body()).toEqual(body)
        }
      }),
    )
  })

  test('of SYNC or CLEAN has no record', () => {
    for (const type of [BlockType.SYNC, BlockType.CLEAN]) {
      const target = new Uint8Array(1024).fill(0xee)
      const pair = { ...place, groupOffset: 5000, type, end: true }
      expect(writePair(target, 0, 5000, pair, KEY, crc32)).toBe(5120 - 5000 + 48)
      expect(checkBlock(target, 0, 5000, KEY, crc32)).toBe(0)
      expect(checkBlock(target, 120, 5120, KEY, crc32)).toBe(0)
      expect(readBlock(target, 120)).toMatchObject({ flags: BlockFlag.END, recordCount: 0 })
    }
  })

  test('needs a body exactly where its type has one, and room', () => {
    const target = new Uint8Array(FILE_BYTES)
    const body = new Uint8Array(8)
    const sync = { ...place, type: BlockType.SYNC, body, end: true }
    const map = { ...place, type: BlockType.MAP, end: true }
    expect(() => writePair(target, 0, 4096, sync, KEY, crc32)).toThrow(/body/)
    expect(() => writePair(target, 0, 4096, map, KEY, crc32)).toThrow(/body/)
    const short = target.subarray(0, 4100)
    expect(() => writePair(short, 0, 4096, { ...map, body }, KEY, crc32)).toThrow(/buffer/)
  })
})
