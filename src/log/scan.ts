/**
 * The walk over all bytes of one segment: every valid block into a table, and where the bytes that are
 * not zero end. Reads only; memory in proportion to the number of blocks.
 */
import { throwIfAborted } from '../errors.ts'
import { type Block, checkBlock, NEEDS_MORE, readBlock, type SegmentKey } from '../format/block.ts'
import { BlockTable } from '../format/block-table.ts'
import type { SegmentScan } from '../format/evidence.ts'
import { BLOCK_HEADER_BYTES, SEGMENT_HEADER_BYTES } from '../format/layout.ts'
import { MessageCounter } from '../format/message-counter.ts'
import type { ReadHandle, System } from '../system/system.ts'
import { blockStateAt, isBlockBegun, skipToCandidate, unpackerOf } from './block-state.ts'
import { FileWindow } from './file-window.ts'

export const SCAN_CHUNK_BYTES = 1024 * 1024

/** What a caller may do with each valid block: `bytes[at..]` is the block, for this call only. */
export type BlockVisitor = (bytes: Uint8Array, at: number, block: Block) => void

export interface ScanOptions {
  /** Begin here instead of at the first block. */
  readonly from?: number
  /** Walk no further than this, for a segment whose cut is known. */
  readonly to?: number
  readonly visit?: BlockVisitor
  readonly signal?: AbortSignal
  readonly into?: BlockTable
  /** So much is read at once, and the next so much meanwhile; default a lot, for speed. */
  readonly chunkBytes?: number
  /** False: one read is under way at a time. */
  readonly readsAhead?: boolean
}

/** Finds every valid block of a segment; invalid regions are what lies between them. */
export async function scanSegment(
  system: System,
  handle: ReadHandle,
  key: SegmentKey,
  actualBytes: number,
  options: ScanOptions = {},
): Promise<SegmentScan> {
  const limit = Math.min(actualBytes, key.fileBytes, options.to ?? key.fileBytes)
  const { chunkBytes = SCAN_CHUNK_BYTES, readsAhead = true } = options
  const window = new FileWindow(handle, chunkBytes, readsAhead)
  try {
    return await scanThrough(system, window, limit, key, options)
  } finally {
    await window.settled()
  }
}

async function scanThrough(
  system: System,
  window: FileWindow,
  limit: number,
  key: SegmentKey,
  options: ScanOptions,
): Promise<SegmentScan> {
  const blocks = options.into ?? new BlockTable()
  const counter = new MessageCounter()
  const unpacker = unpackerOf(system)
  let at = options.from ?? SEGMENT_HEADER_BYTES
  let dataEnd = at
  while (at + BLOCK_HEADER_BYTES <= limit) {
    throwIfAborted(options.signal)
    if (!window.has(at, BLOCK_HEADER_BYTES) && !(await window.load(at, BLOCK_HEADER_BYTES, limit)))
      break
    // Only a block that reaches beyond the window costs a promise.
    let state = checkBlock(window.bytes, at - window.start, at, key, system.crc32)
    if (state === NEEDS_MORE) state = await blockStateAt(window, at, limit, key, system.crc32)
    if (state === 0 && unpacker.open(window.bytes, at - window.start)) {
      const block = readBlock(window.bytes, at - window.start)
      const idSpan = counter.idSpan(window.bytes, at - window.start, block, unpacker.payload)
      blocks.add(block, idSpan, counter.hasControl)
      options.visit?.(window.bytes, at - window.start, block)
      at += block.length
      dataEnd = at
      continue
    }
    const skipped = skipToCandidate(window, at + 8, key.salt1)
    const written = writtenEnd(window, at, skipped, key)
    if (written > dataEnd) dataEnd = written
    at = skipped
  }
  if (!key.isReused) dataEnd = await dataEndOf(window, at, limit, dataEnd)
  return { blocks, endOffset: limit, dataEnd, isReused: key.isReused === true }
}

/** One past what was written of the invalid bytes [from, to), or 0. */
function writtenEnd(window: FileWindow, from: number, to: number, key: SegmentKey): number {
  if (!key.isReused) return lastNonZero(window, from, to)
  return isBlockBegun(window, from, key) ? from + BLOCK_HEADER_BYTES : 0
}

/** One past the last byte that is not zero within [from, to) of the window, or 0. */
function lastNonZero(window: FileWindow, from: number, to: number): number {
  const { bytes, start } = window
  const first = from - start
  let i = Math.min(to - start, bytes.length)
  while (i > first && i % 4 !== 0 && bytes[i - 1] === 0) i--
  if (i % 4 === 0 && bytes.byteOffset % 4 === 0) {
    // Zero is most of what is walked over here, so it is compared in words.
    const words = new Uint32Array(bytes.buffer, bytes.byteOffset, i / 4)
    while (i - 4 >= first && words[i / 4 - 1] === 0) i -= 4
  }
  while (i > first && bytes[i - 1] === 0) i--
  return i > first ? start + i : 0
}

async function dataEndOf(
  window: FileWindow,
  at: number,
  limit: number,
  dataEnd: number,
): Promise<number> {
  // More than the rest behind the last place for a header is only left where the file shrank meanwhile.
  if (
    at >= limit ||
    limit - at >= BLOCK_HEADER_BYTES ||
    !(await window.load(at, limit - at, limit))
  )
    return dataEnd
  return Math.max(dataEnd, lastNonZero(window, at, limit))
}
