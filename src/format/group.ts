/**
 * The pairs of blocks: LINK, MAP, SYNC and CLEAN are written twice, in different pages or sectors, so
 * that one torn or rotten unit cannot take both.
 */
import { type SegmentKey, sealBlock } from './block.ts'
import type { Crc32 } from './crc.ts'
import {
  BLOCK_ALIGN_BYTES,
  BLOCK_HEADER_BYTES,
  BlockFlag,
  BlockType,
  PAGE_BYTES,
  RECORD_HEADER_BYTES,
  RecordKind,
  roundUp,
  SECTOR_BYTES,
} from './layout.ts'
import { writeRecordHeader } from './records.ts'

/** What both blocks of a pair say. */
export interface PairedBlock {
  readonly type:
    | typeof BlockType.LINK
    | typeof BlockType.MAP
    | typeof BlockType.SYNC
    | typeof BlockType.CLEAN
  /** Body of the FIELD record of LINK or MAP; absent for SYNC and CLEAN. */
  readonly body?: Uint8Array
  readonly durableOffset: number
  readonly groupOffset: number
  /** Whether the second block is the last of its commit group. */
  readonly end: boolean
  readonly firstId: number
  readonly timeMs: number
}

/**
 * Lengths of the two blocks of a pair whose first begins at `offset`. The first reaches to the end of its
 * last unit (4,096 for LINK and MAP, 512 for SYNC and CLEAN); the second follows and is rounded to 8.
 */
export function pairedBlockLengths(
  offset: number,
  payloadBytes: number,
  unitBytes: number,
): readonly [first: number, second: number] {
  const length = BLOCK_HEADER_BYTES + payloadBytes
  return [roundUp(offset + length, unitBytes) - offset, roundUp(length, BLOCK_ALIGN_BYTES)]
}

/** Bytes that {@link writePair} writes for a pair that begins at `offset`. */
export function pairBytes(offset: number, pair: Pick<PairedBlock, 'type' | 'body'>): number {
  const [first, second] = lengthsOf(offset, pair)
  return first + second
}

/**
 * Writes both blocks of a pair, padding included, to `target[at..]`, which is `fileOffset` of the file.
 * Returns how many bytes they take.
 */
export function writePair(
  target: Uint8Array,
  at: number,
  fileOffset: number,
  pair: PairedBlock,
  key: SegmentKey,
  crc32: Crc32,
): number {
  const hasBody = pair.type === BlockType.LINK || pair.type === BlockType.MAP
  if (hasBody !== (pair.body !== undefined)) throw new Error('LINK and MAP have a body, no others')
  const [first, second] = lengthsOf(fileOffset, pair)
  if (at + first + second > target.length) throw new Error('a pair is longer than its buffer')
  writePairedBlock(target, at, fileOffset, first, pair, 0, key, crc32)
  const flags = pair.end ? BlockFlag.END : 0
  writePairedBlock(target, at + first, fileOffset + first, second, pair, flags, key, crc32)
  return first + second
}

function lengthsOf(
  offset: number,
  pair: Pick<PairedBlock, 'type' | 'body'>,
): readonly [first: number, second: number] {
  const payloadBytes = pair.body === undefined ? 0 : RECORD_HEADER_BYTES + pair.body.length
  const inPages = pair.type === BlockType.LINK || pair.type === BlockType.MAP
  return pairedBlockLengths(offset, payloadBytes, inPages ? PAGE_BYTES : SECTOR_BYTES)
}

function writePairedBlock(
  target: Uint8Array,
  at: number,
  offset: number,
  length: number,
  pair: PairedBlock,
  flags: number,
  key: SegmentKey,
  crc32: Crc32,
): void {
  let payloadEnd = at + BLOCK_HEADER_BYTES
  if (pair.body !== undefined) {
    payloadEnd = writeRecordHeader(target, payloadEnd, RecordKind.FIELD, pair.body.length)
    target.set(pair.body, payloadEnd)
    payloadEnd += pair.body.length
  }
  // The buffer may hold an earlier group.
  target.fill(0, payloadEnd, at + length)
  const block = {
    offset,
    length,
    durableOffset: pair.durableOffset,
    groupOffset: pair.groupOffset,
    type: pair.type,
    flags,
    recordCount: pair.body === undefined ? 0 : 1,
    firstId: pair.firstId,
    timeMs: pair.timeMs,
  }
  sealBlock(target, at, block, key, crc32)
}
