import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { OffsetTable } from '../../../src/store/containers/offset-table.ts'

describe('a table by offset', () => {
  it('answers like a map after any setting and deleting', () => {
    const offset = fc.oneof(fc.nat(100), fc.nat(Number.MAX_SAFE_INTEGER - 1))
    const step = fc.record({ offset, isSet: fc.boolean() })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const table = new OffsetTable<{ readonly at: number }>()
        const map = new Map<number, { readonly at: number }>()
        for (const [at, { offset: where, isSet }] of steps.entries()) {
          if (isSet) {
            table.set(where, { at })
            map.set(where, { at })
          } else expect(table.delete(where)).toBe(map.delete(where))
          expect(table.get(where)).toEqual(map.get(where))
          expect(table.has(where + 1)).toBe(map.has(where + 1))
          expect(table.size).toBe(map.size)
        }
        const seen = new Map<number, unknown>()
        table.forEach((item, where) => {
          seen.set(where, item)
        })
        expect(seen).toEqual(map)
      }),
    )
  })

  it('may be emptied while it is walked', () => {
    const table = new OffsetTable<number>()
    for (const offset of [0, 31, 32, 1_000_000]) table.set(offset, offset)
    table.forEach((offset) => {
      table.delete(offset)
    })
    expect(table.size).toBe(0)
    expect(table.get(31)).toBeUndefined()
  })
})
