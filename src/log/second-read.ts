/**
 * Blocks that a walk over a segment found whole, read once more because the walk keeps no bytes. What is
 * carried on from here gets a checksum of its own, so other bytes than the walk saw must not pass.
 */
import { QlogError } from '../errors.ts'
import { checkBlock } from '../format/block.ts'
import type { SegmentHead, SegmentScan } from '../format/evidence.ts'
import type { System } from '../system/system.ts'
import { keyOf, readFully } from './survey.ts'
import { withFile } from './with-file.ts'

/**
 * Bytes [offset, end) of a segment, which begin and end where blocks do. Rejects with QLOG_IO where a block that
 * was whole is not whole any more.
 */
export async function readBlocksAgain(
  system: System,
  directory: string,
  head: SegmentHead,
  { blocks }: SegmentScan,
  { offset, end }: { readonly offset: number; readonly end: number },
): Promise<Uint8Array> {
  const { header, file } = head
  if (!header) throw new Error(`${file} has no header to check its blocks by`)
  const key = keyOf(header)
  const bytes = new Uint8Array(end - offset)
  await withFile(system, `${directory}/${file}`, (handle) => readFully(handle, bytes, offset))
  for (let row = blocks.rowAt(offset); row < blocks.count && blocks.offset(row) < end; row++) {
    const at = blocks.offset(row)
    if (checkBlock(bytes, at - offset, at, key, system.crc32) !== 0) {
      const what = `the block at ${at} of ${directory}/${file} was whole when it was read first, and is not now`
      throw new QlogError(
        'QLOG_IO',
        `${what}; nothing was changed: check disk and memory, then open again`,
      )
    }
  }
  return bytes
}
