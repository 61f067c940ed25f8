import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import * as bytes from '../../src/format/bytes.ts'
import * as layout from '../../src/format/layout.ts'
import { parseSegmentFileName, segmentFileName } from '../../src/format/layout.ts'

describe('sizes', () => {
  test('agree with each other and with the byte tables', () => {
    expect(layout.BLOCK_TIME_AT + 8).toBe(layout.BLOCK_HEADER_BYTES)
    expect(layout.BLOCK_CRC_AT + 4).toBe(layout.BLOCK_CRC_FROM)
    expect(layout.BLOCK_HEADER_BYTES % layout.BLOCK_ALIGN_BYTES).toBe(0)
    expect(layout.SEGMENT_HEADER_BYTES).toBe(layout.PAGE_BYTES)
    expect(layout.SEGMENT_FILE_BYTES_MAX % layout.PAGE_BYTES).toBe(0)
    expect(layout.BATCH_RECORD_BYTES).toBe(layout.RECORD_HEADER_BYTES + 16)
    expect(layout.RECORD_LENGTH_MAX).toBe(0x0fff_ffff)
  })

  test('round up to the unit', () => {
    expect(layout.roundUp(0, 8)).toBe(0)
    expect(layout.roundUp(1, 8)).toBe(8)
    expect(layout.roundUp(4096, 4096)).toBe(4096)
    expect(layout.roundUp(2 ** 31 + 1, 4096)).toBe(2 ** 31 + 4096)
  })
})

describe('names of segment files', () => {
  test('are as the specification shows them', () => {
    expect(segmentFileName(7, 0)).toBe('00000000000000000007-00.qls')
    expect(segmentFileName(7, 123)).toBe('00000000000000000007-123.qls')
  })

  test('come back', () => {
    const anyNumber = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER })
    const anyGeneration = fc.integer({ min: 0, max: 0xffff_ffff })
    fc.assert(
      fc.property(anyNumber, anyGeneration, (number, generation) => {
        const name = segmentFileName(number, generation)
        expect(parseSegmentFileName(name)).toEqual({ number, generation })
      }),
    )
  })

  test.each([
    '',
    '7-00.qls',
    '00000000000000000000-00.qls',
    '00000000000000000007-0.qls',
    '00000000000000000007-000.qls',
    '00000000000000000007-00.qls.tmp',
    'x00000000000000000007-00.qls',
    '00000000000000000007-4294967296.qls',
    '09007199254740992000-00.qls',
    '00000000000000000007-00.qls\n',
  ])('%j is none', (name) => {
    expect(parseSegmentFileName(name)).toBeUndefined()
  })

  test('refuse numbers that no file has', () => {
    expect(() => segmentFileName(0, 0)).toThrow(/out of range/)
    expect(() => segmentFileName(1.5, 0)).toThrow(/out of range/)
    expect(() => segmentFileName(1, -1)).toThrow(/out of range/)
  })
})

describe('numbers', () => {
  test('come back, and stand little endian', () => {
    const target = new Uint8Array(16)
    const view = new DataView(target.buffer)
    const anyNumber = fc.oneof(
      fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
      fc.constantFrom(0, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1),
    )
    fc.assert(
      fc.property(anyNumber, fc.nat(8), (value, at) => {
        bytes.setUint64(target, at, value)
        expect(bytes.getUint64(target, at)).toBe(value)
        expect(view.getBigUint64(at, true)).toBe(BigInt(value))
        expect(bytes.getUint32(target, at)).toBe(view.getUint32(at, true))
        expect(bytes.getUint16(target, at)).toBe(view.getUint16(at, true))
        bytes.setUint32(target, at, value % 2 ** 32)
        expect(view.getUint32(at, true)).toBe(value % 2 ** 32)
        bytes.setUint16(target, at, value % 2 ** 16)
        expect(view.getUint16(at, true)).toBe(value % 2 ** 16)
      }),
    )
  })

  test('of 2^53 and more are told apart, and never written', () => {
    const target = new Uint8Array(8)
    new DataView(target.buffer).setBigUint64(0, 2n ** 53n, true)
    expect(bytes.getUint64(target, 0)).toBe(bytes.NOT_SAFE)
    target.fill(0xff)
    expect(bytes.getUint64(target, 0)).toBe(bytes.NOT_SAFE)
    for (const value of [2 ** 53, -1, 1.5, Number.NaN]) {
      expect(() => bytes.setUint64(target, 0, value)).toThrow(/u64/)
    }
  })
})
