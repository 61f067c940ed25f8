/** What verdicts mean for those who read: where something is lost, which ids, and why. Pure. */
import type { Gap } from '../errors.ts'
import type { IndexEvidence } from '../format/evidence.ts'
import type { FileVerdict } from '../format/file-verdict.ts'
import { segmentFileName } from '../format/layout.ts'
import { isRot, VERDICT_ROWS } from '../format/verdict.ts'
import type { NewestSegment } from './newest-segment.ts'

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

export function gapOfFile(verdict: FileVerdict, newest: NewestSegment | undefined): Gap {
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

/** Nothing tells how many messages the missing segment held. */
export function gapOfMissingSuccessor({ head, tail }: NewestSegment): Gap {
  return {
    file: head.file,
    offset: tail.end,
    bytes: 0,
    firstId: tail.nextId,
    endId: tail.nextId,
    why: 'the segment is sealed, so another one followed it, and that one is missing',
  }
}
