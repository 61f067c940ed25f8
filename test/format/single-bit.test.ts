/** Single-bit damage is found and named exactly; anything else is not taken for it. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Block, checkBlock, type SegmentKey, sealBlock } from '../../src/format/block.ts'
import type { SingleBit } from '../../src/format/evidence.ts'
import { BlockFlag, BlockType } from '../../src/format/layout.ts'
import { findSingleBit, isCutShort, SINGLE_BIT_BYTES_MAX } from '../../src/format/single-bit.ts'
import { crc32 } from '../../src/system/real/crc.ts'
import { record } from './pieces.ts'

const KEY: SegmentKey = { salt1: 0x9e3779b9, salt2: 0xc2b2ae35, fileBytes: 1 << 20 }
const OFFSET = 8192

/** Numbers below 2^32 that a seed repeats (a linear congruence, its high bits mixed down). */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return (state ^ (state >>> 15)) >>> 0
  }
}

/** The first block of a SYNC, or of a CLEAN, with zero up to its sector's end and behind. */
function emptyBlockOf(type: number, length: number, timeMs: number): Uint8Array {
  const bytes = new Uint8Array(length + 256)
  const place = { offset: OFFSET, length, durableOffset: 4096, groupOffset: OFFSET }
  sealBlock(bytes, 0, { ...place, type, flags: 0, recordCount: 0, firstId: 77, timeMs }, KEY, crc32)
  return bytes
}

/** The time of a block of our days: its last byte that is not zero holds one bit. */
const TIME_MS = 0x01_a2_19_c4_7f_35
const TIME_LAST_BYTE = 45

/** A valid block of `length` bytes with two messages; behind it stands zero. */
function blockOf(length: number, spaceBehind = 0): Uint8Array {
  const random = randomFrom(length)
  const body = Uint8Array.from({ length: length - 48 - 8 - 3 }, () => random())
  const bytes = new Uint8Array(length + spaceBehind)
  const first = record(1, body)
  bytes.set(first, 48)
  bytes.set(record(1, 'abc'), 48 + first.length)
  const place = { offset: OFFSET, length, durableOffset: 4096, groupOffset: 8000 }
  const rest = {
    type: BlockType.DATA,
    flags: BlockFlag.END,
    recordCount: 2,
    firstId: 77,
    timeMs: 5,
  }
  const block: Block = { ...place, ...rest }
  sealBlock(bytes, 0, block, KEY, crc32)
  expect(checkBlock(bytes, 0, OFFSET, KEY, crc32)).toBe(0)
  return bytes
}

function flipped(bytes: Uint8Array, ...positions: readonly number[]): Uint8Array {
  const copy = bytes.slice()
  for (const position of positions) {
    copy[position >>> 3] = (copy[position >>> 3] ?? 0) ^ (1 << (position & 7))
  }
  return copy
}

function expectFound(bytes: Uint8Array, length: number, position: number): void {
  const damaged = flipped(bytes, position)
  const expected: SingleBit = {
    offset: OFFSET,
    length,
    groupOffset: 8000,
    firstId: 77,
    endId: 79,
    endsGroup: true,
    byteOffset: OFFSET + (position >>> 3),
    bit: position & 7,
  }
  const about = `bit ${position} of ${length} bytes`
  const withEnd = findSingleBit(damaged, OFFSET, OFFSET + length, KEY, crc32)
  const withoutEnd = findSingleBit(damaged, OFFSET, undefined, KEY, crc32)
  expect(withEnd, `${about}, end known`).toEqual(expected)
  expect(withoutEnd, `${about}, end not known`).toEqual(expected)
  const mended = flipped(damaged, 8 * ((withEnd?.byteOffset ?? 0) - OFFSET) + (withEnd?.bit ?? 0))
  expect(checkBlock(mended, 0, OFFSET, KEY, crc32), about).toBe(0)
}

describe('a search for single-bit damage', () => {
  test('finds every bit of small blocks, with zero behind them and without', () => {
    for (const length of [64, 72, 136]) {
      for (const spaceBehind of [0, 256]) {
        const bytes = blockOf(length, spaceBehind)
        for (let position = 0; position < length * 8; position++) {
          expectFound(bytes, length, position)
        }
      }
    }
  })

  test('finds any bit of larger blocks, up to the longest that are searched', () => {
    for (const length of [1000, 4096, SINGLE_BIT_BYTES_MAX - 8, SINGLE_BIT_BYTES_MAX]) {
      const bytes = blockOf(length)
      const anyBit = fc.oneof(fc.nat(48 * 8 - 1), fc.nat(length * 8 - 1))
      fc.assert(
        fc.property(anyBit, (position) => expectFound(bytes, length, position)),
        { numRuns: 60 },
      )
    }
  })

  test('finds every bit of the header of the longest block', () => {
    const bytes = blockOf(SINGLE_BIT_BYTES_MAX)
    for (let position = 0; position < 48 * 8; position++) {
      expectFound(bytes, SINGLE_BIT_BYTES_MAX, position)
    }
  })

  test('does not take a valid block for a damaged one', () => {
    const bytes = blockOf(136)
    expect(findSingleBit(bytes, OFFSET, OFFSET + 136, KEY, crc32)).toBeUndefined()
    expect(findSingleBit(bytes, OFFSET, undefined, KEY, crc32)).toBeUndefined()
  })

  test('does not take two flipped bits for one', () => {
    const seed = 20_260
    const random = randomFrom(seed)
    const length = 4096
    const bytes = blockOf(length)
    let found = 0
    for (let i = 0; i < 20_000; i++) {
      const first = random() % (length * 8)
      const second = (first + 1 + (random() % (length * 8 - 1))) % (length * 8)
      const damaged = flipped(bytes, first, second)
      if (findSingleBit(damaged, OFFSET, OFFSET + length, KEY, crc32)) found++
    }
    expect(found, `seed ${seed}`).toBe(0)
  })

  test('finds nothing in garbage, under a good header or none', () => {
    const seed = 5
    const random = randomFrom(seed)
    const length = 512
    const bytes = blockOf(length)
    for (let i = 0; i < 20_000; i++) {
      const from = i % 2 === 0 ? 0 : 48
      const garbage = bytes.slice()
      for (let at = from; at < length; at++) garbage[at] = random()
      const end = i % 4 < 2 ? undefined : OFFSET + length
      const found = findSingleBit(garbage, OFFSET, end, KEY, crc32)
      if (found) expect.unreachable(`seed ${seed}, try ${i}: ${JSON.stringify(found)}`)
    }
    expect(findSingleBit(new Uint8Array(length), OFFSET, undefined, KEY, crc32)).toBeUndefined()
  })

  test('does not search blocks longer than 16 KiB', () => {
    for (const length of [SINGLE_BIT_BYTES_MAX + 8, 32_768]) {
      const bytes = blockOf(length)
      for (const position of [3, 40, 64, 8 * 24, 8 * 1000]) {
        const damaged = flipped(bytes, position)
        expect(findSingleBit(damaged, OFFSET, OFFSET + length, KEY, crc32)).toBeUndefined()
        expect(findSingleBit(damaged, OFFSET, undefined, KEY, crc32)).toBeUndefined()
      }
    }
    expect(SINGLE_BIT_BYTES_MAX).toBe(16_384)
  })

  test('asks for the length that the next block leaves', () => {
    const bytes = blockOf(136, 64)
    const damaged = flipped(bytes, 8 * 60)
    expect(findSingleBit(damaged, OFFSET, OFFSET + 136, KEY, crc32)).toBeDefined()
    for (const length of [0, 40, 64, 128, 132, 144, 200, 208]) {
      expect(findSingleBit(damaged, OFFSET, OFFSET + length, KEY, crc32)).toBeUndefined()
    }
  })

  test('finds nothing where the bytes end before the block does', () => {
    const damaged = flipped(blockOf(136), 8 * 60)
    for (const length of [0, 8, 47, 48, 135]) {
      const part = damaged.slice(0, length)
      expect(findSingleBit(part, OFFSET, undefined, KEY, crc32)).toBeUndefined()
      expect(findSingleBit(part, OFFSET, OFFSET + 136, KEY, crc32)).toBeUndefined()
    }
  })

  test('tells a SYNC or CLEAN that was cut off from one that is damaged elsewhere', () => {
    for (const type of [BlockType.SYNC, BlockType.CLEAN]) {
      for (const length of [48, 512]) {
        const bytes = emptyBlockOf(type, length, TIME_MS)
        expect(bytes[TIME_LAST_BYTE]).toBe(1)
        for (let position = 0; position < length * 8; position++) {
          const damaged = flipped(bytes, position)
          const found = findSingleBit(damaged, OFFSET, undefined, KEY, crc32)
          expect(found?.bit, `bit ${position}`).toBe(position & 7)
          const isCut = found !== undefined && isCutShort(damaged, found)
          expect(isCut, `bit ${position}`).toBe(position === TIME_LAST_BYTE * 8)
        }
      }
    }
  })

  test('takes any block for cut off whose last sector holds that bit alone', () => {
    const body = new Uint8Array(40).fill(7)
    body.fill(0, 36)
    body[36] = 1
    const bitAt = 48 + 4 + 36
    for (const [offset, isCut] of [
      [OFFSET + 512 - bitAt, true],
      [OFFSET + 512 - bitAt - 8, false],
      [OFFSET + 512 - bitAt + 8, false],
      [OFFSET, false],
    ] as const) {
      const bytes = new Uint8Array(128)
      bytes.set(record(1, body), 48)
      const place = { offset, length: 96, durableOffset: 4096, groupOffset: OFFSET }
      const rest = { type: BlockType.DATA, flags: BlockFlag.END, recordCount: 1, firstId: 1 }
      sealBlock(bytes, 0, { ...place, ...rest, timeMs: 5 }, KEY, crc32)
      const damaged = flipped(bytes, bitAt * 8)
      const found = findSingleBit(damaged, offset, undefined, KEY, crc32)
      expect(found && isCutShort(damaged, found), `at ${offset}`).toBe(isCut)
    }
  })

  test('takes no block for cut off within a sector that carries something', () => {
    const bytes = new Uint8Array(128)
    const body = new Uint8Array(40)
    body[0] = 1
    bytes.set(record(1, body), 48)
    const place = { offset: OFFSET, length: 96, durableOffset: 4096, groupOffset: OFFSET }
    const rest = { type: BlockType.DATA, flags: BlockFlag.END, recordCount: 1, firstId: 1 }
    sealBlock(bytes, 0, { ...place, ...rest, timeMs: 5 }, KEY, crc32)
    const last = bytes.findLastIndex((byte) => byte !== 0)
    expect(bytes[last]).toBe(1)
    const damaged = flipped(bytes, last * 8)
    const found = findSingleBit(damaged, OFFSET, undefined, KEY, crc32)
    expect(found && isCutShort(damaged, found)).toBe(false)
  })

  test('leaves the bytes that it is given as they are', () => {
    const damaged = flipped(blockOf(136), 8 * 60)
    const before = damaged.slice()
    expect(findSingleBit(damaged, OFFSET, undefined, KEY, crc32)).toBeDefined()
    expect(damaged).toEqual(before)
  })
})
