/**
 * Checks one segment's file by itself. Without the map nobody knows where the segment was cut or whether
 * the log still names it, so the file is judged as if it were the newest one. Reads only.
 */

import type { SegmentHead, SegmentScan } from '../format/evidence.ts'
import {
  BLOCK_HEADER_BYTES,
  BlockType,
  parseSegmentFileName,
  SEGMENT_HEADER_BYTES,
} from '../format/layout.ts'
import type { Link } from '../format/link.ts'
import { judgeTail, type RegionVerdict } from '../format/verdict.ts'
import { ReadAround, UnreadPages } from '../log/read-around.ts'
import { scanSegment } from '../log/scan.ts'
import { keyOf, readHead } from '../log/survey.ts'
import type { System } from '../system/system.ts'
import { type Finding, makeFinding, regionFinding } from './finding.ts'
import { type OpenedSegment, splitPath, withSegment } from './segment-source.ts'
import type { InspectOptions } from './verify.ts'
import type { FindingRow } from './words.ts'

export interface FileReport {
  readonly file: string
  readonly verdict: 'fine' | 'torn-tail' | 'rot'
  readonly blocks: number
  readonly bytes: number
  /** Everything below this offset is known durable by what the file itself says. */
  readonly durable: number
  /** The last whole group ends here. */
  readonly end: number
  readonly firstId: number
  readonly nextId: number
  readonly findings: readonly Finding[]
}

export function verifyFile(
  system: System,
  path: string,
  options: InspectOptions = {},
): Promise<FileReport> {
  return withSegment(system, path, (segment) => checkSegment(system, path, segment, options))
}

async function checkSegment(
  system: System,
  path: string,
  segment: OpenedSegment,
  options: InspectOptions,
): Promise<FileReport> {
  const { decoded, actualBytes, handle } = segment
  const { directory, name } = splitPath(path)
  const whole = (row: FindingRow, detail: string, bytes = 0): Finding =>
    makeFinding({ row, file: name, offset: 0, bytes, firstId: 0, endId: 0 }, detail)
  const nothing = { file: name, blocks: 0, bytes: actualBytes, firstId: 0, nextId: 0 }
  const at = { durable: SEGMENT_HEADER_BYTES, end: SEGMENT_HEADER_BYTES }
  if (decoded.kind !== 'valid') {
    const why = 'why' in decoded ? decoded.why : 'no header'
    return { ...nothing, ...at, verdict: 'rot', findings: [whole('rot-header', why, 4096)] }
  }
  const { header, damagedCopy } = decoded
  const findings: Finding[] = []
  if (damagedCopy) findings.push(whole('header-copy', `damaged: ${damagedCopy}`, 512))
  const named = parseSegmentFileName(name)
  if (named && (named.number !== header.number || named.generation !== header.generation)) {
    findings.push(whole('rot-foreign', `its header says segment ${header.number}`))
  }
  const { signal, onProgress } = options
  const unread = new UnreadPages()
  const scan = await scanSegment(
    system,
    new ReadAround(handle, unread),
    keyOf(header),
    actualBytes,
    {
      ...(signal && { signal }),
      visit: (_bytes, _at, block) => onProgress?.({ bytes: block.offset, totalBytes: actualBytes }),
    },
  )
  const link = named && (await readHead(system, directory, name))?.head.link
  const head = {
    file: name,
    number: header.number,
    generation: header.generation,
    actualBytes,
    header,
  }
  const judged = link
    ? judgeTail({ head, link, scan, claim: 0, nextIdClaim: 0 })
    : header.generation > 0 && holdsDataOnly(scan)
      ? merged(head, scan)
      : unlinked(head, scan)
  for (const region of judged.regions) {
    if (region.row === 'clean-end') continue
    findings.push(await regionFinding(system, handle, name, header, scan.blocks, region, unread))
  }
  return {
    ...nothing,
    blocks: scan.blocks.count,
    durable: judged.durable,
    end: judged.end,
    firstId: firstIdOf(scan, link),
    nextId: judged.nextId,
    verdict: verdictOf(findings),
    findings,
  }
}

interface Judged {
  readonly regions: RegionVerdict[]
  readonly durable: number
  readonly end: number
  readonly nextId: number
}

/**
 * Judges a segment that merging made: one group of DATA, durable before anybody heard of it, so that
 * whatever is invalid in front of its last block is rot, and so is that it has no last one.
 */
function merged(head: SegmentHead, scan: SegmentScan): Judged {
  const { blocks } = scan
  const regions: RegionVerdict[] = []
  let at = SEGMENT_HEADER_BYTES
  let nextId = 0
  let isWhole = false
  const lose = (end: number, endId: number): void => {
    const firstId = nextId
    const region = { offset: at, bytes: end - at, firstId, endId: Math.max(firstId, endId) }
    regions.push({ row: 'rot-below-cut', ...region })
  }
  for (let row = 0; row < blocks.count && !isWhole; row++) {
    if (blocks.offset(row) > at) lose(blocks.offset(row), blocks.firstId(row))
    at = blocks.end(row)
    nextId = blocks.endId(row)
    // SEAL, which stands behind the last one, tells the end where that one is lost.
    isWhole = blocks.endsGroup(row)
  }
  if (!isWhole) lose(Math.max(scan.dataEnd, at + BLOCK_HEADER_BYTES), nextId)
  return { regions: [...regions, ...shortOf(head, nextId)], durable: at, end: at, nextId }
}

/** What merging made; a mended copy is above generation 0 too, and has LINK and whatever else its segment had. */
function holdsDataOnly({ blocks }: SegmentScan): boolean {
  for (let row = 0; row < blocks.count; row++) {
    const type = blocks.type(row)
    if (type !== BlockType.DATA && type !== BlockType.SEAL) return false
  }
  return true
}

/** A file that was cut off. */
function shortOf(head: SegmentHead, nextId: number): RegionVerdict[] {
  const bytes = (head.header?.fileBytes ?? 0) - head.actualBytes
  const ids = { firstId: nextId, endId: nextId }
  return bytes > 0 ? [{ row: 'rot-short-file', offset: head.actualBytes, bytes, ...ids }] : []
}

/** Judges a segment whose LINK is lost or was never written. */
function unlinked(head: SegmentHead, scan: SegmentScan): Judged {
  const { blocks } = scan
  let durable = SEGMENT_HEADER_BYTES
  let nextId = 0
  for (let row = 0; row < blocks.count; row++) {
    durable = Math.max(durable, blocks.durable(row))
    nextId = Math.max(nextId, blocks.endId(row))
  }
  const regions: RegionVerdict[] = []
  const firstAt = blocks.count > 0 ? blocks.offset(0) : scan.dataEnd
  if (durable > SEGMENT_HEADER_BYTES || firstAt > SEGMENT_HEADER_BYTES) {
    const row = durable > SEGMENT_HEADER_BYTES ? 'rot-lost-link' : 'torn-first-group'
    const bytes = Math.max(firstAt, SEGMENT_HEADER_BYTES + 48) - SEGMENT_HEADER_BYTES
    regions.push({ row, offset: SEGMENT_HEADER_BYTES, bytes, firstId: nextId, endId: nextId })
  }
  return { regions: [...regions, ...shortOf(head, nextId)], durable, end: durable, nextId }
}

function firstIdOf(scan: SegmentScan, link: Link | undefined): number {
  if (link) return link.nextId
  return scan.blocks.count > 0 ? scan.blocks.firstId(0) : 0
}

function verdictOf(findings: readonly Finding[]): FileReport['verdict'] {
  if (findings.some(({ level }) => level === 'rot')) return 'rot'
  return findings.some(({ level }) => level === 'tail') ? 'torn-tail' : 'fine'
}
