/** What verdicts mean for those who read: where something is lost, which ids, and why. Pure. */
import type { Gap } from '../errors.ts'
import type { IndexEvidence } from '../format/evidence.ts'
import type { FileVerdict } from '../format/file-verdict.ts'
import { parseSegmentFileName, segmentFileName } from '../format/layout.ts'
import { isRot, successorIsMissing, VERDICT_ROWS } from '../format/verdict.ts'
import type { NewestSegment } from './newest-segment.ts'

const SEALED = 'the segment is sealed, so another one followed it, and that one is missing or torn'

export function gapsOfTail(newest: NewestSegment): Gap[] {
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

/** True of rot above the newest segment: which ids stood there, the newest tells the beginning of. */
export function isRotAbove(verdict: FileVerdict, newest: NewestSegment | undefined): boolean {
  const number = parseSegmentFileName(verdict.file)?.number ?? 0
  return isRot(verdict.row) && number > (newest?.head.number ?? 0)
}

/** The verdict with ids that are not those of messages in front of it. */
export function behind(verdict: FileVerdict, newest: NewestSegment | undefined): FileVerdict {
  const nextId = newest?.tail.nextId ?? 1
  const { firstId, endId } = verdict
  return { ...verdict, firstId: Math.max(firstId, nextId), endId: Math.max(endId, nextId) }
}

export function gapOfFile(verdict: FileVerdict, newest: NewestSegment | undefined): Gap {
  const { firstId, endId } = behind(verdict, newest)
  return {
    file: verdict.file,
    offset: 0,
    bytes: 0,
    firstId,
    endId,
    why: `${VERDICT_ROWS[verdict.row]}: ${verdict.why}`,
  }
}

export function gapOfMissingNewest(index: IndexEvidence, newest: NewestSegment | undefined): Gap {
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

/**
 * Where the newest segment is sealed and nothing above it is the one that followed, not even one that is
 * told as rot. Nothing tells how many messages that one held.
 */
export function gapOfMissingSuccessor(
  newest: NewestSegment | undefined,
  above: readonly FileVerdict[],
): Gap | undefined {
  if (!newest || above.some(({ row }) => isRot(row))) return undefined
  const { head, link, scan, tail } = newest
  if (!successorIsMissing(scan.blocks, tail.end, link)) return undefined
  return {
    file: head.file,
    offset: tail.end,
    bytes: 0,
    firstId: tail.nextId,
    endId: tail.nextId,
    why: SEALED,
  }
}
