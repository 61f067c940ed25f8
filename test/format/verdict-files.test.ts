/**
 * The verdicts over a directory (invariant 10): which segment is the newest, and what every other file
 * is. Each file of each small directory carries the row that it was made to fall under.
 */
import { describe, expect, test } from 'vitest'
import type { IndexEvidence, SegmentHead } from '../../src/format/evidence.ts'
import {
  belongs,
  indexClaim,
  judgeAbove,
  judgeFiles,
  newestIsMissing,
  rankHeads,
  storeIdOf,
  withCopies,
} from '../../src/format/file-verdict.ts'
import { BlockType } from '../../src/format/layout.ts'
import type { Link, MapEntry } from '../../src/format/link.ts'
import { judgeFirstGroup, successorIsMissing, type VerdictRow } from '../../src/format/verdict.ts'
import {
  boundariesOf,
  FILE_BYTES,
  FILE_ROWS,
  FIRST_BLOCK,
  headerOf,
  headOf,
  linkOf,
  type Slot,
  STORE_ID,
  scanOf,
  segmentOf,
  slotsOf,
  withClaims,
  withStates,
  withType,
} from './verdict-model.ts'

const FOREIGN_STORE = 'bb'.repeat(16)
const reached = new Map<VerdictRow, number>()

/** A file of a directory, what a scan of it finds, and the row it must fall under. */
interface FileCase {
  readonly name: string
  readonly head: SegmentHead | undefined
  readonly slots: readonly Slot[]
  readonly row: VerdictRow | undefined
}

function entryFor(number: number): MapEntry {
  return {
    number,
    generation: 0,
    salt1: number * 100,
    salt2: number * 100 + 1,
    fileBytes: FILE_BYTES,
    cut: 8192,
    hasControl: false,
    damaged: false,
    dataOnly: false,
    base: number * FILE_BYTES,
    firstId: number * 10,
    endId: number * 10 + 10,
    coversTo: number,
  }
}

const MAP = [entryFor(3), entryFor(5)]
const NEWEST = 7
/** LINK pair and one block of data in the first group, then a second group. */
const BEGUN = slotsOf([3, 1]).map((slot, i) => (i < 2 ? { ...slot, type: BlockType.LINK } : slot))
const CLAIMING = withClaims(BEGUN, [FIRST_BLOCK, BEGUN[3]?.offset ?? 0])
const TORN = withStates(BEGUN, ['valid', 'valid', 'bad', 'zero'])
const ZERO = withStates(BEGUN, ['zero', 'zero', 'zero', 'zero'])

function headWithout(number: number, generation = 0): SegmentHead {
  const { header: _, ...head } = headOf({ number, generation })
  return { ...head, problem: 'neither copy is valid' }
}

function linkedTo(epoch: number, map: readonly MapEntry[] = MAP): Link {
  return linkOf({ epoch, map })
}

/** Everything that a file the map names can be. */
function mappedCases(number: number): FileCase[] {
  const slots = BEGUN
  const salts = { salt1: number * 100, salt2: number * 100 + 1 }
  const header = (changes: object) => headerOf({ number, ...salts, ...changes })
  const made = (name: string, row: VerdictRow | undefined, head: SegmentHead | undefined) => ({
    name: `${number} ${name}`,
    head,
    slots,
    row,
  })
  const good = headOf({ number, link: linkedTo(2, []) })
  return [
    made('in order', undefined, good),
    made('in order, LINK lost', undefined, headOf({ number })),
    made('missing', 'rot-missing', undefined),
    made('of another store', 'rot-foreign', {
      ...good,
      header: header({ storeId: FOREIGN_STORE }),
    }),
    made('with another first salt', 'rot-foreign', { ...good, header: header({ salt1: 1 }) }),
    made('with another second salt', 'rot-foreign', { ...good, header: header({ salt2: 1 }) }),
    made('under the name of another', 'rot-foreign', { ...good, header: header({ number: 6 }) }),
    made('of another generation', 'rot-foreign', { ...good, header: header({ generation: 1 }) }),
    made('without a header', 'rot-header', headWithout(number)),
  ]
}

/** Everything that a file beside the map can be. */
function extraCases(): FileCase[] {
  const made = (
    name: string,
    row: VerdictRow | undefined,
    head: SegmentHead | undefined,
    slots: readonly Slot[] = ZERO,
  ) => ({ name, head, slots, row })
  const wrong = { storeId: FOREIGN_STORE, number: 8, salt1: 800, salt2: 801 }
  return [
    made('nothing', undefined, undefined),
    made('4, which no map names', 'rubbish', headOf({ number: 4, link: linkedTo(2) }), BEGUN),
    made('4 without a header', 'rubbish', headWithout(4)),
    made('5 in another generation', 'rubbish', headOf({ number: 5, generation: 1 }), BEGUN),
    made('7 in another generation', 'rubbish', headOf({ number: 7, generation: 1 }), BEGUN),
    made('8, never used', 'never-used', headOf({ number: 8 })),
    made('8, torn, no LINK', 'torn-first-group', headOf({ number: 8 }), TORN),
    made('8, torn, with LINK', 'torn-first-group', headOf({ number: 8, link: linkedTo(4) }), TORN),
    made('8, LINK lost, more claimed', 'rot-lost-link', headOf({ number: 8 }), CLAIMING),
    made('8, of a fenced writer', 'stale-fork', headOf({ number: 8, link: linkedTo(2) }), CLAIMING),
    made('8, torn, fenced', 'stale-fork', headOf({ number: 8, link: linkedTo(2) }), TORN),
    made('8 without a header', 'rot-header', headWithout(8)),
    made('8, of another store', 'rubbish', headOf({ number: 8, header: headerOf(wrong) }), BEGUN),
    made('3 again, under the name of 8', 'rubbish', {
      ...headOf({ number: 8, link: linkedTo(9) }),
      header: headerOf({ number: 3, salt1: 300, salt2: 301 }),
    }),
  ]
}

function indexOf(changes: Partial<IndexEvidence> = {}): IndexEvidence {
  const named = { number: NEWEST, generation: 0, salt1: 700, salt2: 701 }
  const marks = { durableOffset: FIRST_BLOCK, nextId: 99 }
  return { epoch: 3, storeId: STORE_ID, ...named, ...marks, ...changes }
}

function ownVotes(files: readonly FileCase[]): number {
  return files.filter(({ head }) => head?.header?.storeId === STORE_ID).length
}

function foreignVotes(files: readonly FileCase[]): number {
  return files.filter(({ head }) => head?.header?.storeId === FOREIGN_STORE).length
}

/** Puts the verdicts together as recovery does. */
function judgeDirectory(files: readonly FileCase[], index: IndexEvidence | undefined) {
  const heads = files.flatMap(({ head }) => (head ? [head] : []))
  const slotsByHead = new Map(files.map(({ head, slots }) => [head, slots]))
  const scan = (head: SegmentHead) => scanOf(segmentOf(slotsByHead.get(head) ?? []))
  const storeId = storeIdOf(heads, index)
  const newest = rankHeads(heads, storeId).find((head) => {
    const first = judgeFirstGroup(scan(head), indexClaim(index, head, head.link?.epoch ?? 0))
    return first === 'whole' || first === 'claimed'
  })
  const epoch = newest?.link?.epoch ?? 0
  const number = newest?.number ?? 0
  const rows = new Map<string, VerdictRow>()
  const note = (file: string, row: VerdictRow) => {
    if (rows.has(file)) throw new Error(`${file} is judged twice`)
    rows.set(file, row)
  }
  for (const { file, row } of judgeFiles(heads, newest, newest?.link?.map ?? [], storeId)) {
    note(file, row)
  }
  for (const head of heads) {
    if (head.number <= number) continue
    const first = judgeFirstGroup(scan(head), indexClaim(index, head, epoch))
    note(head.file, judgeAbove(head, epoch, storeId, first))
  }
  const isMissing = newestIsMissing(index, heads, epoch, number)
  for (const row of rows.values()) reached.set(row, (reached.get(row) ?? 0) + 1)
  if (isMissing) reached.set('rot-newest-missing', (reached.get('rot-newest-missing') ?? 0) + 1)
  return { newest, rows, isMissing }
}

describe('a directory', () => {
  const newestHead = headOf({ number: NEWEST, link: linkedTo(3) })
  const newestFile = { name: 'newest', head: newestHead, slots: BEGUN, row: undefined }

  test('with every mixture of two mapped files and one more is judged file by file (10)', () => {
    let directories = 0
    for (const third of mappedCases(3)) {
      for (const fifth of mappedCases(5)) {
        for (const extra of extraCases()) {
          const files = [third, fifth, newestFile, extra]
          for (const index of [indexOf(), indexOf({ number: 9 }), undefined]) {
            // Without an index the store is a matter of votes, which foreign files may win.
            if (!index && foreignVotes(files) >= ownVotes(files)) continue
            const { newest, rows, isMissing } = judgeDirectory(files, index)
            const expected = new Map<string, VerdictRow>()
            for (const { name, head, row } of files) {
              if (row) expected.set(head?.file ?? headOf({ number: Number(name[0]) }).file, row)
            }
            const about = files.map(({ name }) => name).join(', ')
            expect(newest, about).toBe(newestHead)
            expect([...rows].sort(), about).toEqual([...expected].sort())
            expect(isMissing, about).toBe(index?.number === 9)
            directories++
          }
        }
      }
    }
    expect(directories).toBeGreaterThan(9 * 9 * 14 * 2.5)
  })

  test('without a segment that has begun has no newest, and no map to judge by', () => {
    const spare = { name: 'spare', head: headOf({ number: 1 }), slots: ZERO, row: undefined }
    const { newest, rows, isMissing } = judgeDirectory([spare], undefined)
    expect(newest).toBeUndefined()
    expect([...rows.values()]).toEqual(['never-used'])
    expect(isMissing).toBe(false)
    expect(judgeDirectory([], undefined)).toMatchObject({ newest: undefined, isMissing: false })
    expect(judgeDirectory([], indexOf()).isMissing).toBe(true)
  })

  test('every row over a file was reached', () => {
    expect(FILE_ROWS.filter((row) => !reached.has(row))).toEqual([])
  })
})

describe('the newest segment', () => {
  const at = (number: number, epoch: number, slots: readonly Slot[]) => ({
    name: `${number}`,
    head: headOf({ number, link: linkedTo(epoch, []) }),
    slots,
    row: undefined,
  })

  test('is that of the highest epoch, then of the highest number, whose first group counts', () => {
    for (const epochs of [1, 2, 3].flatMap((a) => [1, 2, 3].map((b) => [a, b] as const))) {
      for (const low of [BEGUN, TORN, ZERO, CLAIMING]) {
        for (const high of [BEGUN, TORN, ZERO, CLAIMING]) {
          const files = [at(7, epochs[0], low), at(8, epochs[1], high)]
          const begun = files.filter((file) => file.slots === BEGUN || file.slots === CLAIMING)
          const best = begun.toSorted(
            (a, b) =>
              (b.head.link?.epoch ?? 0) - (a.head.link?.epoch ?? 0) ||
              b.head.number - a.head.number,
          )[0]
          expect(judgeDirectory(files, undefined).newest).toBe(best?.head)
        }
      }
    }
  })

  test('counts as begun where the index claims more than its first group', () => {
    const files = [at(7, 3, BEGUN), at(8, 3, TORN)]
    const claim = { number: 8, salt1: 800, salt2: 801, durableOffset: FIRST_BLOCK + 8 }
    const newest = (index: IndexEvidence | undefined) => judgeDirectory(files, index).newest?.number
    expect(newest(undefined)).toBe(7)
    expect(newest(indexOf(claim))).toBe(8)
    expect(newest(indexOf({ ...claim, durableOffset: FIRST_BLOCK }))).toBe(7)
    expect(newest(indexOf({ ...claim, salt2: 1 }))).toBe(7)
    expect(newest(indexOf({ ...claim, epoch: 2 }))).toBe(7)
  })

  test('without a LINK is rot where the index alone claims more than its first group', () => {
    const lost = { name: '8', head: headOf({ number: 8 }), slots: TORN, row: undefined }
    const claim = { number: 8, salt1: 800, salt2: 801, durableOffset: FIRST_BLOCK + 8 }
    const rowOf = (index: IndexEvidence) =>
      judgeDirectory([at(7, 3, BEGUN), lost], index).rows.get(lost.head.file)
    expect(rowOf(indexOf(claim))).toBe('rot-lost-link')
    expect(rowOf(indexOf({ ...claim, salt1: 1 }))).toBe('torn-first-group')
  })
})

describe('the index', () => {
  const head = headOf({ number: NEWEST })

  test('claims its D for its own segment alone, and only in the newest epoch', () => {
    const index = indexOf({ durableOffset: 5000 })
    expect(indexClaim(index, head, 3)).toBe(5000)
    expect(indexClaim(index, head, 2)).toBe(5000)
    expect(indexClaim(index, head, 4)).toBe(0)
    expect(indexClaim(undefined, head, 3)).toBe(0)
    expect(indexClaim({ ...index, number: 6 }, head, 3)).toBe(0)
    expect(indexClaim({ ...index, salt1: 1 }, head, 3)).toBe(0)
    expect(indexClaim({ ...index, salt2: 1 }, head, 3)).toBe(0)
    expect(indexClaim(index, headWithout(NEWEST), 3)).toBe(0)
  })

  test('proves that the newest is missing where no file is the segment it names', () => {
    const index = indexOf({ number: 8, salt1: 800, salt2: 801 })
    const next = headOf({ number: 9 })
    const eight = headOf({ number: 8 })
    expect(newestIsMissing(index, [head], 3, 7)).toBe(true)
    // A segment made ahead of need stands above it and hides nothing.
    expect(newestIsMissing(index, [head, next], 3, 7)).toBe(true)
    expect(newestIsMissing(index, [head, eight], 3, 7)).toBe(false)
    expect(newestIsMissing(index, [head, headWithout(8)], 3, 7)).toBe(false)
    const foreign = headOf({ number: 8, header: headerOf({ number: 8, salt1: 1 }) })
    expect(newestIsMissing(index, [head, foreign], 3, 7)).toBe(true)
    expect(newestIsMissing({ ...index, salt2: 1 }, [head, eight], 3, 7)).toBe(true)
    expect(newestIsMissing(index, [head, headWithout(8, 1)], 3, 7)).toBe(true)
    // A mended copy has its salts, and is the segment.
    expect(newestIsMissing(index, [head, headOf({ number: 8, generation: 1 })], 3, 7)).toBe(false)
    expect(newestIsMissing(index, [head, next], 4, 7)).toBe(false)
    expect(newestIsMissing(index, [head, next], 3, 9)).toBe(false)
    expect(newestIsMissing(index, [head], 3, 8)).toBe(false)
    expect(newestIsMissing(undefined, [head], 3, 7)).toBe(false)
  })
})

describe('a SEAL', () => {
  test('at the end of the log proves, in `always`, that a successor was there', () => {
    const ends = boundariesOf(BEGUN)
    for (const type of Object.values(BlockType)) {
      const { blocks } = scanOf(segmentOf(withType(BEGUN, BEGUN[3]?.group ?? 0, type)))
      for (const end of ends) {
        for (const mode of ['always', 'interval', 'never'] as const) {
          const proves = type === BlockType.SEAL && end === ends.at(-1) && mode === 'always'
          expect(successorIsMissing(blocks, end, linkOf({ mode }))).toBe(proves)
        }
      }
    }
  })
})

describe('the store', () => {
  const foreign = (number: number) =>
    headOf({ number, header: headerOf({ number, storeId: FOREIGN_STORE }) })

  test('is the one the index names, or else the one that most headers name', () => {
    const heads = [foreign(1), headOf({ number: 2 }), foreign(3), headWithout(4)]
    expect(storeIdOf(heads)).toBe(FOREIGN_STORE)
    expect(storeIdOf([...heads, headOf({ number: 5 }), headOf({ number: 6 })])).toBe(STORE_ID)
    expect(storeIdOf(heads, indexOf())).toBe(STORE_ID)
    expect(storeIdOf([headOf({ number: 5 }), foreign(4)])).toBe(STORE_ID)
    expect(storeIdOf([foreign(4), headOf({ number: 5 })])).toBe(STORE_ID)
    expect(storeIdOf([foreign(6), headOf({ number: 5 })])).toBe(FOREIGN_STORE)
    expect(storeIdOf([])).toBe('')
    expect(storeIdOf([headWithout(1)])).toBe('')
  })

  test('owns a file whose name and header agree', () => {
    expect(belongs(headOf(), STORE_ID)).toBe(true)
    expect(belongs(headOf(), FOREIGN_STORE)).toBe(false)
    expect(belongs(headWithout(7), STORE_ID)).toBe(false)
    expect(belongs({ ...headOf(), number: 8 }, STORE_ID)).toBe(false)
    expect(belongs({ ...headOf(), generation: 1 }, STORE_ID)).toBe(false)
  })

  test('ranks only its own segments that have a LINK', () => {
    const linked = (number: number, epoch: number) => headOf({ number, link: linkedTo(epoch) })
    const heads = [
      headOf({ number: 9 }),
      linked(2, 1),
      linked(3, 5),
      { ...foreign(8), link: linkedTo(9) },
      linked(4, 5),
      { ...linked(5, 9), header: headerOf({ number: 6 }) },
    ]
    expect(rankHeads(heads, STORE_ID).map((head) => head.number)).toEqual([4, 3, 2])
  })
})

describe('a mended copy', () => {
  const copy = (generation: number) => headOf({ number: 3, generation, link: linkedTo(3) })
  const entry = entryFor(3)

  test('goes before the segment that it stands for', () => {
    const ranked = rankHeads([copy(0), copy(2), copy(1), headOf({ number: 2 })], STORE_ID)
    expect(ranked.map(({ generation }) => generation)).toEqual([2, 1, 0])
  })

  test('stands for a file that is gone, and for no other', () => {
    const generations = (heads: readonly SegmentHead[]) =>
      withCopies([entry], heads, STORE_ID).map(({ generation }) => generation)
    expect(generations([copy(0), copy(1)])).toEqual([0])
    expect(generations([copy(1), copy(2)])).toEqual([2])
    expect(generations([])).toEqual([0])
    expect(generations([headOf({ number: 4, generation: 1 })])).toEqual([0])
    // What merging made of it has other salts.
    const header = headerOf({ number: 3, generation: 1, salt1: 9, salt2: 301 })
    expect(generations([{ ...copy(1), header }])).toEqual([0])
    expect(withCopies([entry], [copy(1)], FOREIGN_STORE)).toEqual([entry])
  })
})
