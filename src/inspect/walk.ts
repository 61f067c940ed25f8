/**
 * The walk over one segment for the tools: every valid block and every stretch between them, in order,
 * with the reason why a stretch is no block. Reads only; memory does not grow with the file.
 */
import { throwIfAborted } from '../errors.ts'
import { type Block, NEEDS_MORE, readBlock, type SegmentKey } from '../format/block.ts'
import { getUint32 } from '../format/bytes.ts'
import { BLOCK_ALIGN_BYTES, BLOCK_HEADER_BYTES, SEGMENT_HEADER_BYTES } from '../format/layout.ts'
import { UNPACKS } from '../format/unpack.ts'
import { blockStateAt, isBlockBegun, unpackerOf } from '../log/block-state.ts'
import { FileWindow } from '../log/file-window.ts'
import { ReadAround, UnreadPages } from '../log/read-around.ts'
import type { ReadHandle, System } from '../system/system.ts'

const CHUNK_BYTES = 256 * 1024

export interface BlockPiece {
  readonly kind: 'block'
  /** `bytes[at..]` is the block, until the walk goes on. */
  readonly bytes: Uint8Array
  readonly at: number
  readonly block: Block
  /** What it unpacks to, where it is COMPRESSED. */
  readonly payload: Uint8Array | undefined
}

/** Bytes that no valid block covers. */
export interface InvalidPiece {
  readonly kind: 'invalid'
  readonly offset: number
  readonly end: number
  /** The condition that fails at its first byte; NEEDS_MORE where the file ends before the block. */
  readonly condition: number
  /**
   * One past its last byte that was written; `offset` where none was: all are zero, or in a file that is
   * used again what stood there before.
   */
  readonly dataEnd: number
  /** In words, where the medium did not give some of them: those count as invalid. */
  readonly unread?: string
}

export type Piece = BlockPiece | InvalidPiece

export interface WalkOptions {
  /** Begin here, default the first block. */
  readonly from?: number
  /** Walk no further than this, default the end of the file. */
  readonly to?: number
  readonly signal?: AbortSignal | undefined
}

export async function* walkSegment(
  system: System,
  handle: ReadHandle,
  key: SegmentKey,
  actualBytes: number,
  options: WalkOptions = {},
): AsyncGenerator<Piece, void, undefined> {
  const limit = Math.min(actualBytes, key.fileBytes, options.to ?? key.fileBytes)
  const unread = new UnreadPages()
  const window = new FileWindow(new ReadAround(handle, unread), CHUNK_BYTES, false)
  const unpacker = unpackerOf(system)
  let at = Math.max(SEGMENT_HEADER_BYTES, options.from ?? 0)
  at -= at % BLOCK_ALIGN_BYTES
  let invalid: { offset: number; condition: number; dataEnd: number } | undefined
  while (at < limit) {
    throwIfAborted(options.signal)
    let state = await blockStateAt(window, at, limit, key, system.crc32)
    if (state === 0 && !unpacker.open(window.bytes, at - window.start)) state = UNPACKS
    if (state === 0) {
      if (invalid) yield invalidPiece(invalid, at, unread)
      invalid = undefined
      const block = readBlock(window.bytes, at - window.start)
      const { payload } = unpacker
      yield { kind: 'block', bytes: window.bytes, at: at - window.start, block, payload }
      at += block.length
      continue
    }
    // A place too near to the file's end for a header fails the first condition.
    const condition = state === NEEDS_MORE && at + BLOCK_HEADER_BYTES > limit ? 1 : state
    invalid ??= { offset: at, condition, dataEnd: at }
    const next = await nextCandidate(window, at, limit, key)
    if (next.dataEnd > invalid.dataEnd) invalid.dataEnd = next.dataEnd
    at = next.offset
  }
  if (invalid) yield invalidPiece(invalid, limit, unread)
}

function invalidPiece(
  invalid: Pick<InvalidPiece, 'offset' | 'condition' | 'dataEnd'>,
  end: number,
  unread: UnreadPages,
): InvalidPiece {
  const words = unread.words(invalid.offset, end)
  return { kind: 'invalid', ...invalid, end, ...(words && { unread: words }) }
}

/** The next place behind `at` where the magic stands, or the end of what is in memory. */
async function nextCandidate(
  window: FileWindow,
  at: number,
  limit: number,
  key: SegmentKey,
): Promise<{ offset: number; dataEnd: number }> {
  if (!window.has(at, 1) && !(await window.load(at, 1, limit))) return { offset: limit, dataEnd: 0 }
  const { bytes, start } = window
  const end = Math.min(bytes.length, limit - start)
  let i = at - start + BLOCK_ALIGN_BYTES
  while (i + 4 <= end && getUint32(bytes, i) !== key.salt1) i += BLOCK_ALIGN_BYTES
  const offset = Math.min(start + i, limit)
  if (key.isReused) return { offset, dataEnd: isBlockBegun(window, at, key) ? offset : 0 }
  let last = Math.min(i, end) - 1
  while (last >= at - start && bytes[last] === 0) last--
  return { offset, dataEnd: last < at - start ? 0 : start + last + 1 }
}
