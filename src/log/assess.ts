/**
 * From a survey to one verdict over the whole directory: reads what the verdicts ask for and puts their
 * answers together. Changes nothing. Opening, reading without the lock and the tools all stand on it.
 */
import type { Gap } from '../errors.ts'
import type { IndexEvidence, SegmentHead, SegmentScan } from '../format/evidence.ts'
import {
  belongs,
  type FileVerdict,
  indexClaim,
  judgeAbove,
  judgeFiles,
  newestIsMissing,
  storeIdOf,
  withCopies,
} from '../format/file-verdict.ts'
import { parseSegmentFileName, SEGMENT_FILE_BYTES_MAX } from '../format/layout.ts'
import type { MapEntry, SnapshotPlaces } from '../format/link.ts'
import { isRot, judgeFirstGroup, VERDICT_ROWS, type VerdictRow } from '../format/verdict.ts'
import type { System } from '../system/system.ts'
import { unreadError } from './io-errors.ts'
import {
  chooseNewest,
  judgeNewest,
  lastTimeMs,
  mapInForce,
  type NewestSegment,
} from './newest-segment.ts'
import { ScanCache } from './scan-cache.ts'
import { indexEvidence, type Survey } from './survey.ts'
import { gapOfFile, gapOfMissingNewest, gapOfMissingSuccessor, gapsOfTail } from './verdict-gaps.ts'

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
  /** The one of these that proves the newest segment's file lost: the row `rot-newest-missing`. */
  readonly missingNewest: Gap | undefined
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

/**
 * Judges a surveyed directory. Rejects with QLOG_IO where the medium does not give what tells where the log
 * ends: that is no guess. With `isLenient` it goes on, for somebody who tells of it: `system` reads around
 * such bytes then, and `unread` of the heads says where more may stand.
 */
export async function assess(
  system: System,
  survey: Survey,
  isLenient = false,
): Promise<Assessment> {
  const found = indexEvidence(survey.index)
  const storeId = storeIdOf(survey.heads, found)
  const index = found?.storeId === storeId ? found : undefined
  const scans = new ScanCache(system, survey.directory)
  const { head, tornLinks } = await chooseNewest(system, survey, index, storeId, scans)
  const newestEpoch = head?.link?.epoch ?? 0
  const newest = head && (await judgeNewest(system, survey, head, tornLinks, index, scans))
  const inForce = newest && (await mapInForce(system, survey.directory, newest))
  const map = withCopies(inForce?.map ?? [], survey.heads, storeId)
  const unreadHead = survey.heads.find((head) => isUnreadBesideNewest(head, newest?.head, map))
  if (unreadHead && !isLenient) {
    throw unreadError(survey.directory, `${unreadHead.file}: ${unreadHead.unread}`)
  }
  const above = await judgeAllAbove(survey, newest?.head, newestEpoch, storeId, index, scans)
  const files = [...judgeFiles(survey.heads, newest?.head, map, storeId), ...above]
  const newestGaps = newest ? gapsOfTail(newest) : []
  for (const verdict of above) if (isRot(verdict.row)) newestGaps.push(gapOfFile(verdict, newest))
  const newestNumber = newest?.head.number ?? 0
  const isNamed = newestIsMissing(index, survey.heads, newestEpoch, newestNumber)
  const missingNewest =
    isNamed && index ? gapOfMissingNewest(index, newest) : gapOfMissingSuccessor(newest, above)
  if (missingNewest) newestGaps.push(missingNewest)
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
    missingNewest,
    mapGaps,
    epochMax: Math.max(0, index?.epoch ?? 0, ...survey.heads.map((one) => one.link?.epoch ?? 0)),
    nextId: Math.max(newest?.tail.nextId ?? 1, ...newestGaps.map((gap) => gap.endId)),
    nextBase: nextBaseOf(newest, survey),
    timeMs: Math.max(survey.index?.timeMs ?? 0, lastTimeMs(newest)),
    rows: [
      ...(newest?.tail.regions.map((region) => region.row) ?? []),
      ...files.map((file) => file.row),
      ...(missingNewest ? (['rot-newest-missing'] as const) : []),
    ],
  }
}

/** Such a segment may be the newest, and hold what was acknowledged: which one is, its LINK tells. */
function isUnreadBesideNewest(
  head: SegmentHead,
  newest: SegmentHead | undefined,
  map: readonly MapEntry[],
): boolean {
  return head.unread !== undefined && mayBeNewest(head, newest, map)
}

/** Not known to be another one: numbered above all that the map in force has given out. */
export function mayBeNewest(
  head: SegmentHead,
  newest: SegmentHead | undefined,
  map: readonly MapEntry[],
): boolean {
  return head !== newest && head.number > (map.at(-1)?.coversTo ?? 0)
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

/** Files that cannot be read as the segment they are named for, by number, and why. */
export function lostSegments(assessment: Assessment): Map<number, string> {
  const lost = new Map<number, string>()
  for (const { row, file, why } of assessment.files) {
    const place = parseSegmentFileName(file)
    if (place && isRot(row)) lost.set(place.number, why)
  }
  return lost
}
