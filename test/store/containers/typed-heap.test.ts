/**
 * The heap of plain numbers against a sorted list.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { TypedHeap } from '../../../src/store/containers/typed-heap.ts'

type Triple = [key1: number, key2: number, payload: number]

const byKeys = (one: Triple, other: Triple): number => one[0] - other[0] || one[1] - other[1]

/** Second keys are distinct, as ids are, so that the order is whole. */
const triples = fc
  .array(fc.tuple(fc.integer({ min: 0, max: 30 }), fc.maxSafeNat()), { maxLength: 200 })
  .map((pairs) => pairs.map(([key1, payload], key2): Triple => [key1, key2 ^ 5, payload]))

function drain(heap: TypedHeap): Triple[] {
  const all: Triple[] = []
  while (heap.size > 0) {
    all.push([heap.peekKey1, heap.peekKey2, heap.peekPayload])
    heap.pop()
  }
  return all
}

function filled(items: Triple[]): TypedHeap {
  const heap = new TypedHeap()
  for (const item of items) heap.push(...item)
  return heap
}

describe('a heap of numbers', () => {
  it('gives them by both keys, pushed one by one or at once', () => {
    fc.assert(
      fc.property(triples, (items) => {
        const sorted = items.toSorted(byKeys)
        expect(drain(filled(items))).toEqual(sorted)
        const bulk = filled([[7, 7, 7]])
        bulk.heapify(
          items.map((item) => item[0]),
          Float64Array.from(items, (item) => item[1]),
          items.map((item) => item[2]),
        )
        expect(bulk.size).toBe(items.length)
        expect(drain(bulk)).toEqual(sorted)
      }),
    )
  })

  it('goes on in order between pushes and pops', () => {
    fc.assert(
      fc.property(triples, fc.array(fc.nat({ max: 4 })), (items, pops) => {
        const heap = new TypedHeap()
        let model: Triple[] = []
        items.forEach((item, index) => {
          heap.push(...item)
          model.push(item)
          for (let n = pops[index] ?? 0; n > 0 && model.length > 0; n--) {
            model = model.toSorted(byKeys)
            expect([heap.peekKey1, heap.peekKey2, heap.peekPayload]).toEqual(model.shift())
            heap.pop()
          }
        })
        expect(drain(heap)).toEqual(model.toSorted(byKeys))
      }),
    )
  })

  it('shows the first ones in order and asks for no more, and stays as it was', () => {
    fc.assert(
      fc.property(triples, fc.nat({ max: 50 }), (items, count) => {
        const heap = filled(items)
        const seen: Triple[] = []
        heap.visitInOrder((...item) => {
          seen.push(item)
          return seen.length < count
        })
        const sorted = items.toSorted(byKeys)
        expect(seen).toEqual(sorted.slice(0, Math.max(1, count)))
        expect(drain(heap)).toEqual(sorted)
      }),
    )
  })

  it('keeps what a filter keeps', () => {
    fc.assert(
      fc.property(triples, fc.integer({ min: 1, max: 9 }), (items, divisor) => {
        const heap = filled(items)
        heap.filter((key1, key2, payload) => (key1 + key2 + payload) % divisor === 0)
        const kept = items.filter(([one, two, three]) => (one + two + three) % divisor === 0)
        const visited: Triple[] = []
        heap.forEach((...item) => {
          visited.push(item)
        })
        expect(visited.toSorted(byKeys)).toEqual(kept.toSorted(byKeys))
        expect(drain(heap)).toEqual(kept.toSorted(byKeys))
      }),
    )
  })

  it('takes 24 bytes an item, twice that at most, and gives memory back', () => {
    const heap = new TypedHeap()
    for (let index = 0; index < 4_096; index++) heap.push(-index, index, index)
    expect(heap.byteLength).toBe(24 * 4_096)
    while (heap.size > 10) heap.pop()
    expect(heap.byteLength).toBeLessThanOrEqual(24 * 40)
    expect(heap.peekPayload).toBe(9)
    heap.clear()
    expect([heap.size, heap.peekKey1, heap.peekKey2, heap.peekPayload]).toEqual([
      0,
      Number.NaN,
      Number.NaN,
      Number.NaN,
    ])
    expect(() => heap.pop()).toThrow('empty')
  })
})
