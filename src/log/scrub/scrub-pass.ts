/**
 * One pass over the full segments of a log, oldest first, one read at a time. Beside a writer segments
 * leave while they are read: what is found in one counts only where the map still names it afterwards.
 * Reads only, but for what it is told to mend.
 */
import { segmentFileName } from '../../format/layout.ts'
import type { MapEntry } from '../../format/link.ts'
import type { System } from '../../system/system.ts'
import { type CheckedSegment, type CheckParts, checkSegment } from './check-segment.ts'
import { type PaceOptions, ReadPace } from './read-pace.ts'
import { type SegmentRepair, withMends } from './segment-repair.ts'
import type { MendedBlock, NotMended, ScrubFinding, ScrubReport } from './types.ts'

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
  /** Told at first, and of each segment that was checked: how many bytes of how many are done. */
  readonly onProgress?: (progress: { bytes: number; totalBytes: number }) => void
  readonly onFinding?: (finding: ScrubFinding) => void
  /** Told of each finding, however many there are, once it was tried to mend it. */
  readonly onTold?: (finding: ScrubFinding) => void
  /** Mends what one flipped bit explains. */
  readonly repair?: SegmentRepair | undefined
}

/** Rejects with QLOG_IO, QLOG_NEWER_FORMAT, QLOG_ABORTED, and as the source does; damage is in the report. */
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
  const repairs = options.repair && new Repairs(options.repair)
  let fromDisk = true
  // A segment can take minutes: what is being done is told before the first one is over.
  options.onProgress?.({ bytes: 0, totalBytes })
  for (const entry of full) {
    const checked = await checkSegment(parts, entry)
    passed += entry.cut
    options.onProgress?.({ bytes: passed, totalBytes })
    if (checked.findings.length > 0 && !(await stillNames(entry))) continue
    segments++
    blocks += checked.blocks
    bytes += checked.bytes
    fromDisk &&= checked.fromDisk
    for (const finding of checked.findings) options.onFinding?.(finding)
    const told = (await repairs?.mend(parts, entry, checked)) ?? checked.findings
    damages += told.length
    for (const finding of told) options.onTold?.(finding)
    findings.push(...told.slice(0, FINDINGS_MAX - findings.length))
  }
  const tookMs = clock.monotonicMs() - startedMs
  const figures = { directory, tookMs, segments, blocks, bytes, fromDisk, damages, findings }
  return repairs ? { ...figures, repair: repairs.report } : figures
}

/** What a pass has mended. */
class Repairs {
  readonly #repair: SegmentRepair
  readonly #blocks: MendedBlock[] = []
  readonly #notMended: NotMended[] = []
  #mendedBlocks = 0

  constructor(repair: SegmentRepair) {
    this.#repair = repair
  }

  get report(): NonNullable<ScrubReport['repair']> {
    return { mendedBlocks: this.#mendedBlocks, blocks: this.#blocks, notMended: this.#notMended }
  }

  /** Mends a segment where that can be done; resolves with its findings as they are told. */
  async mend(
    parts: CheckParts,
    entry: MapEntry,
    checked: CheckedSegment,
  ): Promise<readonly ScrubFinding[]> {
    const { findings, mends } = checked
    if (mends.length === 0) return findings
    const outcome = await this.#repair.mend(parts, entry, checked)
    if (outcome.kind === 'mended') {
      const { blocks } = outcome.repair
      this.#mendedBlocks += blocks.length
      this.#blocks.push(...blocks.slice(0, FINDINGS_MAX - this.#blocks.length))
      return withMends(findings, outcome.repair)
    }
    const file = segmentFileName(entry.number, entry.generation)
    if (this.#notMended.length < FINDINGS_MAX) this.#notMended.push({ file, why: outcome.why })
    return findings
  }
}
