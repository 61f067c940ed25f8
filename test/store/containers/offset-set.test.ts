/**
 * The set of offsets against a plain Set, over ranges that cross chunks; and its stored form.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { OffsetSet } from '../../../src/store/containers/offset-set.ts'
import { StateHash } from '../../../src/store/containers/state-hash.ts'

const CHUNK = 65_536
/** Offsets of the model; it is asked about each near an interesting place. */
const SPAN = 5 * CHUNK

class Model {
  readonly members = new Uint8Array(SPAN + 1)

  set(first: number, end: number, value: 0 | 1): number {
    let changed = 0
    for (let offset = first; offset < end; offset++) {
      if (this.members[offset] !== value) changed++
      this.members[offset] = value
    }
    return changed
  }

  next(from: number, end: number, value: 0 | 1): number {
    for (let offset = from; offset < end; offset++)
      if (this.members[offset] === value) return offset
    return -1
  }

  get count(): number {
    return this.members.reduce((sum, member) => sum + member, 0)
  }

  ranges(from: number, to: number): number[][] {
    const ranges: number[][] = []
    let first = this.next(from, to, 1)
    while (first >= 0) {
      const absent = this.next(first, to, 0)
      const end = absent < 0 ? to : absent
      ranges.push([first, end])
      first = this.next(end, to, 1)
    }
    return ranges
  }
}

const place = fc.oneof(
  fc.integer({ min: 0, max: 200 }),
  fc.integer({ min: CHUNK - 40, max: CHUNK + 40 }),
  fc.integer({ min: 0, max: SPAN }),
  fc.constantFrom(0, CHUNK, 2 * CHUNK, 3 * CHUNK, 4 * CHUNK),
)
const length = fc.oneof(
  fc.integer({ min: 0, max: 5 }),
  fc.integer({ min: 0, max: 100 }),
  fc.constantFrom(CHUNK, 2 * CHUNK, CHUNK - 1),
)
const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('add'), place, length }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('remove'), place, length }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constantFrom('comb', 'uncomb'),
      place,
      length: fc.constant(1_500),
    }),
  },
)
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

function run(set: OffsetSet, model: Model, { kind, place, length }: Step): void {
  const end = Math.min(place + length, SPAN)
  const value = kind === 'add' || kind === 'comb' ? 1 : 0
  const change = (from: number, to: number): number =>
    value === 1 ? set.add(from, to) : set.remove(from, to)
  if (kind === 'add' || kind === 'remove') {
    expect(change(place, end)).toBe(model.set(place, end, value))
    return
  }
  // Every third offset alone: enough ranges to make a bitmap of a list, and back.
  for (let offset = place; offset < end; offset += 3) {
    expect(change(offset, offset + 1)).toBe(model.set(offset, offset + 1, value))
  }
}

function rangesOf(set: OffsetSet, from: number, to: number): number[][] {
  const ranges: number[][] = []
  set.forEachRange(from, to, (first, end) => ranges.push([first, end]))
  return ranges
}

function hashOf(set: OffsetSet): string {
  const hash = new StateHash()
  set.hashInto(hash)
  return hash.digest()
}

function stored(set: OffsetSet): { floor: number; chunks: [number, Uint8Array][] } {
  return { floor: set.floor, chunks: set.chunkNumbers().map((n) => [n, set.encodeChunk(n)]) }
}

function load(from: ReturnType<typeof stored>): OffsetSet {
  const set = new OffsetSet()
  set.setFloor(from.floor)
  for (const [number, bytes] of from.chunks) expect(set.loadChunk(number, bytes)).toBe(true)
  return set
}

describe('a set of offsets', () => {
  it('answers like a plain set after any adding and removing', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 14 }), fc.array(place), (steps, probes) => {
        const set = new OffsetSet()
        const model = new Model()
        for (const one of steps) run(set, model, one)
        expect(set.count).toBe(model.count)
        expect(set.floor).toBe(model.next(0, SPAN + 1, 0))
        expect(rangesOf(set, 0, SPAN + 1)).toEqual(model.ranges(0, SPAN + 1))
        for (const offset of [...probes, ...steps.flatMap((s) => [s.place, s.place + s.length])]) {
          if (offset >= SPAN) continue
          expect(set.has(offset)).toBe(model.members[offset] === 1)
          expect(set.nextAbsent(offset)).toBe(model.next(offset, SPAN + 1, 0))
          expect(set.nextPresent(offset, SPAN)).toBe(model.next(offset, SPAN, 1))
          expect(set.nextPresent(offset, offset + 3)).toBe(model.next(offset, offset + 3, 1))
          const to = Math.min(offset + 700, SPAN)
          expect(rangesOf(set, offset, to)).toEqual(model.ranges(offset, to))
        }
      }),
      { numRuns: 150 },
    )
  })

  it('has the same stored form and hash for the same content, whatever its history', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 10 }), (steps) => {
        const set = new OffsetSet()
        const model = new Model()
        for (const one of steps) run(set, model, one)
        const plain = new OffsetSet()
        for (const [first = 0, end = 0] of model.ranges(0, SPAN).reverse()) plain.add(first, end)
        expect(stored(plain)).toEqual(stored(set))
        expect(hashOf(plain)).toBe(hashOf(set))
        const loaded = load(stored(set))
        expect(stored(loaded)).toEqual(stored(set))
        expect(loaded.count).toBe(set.count)
        expect(hashOf(loaded)).toBe(hashOf(set))
        loaded.add(SPAN + 10, SPAN + 11)
        expect(hashOf(loaded)).not.toBe(hashOf(set))
      }),
      { numRuns: 60 },
    )
  })

  it('is not changed through its clone', () => {
    const set = new OffsetSet()
    set.add(0, 10)
    for (let offset = 20; offset < 4_000; offset += 2) set.add(offset, offset + 1)
    set.add(2 * CHUNK, 3 * CHUNK)
    const before = stored(set)
    const copy = set.clone()
    expect(stored(copy)).toEqual(before)
    copy.add(10, 4_001)
    copy.remove(2 * CHUNK, 2 * CHUNK + 1)
    expect(stored(set)).toEqual(before)
    expect(copy.floor).toBe(4_001)
  })

  it('passes over everything that continues the floor, runs of full chunks too', () => {
    const set = new OffsetSet()
    set.add(1, 1_000_000 * CHUNK + 7)
    expect(set.floor).toBe(0)
    expect(set.nextAbsent(1)).toBe(1_000_000 * CHUNK + 7)
    set.add(0, 1)
    expect(set.floor).toBe(1_000_000 * CHUNK + 7)
    expect(set.chunkNumbers()).toEqual([])
  })

  it('lowers the floor where something below it is removed', () => {
    const set = new OffsetSet()
    set.add(0, 3 * CHUNK)
    expect(set.remove(5, 6)).toBe(1)
    expect(set.floor).toBe(5)
    expect(set.count).toBe(3 * CHUNK - 1)
    expect(set.chunkNumbers()).toEqual([0, 1, 2])
    expect(set.nextPresent(5, SPAN)).toBe(6)
    expect(set.remove(3, 3 * CHUNK - 1)).toBe(3 * CHUNK - 5)
    expect(rangesOf(set, 0, SPAN)).toEqual([
      [0, 3],
      [3 * CHUNK - 1, 3 * CHUNK],
    ])
    expect(set.remove(2, SPAN)).toBe(2)
    expect(set.chunkNumbers()).toEqual([])
    expect(set.count).toBe(2)
    set.add(2, 10)
    expect(set.remove(2, 9)).toBe(7)
    expect(rangesOf(set, 0, SPAN)).toEqual([
      [0, 2],
      [9, 10],
    ])
  })

  it('forgets everything else with setFloor', () => {
    const set = new OffsetSet()
    set.add(10, 20)
    expect(set.has(15)).toBe(true)
    set.setFloor(3)
    expect([set.floor, set.count, set.has(15), set.has(2)]).toEqual([3, 3, false, true])
  })

  it('stores a million isolated holes as one bit an offset', () => {
    const set = new OffsetSet()
    for (let offset = 1; offset < 1_000_000; offset += 2) set.add(offset, offset + 1)
    const bytes = stored(set).chunks.reduce((sum, [, chunk]) => sum + chunk.length, 0)
    expect(bytes).toBeLessThan(1_048_576 / 8 + 32)
    expect(load(stored(set)).count).toBe(500_000)
  })

  it('works up to the largest offsets', () => {
    const set = new OffsetSet()
    const high = Number.MAX_SAFE_INTEGER - 3 * CHUNK
    expect(set.add(high, high + CHUNK)).toBe(CHUNK)
    expect(set.has(high)).toBe(true)
    expect(set.has(high - 1)).toBe(false)
    expect(set.nextPresent(0, Number.MAX_SAFE_INTEGER)).toBe(high)
    expect(stored(load(stored(set)))).toEqual(stored(set))
    expect(() => set.add(-1, 2)).toThrow('no range')
    expect(() => set.add(3, 2)).toThrow('no range')
  })

  it('refuses malformed chunks and those that contradict the floor', () => {
    const set = new OffsetSet()
    set.setFloor(100)
    const refused: [number, number[]][] = [
      [0, []],
      [0, [0]],
      [0, [2, 1, 1]],
      [0, [0, 100, 1]],
      [0, [0, 101, 0]],
      [0, [0, 101]],
      [0, [0, 101, 1, 0, 1]],
      [1, [0, 0xff, 0xff, 0x03, 2]],
      [1, [0, 0xff, 0x80, 0x00, 2]],
      [1, [1, 1, 2, 3]],
      [1, new Array(8_193).fill(0).fill(1, 0, 1)],
      [-1, [0, 0, 1]],
      [2 ** 37, [0, 0, 1]],
    ]
    for (const [number, bytes] of refused) {
      expect(set.loadChunk(number, Uint8Array.from(bytes)), `${bytes.slice(0, 9)}`).toBe(false)
    }
    expect(set.loadChunk(0, Uint8Array.from([0, 101, 1]))).toBe(true)
    expect(set.loadChunk(0, Uint8Array.from([0, 103, 1]))).toBe(false)
    expect(rangesOf(set, 0, SPAN)).toEqual([
      [0, 100],
      [101, 102],
    ])
  })
})
