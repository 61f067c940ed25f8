/**
 * The verdicts: from what stands in the files to what it means. Torn tail (normal), rot
 * (acknowledged data is damaged), or rubbish. Pure functions, free of Node, tested exhaustively;
 * recovery and the tools only carry out what they say. The rows are those of docs/guarantees.md,
 * section 5.
 */
import type { BlockTable } from './block-table.ts'
import type { SegmentHead, SegmentScan, SingleBit } from './evidence.ts'
import { BlockType, SEGMENT_HEADER_BYTES } from './layout.ts'
import type { Link, MapEntry } from './link.ts'

/** The rows of the verdict table: every classified region and file names the row it fell under. */
export const VERDICT_ROWS = {
  'clean-end': 'the log ends here in order',
  'torn-tail': 'an invalid region at or above D: the log ends there',
  'hole-above-d': 'an invalid region at or above D with valid blocks behind it: the log ends there',
  'partial-group': 'valid blocks above D whose group is not whole: the log ends in front of it',
  'rot-below-d': 'an invalid region that begins below D',
  'rot-in-flight': 'a torn region longer than the bytes that could be in flight',
  'rot-single-bit': 'above D, one bit away from a valid block, and nothing else is invalid',
  'rot-short-file': 'a file shorter than its header says',
  'rot-missing': 'a segment that the map names is missing',
  'rot-foreign': 'a file that the map names is not the segment it names',
  'rot-below-cut': 'anything invalid below the cut of a segment that has a successor',
  'rot-newest-missing': 'the index names a segment above the newest, and no file is that segment',
  'rot-lost-link': 'the newest segment claims durable data but has no valid LINK',
  'rot-header': 'neither copy of a segment header is valid',
  'torn-first-group': 'a segment above the newest valid LINK whose first group is not whole',
  'never-used': 'a segment made ahead and never written',
  'stale-fork': 'a segment of a writer that had lost the lock',
  rubbish: 'a file at or below the newest LINK that the map does not name',
} as const

export type VerdictRow = keyof typeof VERDICT_ROWS

/** An invalid region and what it means. */
export interface RegionVerdict {
  readonly row: VerdictRow
  readonly offset: number
  readonly bytes: number
  /** Ids that are lost with it; equal where none is. */
  readonly firstId: number
  readonly endId: number
}

/** A range of whole groups. */
export interface GroupRange {
  readonly offset: number
  readonly end: number
}

export function isRot(row: VerdictRow): boolean {
  return row.startsWith('rot-')
}

export type FirstGroup = 'whole' | 'claimed' | 'torn' | 'empty'

/**
 * Whether a segment has begun: its first group is whole, or something claims that it was durable.
 * A LINK in a torn first group does not make its segment the newest: a recovery may have been cut
 * off while it copied what only the predecessor still holds.
 */
export function judgeFirstGroup(scan: SegmentScan, claim: number): FirstGroup {
  const { blocks } = scan
  if (claim > SEGMENT_HEADER_BYTES) return 'claimed'
  for (let row = 0; row < blocks.count; row++) {
    if (blocks.durable(row) > SEGMENT_HEADER_BYTES) return 'claimed'
  }
  if (wholeGroupEnd(blocks, SEGMENT_HEADER_BYTES) > 0) return 'whole'
  return scan.dataEnd <= SEGMENT_HEADER_BYTES ? 'empty' : 'torn'
}

/** Where to look for single-bit damage in a first group that is not whole; undefined where in vain. */
export function askSingleBitOfFirstGroup(
  scan: SegmentScan,
): { readonly offset: number; readonly end: number } | undefined {
  const { blocks } = scan
  const lastEnd = blocks.count > 0 ? blocks.end(blocks.count - 1) : SEGMENT_HEADER_BYTES
  return singleBitQuestion(scan, firstInvalidFrom(blocks, SEGMENT_HEADER_BYTES), lastEnd)
}

/** Whether the first group is whole with the damaged block mended: then it was written as a whole. */
export function isFirstGroupWith(scan: SegmentScan, damaged: SingleBit): boolean {
  return damaged.groupOffset === SEGMENT_HEADER_BYTES && groupEndWith(scan.blocks, damaged) > 0
}

/** End of the whole group that begins at `offset`, or 0 where none does. */
export function wholeGroupEnd(blocks: BlockTable, offset: number): number {
  let end = offset
  for (let row = blocks.rowAt(offset); row < blocks.count; row++) {
    if (blocks.offset(row) !== end || blocks.group(row) !== offset) return 0
    end = blocks.end(row)
    if (blocks.endsGroup(row)) return end
  }
  return 0
}

export interface TailInput {
  readonly head: SegmentHead
  readonly link: Link
  readonly scan: SegmentScan
  /** D by the index, and by the LINK of a successor whose first group is torn; 0 = none. */
  readonly claim: number
  /** Next id by the index; 0 = none. */
  readonly nextIdClaim: number
  /** What a search for single-bit damage at the first invalid region above D found. */
  readonly singleBit?: SingleBit | undefined
}

export interface TailVerdict {
  /** Everything below is known durable. */
  readonly durable: number
  /** The log ends here: behind the last whole group from `durable` on. */
  readonly end: number
  /** Whole groups from `durable` to `end`: what only the page cache may hold. */
  readonly copy: GroupRange
  /** The next id behind `end`. */
  readonly nextId: number
  /** The next id at `durable`. */
  readonly durableNextId: number
  /** The log was closed in order and nothing follows. */
  readonly clean: boolean
  readonly regions: readonly RegionVerdict[]
  /** Offset of the block whose map is in force; the LINK's own where no MAP follows. */
  readonly mapOffset: number
  /** Where a single-bit search would change the verdict; absent where it would not. */
  readonly askSingleBit?: { readonly offset: number; readonly end: number }
}

/** Judges the newest segment: where its log ends, and which of its damage is rot. */
export function judgeTail(input: TailInput): TailVerdict {
  const { scan, link, head } = input
  const { blocks } = scan
  const regions: RegionVerdict[] = []
  const claimed = claimedDurable(blocks, input.claim)
  let durable = claimed
  const lastEnd = blocks.count > 0 ? blocks.end(blocks.count - 1) : SEGMENT_HEADER_BYTES
  if (link.mode === 'always') {
    durable = durableBeyondFlight(blocks, link.inFlightBytesMax, claimed)
  }
  const { singleBit } = input
  if (singleBit) durable = Math.max(durable, groupEndWith(blocks, singleBit))

  let expectedId = link.nextId
  let at = SEGMENT_HEADER_BYTES
  for (let row = 0; row < blocks.count && at < durable; row++) {
    if (blocks.offset(row) >= durable) break
    if (blocks.offset(row) > at) {
      const end = blocks.offset(row)
      regions.push(rotRegion(at, end, expectedId, blocks.firstId(row)))
    }
    at = blocks.end(row)
    expectedId = Math.max(expectedId, blocks.endId(row))
  }
  const rowAtDurable = blocks.rowAt(durable)
  if (at < durable) {
    const follower = rowAtDurable < blocks.count ? blocks.firstId(rowAtDurable) : 0
    const lostEnd = Math.max(expectedId, follower, input.nextIdClaim, singleBit?.endId ?? 0)
    regions.push(rotRegion(at, durable, expectedId, lostEnd))
    expectedId = lostEnd
  }
  const durableNextId = Math.max(expectedId, durable === claimed ? input.nextIdClaim : 0)

  const { end, nextId, lastType } = walkWholeGroups(blocks, durable, durableNextId)
  const firstInvalid = firstInvalidFrom(blocks, durable)
  const short = head.header !== undefined && head.actualBytes < head.header.fileBytes
  if (short) {
    regions.push({
      row: 'rot-short-file',
      offset: head.actualBytes,
      bytes: (head.header?.fileBytes ?? 0) - head.actualBytes,
      firstId: nextId,
      endId: Math.max(nextId, input.nextIdClaim),
    })
  }
  const tail = tailRegion(scan, end, firstInvalid, lastEnd, nextId)
  regions.push(tail)
  const clean = lastType === BlockType.CLEAN && tail.row === 'clean-end' && !short
  const ask = singleBit ? undefined : singleBitQuestion(scan, firstInvalid, lastEnd)
  return {
    durable,
    end,
    copy: { offset: durable, end },
    nextId: Math.max(nextId, short ? input.nextIdClaim : 0),
    durableNextId,
    clean,
    regions: regions.map((region) =>
      region.row === 'rot-below-d' && region.offset >= claimed
        ? { ...region, row: rowAboveClaims(region, singleBit) }
        : region,
    ),
    mapOffset: newestMap(blocks, end),
    ...(ask && { askSingleBit: ask }),
  }
}

/** Judges a segment that has a successor: everything invalid below its cut is rot. */
export function judgeSealed(
  head: SegmentHead,
  entry: MapEntry,
  scan: SegmentScan,
): RegionVerdict[] {
  const { blocks } = scan
  const regions: RegionVerdict[] = []
  let at = SEGMENT_HEADER_BYTES
  let expectedId = entry.firstId
  for (let row = 0; row < blocks.count && blocks.offset(row) < entry.cut; row++) {
    if (blocks.offset(row) > at) {
      regions.push(
        rotRegion(at, blocks.offset(row), expectedId, blocks.firstId(row), 'rot-below-cut'),
      )
    }
    at = blocks.end(row)
    expectedId = Math.max(expectedId, blocks.endId(row))
  }
  if (at < entry.cut) {
    const row = head.actualBytes < entry.fileBytes ? 'rot-short-file' : 'rot-below-cut'
    regions.push(rotRegion(at, entry.cut, expectedId, entry.endId, row))
  } else if (head.actualBytes < entry.fileBytes) {
    const bytes = entry.fileBytes - head.actualBytes
    regions.push({
      row: 'rot-short-file',
      offset: head.actualBytes,
      bytes,
      firstId: entry.endId,
      endId: entry.endId,
    })
  }
  return regions
}

/**
 * True where the newest segment that was found ends with a SEAL: in `always` it is written only after
 * the first group of the next segment resolved, so that segment has been there.
 */
export function successorIsMissing(blocks: BlockTable, end: number, link: Link): boolean {
  const last = blocks.rowAt(end) - 1
  return link.mode === 'always' && last >= 0 && blocks.type(last) === BlockType.SEAL
}

function claimedDurable(blocks: BlockTable, claim: number): number {
  let durable = Math.max(SEGMENT_HEADER_BYTES, claim)
  for (let row = 0; row < blocks.count; row++) durable = Math.max(durable, blocks.durable(row))
  return durable
}

/**
 * What must have been durable, though nothing claims it, before the last valid block was written: a
 * group that begins further in front of that block's end than the bytes in flight, and is another
 * group than its own. It matters only where the log would end in front of such a group; then D is the
 * nearest place behind where a group is known to begin or end.
 */
function durableBeyondFlight(
  blocks: BlockTable,
  inFlightBytesMax: number,
  claimed: number,
): number {
  const last = blocks.count - 1
  if (last < 0) return claimed
  const flightStart = Math.min(blocks.end(last) - inFlightBytesMax, blocks.group(last))
  if (walkWholeGroups(blocks, claimed, 0).end >= flightStart) return claimed
  let durable = blocks.group(last)
  for (let row = 0; row < last; row++) {
    const start = blocks.group(row)
    const end = blocks.endsGroup(row) ? blocks.end(row) : start
    if (start >= flightStart) durable = Math.min(durable, start)
    else if (end >= flightStart) durable = Math.min(durable, end)
  }
  return durable
}

function rowAboveClaims(region: RegionVerdict, singleBit: SingleBit | undefined): VerdictRow {
  return region.offset === singleBit?.offset ? 'rot-single-bit' : 'rot-in-flight'
}

/** End of the group that the damaged block belongs to, if the group is whole with it. */
function groupEndWith(blocks: BlockTable, damaged: SingleBit): number {
  if (firstInvalidFrom(blocks, damaged.groupOffset) !== damaged.offset) return 0
  if (damaged.endsGroup) return damaged.offset + damaged.length
  let end = damaged.offset + damaged.length
  for (let row = blocks.rowAt(end); row < blocks.count; row++) {
    if (blocks.offset(row) !== end || blocks.group(row) !== damaged.groupOffset) return 0
    end = blocks.end(row)
    if (blocks.endsGroup(row)) return end
  }
  return 0
}

function rotRegion(
  offset: number,
  end: number,
  firstId: number,
  endId: number,
  row: VerdictRow = 'rot-below-d',
): RegionVerdict {
  return { row, offset, bytes: end - offset, firstId, endId: Math.max(firstId, endId) }
}

function walkWholeGroups(
  blocks: BlockTable,
  durable: number,
  durableNextId: number,
): { end: number; nextId: number; lastType: number } {
  const before = blocks.rowAt(durable) - 1
  let lastType = before >= 0 && blocks.end(before) === durable ? blocks.type(before) : 0
  let end = durable
  let nextId = durableNextId
  for (;;) {
    const groupEnd = wholeGroupEnd(blocks, end)
    if (groupEnd === 0) return { end, nextId, lastType }
    for (let row = blocks.rowAt(end); row < blocks.count && blocks.offset(row) < groupEnd; row++) {
      nextId = Math.max(nextId, blocks.endId(row))
      lastType = blocks.type(row)
    }
    end = groupEnd
  }
}

/** First byte at or above `from` that no valid block covers. */
function firstInvalidFrom(blocks: BlockTable, from: number): number {
  let at = from
  for (let row = blocks.rowAt(from); row < blocks.count && blocks.offset(row) === at; row++) {
    at = blocks.end(row)
  }
  return at
}

function tailRegion(
  scan: SegmentScan,
  end: number,
  firstInvalid: number,
  lastEnd: number,
  nextId: number,
): RegionVerdict {
  let row: VerdictRow = 'clean-end'
  if (lastEnd > firstInvalid) row = 'hole-above-d'
  else if (firstInvalid > end) row = 'partial-group'
  else if (scan.dataEnd > end) row = 'torn-tail'
  // A claim can lie beyond the end of a file that was cut short.
  const bytes = Math.max(0, scan.endOffset - end)
  return { row, offset: end, bytes, firstId: nextId, endId: nextId }
}

/** Single-bit evidence counts only where exactly one block behind D is invalid. */
function singleBitQuestion(
  scan: SegmentScan,
  firstInvalid: number,
  lastEnd: number,
): { offset: number; end: number } | undefined {
  // Among old bytes a flipped magic looks like one of them, so it is looked for all the same.
  if (scan.dataEnd <= firstInvalid && !scan.isReused) return undefined
  const { blocks } = scan
  const behind = blocks.rowAt(firstInvalid)
  if (behind === blocks.count) {
    // A claim can lie beyond the end of a file that was cut short.
    return firstInvalid < scan.endOffset ? { offset: firstInvalid, end: scan.endOffset } : undefined
  }
  const next = blocks.offset(behind)
  if (firstInvalidFrom(blocks, next) !== lastEnd || scan.dataEnd > lastEnd) return undefined
  return { offset: firstInvalid, end: next }
}

function newestMap(blocks: BlockTable, end: number): number {
  for (let row = blocks.rowAt(end) - 1; row >= 0; row--) {
    if (blocks.type(row) === BlockType.MAP) return blocks.offset(row)
  }
  return SEGMENT_HEADER_BYTES
}
