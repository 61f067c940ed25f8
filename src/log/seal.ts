/** The SEAL of a full segment, if it is there: where its blocks stand. A cache, so never an error. */
import { systemErrorCode } from '../errors.ts'
import { checkBlock } from '../format/block.ts'
import { BLOCK_TYPE_AT, BlockType } from '../format/layout.ts'
import { RecordCursor } from '../format/records.ts'
import { decodeSeal } from '../format/seal-record.ts'
import type { ReadHandle, System } from '../system/system.ts'
import { BlockIndex } from './block-index.ts'
import { readFully } from './survey.ts'
import type { ReadableSegment } from './view.ts'

/** A SEAL of 64 MiB of blocks is smaller than this. */
const SEAL_BYTES_MAX = 256 * 1024

export async function loadSeal(
  system: System,
  handle: ReadHandle,
  segment: ReadableSegment,
): Promise<BlockIndex | undefined> {
  const { entry, key } = segment
  if (!entry) return undefined
  const bytes = new Uint8Array(Math.min(SEAL_BYTES_MAX, key.fileBytes - entry.cut))
  let filled: number
  try {
    filled = await readFully(handle, bytes, entry.cut)
  } catch (error) {
    if (systemErrorCode(error) === '') throw error
    return undefined
  }
  const found = bytes.subarray(0, filled)
  if (checkBlock(found, 0, entry.cut, key, system.crc32) !== 0) return undefined
  if (found[BLOCK_TYPE_AT] !== BlockType.SEAL) return undefined
  const cursor = new RecordCursor()
  cursor.open(found, 0)
  const seal = cursor.next() ? decodeSeal(cursor.body()) : undefined
  if (!seal || seal.firstId !== entry.firstId || seal.endId !== entry.endId) return undefined
  const index = new BlockIndex()
  for (let row = 0; row < seal.blockOffsets.length; row++) {
    index.note(seal.blockFirstIds[row] ?? 0, seal.blockOffsets[row] ?? 0)
  }
  return index
}
