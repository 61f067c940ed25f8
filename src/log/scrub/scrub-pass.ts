/**
 * One pass over the full segments of a log, oldest first, one read at a time. Beside a writer segments
 * leave while they are read: what is found in one counts only where the map still names it afterwards.
 * Reads only.
 */
import { segmentFileName } from '../../format/layout.ts'
import type { MapEntry } from '../../format/link.ts'
import type { System } from '../../system/system.ts'
import { checkSegment } from './check-segment.ts'
import { type PaceOptions, ReadPace } from './read-pace.ts'
import type { ScrubFinding, ScrubReport } from './types.ts'

/** Findings of one pass that are told one by one. */
const FINDINGS_MAX = 10_000

/** The log that is scrubbed, as its owner or somebody beside it knows it. */
export interface ScrubSource {
  readonly storeId: string
  /** The full segments that a durable map names, by number. */
  readonly full: readonly MapEntry[]
  /** Whether a durable map still names this segment. */
  readonly stillNames: (entry: MapEntry) => boolean | Promise<boolean>
}

export interface PassOptions extends PaceOptions {
  /** Told of each segment that was checked: how many bytes of how many are done. */
  readonly onProgress?: (progress: { bytes: number; totalBytes: number }) => void
  readonly onFinding?: (finding: ScrubFinding) => void
}

/** Rejects with QLOG_IO, QLOG_NEWER_FORMAT, QLOG_ABORTED; damage is in the report. */
export async function scrubPass(
  system: System,
  directory: string,
  source: ScrubSource,
  options: PassOptions = {},
): Promise<ScrubReport> {
  const { clock } = system
  const startedMs = clock.monotonicMs()
  const pace = new ReadPace(clock, options)
  const { storeId, full, stillNames } = source
  const parts = { system, directory, storeId, pace, signal: options.signal }
  const totalBytes = full.reduce((sum, { cut }) => sum + cut, 0)
  const findings: ScrubFinding[] = []
  let [segments, blocks, bytes, passed, damages] = [0, 0, 0, 0, 0]
  let fromDisk = true
  for (const entry of full) {
    const checked = await checkSegment(parts, entry)
    passed += entry.cut
    options.onProgress?.({ bytes: passed, totalBytes })
    if (checked.findings.length > 0 && !(await stillNames(entry))) continue
    segments++
    blocks += checked.blocks
    bytes += checked.bytes
    fromDisk &&= checked.fromDisk
    for (const finding of checked.findings) {
      if (damages++ < FINDINGS_MAX) findings.push(finding)
      options.onFinding?.(finding)
    }
  }
  const tookMs = clock.monotonicMs() - startedMs
  return { directory, tookMs, segments, blocks, bytes, fromDisk, damages, findings }
}

/** Whether two entries are the same file of the log. */
export function isSameSegment(one: MapEntry, other: MapEntry): boolean {
  return (
    segmentFileName(one.number, one.generation) === segmentFileName(other.number, other.generation)
  )
}
