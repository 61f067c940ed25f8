/**
 * The verdicts over one segment, for every small segment there is: against a second statement of the
 * rules, and against what they are for (invariants 1, 3 and 11 of docs/guarantees.md).
 */
import { afterAll, describe, expect, test } from 'vitest'
import { BlockType } from '../../src/format/layout.ts'
import type { MapEntry } from '../../src/format/link.ts'
import {
  isRot,
  judgeFirstGroup,
  judgeSealed,
  judgeTail,
  type RegionVerdict,
  type TailInput,
  type TailVerdict,
  VERDICT_ROWS,
} from '../../src/format/verdict.ts'
import {
  boundariesOf,
  claimRows,
  FILE_BYTES,
  FILE_ROWS,
  FIRST_BLOCK,
  groupings,
  groupStarts,
  headOf,
  linkOf,
  readableSlots,
  type Segment,
  type Slot,
  scanOf,
  segmentOf,
  singleBitOf,
  slotsOf,
  stateRows,
  TAIL_ROWS,
  withClaims,
  withStates,
  withType,
} from './verdict-model.ts'
import { type OracleInput, oracleSealed, oracleTail, wholeGroupsFrom } from './verdict-oracle.ts'

const reached = new Map<string, number>()
const UNLIMITED = 1 << 20
/** Modes, with bytes in flight of less than a block, one or two blocks, and more than the segment. */
const MODES = [
  ['always', 40],
  ['always', 100],
  ['always', 190],
  ['always', UNLIMITED],
  ['interval', 40],
] as const
/** For the largest segments: one limit that counts, and none. */
const FEW_MODES = [
  ['always', 100],
  ['interval', 40],
] as const

type Judged = OracleInput & { readonly verdict: TailVerdict }

function judge(scan: TailInput['scan'], input: OracleInput): TailVerdict {
  const { segment, mode, inFlightBytesMax, claim, nextIdClaim, singleBit } = input
  const head = headOf({ actualBytes: segment.actualBytes })
  const link = linkOf({ mode, inFlightBytesMax, nextId: segment.nextIdAtStart })
  return judgeTail({ head, link, scan, claim, nextIdClaim, singleBit })
}

function judgeLikeOracle(scan: TailInput['scan'], input: OracleInput): Judged {
  const verdict = judge(scan, input)
  const expected = oracleTail(input)
  if (!isSame(verdict, expected)) {
    expect({ input, verdict }).toEqual({ input, verdict: expected })
    throw new Error('the comparison above was to fail')
  }
  for (const { row } of verdict.regions) reached.set(row, (reached.get(row) ?? 0) + 1)
  return { ...input, verdict }
}

/** As toEqual says, but a hundred times faster. */
function isSame(a: TailVerdict, b: TailVerdict): boolean {
  return (
    a.durable === b.durable &&
    a.end === b.end &&
    a.copy.offset === b.copy.offset &&
    a.copy.end === b.copy.end &&
    a.nextId === b.nextId &&
    a.durableNextId === b.durableNextId &&
    a.clean === b.clean &&
    a.mapOffset === b.mapOffset &&
    a.askSingleBit?.offset === b.askSingleBit?.offset &&
    a.askSingleBit?.end === b.askSingleBit?.end &&
    a.regions.length === b.regions.length &&
    a.regions.every((region, i) => isSameRegion(region, b.regions[i]))
  )
}

function isSameRegion(a: RegionVerdict, b: RegionVerdict | undefined): boolean {
  return (
    a.row === b?.row &&
    a.offset === b.offset &&
    a.bytes === b.bytes &&
    a.firstId === b.firstId &&
    a.endId === b.endId
  )
}

/** Claims of an index: none, at every boundary with the id there, and beyond all blocks. */
function indexClaims(slots: readonly Slot[]): { claim: number; nextIdClaim: number }[] {
  const lastEnd = slots.at(-1)?.end ?? FIRST_BLOCK
  const lastId = slots.at(-1)?.endId ?? 1
  return [
    { claim: 0, nextIdClaim: 0 },
    ...boundariesOf(slots).map((claim) => ({
      claim,
      nextIdClaim: slots.find((slot) => slot.offset >= claim)?.firstId ?? lastId,
    })),
    { claim: lastEnd + 64, nextIdClaim: lastId + 5 },
  ]
}

/** What must hold whatever stands in the file. */
function checkPromises(judged: Judged): void {
  const { segment, claim, verdict } = judged
  const { durable, end, copy, regions } = verdict
  const valid = readableSlots(segment).filter((slot) => slot.state === 'valid')
  const claimed = Math.max(FIRST_BLOCK, claim, ...valid.map((slot) => slot.claim))
  const fail = (why: string) => expect.unreachable(`${why}: ${JSON.stringify(judged)}`)
  if (durable < claimed) fail('D lies below a claim')
  if (end < durable) fail('the log ends below D')
  const copied = valid.filter((slot) => slot.offset >= copy.offset && slot.offset < copy.end)
  if (copied.length !== wholeGroupsFrom(valid, copy.offset).length) fail('not all is copied')
  const bytes = copied.reduce((sum, slot) => sum + slot.end - slot.offset, 0)
  if (bytes !== copy.end - copy.offset) fail('something invalid is copied')
  for (const slot of copied) {
    const group = segment.slots.filter((other) => other.group === slot.group)
    if (!group.every((other) => copied.includes(other))) fail('part of a group is copied')
  }
  for (const { row, offset } of regions) {
    if (isRot(row) && row !== 'rot-short-file' && offset >= durable) fail('rot above D')
    if (!isRot(row) && offset < durable) fail('something below D is called torn')
    if (row === 'rot-below-d' && offset >= claimed) fail('rot without a claim')
    if (row === 'rot-in-flight' && judged.mode !== 'always') fail('in flight without a bound')
  }
  checkIds(judged, valid, fail)
}

/** Lost ids are those of the slots in the region, and of no valid block. */
function checkIds(judged: Judged, valid: readonly Slot[], fail: (why: string) => void): void {
  const { segment, nextIdClaim, verdict } = judged
  for (const region of verdict.regions) {
    if (!isRot(region.row) || region.row === 'rot-short-file') continue
    const end = region.offset + region.bytes
    const lost = segment.slots.filter((slot) => slot.offset >= region.offset && slot.end <= end)
    const first = lost[0]
    const last = lost.at(-1)
    if (!first || !last) continue
    if (region.firstId !== first.firstId) fail('the lost ids begin elsewhere')
    const follower = valid.find((slot) => slot.offset === end)
    const isBounded = follower !== undefined || (nextIdClaim > 0 && end <= judged.claim)
    const next = segment.slots.find((slot) => slot.offset >= end)
    const isExact = isBounded && (follower !== undefined || next === undefined)
    if (isBounded && region.endId < last.endId) fail('a lost id is missing')
    if (isExact && region.endId !== Math.max(last.endId, end > last.end ? nextIdClaim : 0)) {
      fail('the lost ids end elsewhere')
    }
    for (const slot of valid) {
      if (slot.firstId < region.endId && region.firstId < slot.endId) fail('a valid id is lost')
    }
  }
}

/** More evidence never makes what was rot a torn write. */
function checkMonotony(before: Judged | undefined, after: Judged): void {
  if (before === undefined) return
  for (const { row, offset } of before.verdict.regions) {
    if (!isRot(row) || row === 'rot-short-file') continue
    const still = after.verdict.regions.some(
      (region) =>
        isRot(region.row) && region.offset <= offset && offset < region.offset + region.bytes,
    )
    if (!still) expect.unreachable(`rot became torn: ${JSON.stringify({ before, after })}`)
  }
}

/** Judges again with the answer, where the verdict asks for a single bit and it is one. */
function judgeMended(scan: TailInput['scan'], judged: Judged): Judged | undefined {
  const { segment, verdict } = judged
  const { askSingleBit: ask } = verdict
  if (!ask) return undefined
  const slot = segment.slots.find(({ offset, state }) => offset === ask.offset && state === 'bad')
  if (!slot) return undefined
  const rest = segment.slots.filter((other) => other.offset >= slot.end && other.offset < ask.end)
  if (rest.some((other) => other.state !== 'zero')) return undefined
  if (ask.end !== FILE_BYTES && ask.end !== slot.end) return undefined
  const { verdict: _, ...input } = judged
  return judgeLikeOracle(scan, { ...input, singleBit: singleBitOf(slot) })
}

describe('the newest segment', () => {
  test('every segment of up to five blocks, with every claim, is judged as the rules say', () => {
    let cases = 0
    let mended = 0
    for (let count = 0; count <= 5; count++) {
      for (const grouping of groupings(count)) {
        const slots = slotsOf(grouping)
        const claims = claimRows(groupStarts(slots))
        for (const states of stateRows(count)) {
          for (const row of claims) {
            const segment = segmentOf(withClaims(withStates(slots, states), row))
            const scan = scanOf(segment)
            for (const [mode, inFlightBytesMax] of count < 5 ? MODES : FEW_MODES) {
              let before: Judged | undefined
              const claimsOfIndex = indexClaims(slots).filter((_, i) => count < 5 || i % 2 === 0)
              for (const index of claimsOfIndex) {
                const input = { segment, mode, inFlightBytesMax, ...index }
                const judged = judgeLikeOracle(scan, input)
                checkPromises(judged)
                checkMonotony(before, judged)
                before = judged
                cases++
                const again = judgeMended(scan, judged)
                if (again) mended++
              }
            }
          }
        }
      }
    }
    expect(cases).toBeGreaterThan(300_000)
    expect(mended).toBeGreaterThan(10_000)
  })

  test('six blocks, where every group claims what stood in front of it or nothing', () => {
    let cases = 0
    for (const grouping of groupings(6)) {
      const slots = slotsOf(grouping)
      const starts = groupStarts(slots)
      const late = starts.map((_, i) => starts[Math.max(0, i - 1)] ?? FIRST_BLOCK)
      for (const states of stateRows(6)) {
        for (const row of [starts, late, []]) {
          const segment = segmentOf(withClaims(withStates(slots, states), row))
          const scan = scanOf(segment)
          for (const [mode, inFlightBytesMax] of FEW_MODES) {
            const input = { segment, mode, inFlightBytesMax, claim: 0, nextIdClaim: 0 }
            checkPromises(judgeLikeOracle(scan, input))
            cases++
          }
        }
      }
    }
    expect(cases).toBe(24 * 729 * 3 * 2)
  })

  test('any one group of any type, whole or not', () => {
    const outcomes = { clean: 0, map: 0 }
    for (let count = 1; count <= 4; count++) {
      for (const plain of groupings(count).map((grouping) => slotsOf(grouping))) {
        const starts = groupStarts(plain)
        for (const group of starts) {
          for (const type of Object.values(BlockType)) {
            const slots = withType(plain, group, type)
            for (const states of stateRows(count)) {
              const segment = segmentOf(withClaims(withStates(slots, states), starts))
              const scan = scanOf(segment)
              for (const index of indexClaims(slots)) {
                const input = { segment, mode: 'always', inFlightBytesMax: 100, ...index } as const
                const { verdict } = judgeLikeOracle(scan, input)
                if (verdict.clean) outcomes.clean++
                if (verdict.mapOffset !== FIRST_BLOCK) outcomes.map++
              }
            }
          }
        }
      }
    }
    expect(outcomes.clean).toBeGreaterThan(0)
    expect(outcomes.map).toBeGreaterThan(0)
  })

  test('blocks that lie about their group and its end', () => {
    const plain = slotsOf([1, 1, 1, 1])
    const own = (i: number) => plain[i]?.offset ?? FIRST_BLOCK
    const sometimes = [false, true]
    for (const states of stateRows(4)) {
      for (const groups of [own(0), own(1)].flatMap((a) =>
        plain.slice(0, 3).map((b) => [a, b.offset]),
      )) {
        for (const ends of sometimes.flatMap((a) => sometimes.flatMap((b) => [[a, b]]))) {
          const slots = withStates(plain, states).map((slot, i) => ({
            ...slot,
            group: i === 1 || i === 2 ? (groups[i - 1] ?? slot.group) : slot.group,
            endsGroup: ends[i === 1 ? 1 : 0] ?? true,
          }))
          const segment = segmentOf(slots)
          for (const index of indexClaims(plain)) {
            const input = { segment, mode: 'interval', inFlightBytesMax: 0, ...index } as const
            judgeLikeOracle(scanOf(segment), input)
          }
        }
      }
    }
  })

  test('a single bit in a group that is damaged elsewhere too proves nothing', () => {
    const slots = withStates(slotsOf([1, 4]), ['valid', 'bad', 'bad', 'valid', 'valid'])
    const segment = segmentOf(slots)
    const unclaimed = {
      mode: 'always',
      inFlightBytesMax: UNLIMITED,
      claim: 0,
      nextIdClaim: 0,
    } as const
    for (const slot of slots.filter((one) => one.state === 'bad')) {
      const input = { segment, ...unclaimed, singleBit: singleBitOf(slot) }
      const { verdict } = judgeLikeOracle(scanOf(segment), input)
      expect(verdict.durable).toBe(FIRST_BLOCK)
      expect(verdict.regions.map(({ row }) => row)).toEqual(['hole-above-d'])
    }
  })

  test('a file shorter than its header says is rot, wherever it was cut off', () => {
    for (let count = 1; count <= 4; count++) {
      for (const grouping of groupings(count)) {
        const plain = slotsOf(grouping)
        const slots = withType(plain, plain.at(-1)?.group ?? 0, BlockType.CLEAN)
        const starts = groupStarts(slots)
        const cuts = slots.flatMap(({ offset, end }) => [offset, offset + 8, end])
        for (const states of stateRows(count)) {
          const standing = withClaims(withStates(slots, states), starts)
          for (const actualBytes of new Set([...cuts, FILE_BYTES - 8])) {
            const segment = segmentOf(standing, actualBytes)
            const scan = scanOf(segment)
            for (const index of indexClaims(slots)) {
              const input = { segment, mode: 'always', inFlightBytesMax: 100, ...index } as const
              const { verdict } = judgeLikeOracle(scan, input)
              if (verdict.clean) expect.unreachable('a short file was called clean')
              if (verdict.nextId < index.nextIdClaim) expect.unreachable('an id is given again')
              if (verdict.regions.some((region) => region.bytes < 0)) {
                expect.unreachable('a region of less than nothing')
              }
            }
          }
        }
      }
    }
    expect(reached.get('rot-short-file')).toBeGreaterThan(0)
  })
})

/** Every row of sound claims: each at most its own group's offset and the true mark. */
function soundClaims(starts: readonly number[], truth: number): number[][] {
  return claimRows(starts).filter((row) => row.every((claim) => claim <= truth))
}

describe('after a crash that nothing but a crash happened to', () => {
  /** Calls `check` for every outcome of every crash: true mark, what arrived above it, claims. */
  function forEachCrash(
    countMax: number,
    check: (slots: readonly Slot[], truth: number, limit: number) => void,
  ): number {
    let crashes = 0
    for (let count = 1; count <= countMax; count++) {
      for (const grouping of groupings(count)) {
        const plain = slotsOf(grouping)
        const starts = groupStarts(plain)
        for (const truth of boundariesOf(plain)) {
          const below = plain.filter((slot) => slot.offset < truth).length
          const groupsAbove = starts.filter((start) => start >= truth).length
          // As tight as the writer may name it: one group alone may be larger than the limit.
          const limit = groupsAbove > 1 ? (plain.at(-1)?.end ?? 0) - truth : 8
          for (const above of stateRows(count - below)) {
            const states = [...plain.slice(0, below).map(() => 'valid' as const), ...above]
            for (const claims of soundClaims(starts, truth)) {
              check(withClaims(withStates(plain, states), claims), truth, limit)
              crashes++
            }
          }
        }
      }
    }
    return crashes
  }

  test('nothing is called rot, all that resolved is kept, and groups appear whole (1, 3)', () => {
    const crashes = forEachCrash(6, (slots, truth, limit) => {
      const segment = segmentOf(slots)
      const scan = scanOf(segment)
      const valid = slots.filter((slot) => slot.state === 'valid')
      for (const index of indexClaims(slots)) {
        if (index.claim > truth) continue
        const input = { segment, mode: 'always', inFlightBytesMax: limit, ...index } as const
        const verdict = judge(scan, input)
        const about = () => JSON.stringify({ input, truth, verdict })
        if (verdict.regions.some(({ row }) => isRot(row))) expect.unreachable(about())
        if (verdict.durable > truth || verdict.end < truth) expect.unreachable(about())
        const kept = wholeGroupsFrom(valid, FIRST_BLOCK)
        if (verdict.end !== (kept.at(-1)?.end ?? FIRST_BLOCK)) expect.unreachable(about())
        const nextId = kept.at(-1)?.endId ?? segment.nextIdAtStart
        if (verdict.nextId !== Math.max(nextId, index.nextIdClaim)) expect.unreachable(about())
      }
    })
    expect(crashes).toBeGreaterThan(20_000)
  })

  test('one block that rots below what the others claim is reported with exactly its ids', () => {
    let reports = 0
    let exact = 0
    forEachCrash(4, (slots, truth, limit) => {
      for (const [i, slot] of slots.entries()) {
        if (slot.end > truth) continue
        const damaged = slots.map((one, k) => (k === i ? { ...one, state: 'bad' as const } : one))
        const valid = damaged.filter((one) => one.state === 'valid')
        const claimed = Math.max(FIRST_BLOCK, ...valid.map((one) => one.claim))
        if (slot.offset >= claimed) continue
        const segment = segmentOf(damaged)
        const unclaimed = { claim: 0, nextIdClaim: 0 }
        const input = { segment, mode: 'always', inFlightBytesMax: limit, ...unclaimed } as const
        const { regions, nextId } = judge(scanOf(segment), input)
        const rot = regions.filter(({ row }) => isRot(row))
        // Where D lies within the hole, only the next valid block bounds the ids in it.
        const endId = valid.find((one) => one.offset >= slot.end)?.firstId ?? slot.endId
        if (rot.length !== 1 || !isLossOf(rot[0], { ...slot, endId }) || nextId < slot.endId) {
          expect({ input, rot }).toEqual({ input, rot: [{ ...slot, endId }] })
        }
        if (endId === slot.endId) exact++
        reports++
      }
    })
    expect(reports).toBeGreaterThan(400)
    expect(exact / reports).toBeGreaterThan(0.5)
  })
})

function isLossOf(region: RegionVerdict | undefined, slot: Slot): boolean {
  return (
    region?.row === 'rot-below-d' &&
    region.offset === slot.offset &&
    region.bytes === slot.end - slot.offset &&
    region.firstId === slot.firstId &&
    region.endId === slot.endId
  )
}

describe('the first group', () => {
  test('makes its segment begin where it is whole or something claims more', () => {
    const seen = new Map<string, number>()
    for (let count = 0; count <= 4; count++) {
      for (const grouping of groupings(count)) {
        const plain = slotsOf(grouping)
        // The LINK pair opens the first group: it arrives whole, in one copy, or not at all.
        const slots = plain.map((slot, i) =>
          i < 2 && slot.group === FIRST_BLOCK ? { ...slot, type: BlockType.LINK } : slot,
        )
        for (const states of stateRows(count)) {
          for (const row of claimRows(groupStarts(slots))) {
            const segment = segmentOf(withClaims(withStates(slots, states), row))
            for (const claim of [0, FIRST_BLOCK, ...boundariesOf(slots)]) {
              const first = judgeFirstGroup(scanOf(segment), claim)
              const expected = expectedFirstGroup(segment, claim)
              if (first !== expected) {
                expect({ segment, claim, first }).toEqual({ segment, claim, first: expected })
              }
              seen.set(first, (seen.get(first) ?? 0) + 1)
            }
          }
        }
      }
    }
    expect([...seen.keys()].sort()).toEqual(['claimed', 'empty', 'torn', 'whole'])
  })
})

function expectedFirstGroup(segment: Segment, claim: number): string {
  const valid = segment.slots.filter((slot) => slot.state === 'valid')
  if (claim > FIRST_BLOCK || valid.some((slot) => slot.claim > FIRST_BLOCK)) return 'claimed'
  const first = segment.slots.filter((slot) => slot.group === FIRST_BLOCK)
  if (first.length > 0 && first.every((slot) => slot.state === 'valid')) return 'whole'
  return segment.slots.some((slot) => slot.state !== 'zero') ? 'torn' : 'empty'
}

describe('a segment with a successor', () => {
  test('everything invalid below its cut is rot, with exactly the ids that are lost', () => {
    for (let count = 1; count <= 5; count++) {
      const slots = slotsOf(Array.from({ length: count }, () => 1))
      for (const states of stateRows(count)) {
        for (const cut of boundariesOf(slots)) {
          for (const actualBytes of [FILE_BYTES, ...slots.map((slot) => slot.offset + 8)]) {
            const segment = segmentOf(withStates(slots, states), actualBytes)
            const endId = slots.findLast((slot) => slot.end <= cut)?.endId ?? segment.nextIdAtStart
            const entry = entryOf(cut, segment.nextIdAtStart, endId)
            const regions = judgeSealed(headOf({ actualBytes }), entry, scanOf(segment))
            expect(regions).toEqual(oracleSealed(segment, cut, endId))
            for (const { row } of regions) reached.set(row, (reached.get(row) ?? 0) + 1)
            const lost = regions.reduce((sum, region) => sum + region.endId - region.firstId, 0)
            expect(lost).toBe(lostIdsOf(segment, cut))
          }
        }
      }
    }
  })
})

function lostIdsOf(segment: Segment, cut: number): number {
  const readable = readableSlots(segment).filter((slot) => slot.state === 'valid')
  const gone = segment.slots.filter((slot) => slot.end <= cut && !readable.includes(slot))
  return gone.reduce((sum, slot) => sum + slot.endId - slot.firstId, 0)
}

function entryOf(cut: number, firstId: number, endId: number): MapEntry {
  return {
    number: 7,
    generation: 0,
    salt1: 700,
    salt2: 701,
    fileBytes: FILE_BYTES,
    cut,
    hasControl: false,
    damaged: false,
    dataOnly: false,
    base: 0,
    firstId,
    endId,
    coversTo: 7,
  }
}

describe('the table of verdicts', () => {
  test('every row belongs to a segment or to a directory', () => {
    expect([...TAIL_ROWS, ...FILE_ROWS].sort()).toEqual(Object.keys(VERDICT_ROWS).sort())
  })

  test('every row over a segment was reached by the tests of this file', () => {
    const unreached = TAIL_ROWS.filter((row) => !reached.has(row))
    expect(unreached).toEqual([])
  })

  afterAll(() => {
    if (process.env['QLOG_COUNTS']) console.log(Object.fromEntries(reached))
  })
})
