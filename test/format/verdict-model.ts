/**
 * Segments as the verdict tests think of them: a row of slots, each of which was once a block. Turns
 * them into what a scan would find, and enumerates them.
 */
import { BlockTable } from '../../src/format/block-table.ts'
import type { SegmentHead, SegmentScan, SingleBit } from '../../src/format/evidence.ts'
import type { SegmentHeader } from '../../src/format/header.ts'
import { BlockFlag, BlockType } from '../../src/format/layout.ts'
import type { Link } from '../../src/format/link.ts'
import type { VerdictRow } from '../../src/format/verdict.ts'

export const FIRST_BLOCK = 4096
export const FILE_BYTES = 16_384
export const STORE_ID = 'aa'.repeat(16)
/** Lengths differ, so that no sum of some is by chance a sum of others. */
const SLOT_BYTES = [64, 48, 88, 56, 72, 128]
const SLOT_IDS = [2, 1, 3, 1, 2, 1]

export type SlotState = 'valid' | 'bad' | 'zero'

export interface Slot {
  readonly offset: number
  readonly end: number
  readonly group: number
  readonly endsGroup: boolean
  readonly type: number
  readonly firstId: number
  readonly endId: number
  /** The D that the block claims, if it is valid. */
  readonly claim: number
  readonly state: SlotState
}

export interface Segment {
  readonly slots: readonly Slot[]
  /** Bytes that the file really has. */
  readonly actualBytes: number
  readonly nextIdAtStart: number
}

/** The slots of groups of these sizes: all valid, claiming nothing, of DATA. */
export function slotsOf(groupSizes: readonly number[], firstId = 10): Slot[] {
  const slots: Slot[] = []
  let offset = FIRST_BLOCK
  let id = firstId
  for (const size of groupSizes) {
    const group = offset
    for (let i = 0; i < size; i++) {
      const end = offset + (SLOT_BYTES[slots.length] ?? 64)
      const endId = id + (SLOT_IDS[slots.length] ?? 1)
      const endsGroup = i === size - 1
      const common = { type: BlockType.DATA, claim: FIRST_BLOCK, state: 'valid' } as const
      slots.push({ offset, end, group, endsGroup, firstId: id, endId, ...common })
      offset = end
      id = endId
    }
  }
  return slots
}

export function withStates(slots: readonly Slot[], states: readonly SlotState[]): Slot[] {
  return slots.map((slot, i) => ({ ...slot, state: states[i] ?? 'valid' }))
}

/** Gives each group the claim of the same place in `claims`. */
export function withClaims(slots: readonly Slot[], claims: readonly number[]): Slot[] {
  const starts = [...new Set(slots.map((slot) => slot.group))]
  return slots.map((slot) => ({
    ...slot,
    claim: claims[starts.indexOf(slot.group)] ?? FIRST_BLOCK,
  }))
}

/** Makes one group, by its offset, one of `type`, which takes no ids unless it is DATA. */
export function withType(slots: readonly Slot[], group: number, type: number): Slot[] {
  const firstId = slots.find((slot) => slot.group === group)?.firstId ?? 1
  return slots.map((slot) =>
    slot.group === group && type !== BlockType.DATA
      ? { ...slot, type, firstId, endId: firstId }
      : slot,
  )
}

export function segmentOf(slots: readonly Slot[], actualBytes = FILE_BYTES): Segment {
  return { slots, actualBytes, nextIdAtStart: slots[0]?.firstId ?? 1 }
}

/** Slots whose bytes a scan of this file could see whole. */
export function readableSlots(segment: Segment): Slot[] {
  return segment.slots.filter((slot) => slot.end <= segment.actualBytes)
}

/** What a scan of the segment finds. */
export function scanOf(segment: Segment): SegmentScan {
  const blocks = new BlockTable()
  let dataEnd = FIRST_BLOCK
  for (const slot of segment.slots) {
    if (slot.offset >= segment.actualBytes) break
    const isWhole = slot.end <= segment.actualBytes
    if (slot.state !== 'zero') dataEnd = Math.min(slot.end, segment.actualBytes)
    if (slot.state === 'valid' && isWhole) addSlot(blocks, slot)
  }
  return { blocks, endOffset: Math.min(segment.actualBytes, FILE_BYTES), dataEnd }
}

export function addSlot(blocks: BlockTable, slot: Slot): void {
  blocks.add(
    {
      offset: slot.offset,
      length: slot.end - slot.offset,
      durableOffset: slot.claim,
      groupOffset: slot.group,
      type: slot.type,
      flags: slot.endsGroup ? BlockFlag.END : 0,
      recordCount: 1,
      firstId: slot.firstId,
      timeMs: 1,
    },
    slot.endId - slot.firstId,
  )
}

/** What a search finds that sees that `slot` is one bit away from a valid block. */
export function singleBitOf(slot: Slot): SingleBit {
  const { offset, group: groupOffset, firstId, endId, endsGroup } = slot
  const length = slot.end - offset
  return { offset, length, groupOffset, firstId, endId, endsGroup, byteOffset: offset + 9, bit: 3 }
}

export function headerOf(changes: Partial<SegmentHeader> = {}): SegmentHeader {
  return {
    formatNumber: 1,
    features: { compatible: 0, readOnlyCompatible: 0, incompatible: 0 },
    storeId: STORE_ID,
    number: 7,
    generation: 0,
    salt1: 700,
    salt2: 701,
    blockBytes: 4096,
    fileBytes: FILE_BYTES,
    createdMs: 1,
    ...changes,
  }
}

export function headOf(changes: Partial<SegmentHead> = {}): SegmentHead {
  const number = changes.number ?? 7
  const generation = changes.generation ?? 0
  const file = `${String(number).padStart(20, '0')}-${String(generation).padStart(2, '0')}.qls`
  const header = headerOf({ number, generation, salt1: number * 100, salt2: number * 100 + 1 })
  return { file, number, generation, actualBytes: FILE_BYTES, header, ...changes }
}

export function linkOf(changes: Partial<Link> = {}): Link {
  return {
    epoch: 3,
    bootId: '00'.repeat(16),
    bootTimeMs: 1,
    mode: 'always',
    inFlightBytesMax: 1 << 20,
    base: 0,
    nextId: 10,
    snapshots: [0, 0],
    map: [],
    ...changes,
  }
}

/** Every way to write `total` as a row of numbers from 1 to 3. */
export function groupings(total: number): number[][] {
  if (total === 0) return [[]]
  const ways: number[][] = []
  for (let first = 1; first <= Math.min(3, total); first++) {
    for (const rest of groupings(total - first)) ways.push([first, ...rest])
  }
  return ways
}

/** Every row of `length` states. */
export function stateRows(length: number): SlotState[][] {
  let rows: SlotState[][] = [[]]
  for (let i = 0; i < length; i++) {
    rows = rows.flatMap((row) => (['valid', 'bad', 'zero'] as const).map((one) => [...row, one]))
  }
  return rows
}

/** Every row of claims that never fall, each at most its own group's offset. */
export function claimRows(starts: readonly number[]): number[][] {
  let rows: number[][] = [[]]
  for (const own of starts) {
    rows = rows.flatMap((row) =>
      starts
        .filter((start) => start <= own && start >= (row.at(-1) ?? 0))
        .map((start) => [...row, start]),
    )
  }
  return rows
}

export function groupStarts(slots: readonly Slot[]): number[] {
  return [...new Set(slots.map((slot) => slot.group))]
}

/** Places where a group begins or the last one ends. */
export function boundariesOf(slots: readonly Slot[]): number[] {
  return [...groupStarts(slots), slots.at(-1)?.end ?? FIRST_BLOCK]
}

/** Rows that judging one segment can yield; verdict.test.ts must reach each. */
export const TAIL_ROWS: readonly VerdictRow[] = [
  'clean-end',
  'torn-tail',
  'hole-above-d',
  'partial-group',
  'rot-below-d',
  'rot-in-flight',
  'rot-single-bit',
  'rot-short-file',
  'rot-below-cut',
]

/** Rows that judging a directory can yield; verdict-files.test.ts must reach each. */
export const FILE_ROWS: readonly VerdictRow[] = [
  'rot-missing',
  'rot-foreign',
  'rot-newest-missing',
  'rot-lost-link',
  'rot-header',
  'torn-first-group',
  'never-used',
  'stale-fork',
  'rubbish',
]
