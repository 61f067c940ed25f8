/** Which runs of segments are worth merging. */
import { expect, test } from 'vitest'
import type { MapEntry } from '../../../src/format/link.ts'
import { IdSet } from '../../../src/log/space/id-set.ts'
import { type Candidate, LONG_MAP, planMerge } from '../../../src/log/space/merge-plan.ts'
import { Random } from '../../../src/system/simulated/random.ts'

const MIB = 1024 * 1024
const TARGET = 64 * MIB

/** Segments of these sizes with so much live in each, one behind the other. */
function segments(...sizes: readonly (readonly [fileBytes: number, liveBytes: number])[]) {
  let base = 0
  return sizes.map(([fileBytes, liveBytes], row): Candidate => {
    const number = row + 1
    const entry: MapEntry = {
      number,
      generation: 0,
      salt1: 1,
      salt2: 2,
      fileBytes,
      cut: fileBytes,
      hasControl: false,
      damaged: false,
      dataOnly: false,
      base,
      firstId: number,
      endId: number + 1,
      coversTo: number,
    }
    base += fileBytes
    return { entry, liveBytes, isFree: true }
  })
}

function numbersOf(candidates: readonly Candidate[], targetBytes = TARGET): number[] | undefined {
  return planMerge(candidates, targetBytes)?.victims.map(({ number }) => number)
}

test('a segment that is half dead is rewritten alone, a dense one never', () => {
  expect(numbersOf(segments([64 * MIB, 60 * MIB], [64 * MIB, 20 * MIB]))).toEqual([2])
  expect(numbersOf(segments([64 * MIB, 40 * MIB], [64 * MIB, 64 * MIB]))).toBeUndefined()
  // The smallest file cannot become smaller.
  expect(numbersOf(segments([16_384, 100]))).toBeUndefined()
})

test('sparse neighbours become one, no larger than a segment, and none is passed over', () => {
  const two = [64 * MIB, 30 * MIB] as const
  expect(numbersOf(segments(two, two, two))).toEqual([1, 2])
  const [one, held, other] = segments([MIB, 1_000], [MIB, 1_000], [MIB, 1_000])
  if (!one || !held || !other) throw new Error('there are three')
  expect(numbersOf([one, { ...held, isFree: false }, other])).toEqual([1])
})

test('small ones go along where that gives half of the space back', () => {
  const small = [65_536, 20_000] as const
  expect(numbersOf(segments(...Array.from({ length: 5 }, () => small)))).toEqual([1, 2, 3, 4, 5])
  const dense = [65_536, 40_000] as const
  expect(numbersOf(segments(...Array.from({ length: 20 }, () => dense)))).toBeUndefined()
})

test('in a long map dense small ones are merged, each at least doubled', () => {
  const dense = [65_536, 50_000] as const
  const many = Array.from({ length: LONG_MAP + 1 }, () => dense)
  expect(numbersOf(segments(...many))).toHaveLength(LONG_MAP + 1)
  // One that is larger than all the others together would be rewritten for nearly nothing.
  const grown = [LONG_MAP * 65_536, LONG_MAP * 60_000] as const
  expect(numbersOf(segments(grown, ...many.slice(0, 6)))).toBeUndefined()
})

test('after all that is planned, full files hold at most twice what is live, and a little', () => {
  const random = new Random(9)
  for (let round = 0; round < 300; round++) {
    let all = segments(
      ...Array.from({ length: random.between(1, 120) }, () => {
        const fileBytes = random.pick([16_384, 65_536, MIB, 8 * MIB, 64 * MIB])
        return [
          fileBytes,
          Math.floor(fileBytes * random.pick([0.001, 0.1, 0.4, 0.6, 0.9])),
        ] as const
      }),
    )
    for (let merges = 0; ; merges++) {
      const plan = planMerge(all, TARGET)
      if (!plan) break
      expect(merges).toBeLessThan(500)
      expect(plan.newBytes).toBeLessThan(plan.oldBytes)
      const victims = all.filter(({ entry }) => plan.victims.includes(entry))
      const liveBytes = victims.reduce((sum, one) => sum + one.liveBytes, 0)
      const [first] = victims
      if (!first) throw new Error('a plan has victims')
      const entry = { ...first.entry, fileBytes: plan.newBytes, dataOnly: true }
      all = all
        .filter((one) => one === first || !victims.includes(one))
        .map((one) => (one === first ? { entry, liveBytes, isFree: true } : one))
    }
    const disk = all.reduce((sum, { entry }) => sum + entry.fileBytes, 0)
    const live = all.reduce((sum, one) => sum + one.liveBytes, 0)
    expect(disk).toBeLessThanOrEqual(2.1 * live + 2 * MIB)
  }
})

test('ids of a set are counted as one by one', () => {
  const random = new Random(3)
  const set = new IdSet()
  const model = new Set<number>()
  for (let round = 0; round < 400; round++) {
    const first = random.between(1, 200_000)
    const end = first + random.pick([1, 31, 32, 33, 1_000, 70_000])
    if (random.chance(0.3)) {
      set.add(first, end)
      for (let id = first; id < end; id++) model.add(id)
    }
    let count = 0
    for (let id = first; id < end; id++) if (model.has(id)) count++
    expect(set.countIn(first, end)).toBe(count)
  }
})
