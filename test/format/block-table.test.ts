/** The table of blocks against an array of objects. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Block } from '../../src/format/block.ts'
import { BlockTable } from '../../src/format/block-table.ts'
import { BlockFlag } from '../../src/format/layout.ts'

interface Row {
  readonly block: Block
  readonly idSpan: number
  readonly hasControl: boolean
}

const anyRow = fc.record({
  space: fc.constantFrom(0, 0, 8, 4096),
  words: fc.integer({ min: 6, max: 2000 }),
  type: fc.integer({ min: 1, max: 9 }),
  flags: fc.integer({ min: 0, max: 15 }),
  firstId: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER - 2 ** 32 }),
  idSpan: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  hasControl: fc.boolean(),
  back: fc.integer({ min: 0, max: 3 }),
})
const anyRows = fc.array(anyRow, { maxLength: 40 }).map((parts) => {
  let offset = 4096
  return parts.map(({ space, words, idSpan, hasControl, back, ...rest }): Row => {
    offset += space
    const groupOffset = Math.max(4096, offset - 8 * back)
    const durableOffset = Math.max(4096, groupOffset - 8 * back)
    const place = { offset, length: words * 8, groupOffset, durableOffset }
    offset += place.length
    return { block: { ...place, recordCount: 1, timeMs: 1, ...rest }, idSpan, hasControl }
  })
})

function tableOf(rows: readonly Row[]): BlockTable {
  const table = new BlockTable()
  for (const { block, idSpan, hasControl } of rows) table.add(block, idSpan, hasControl)
  return table
}

function expectSame(table: BlockTable, rows: readonly Row[]): void {
  expect(table.count).toBe(rows.length)
  for (const [i, { block, idSpan, hasControl }] of rows.entries()) {
    expect(table.offset(i)).toBe(block.offset)
    expect(table.end(i)).toBe(block.offset + block.length)
    expect(table.durable(i)).toBe(block.durableOffset)
    expect(table.group(i)).toBe(block.groupOffset)
    expect(table.type(i)).toBe(block.type)
    expect(table.endsGroup(i)).toBe((block.flags & BlockFlag.END) !== 0)
    expect(table.hasControl(i)).toBe(hasControl)
    expect(table.firstId(i)).toBe(block.firstId)
    expect(table.endId(i)).toBe(block.firstId + idSpan)
  }
}

describe('a table of blocks', () => {
  test('returns what was added', () => {
    fc.assert(fc.property(anyRows, (rows) => expectSame(tableOf(rows), rows)))
  })

  test('finds the first block at an offset or behind it', () => {
    fc.assert(
      fc.property(anyRows, fc.nat(40_000), (rows, somewhere) => {
        const table = tableOf(rows)
        const places = rows.flatMap(({ block }) => [
          block.offset - 1,
          block.offset,
          block.offset + 1,
        ])
        for (const offset of [0, somewhere, 2 ** 32 - 1, ...places]) {
          const expected = rows.findIndex(({ block }) => block.offset >= offset)
          expect(table.rowAt(offset)).toBe(expected === -1 ? rows.length : expected)
        }
      }),
    )
  })

  test('keeps everything while it grows, up to the last offset a file can have', () => {
    const length = 4_194_304
    const rows = Array.from({ length: 1023 }, (_, i): Row => {
      const offset = 4096 + i * length
      const place = { offset, length, durableOffset: offset, groupOffset: offset }
      const block = {
        ...place,
        type: 2,
        flags: i % 2,
        recordCount: 1,
        firstId: 2 ** 52 + i,
        timeMs: 1,
      }
      return { block, idSpan: i, hasControl: i % 3 === 0 }
    })
    const table = tableOf(rows)
    expectSame(table, rows)
    for (const [i, { block }] of rows.entries()) expect(table.rowAt(block.offset)).toBe(i)
  })

  test('refuses blocks that overlap, and rows that are not there', () => {
    const place = { offset: 4096, length: 64, durableOffset: 4096, groupOffset: 4096 }
    const block = { ...place, type: 2, flags: 0, recordCount: 1, firstId: 1, timeMs: 1 }
    const table = tableOf([{ block, idSpan: 1, hasControl: false }])
    expect(() => table.add({ ...block, offset: 4152 }, 1)).toThrow('overlap')
    table.add({ ...block, offset: 4160 }, 1)
    expect(table.count).toBe(2)
    expect(() => table.offset(256)).toThrow('no block in row 256')
    expect(() => table.firstId(-1)).toThrow('no block in row -1')
  })
})
