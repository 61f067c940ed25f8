/** One thing that is wrong, or worth knowing, in a log's files: where, what it means, what follows. */
import type { SegmentKey } from '../format/block.ts'
import type { BlockTable } from '../format/block-table.ts'
import type { SegmentHead } from '../format/evidence.ts'
import type { FileVerdict } from '../format/file-verdict.ts'
import { type RegionVerdict, VERDICT_ROWS } from '../format/verdict.ts'
import { mendableBlocks, mendWords } from '../log/mend.ts'
import type { UnreadPages } from '../log/read-around.ts'
import type { FileHandle, System } from '../system/system.ts'
import { walkSegment } from './walk.ts'
import {
  type FindingLevel,
  type FindingRow,
  failureInWords,
  followsFrom,
  isPairedType,
  levelOf,
  typeName,
  UNCOUNTED,
  UNOPENED,
  wordsOf,
} from './words.ts'

export interface Finding {
  readonly level: FindingLevel
  /** Row of the verdict table in docs/guarantees.md, or one of the tools' own. */
  readonly row: FindingRow
  readonly file: string
  readonly offset: number
  /** 0 where the whole file is meant. */
  readonly bytes: number
  /** First lost id; equal to `endId` where no message is lost. */
  readonly firstId: number
  readonly endId: number
  /** The row in words. */
  readonly what: string
  /** What exactly was seen there. */
  readonly detail?: string
  /** What follows, and what to do. */
  readonly follows: string
  /** No opening reads this file: what its ids stood for is no loss yet, as `recover --out` saves what is there. */
  readonly unopened?: true
  /** Messages stood there, and nothing tells how many: `firstId` equals `endId` all the same. */
  readonly uncounted?: true
  /** Blocks in it that flipping one bit each would mend; `recover --out` does. */
  readonly mendable?: number
}

/** Of the newest bytes of a log, or of a file that stands above them. */
export const NOT_KNOWN = 'how many messages stood there is not known'

type Place = Omit<
  Finding,
  'level' | 'what' | 'follows' | 'detail' | 'mendable' | 'unopened' | 'uncounted'
>

export function makeFinding(place: Place, detail?: string, mendable = 0): Finding {
  const { row, firstId, endId } = place
  const isUncounted = row === 'rot-newest-missing' && endId <= firstId
  return {
    level: levelOf(row),
    ...place,
    what: wordsOf(row),
    follows: isUncounted ? UNCOUNTED : followsFrom(row, endId > firstId),
    ...(isUncounted && { uncounted: true }),
    ...(detail !== undefined && { detail }),
    ...(mendable > 0 && { mendable }),
  }
}

/** A whole file that a verdict named. */
export function fileFinding(verdict: FileVerdict, head: SegmentHead | undefined): Finding {
  const { row, file, firstId, endId, why } = verdict
  const place = { row, file, offset: 0, bytes: 0, firstId, endId }
  // Whatever it looks like without them.
  if (head?.unread) {
    const ofMessages = endId > firstId ? '' : `: ${NOT_KNOWN}`
    return makeFinding({ ...place, row: 'unreadable' }, `${head.unread}${ofMessages}`)
  }
  return makeFinding(place, detailOf(why, row, head))
}

/** One that stands above the newest segment. */
export function unopenedFinding(verdict: FileVerdict, head: SegmentHead | undefined): Finding {
  const found = fileFinding(verdict, head)
  if (found.row === 'unreadable') return { ...found, unopened: true }
  const isUncounted = found.endId <= found.firstId
  return { ...found, follows: UNOPENED, unopened: true, ...(isUncounted && { uncounted: true }) }
}

function detailOf(why: string, row: FindingRow, head: SegmentHead | undefined): string | undefined {
  const { header } = head ?? {}
  if (head && header && (header.number !== head.number || header.generation !== head.generation)) {
    return `its header says segment ${header.number}, generation ${header.generation}`
  }
  return why === VERDICT_ROWS[row as keyof typeof VERDICT_ROWS] ? undefined : why
}

/** A region that a verdict named, with what stands in it, or why it cannot be told: `unread` of its file. */
export async function regionFinding(
  system: System,
  handle: FileHandle,
  file: string,
  key: SegmentKey,
  blocks: BlockTable,
  region: RegionVerdict,
  unread: UnreadPages,
): Promise<Finding> {
  const { row, offset, bytes, firstId, endId } = region
  const place = { row, file, offset, bytes, firstId, endId }
  const { size } = await handle.stat()
  if (offset >= size) return makeFinding(place, 'the file ends in front of it')
  const end = offset + bytes
  const details: string[] = []
  if (end > size) details.push(`the file ends at ${size}`)
  details.push(await failureAt(system, handle, key, offset, Math.min(end, size)))
  const words = unread.words(offset, end)
  if (words) {
    const ofMessages = levelOf(row) === 'rot' ? '' : `: ${NOT_KNOWN}`
    return makeFinding({ ...place, row: 'unreadable' }, `${words}${ofMessages}`)
  }
  const partner = partnerOf(blocks, offset, end)
  if (partner !== undefined && levelOf(row) === 'rot') {
    details.push(`it held one of the two copies of a ${partner}; the other copy is whole`)
  }
  const mended =
    levelOf(row) === 'rot' ? await mendableBlocks(handle, offset, end, key, system) : []
  const mending = mendWords(mended, offset, end)
  if (mending) details.push(mending)
  return makeFinding(place, details.join('; '), mended.length)
}

/** Why the bytes from `offset` on are no block. */
async function failureAt(
  system: System,
  handle: FileHandle,
  key: SegmentKey,
  offset: number,
  end: number,
): Promise<string> {
  let first: string | undefined
  for await (const piece of walkSegment(system, handle, key, end, { from: offset })) {
    if (piece.kind === 'block') return first ?? 'valid blocks of a group that is not whole'
    first = failureInWords(piece.condition, piece.dataEnd <= piece.offset, key.isReused)
  }
  return first ?? 'nothing stands there'
}

/** The type of the pair whose other half stands next to the region, where it does. */
function partnerOf(blocks: BlockTable, offset: number, end: number): string | undefined {
  const after = blocks.rowAt(end)
  if (after < blocks.count && blocks.offset(after) === end) {
    const isSecond = blocks.group(after) === offset && isPairedType(blocks.type(after))
    if (isSecond) return typeName(blocks.type(after))
  }
  const before = after - 1
  if (before < 0 || blocks.end(before) !== offset || blocks.endsGroup(before)) return undefined
  const isFirst = blocks.group(before) === blocks.offset(before)
  return isFirst && isPairedType(blocks.type(before)) ? typeName(blocks.type(before)) : undefined
}
