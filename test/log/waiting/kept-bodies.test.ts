/** Bodies that are kept, beside an array that does the same. */
import { expect, test } from 'vitest'
import { KeptBodies } from '../../../src/log/waiting/kept-bodies.ts'
import { Random } from '../../../src/system/simulated/random.ts'

const CHUNK_BYTES = 64 * 1024 + 64

test.each([1, 2, 3, 4])('come back in their order, whatever their size (seed %d)', (seed) => {
  const random = new Random(seed)
  const kept = new KeptBodies()
  const expected: Uint8Array[] = []
  const body = (): Uint8Array => {
    // Most are small; some exceed a chunk.
    const bytes = new Uint8Array(random.below(random.below(50) === 0 ? 200_000 : 300))
    return bytes.fill(random.below(256))
  }
  for (let step = 0; step < 3000; step++) {
    const shape = random.below(100)
    const isGrowing = step % 1000 < 500
    if (shape < 3) {
      const batch = Array.from({ length: random.below(20) }, body)
      kept.keep(batch)
      expected.push(...batch)
    } else if (shape < (isGrowing ? 60 : 20)) {
      const one = body()
      kept.keepOne(one)
      expected.push(one.slice())
      one.fill(0)
    } else if (expected.length > 0) {
      expect(Buffer.compare(kept.take(), expected.shift() as Uint8Array)).toBe(0)
    } else {
      expect(() => kept.take()).toThrow('no body is kept')
    }
    expect(kept.length).toBe(expected.length)
    // Each with its length, and what is left of a chunk that the next one did not fit.
    const bytes = expected.reduce((sum, { length }) => sum + length + 4, 0)
    expect(kept.byteLength).toBeGreaterThanOrEqual(bytes)
    if (expected.length === 0) expect(kept.byteLength).toBeLessThan(2 * CHUNK_BYTES)
  }
})

test('where one waits at a time the same memory serves all, unless it is large', () => {
  const kept = new KeptBodies()
  const buffers = [10, 20, 100_000, 30, 40].map((bytes) => {
    kept.keepOne(new Uint8Array(bytes))
    return kept.take().buffer
  })
  expect(buffers[1]).toBe(buffers[0])
  expect(buffers[4]).toBe(buffers[3])
  expect(new Set(buffers).size).toBe(3)
})

test('nothing is kept of what was cleared', () => {
  const kept = new KeptBodies()
  kept.keepOne(new Uint8Array(100))
  kept.take()
  kept.keep([new Uint8Array(100), new Uint8Array(100_000)])
  kept.clear()
  expect([kept.length, kept.byteLength]).toEqual([0, 0])
  kept.keepOne(Uint8Array.of(7))
  expect([...kept.take()]).toEqual([7])
})
