/**
 * From a survey to one verdict over the whole directory: reads what the verdicts ask for and puts their
 * answers together. Changes nothing. Opening, reading without the lock and the tools all stand on it.
 */
import type { Gap } from '../errors.ts'
import { readBlock } from '../format/block.ts'
import type { IndexEvidence, SegmentHead, SegmentScan, SingleBit } from '../format/evidence.ts'
import {
  belongs,
  type FileVerdict,
  indexClaim,
  judgeAbove,
  judgeFiles,
  newestIsMissing,
  rankHeads,
  storeIdOf,
} from '../format/file-verdict.ts'
import {
  BLOCK_HEADER_BYTES,
  BlockType,
  parseSegmentFileName,
  SEGMENT_FILE_BYTES_MAX,
  segmentFileName,
} from '../format/layout.ts'
import {
  decodeMap,
  type Link,
  type MapEntry,
  type SegmentMap,
  type SnapshotPlaces,
} from '../format/link.ts'
import { RecordCursor } from '../format/records.ts'
import { findSingleBit, SINGLE_BIT_BYTES_MAX } from '../format/single-bit.ts'
import {
  askSingleBitOfFirstGroup,
  isFirstGroupWith,
  isRot,
  judgeFirstGroup,
  judgeTail,
  successorIsMissing,
  type TailVerdict,
  VERDICT_ROWS,
  type VerdictRow,
} from '../format/verdict.ts'
import type { FileHandle, System } from '../system/system.ts'
import { scanSegment } from './scan.ts'
import { indexEvidence, keyOf, readFully, type Survey } from './survey.ts'

export interface NewestSegment {
  readonly head: SegmentHead
  readonly link: Link
  readonly scan: SegmentScan
  readonly tail: TailVerdict
  readonly singleBit: SingleBit | undefined
}

export interface Assessment {
  readonly survey: Survey
  readonly storeId: string
  /** Absent where no segment has begun: an empty log, or one whose segments are all lost. */
  readonly newest: NewestSegment | undefined
  /** The segments in front of the newest, by number, as the map in force names them. */
  readonly map: readonly MapEntry[]
  /** The snapshots that the same LINK or MAP names. */
  readonly snapshots: SnapshotPlaces
  /** Files that are not what they should be, or not needed. */
  readonly files: readonly FileVerdict[]
  /** Rot in the newest segment, or proof that it is lost. */
  readonly newestGaps: readonly Gap[]
  /** Mapped segments that are missing or foreign. */
  readonly mapGaps: readonly Gap[]
  /** Highest epoch of any LINK or index. */
  readonly epochMax: number
  readonly nextId: number
  /** LSN of the next segment's first byte. */
  readonly nextBase: number
  readonly timeMs: number
  /** Every row of the verdict table that applied, for reports and for the simulator's counts. */
  readonly rows: readonly VerdictRow[]
}

/** Judges a surveyed directory. */
export async function assess(system: System, survey: Survey): Promise<Assessment> {
  const found = indexEvidence(survey.index)
  const storeId = storeIdOf(survey.heads, found)
  const index = found?.storeId === storeId ? found : undefined
  const scans = new ScanCache(system, survey.directory)
  const { head, tornLinks } = await chooseNewest(system, survey, index, storeId, scans)
  const newestEpoch = head?.link?.epoch ?? 0
  const newest = head && (await judgeNewest(system, survey, head, tornLinks, index, scans))
  const inForce = newest && (await mapInForce(system, survey.directory, newest))
  const map = inForce?.map ?? []
  const above = await judgeAllAbove(survey, newest?.head, newestEpoch, storeId, index, scans)
  const files = [...judgeFiles(survey.heads, newest?.head, map, storeId), ...above]
  const newestGaps = newest ? gapsOfTail(newest) : []
  for (const verdict of above) if (isRot(verdict.row)) newestGaps.push(gapOfFile(verdict, newest))
  const newestNumber = newest?.head.number ?? 0
  const isMissing = newestIsMissing(index, survey.heads, newestEpoch, newestNumber)
  if (isMissing && index) {
    newestGaps.push(gapOfMissingNewest(index, newest))
  }
  const isSealed = newest && newestGaps.length === 0 && lacksSuccessor(newest)
  if (isSealed) newestGaps.push(gapOfMissingSuccessor(newest))
  const mapGaps = files
    .filter((file) => isRot(file.row) && !above.includes(file))
    .map((file) => gapOfFile(file, undefined))
  return {
    survey,
    storeId,
    newest,
    map,
    snapshots: inForce?.snapshots ?? [0, 0],
    files,
    newestGaps,
    mapGaps,
    epochMax: Math.max(0, index?.epoch ?? 0, ...survey.heads.map((one) => one.link?.epoch ?? 0)),
    nextId: Math.max(newest?.tail.nextId ?? 1, ...newestGaps.map((gap) => gap.endId)),
    nextBase: nextBaseOf(newest, survey),
    timeMs: Math.max(survey.index?.timeMs ?? 0, await lastTimeMs(system, survey.directory, newest)),
    rows: [
      ...(newest?.tail.regions.map((region) => region.row) ?? []),
      ...files.map((file) => file.row),
      ...(isMissing || isSealed ? (['rot-newest-missing'] as const) : []),
    ],
  }
}

async function chooseNewest(
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
      predecessor?.number === head.number && predecessor.generation === head.generation,
  )
}

async function judgeNewest(
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
  // Behind the mended block nothing may be left but zero, or blocks that are valid.
  if (!found || (end === undefined && scan.dataEnd > found.offset + found.length)) return undefined
  return found
}

async function mapInForce(
  system: System,
  directory: string,
  newest: NewestSegment,
): Promise<Pick<SegmentMap, 'map' | 'snapshots'>> {
  const { scan, tail, link, head } = newest
  const row = scan.blocks.rowAt(tail.mapOffset)
  if (row >= scan.blocks.count || scan.blocks.type(row) !== BlockType.MAP) return link
  const bytes = new Uint8Array(scan.blocks.end(row) - tail.mapOffset)
  await withFile(system, `${directory}/${head.file}`, (handle) =>
    readFully(handle, bytes, tail.mapOffset),
  )
  const cursor = new RecordCursor()
  cursor.open(bytes, 0)
  const map = cursor.next() ? decodeMap(cursor.body()) : undefined
  if (!map) throw new Error('a MAP block that passed its checksum does not decode')
  return map
}

async function judgeAllAbove(
  survey: Survey,
  newest: SegmentHead | undefined,
  newestEpoch: number,
  storeId: string,
  index: IndexEvidence | undefined,
  scans: ScanCache,
): Promise<FileVerdict[]> {
  const verdicts: FileVerdict[] = []
  for (const head of survey.heads) {
    if (head === newest || (newest && head.number <= newest.number)) continue
    const scan = belongs(head, storeId) ? await scans.get(head) : undefined
    const first = scan ? judgeFirstGroup(scan, indexClaim(index, head, newestEpoch)) : 'torn'
    const row = judgeAbove(head, newestEpoch, storeId, first)
    // The ids of a segment that cannot be read are lost, and must not be given again.
    const endId = isRot(row) ? endIdOf(head, scan, index, newestEpoch) : 0
    verdicts.push({
      row,
      file: head.file,
      firstId: 0,
      endId,
      why: head.problem ?? VERDICT_ROWS[row],
    })
  }
  return verdicts
}

/** The next id behind a segment without a LINK, as far as its blocks and the index tell. */
function endIdOf(
  head: SegmentHead,
  scan: SegmentScan | undefined,
  index: IndexEvidence | undefined,
  newestEpoch: number,
): number {
  const counts = index !== undefined && index.epoch >= newestEpoch && index.number === head.number
  let endId = counts ? index.nextId : 0
  const blocks = scan?.blocks
  for (let row = 0; blocks && row < blocks.count; row++) endId = Math.max(endId, blocks.endId(row))
  return endId
}

/** LSNs grow for ever: behind the newest segment, or behind all that the index knows of. */
function nextBaseOf(newest: NewestSegment | undefined, survey: Survey): number {
  let base = newest ? newest.link.base + (newest.head.header?.fileBytes ?? 0) : 0
  const last = survey.index?.map.at(-1)
  if (last && survey.index && survey.index.current.number !== newest?.head.number) {
    // The segment behind the last one of the index's map is unknown, but no file is larger than this,
    // nor does a merged one stand for more.
    base = Math.max(base, last.base + last.fileBytes + 2 * SEGMENT_FILE_BYTES_MAX)
  }
  return base
}

/** The time of the last block that counts: later ones must not run backwards. */
async function lastTimeMs(
  system: System,
  directory: string,
  newest: NewestSegment | undefined,
): Promise<number> {
  if (!newest) return 0
  const { blocks } = newest.scan
  const row = blocks.rowAt(newest.tail.end) - 1
  if (row < 0) return 0
  const bytes = new Uint8Array(BLOCK_HEADER_BYTES)
  await withFile(system, `${directory}/${newest.head.file}`, (handle) =>
    readFully(handle, bytes, blocks.offset(row)),
  )
  return readBlock(bytes, 0).timeMs
}

function gapsOfTail(newest: NewestSegment): Gap[] {
  return newest.tail.regions
    .filter((region) => isRot(region.row))
    .map(({ row, offset, bytes, firstId, endId }) => ({
      file: newest.head.file,
      offset,
      bytes,
      firstId,
      endId,
      why: VERDICT_ROWS[row],
    }))
}

function gapOfFile(verdict: FileVerdict, newest: NewestSegment | undefined): Gap {
  const nextId = newest?.tail.nextId ?? 1
  return {
    file: verdict.file,
    offset: 0,
    bytes: 0,
    firstId: Math.max(verdict.firstId, nextId),
    endId: Math.max(verdict.endId, nextId),
    why: `${VERDICT_ROWS[verdict.row]}: ${verdict.why}`,
  }
}

function gapOfMissingNewest(index: IndexEvidence, newest: NewestSegment | undefined): Gap {
  const firstId = newest?.tail.nextId ?? 1
  return {
    file: segmentFileName(index.number, index.generation),
    offset: 0,
    bytes: 0,
    firstId,
    endId: Math.max(firstId, index.nextId),
    why: VERDICT_ROWS['rot-newest-missing'],
  }
}

function lacksSuccessor({ scan, tail, link }: NewestSegment): boolean {
  return successorIsMissing(scan.blocks, tail.end, link)
}

/** Nothing tells how many messages the missing segment held. */
function gapOfMissingSuccessor({ head, tail }: NewestSegment): Gap {
  return {
    file: head.file,
    offset: tail.end,
    bytes: 0,
    firstId: tail.nextId,
    endId: tail.nextId,
    why: 'the segment is sealed, so another one followed it, and that one is missing',
  }
}

/** Files that cannot be read as the segment they are named for, by number, and why. */
export function lostSegments(assessment: Assessment): Map<number, string> {
  const lost = new Map<number, string>()
  for (const { row, file, why } of assessment.files) {
    const place = parseSegmentFileName(file)
    if (place && isRot(row)) lost.set(place.number, why)
  }
  return lost
}

/** Runs `work` with the file open for reading. */
export async function withFile<T>(
  system: System,
  path: string,
  work: (handle: FileHandle) => Promise<T>,
): Promise<T> {
  const handle = await system.files.open(path, { mode: 'read' })
  try {
    return await work(handle)
  } finally {
    await handle.close()
  }
}

/** Each segment is walked at most once an assessment. */
class ScanCache {
  readonly #scans = new Map<string, Promise<SegmentScan>>()
  readonly #system: System
  readonly #directory: string

  constructor(system: System, directory: string) {
    this.#system = system
    this.#directory = directory
  }

  get(head: SegmentHead): Promise<SegmentScan> {
    let scan = this.#scans.get(head.file)
    if (!scan) {
      const { header } = head
      if (!header) throw new Error(`${head.file} has no header to walk by`)
      scan = withFile(this.#system, `${this.#directory}/${head.file}`, (handle) =>
        scanSegment(this.#system, handle, keyOf(header), head.actualBytes),
      )
      this.#scans.set(head.file, scan)
    }
    return scan
  }
}
