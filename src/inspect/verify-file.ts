/**
 * Checks one segment's file by itself. Without the map nobody knows where the segment was cut or whether
 * the log still names it, so the file is judged as if it were the newest one. Reads only.
 */

import type { SegmentHead, SegmentScan } from '../format/evidence.ts'
import { parseSegmentFileName, SEGMENT_HEADER_BYTES } from '../format/layout.ts'
import type { Link } from '../format/link.ts'
import { judgeTail, type RegionVerdict } from '../format/verdict.ts'
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
  const scan = await scanSegment(system, handle, keyOf(header), actualBytes, {
    ...(signal && { signal }),
    visit: (_bytes, _at, block) => onProgress?.({ bytes: block.offset, totalBytes: actualBytes }),
  })
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
    : unlinked(head, scan)
  for (const region of judged.regions) {
    if (region.row === 'clean-end') continue
    findings.push(await regionFinding(system, handle, name, header, scan.blocks, region))
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

/** Judges a segment whose LINK is lost or was never written. */
function unlinked(
  head: SegmentHead,
  scan: SegmentScan,
): { regions: RegionVerdict[]; durable: number; end: number; nextId: number } {
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
  const missing = (head.header?.fileBytes ?? 0) - head.actualBytes
  if (missing > 0) {
    const place = { offset: head.actualBytes, bytes: missing, firstId: nextId, endId: nextId }
    regions.push({ row: 'rot-short-file', ...place })
  }
  return { regions, durable, end: durable, nextId }
}

function firstIdOf(scan: SegmentScan, link: Link | undefined): number {
  if (link) return link.nextId
  return scan.blocks.count > 0 ? scan.blocks.firstId(0) : 0
}

function verdictOf(findings: readonly Finding[]): FileReport['verdict'] {
  if (findings.some(({ level }) => level === 'rot')) return 'rot'
  return findings.some(({ level }) => level === 'tail') ? 'torn-tail' : 'fine'
}
