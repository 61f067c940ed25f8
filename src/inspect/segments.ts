/** The files of a log, one after the other: what each is, how full, which ids. Reads only. */
import type { SegmentHead } from '../format/evidence.ts'
import { isReused } from '../format/header.ts'
import { parseSegmentFileName, segmentFileName } from '../format/layout.ts'
import type { MapEntry } from '../format/link.ts'
import { isRot, type VerdictRow } from '../format/verdict.ts'
import type { Assessment } from '../log/assess.ts'
import type { System } from '../system/system.ts'
import type { QueueShare } from './queue-shares.ts'
import { withFigures } from './segment-figures.ts'
import { lookAt } from './source.ts'
import { lookIntoStore } from './store-look.ts'
import type { InspectOptions } from './verify.ts'

/** What a segment's file is to its log. */
export type SegmentState =
  | 'full'
  | 'current'
  | 'made ahead'
  | 'torn'
  | 'rubbish'
  | 'stale fork'
  | 'foreign'
  | 'missing'
  | 'header damaged'
  | 'link lost'

export interface SegmentInfo {
  readonly file: string
  readonly state: SegmentState
  readonly number: number
  readonly generation: number
  /** Size as the file system tells it; 0 where the file is missing. */
  readonly bytes: number
  /** Bytes that count: up to the cut, or to the last whole group of the current one. */
  readonly usedBytes?: number
  /** Where a full segment ends for ever. */
  readonly cut?: number
  readonly firstId?: number
  /** One past the last id. */
  readonly endId?: number
  readonly epoch?: number
  /** When the file was made, milliseconds since 1970. */
  readonly createdMs?: number
  /** Its file held another segment before, whose bytes may stand behind the end of this one. */
  readonly isReused?: true
  /** Messages that are not discarded, as far as the writer's report tells; absent where there is none. */
  readonly liveMessages?: number
  /** Used bytes in proportion to live messages; the others are dead. */
  readonly liveBytes?: number
  readonly deadBytes?: number
  /** When the writer reported which messages are discarded, milliseconds since 1970. */
  readonly reportedMs?: number
  /**
   * How fast it was filled: what it holds, over the time from its first block to the next segment's.
   * Absent for the current one, and for the last one before the log was closed.
   */
  readonly messagesPerSecond?: number
  readonly bytesPerSecond?: number
  /** Merging made it of the segments up to this number: it holds messages alone. */
  readonly coversTo?: number
  /** Messages it holds, where they are fewer than ids, as far as the writer's report tells. */
  readonly messages?: number
  /** In a store: the queues whose messages it holds that are not gone, most first. */
  readonly queues?: readonly QueueShare[]
  /** The map says that it holds damage. */
  readonly knownDamaged?: true
  readonly damaged: boolean
}

const STATES: Partial<Record<VerdictRow, SegmentState>> = {
  'rot-missing': 'missing',
  'rot-foreign': 'foreign',
  'rot-header': 'header damaged',
  'rot-lost-link': 'link lost',
  'torn-first-group': 'torn',
  'never-used': 'made ahead',
  'stale-fork': 'stale fork',
  rubbish: 'rubbish',
}

/** Lists the segments by number. Rejects with QLOG_NOT_A_LOG, QLOG_NEWER_FORMAT, QLOG_IO. */
export async function listSegments(
  system: System,
  directory: string,
  options: InspectOptions = {},
): Promise<readonly SegmentInfo[]> {
  const assessment = await lookAt(system, directory, options.signal)
  const infos = await withFigures(system, assessment, segmentsOf(assessment))
  const store = await lookIntoStore(system, directory, options.signal)
  if (store === undefined) return infos
  // Those that the log does not read hold nothing, whatever stands in them.
  const read = infos.filter(({ state }) => state === 'full' || state === 'current')
  const stretches = read.map(({ firstId = 0, endId = 0 }) => ({ firstId, endId }))
  const shares = store.sharesOf(stretches)
  return infos.map((info) => {
    const queues = shares[read.indexOf(info)]
    return queues === undefined ? info : { ...info, queues }
  })
}

export function segmentsOf(assessment: Assessment): readonly SegmentInfo[] {
  const { survey, map, newest, files } = assessment
  const verdicts = new Map(files.map((verdict) => [verdict.file, verdict.row]))
  const entries = new Map(
    map.map((entry) => [segmentFileName(entry.number, entry.generation), entry]),
  )
  const infos: SegmentInfo[] = []
  for (const head of survey.heads) {
    const entry = entries.get(head.file)
    entries.delete(head.file)
    const row = verdicts.get(head.file)
    const seen = fieldsOfHead(head)
    if (head === newest?.head) {
      const { end, nextId, regions } = newest.tail
      const damaged = regions.some((region) => isRot(region.row))
      const used = { usedBytes: end, firstId: newest.link.nextId, endId: nextId }
      infos.push({ ...seen, state: 'current', ...used, damaged })
    } else if (entry) {
      infos.push({
        ...seen,
        ...fieldsOfEntry(entry),
        state: stateOf(row, 'full'),
        damaged: isBad(row),
      })
    } else infos.push({ ...seen, state: stateOf(row, 'rubbish'), damaged: isBad(row) })
  }
  for (const [file, entry] of entries) {
    const { number, generation } = entry
    const place = { file, number, generation, bytes: 0, ...fieldsOfEntry(entry) }
    infos.push({ ...place, state: 'missing', damaged: true })
  }
  const { file, firstId, endId } = assessment.missingNewest ?? { file: '', firstId: 0, endId: 0 }
  const named = parseSegmentFileName(file)
  // A SEAL tells of a segment without its number.
  if (named && file !== newest?.head.file) {
    infos.push({ file, state: 'missing', ...named, bytes: 0, firstId, endId, damaged: true })
  }
  return infos.sort((a, b) => a.number - b.number || a.generation - b.generation)
}

function stateOf(row: VerdictRow | undefined, otherwise: SegmentState): SegmentState {
  return (row && STATES[row]) ?? otherwise
}

function isBad(row: VerdictRow | undefined): boolean {
  return row !== undefined && isRot(row)
}

function fieldsOfHead(head: SegmentHead): Omit<SegmentInfo, 'state' | 'damaged'> {
  const { file, number, generation, actualBytes, header, link } = head
  return {
    file,
    number,
    generation,
    bytes: actualBytes,
    ...(header && { createdMs: header.createdMs }),
    ...(header && isReused(header) && { isReused: true }),
    ...(link && { epoch: link.epoch }),
  }
}

function fieldsOfEntry(entry: MapEntry): Partial<SegmentInfo> {
  const { cut, firstId, endId, damaged, dataOnly, coversTo } = entry
  return {
    usedBytes: cut,
    cut,
    firstId,
    endId,
    ...(dataOnly && { coversTo }),
    ...(damaged && { knownDamaged: true }),
  }
}
