/**
 * Carries out the verdict of an opening after an unclean stop: whole groups that stand above the
 * durable mark may exist only in the page cache, so they are copied into a new segment, in one
 * write and one flush, before anything is shown. Writes only into that new segment.
 */

import type { Gap } from '../errors.ts'
import { QlogError } from '../errors.ts'
import { readBlock, sealBlock } from '../format/block.ts'
import { setUint64 } from '../format/bytes.ts'
import { withOrigin } from '../format/copied.ts'
import { encodeGap, GapReason } from '../format/gap.ts'
import {
  BLOCK_HEADER_BYTES,
  BlockFlag,
  BlockType,
  GAP_BYTES,
  parseSegmentFileName,
  RECORD_HEADER_BYTES,
  RecordKind,
  SEGMENT_FILE_BYTES_MIN,
  SEGMENT_HEADER_BYTES,
} from '../format/layout.ts'
import type { Link, MapEntry, SnapshotPlaces } from '../format/link.ts'
import { writeRecordHeader } from '../format/records.ts'
import type { Decompress } from '../format/unpack.ts'
import type { System } from '../system/system.ts'
import { adoptedTimeMs } from './adopted-time.ts'
import type { Assessment } from './assess.ts'
import type { Lock } from './lock.ts'
import type { NewestSegment } from './newest-segment.ts'
import { readBlocksAgain } from './second-read.ts'
import {
  createSegment,
  type OwnSegment,
  type SegmentPlan,
  segmentBytesFor,
  writeWhole,
} from './segment-file.ts'
import { linkBytes, linkPairBytes, mapReserveBytes, TAIL_RESERVE_BYTES } from './special-groups.ts'

/** GAP records a block holds at most; the rest stands in further blocks. */
const GAPS_PER_BLOCK = 64

/** The newest segment as an entry of the map, cut where everything is known durable. */
export function entryOfNewest(newest: NewestSegment): MapEntry {
  const { head, link, scan, tail } = newest
  const { header } = head
  if (!header) throw new Error('the newest segment has a header')
  let hasControl = false
  for (let row = 0; row < scan.blocks.count && scan.blocks.offset(row) < tail.durable; row++) {
    hasControl ||= scan.blocks.hasControl(row)
  }
  return {
    number: head.number,
    generation: head.generation,
    salt1: header.salt1,
    salt2: header.salt2,
    fileBytes: header.fileBytes,
    cut: Math.min(tail.durable, header.fileBytes),
    hasControl,
    damaged: tail.regions.some((region) => region.row.startsWith('rot-')),
    dataOnly: false,
    base: link.base,
    firstId: link.nextId,
    endId: Math.max(link.nextId, tail.durableNextId),
    coversTo: head.number,
  }
}

/**
 * True where opening must write before it may show anything: where messages, or a map, which a LINK
 * without messages has too, may stand in the page cache alone.
 */
export function needsRecovery(newest: NewestSegment | undefined, gaps: readonly Gap[]): boolean {
  if (gaps.length > 0) return true
  if (!newest) return false
  const { blocks } = newest.scan
  const { copy } = newest.tail
  for (let row = blocks.rowAt(copy.offset); row < blocks.count; row++) {
    if (blocks.offset(row) >= copy.end) return false
    const type = blocks.type(row)
    if (isCarried(type) || type === BlockType.MAP || type === BlockType.LINK) return true
  }
  return false
}

/**
 * Writes the recovery segment: LINK with the cut and the snapshots that stand, gaps, and the copies;
 * flushed, and the lock seen held. Rejects with QLOG_DISK_FULL, QLOG_IO, QLOG_FENCED, QLOG_FAILED; then the next opening
 * finds what a crash in this place leaves.
 */
export async function writeRecovery(
  system: System,
  lock: Lock,
  plan: SegmentPlan,
  link: Omit<Link, 'map' | 'predecessor' | 'base' | 'nextId' | 'snapshots'>,
  assessment: Assessment,
  snapshots: SnapshotPlaces,
  gaps: readonly Gap[],
): Promise<{ segment: OwnSegment; map: readonly MapEntry[] }> {
  const { newest, nextBase } = assessment
  const entry = newest && entryOfNewest(newest)
  const map = entry ? [...assessment.map, entry] : assessment.map
  const durableNextId = entry?.endId ?? 1
  const whole: Link = {
    ...link,
    base: nextBase,
    ...(entry && {
      predecessor: { number: entry.number, generation: entry.generation, cut: entry.cut },
    }),
    nextId: durableNextId,
    snapshots,
    map,
  }
  const source = newest && (await copyRange(system, assessment.survey.directory, newest))
  const copies = newest && source ? copiedBlocks(system, newest, source) : []
  const bytesMax = 4096 + linkPairBytes(whole) + carriedBytesMax(copies, gaps) + TAIL_RESERVE_BYTES
  const leastBytes = Math.max(SEGMENT_FILE_BYTES_MIN, segmentBytesFor(bytesMax))
  const segment = await createSmaller(system, plan, leastBytes)
  try {
    segment.base = nextBase
    segment.firstId = durableNextId
    segment.hasControl = newest !== undefined && copiesControl(newest)
    segment.startedMs = system.clock.monotonicMs()
    segment.mapReserveBytes = mapReserveBytes(map.length, segment.fileBytes)
    const group = composeGroup(system, segment, whole, assessment, gaps, copies)
    await writeWhole(segment.handle, group, SEGMENT_HEADER_BYTES)
    if (!plan.durable || system.files.durableWrites === 'flush') await segment.handle.flush()
    const end = SEGMENT_HEADER_BYTES + group.length
    segment.sentEnd = end
    segment.writtenEnd = end
    segment.durableOffset = end
    if (!(await lock.isHeld())) {
      throw new QlogError('QLOG_FENCED', 'another process has taken over this log')
    }
  } catch (error) {
    await segment.handle.close().catch(() => undefined)
    if (error instanceof QlogError) throw error
    throw new QlogError('QLOG_FAILED', 'recovery could not write its segment', { cause: error })
  }
  return { segment, map }
}

/** Of the planned size, or of what recovery needs: a full disk must not keep a log shut. */
async function createSmaller(
  system: System,
  plan: SegmentPlan,
  leastBytes: number,
): Promise<OwnSegment> {
  try {
    return await createSegment(system, { ...plan, fileBytes: Math.max(plan.fileBytes, leastBytes) })
  } catch (error) {
    const isFull = error instanceof QlogError && error.code === 'QLOG_DISK_FULL'
    if (!isFull || plan.fileBytes <= leastBytes) throw error
    return await createSegment(system, { ...plan, fileBytes: leastBytes })
  }
}

/** True where what recovery carries over, the last group of the newest segment, has control records. */
export function copiesControl({ scan, tail }: NewestSegment): boolean {
  const { blocks } = scan
  for (let row = blocks.rowAt(tail.copy.offset); row < blocks.count; row++) {
    if (blocks.offset(row) >= tail.copy.end) return false
    if (blocks.hasControl(row)) return true
  }
  return false
}

/** Blocks whose content recovery carries over; the others speak of the old segment only. */
function isCarried(type: number): boolean {
  return type === BlockType.DATA || type === BlockType.GAP
}

function copyRange(system: System, directory: string, newest: NewestSegment): Promise<Uint8Array> {
  const { head, scan, tail } = newest
  return readBlocksAgain(system, directory, head, scan, tail.copy)
}

function carriedBytesMax(copies: readonly Uint8Array[], gaps: readonly Gap[]): number {
  const gapBytes = 2 * BLOCK_HEADER_BYTES + gaps.length * (GAP_BYTES + 3 * BLOCK_HEADER_BYTES)
  return copies.reduce((sum, { length }) => sum + length, gapBytes)
}

function composeGroup(
  system: System,
  segment: OwnSegment,
  link: Link,
  assessment: Assessment,
  gaps: readonly Gap[],
  copies: readonly Uint8Array[],
): Uint8Array {
  const timeMs = Math.max(
    adoptedTimeMs(system, assessment.timeMs),
    Math.floor(system.clock.nowMs()),
  )
  const blocks: Uint8Array[] = []
  const early = gaps.filter((gap) => gap.endId <= link.nextId)
  const late = gaps.filter((gap) => gap.endId > link.nextId)
  blocks.push(...gapBlocks(early, link.nextId, timeMs))
  for (const copy of copies) blocks.push(copy)
  blocks.push(...gapBlocks(late, assessment.nextId, timeMs))
  const pair = linkBytes(segment, link, timeMs, blocks.length === 0, system.crc32)
  const total = blocks.reduce((sum, block) => sum + block.length, pair.length)
  const group = new Uint8Array(total)
  group.set(pair, 0)
  let at = pair.length
  blocks.forEach((bytes, index) => {
    group.set(bytes, at)
    const block = readBlock(group, at)
    block.offset = SEGMENT_HEADER_BYTES + at
    block.groupOffset = SEGMENT_HEADER_BYTES
    block.durableOffset = SEGMENT_HEADER_BYTES
    block.flags = (block.flags & ~BlockFlag.END) | (index === blocks.length - 1 ? BlockFlag.END : 0)
    sealBlock(group, at, block, segment.key, system.crc32)
    at += bytes.length
  })
  return group
}

/** The carried blocks of the copy range, with the epoch of their first writer in front. */
function copiedBlocks(system: System, newest: NewestSegment, source: Uint8Array): Uint8Array[] {
  const decompress: Decompress = (stored, length) => system.lz4.decompress(stored, length)
  const { copy } = newest.tail
  const table = newest.scan.blocks
  const blocks: Uint8Array[] = []
  for (let row = table.rowAt(copy.offset); row < table.count; row++) {
    const offset = table.offset(row)
    if (offset >= copy.end) break
    if (!isCarried(table.type(row))) continue
    const from = offset - copy.offset
    const block = readBlock(source, from)
    const bytes = source.slice(from, from + block.length)
    blocks.push(withOrigin(bytes, newest.link.epoch, decompress))
  }
  return blocks
}

function gapBlocks(gaps: readonly Gap[], nextId: number, timeMs: number): Uint8Array[] {
  const blocks: Uint8Array[] = []
  for (let first = 0; first < gaps.length; first += GAPS_PER_BLOCK) {
    const part = gaps.slice(first, first + GAPS_PER_BLOCK)
    const length = BLOCK_HEADER_BYTES + part.length * (RECORD_HEADER_BYTES + GAP_BYTES)
    const block = new Uint8Array(Math.ceil(length / 8) * 8)
    let at = BLOCK_HEADER_BYTES
    for (const gap of part) {
      const body = encodeGap(gapRecord(gap))
      at = writeRecordHeader(block, at, RecordKind.FIELD, body.length)
      block.set(body, at)
      at += body.length
    }
    writeGapHeader(block, part.length, nextId, timeMs)
    blocks.push(block)
  }
  return blocks
}

function gapRecord(gap: Gap): Parameters<typeof encodeGap>[0] {
  const place = parseSegmentFileName(gap.file) ?? { number: 1, generation: 0 }
  const { offset, bytes, firstId, endId } = gap
  const reason = bytes > 0 ? GapReason.ROT : GapReason.MISSING_FILE
  return { ...place, reason, offset, bytes, firstId, endId }
}

/** Fields that sealing reads back; offsets, marks and CRC come with the seal. */
function writeGapHeader(block: Uint8Array, records: number, nextId: number, timeMs: number): void {
  const view = new DataView(block.buffer, block.byteOffset)
  view.setUint16(26, records, true)
  view.setUint8(24, BlockType.GAP)
  setUint64(block, 32, nextId)
  setUint64(block, 40, timeMs)
  writeLengthAndFlags(block, block.length, 0)
}

function writeLengthAndFlags(block: Uint8Array, length: number, flags: number): void {
  new DataView(block.buffer, block.byteOffset).setUint32(8, length, true)
  block[25] = flags
}
