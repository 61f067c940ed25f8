/**
 * The heap of objects against a sorted list.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { IndexedHeap, NOT_IN_HEAP } from '../../../src/store/containers/heap.ts'

interface Item {
  key: number
  readonly id: number
  heapIndex: number
}

const compare = (one: Item, other: Item): number => one.key - other.key || one.id - other.id

const key = fc.integer({ min: 0, max: 20 })
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('push'), key, pick: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('pop'), key, pick: fc.nat() }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constantFrom('remove', 'update'), key, pick: fc.nat() }),
  },
)

describe('a heap of objects', () => {
  it('finds the first ones that are wanted, and looks at no more than it has to', () => {
    fc.assert(
      fc.property(fc.array(key, { maxLength: 80 }), fc.nat({ max: 20 }), (keys, count) => {
        const heap = new IndexedHeap<Item>(compare)
        const items = keys.map((one, id) => ({ key: one, id, heapIndex: NOT_IN_HEAP }))
        for (const item of items) heap.push(item)
        const sorted = items.toSorted(compare)
        let asked = 0
        const first = heap.first(count, ({ id }) => {
          asked++
          return id % 2 === 0
        })
        const wanted = sorted.filter(({ id }) => id % 2 === 0).slice(0, count)
        expect(first).toEqual(wanted)
        const last = wanted.at(-1)
        if (count === 0) expect(asked).toBe(0)
        else if (last && wanted.length === count) expect(asked).toBe(sorted.indexOf(last) + 1)
        expect(heap.size).toBe(items.length)
      }),
    )
  })

  it('gives the lowest first, whatever was pushed, removed and changed before', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const heap = new IndexedHeap<Item>(compare)
        let model: Item[] = []
        steps.forEach((one, id) => {
          const picked = model[one.pick % Math.max(model.length, 1)]
          if (one.kind === 'push') {
            const item = { key: one.key, id, heapIndex: NOT_IN_HEAP }
            heap.push(item)
            model.push(item)
          } else if (one.kind === 'pop') {
            const popped = heap.pop()
            expect(popped).toBe(model.toSorted(compare)[0])
            model = model.filter((item) => item !== popped)
          } else if (picked !== undefined && one.kind === 'remove') {
            heap.remove(picked)
            expect(picked.heapIndex).toBe(NOT_IN_HEAP)
            model = model.filter((item) => item !== picked)
          } else if (picked !== undefined) {
            picked.key = one.key
            heap.update(picked)
          }
          expect(heap.size).toBe(model.length)
          expect(heap.peek()).toBe(model.toSorted(compare)[0])
        })
        const rest: (Item | undefined)[] = []
        while (heap.size > 0) rest.push(heap.pop())
        expect(rest).toEqual(model.toSorted(compare))
        expect(rest.every((item) => item?.heapIndex === NOT_IN_HEAP)).toBe(true)
        expect(heap.pop()).toBeUndefined()
      }),
      { numRuns: 300 },
    )
  })

  it('refuses what is in it already, and what is not', () => {
    const heap = new IndexedHeap<Item>(compare)
    const other = new IndexedHeap<Item>(compare)
    const item = { key: 1, id: 1, heapIndex: NOT_IN_HEAP }
    expect(() => heap.remove(item)).toThrow('not in this heap')
    heap.push(item)
    expect(() => other.push(item)).toThrow('in a heap already')
    expect(() => other.update(item)).toThrow('not in this heap')
    heap.clear()
    expect([heap.size, item.heapIndex, heap.peek()]).toEqual([0, NOT_IN_HEAP, undefined])
    other.push(item)
    expect(other.peek()).toBe(item)
  })
})
