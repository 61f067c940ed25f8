/**
 * Which segment of a surveyed directory is the newest, how its tail reads, and what it says of the log:
 * the map in force and the time. Reads what the verdicts ask for, changes nothing.
 */
import type { IndexEvidence, SegmentHead, SegmentScan, SingleBit } from '../format/evidence.ts'
import { indexClaim, rankHeads } from '../format/file-verdict.ts'
import { BlockType } from '../format/layout.ts'
import { decodeMap, type Link, type SegmentMap } from '../format/link.ts'
import { RecordCursor } from '../format/records.ts'
import { findSingleBit, isCutShort, SINGLE_BIT_BYTES_MAX } from '../format/single-bit.ts'
import {
  askSingleBitOfFirstGroup,
  isFirstGroupWith,
  judgeFirstGroup,
  judgeTail,
  type TailVerdict,
} from '../format/verdict.ts'
import type { System } from '../system/system.ts'
import type { ScanCache } from './scan-cache.ts'
import { readBlocksAgain } from './second-read.ts'
import { keyOf, readFully, type Survey } from './survey.ts'
import { withFile } from './with-file.ts'

export interface NewestSegment {
  readonly head: SegmentHead
  readonly link: Link
  readonly scan: SegmentScan
  readonly tail: TailVerdict
  readonly singleBit: SingleBit | undefined
}

export async function chooseNewest(
  system: System,
  survey: Survey,
  index: IndexEvidence | undefined,
  storeId: string,
  scans: ScanCache,
): Promise<{ head: SegmentHead | undefined; tornLinks: Link[] }> {
  const tornLinks: Link[] = []
  for (const head of rankHeads(survey.heads, storeId)) {
    const claim = indexClaim(index, head, head.link?.epoch ?? 0)
    const cut = Math.max(
      0,
      ...linksBehind(head, tornLinks).map((link) => link.predecessor?.cut ?? 0),
    )
    const scan = await scans.get(head)
    const first = judgeFirstGroup(scan, Math.max(claim, cut))
    if (first === 'whole' || first === 'claimed') return { head, tornLinks }
    if (await isOneBitFromWhole(system, survey.directory, head, scan)) return { head, tornLinks }
    if (head.link) tornLinks.push(head.link)
  }
  return { head: undefined, tornLinks }
}

/**
 * Rot in a first group that nothing claims yet must not give the log back to an older segment: what the
 * LINK retired may be gone, and was shown as gone.
 */
async function isOneBitFromWhole(
  system: System,
  directory: string,
  head: SegmentHead,
  scan: SegmentScan,
): Promise<boolean> {
  const ask = askSingleBitOfFirstGroup(scan)
  const damaged = ask && (await searchSingleBit(system, directory, head, scan, ask))
  return damaged !== undefined && isFirstGroupWith(scan, damaged)
}

/** The LINKs, of torn first groups, that name this segment as the one in front. */
function linksBehind(head: SegmentHead, tornLinks: readonly Link[]): Link[] {
  return tornLinks.filter(
    ({ predecessor }) =>
      // A mended copy stands for the one that was named.
      predecessor?.number === head.number && predecessor.generation <= head.generation,
  )
}

export async function judgeNewest(
  system: System,
  survey: Survey,
  head: SegmentHead,
  tornLinks: readonly Link[],
  index: IndexEvidence | undefined,
  scans: ScanCache,
): Promise<NewestSegment> {
  const { link } = head
  if (!link) throw new Error('the newest segment has a LINK')
  const scan = await scans.get(head)
  const byIndex = indexClaim(index, head, link.epoch)
  // A LINK whose own group is torn still proves that its predecessor was durable up to the cut.
  let claim = byIndex
  let nextIdClaim = byIndex > 0 ? (index?.nextId ?? 0) : 0
  for (const { predecessor, nextId } of linksBehind(head, tornLinks)) {
    claim = Math.max(claim, predecessor?.cut ?? 0)
    nextIdClaim = Math.max(nextIdClaim, nextId)
  }
  const input = { head, link, scan, claim, nextIdClaim }
  const tail = judgeTail(input)
  const ask = tail.askSingleBit
  if (!ask) return { head, link, scan, tail, singleBit: undefined }
  const singleBit = await searchSingleBit(system, survey.directory, head, scan, ask)
  return {
    head,
    link,
    scan,
    tail: singleBit ? judgeTail({ ...input, singleBit }) : tail,
    singleBit,
  }
}

async function searchSingleBit(
  system: System,
  directory: string,
  head: SegmentHead,
  scan: SegmentScan,
  ask: { readonly offset: number; readonly end: number },
): Promise<SingleBit | undefined> {
  const { header } = head
  if (!header) return undefined
  const bytes = new Uint8Array(Math.min(SINGLE_BIT_BYTES_MAX, ask.end - ask.offset))
  await withFile(system, `${directory}/${head.file}`, (handle) =>
    readFully(handle, bytes, ask.offset),
  )
  const end = ask.end < scan.endOffset ? ask.end : undefined
  const found = findSingleBit(
    bytes,
    ask.offset,
    end,
    keyOf(header),
    system.crc32,
    (stored, length) => system.lz4.decompress(stored, length),
  )
  if (!found || end !== undefined) return found
  // Behind the mended block nothing may be left but zero, or blocks that are valid.
  if (scan.dataEnd > found.offset + found.length || isCutShort(bytes, found)) return undefined
  return found
}

export async function mapInForce(
  system: System,
  directory: string,
  newest: NewestSegment,
): Promise<Pick<SegmentMap, 'map' | 'snapshots'>> {
  const { scan, tail, link } = newest
  const row = scan.blocks.rowAt(tail.mapOffset)
  if (row >= scan.blocks.count || scan.blocks.type(row) !== BlockType.MAP) return link
  const cursor = new RecordCursor()
  cursor.open(await eitherMapBlock(system, directory, newest, row), 0)
  const map = cursor.next() ? decodeMap(cursor.body()) : undefined
  if (!map) throw new Error('a MAP block that passed its checksum does not decode')
  return map
}

/** The MAP block of this row; where it is not given whole any more, the other one of its pair. */
async function eitherMapBlock(
  system: System,
  directory: string,
  { head, scan }: NewestSegment,
  row: number,
): Promise<Uint8Array> {
  const { blocks } = scan
  const read = (of: number): Promise<Uint8Array> => {
    const range = { offset: blocks.offset(of), end: blocks.end(of) }
    return readBlocksAgain(system, directory, head, scan, range)
  }
  const hasPartner = row > 0 && blocks.group(row - 1) === blocks.group(row)
  if (!hasPartner || blocks.type(row - 1) !== BlockType.MAP) return read(row)
  return read(row).catch(() => read(row - 1))
}

/** The time of the last block that counts: later ones must not run backwards. 0 where there is none. */
export function lastTimeMs(newest: NewestSegment | undefined): number {
  if (!newest) return 0
  const { blocks } = newest.scan
  const row = blocks.rowAt(newest.tail.end) - 1
  return row < 0 ? 0 : blocks.timeMs(row)
}
