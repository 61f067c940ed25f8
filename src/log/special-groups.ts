/**
 * The groups that carry no append: the LINK pair that opens a segment, MAP, SYNC and CLEAN pairs, parts
 * and ends of snapshots, and the SEAL behind a full segment. Bytes only; the commit loop sends them.
 */
import { sealBlock } from '../format/block.ts'
import type { Crc32 } from '../format/crc.ts'
import { pairBytes, writePair } from '../format/group.ts'
import {
  BLOCK_ALIGN_BYTES,
  BLOCK_HEADER_BYTES,
  BlockFlag,
  BlockType,
  MAP_ENTRY_BYTES,
  MAP_FIXED_BYTES,
  PAGE_BYTES,
  RECORD_HEADER_BYTES,
  RecordKind,
  roundUp,
  SEGMENT_HEADER_BYTES,
} from '../format/layout.ts'
import { encodeLink, encodeMap, type Link, type SegmentMap } from '../format/link.ts'
import { writeRecordHeader } from '../format/records.ts'
import { encodeSeal, type Seal } from '../format/seal-record.ts'
import type { OwnSegment } from './segment-file.ts'

/**
 * Room kept at the end of every segment for one SYNC and one CLEAN pair: each is at most a sector
 * and a block to the end of the sector, and one block behind it.
 */
export const TAIL_RESERVE_BYTES = 1536

/**
 * Room kept for one MAP pair, so that segments can retire, and give space back, also when the disk has
 * none left for a new segment. Small segments and huge maps do without.
 */
export function mapReserveBytes(entryCount: number, fileBytes: number): number {
  const block = roundUp(
    BLOCK_HEADER_BYTES + MAP_FIXED_BYTES + entryCount * MAP_ENTRY_BYTES,
    PAGE_BYTES,
  )
  const bytes = 2 * (block + PAGE_BYTES)
  return bytes <= fileBytes / 4 ? bytes : 0
}

/** The LINK pair; `end` where no records follow in its group. */
export function linkBytes(
  segment: OwnSegment,
  link: Link,
  timeMs: number,
  end: boolean,
  crc32: Crc32,
): Uint8Array {
  const body = encodeLink(link)
  const pair = {
    type: BlockType.LINK,
    body,
    durableOffset: SEGMENT_HEADER_BYTES,
    groupOffset: SEGMENT_HEADER_BYTES,
    end,
    firstId: link.nextId,
    timeMs,
  }
  const bytes = new Uint8Array(pairBytes(SEGMENT_HEADER_BYTES, pair))
  writePair(bytes, 0, SEGMENT_HEADER_BYTES, pair, segment.key, crc32)
  return bytes
}

/** Bytes of a LINK pair with this many map entries, without making it. */
export function linkPairBytes(link: Link): number {
  return pairBytes(SEGMENT_HEADER_BYTES, { type: BlockType.LINK, body: encodeLink(link) })
}

/** A MAP, SYNC or CLEAN pair as a group of its own at the segment's end; undefined where it does not fit. */
export function pairGroup(
  segment: OwnSegment,
  what: { readonly type: 'map'; readonly map: SegmentMap } | { readonly type: 'sync' | 'clean' },
  nextId: number,
  timeMs: number,
  crc32: Crc32,
): Uint8Array | undefined {
  const offset = segment.sentEnd
  const common = {
    durableOffset: segment.durableOffset,
    groupOffset: offset,
    end: true,
    firstId: nextId,
    timeMs,
  }
  const pair =
    what.type === 'map'
      ? { ...common, type: BlockType.MAP, body: encodeMap(what.map) }
      : { ...common, type: what.type === 'sync' ? BlockType.SYNC : BlockType.CLEAN }
  const byteLength = pairBytes(offset, pair)
  const reserve =
    what.type === 'clean' ? 0 : what.type === 'sync' ? TAIL_RESERVE_BYTES / 2 : TAIL_RESERVE_BYTES
  if (offset + byteLength > segment.fileBytes - reserve) return undefined
  const bytes = new Uint8Array(byteLength)
  writePair(bytes, 0, offset, pair, segment.key, crc32)
  return bytes
}

/** Whether a MAP pair with so many entries fits at the segment's end. */
export function fitsMap({ sentEnd, fileBytes }: OwnSegment, entryCount: number): boolean {
  const body = new Uint8Array(MAP_FIXED_BYTES + entryCount * MAP_ENTRY_BYTES)
  const byteLength = pairBytes(sentEnd, { type: BlockType.MAP, body })
  return sentEnd + byteLength <= fileBytes - TAIL_RESERVE_BYTES
}

/** Bytes of a block of the log's own with a body of this length. */
export function fieldBlockBytes(bodyBytes: number): number {
  return roundUp(BLOCK_HEADER_BYTES + RECORD_HEADER_BYTES + bodyBytes, BLOCK_ALIGN_BYTES)
}

/** A part of a snapshot, or its end, as a group of its own at this offset of the segment. */
export function snapshotGroup(
  segment: OwnSegment,
  offset: number,
  type: typeof BlockType.SNAPSHOT_PART | typeof BlockType.SNAPSHOT_END,
  body: Uint8Array,
  nextId: number,
  timeMs: number,
  crc32: Crc32,
): Uint8Array {
  const bytes = new Uint8Array(fieldBlockBytes(body.length))
  const bodyAt = writeRecordHeader(bytes, BLOCK_HEADER_BYTES, RecordKind.FIELD, body.length)
  bytes.set(body, bodyAt)
  const block = {
    offset,
    length: bytes.length,
    durableOffset: segment.durableOffset,
    groupOffset: offset,
    type,
    flags: BlockFlag.END,
    recordCount: 1,
    firstId: nextId,
    timeMs,
  }
  sealBlock(bytes, 0, block, segment.key, crc32)
  return bytes
}

/** The SEAL block that stands at the cut of a full segment; undefined where it does not fit. */
export function sealBytes(
  segment: Pick<OwnSegment, 'sentEnd' | 'fileBytes' | 'key'>,
  seal: Seal,
  timeMs: number,
  crc32: Crc32,
): Uint8Array | undefined {
  const body = encodeSeal(seal)
  const offset = segment.sentEnd
  const length = fieldBlockBytes(body.length)
  if (offset + length > segment.fileBytes) return undefined
  const bytes = new Uint8Array(length)
  const bodyAt = writeRecordHeader(bytes, BLOCK_HEADER_BYTES, RecordKind.FIELD, body.length)
  bytes.set(body, bodyAt)
  const block = {
    offset,
    length,
    durableOffset: offset,
    groupOffset: offset,
    type: BlockType.SEAL,
    flags: BlockFlag.END,
    recordCount: 1,
    firstId: seal.endId,
    timeMs,
  }
  sealBlock(bytes, 0, block, segment.key, crc32)
  return bytes
}
