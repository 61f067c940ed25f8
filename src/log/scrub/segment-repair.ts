/**
 * Mends a full segment of a log that is open: a copy with the flipped bits put right takes its place in
 * the map, and once that is durable the damaged file is set aside. Decides which segments may be mended;
 * mended-file.ts copies, the map commits.
 */
import { QlogError, systemErrorCode } from '../../errors.ts'
import { segmentFileName } from '../../format/layout.ts'
import type { MapEntry } from '../../format/link.ts'
import type { CommitLoop } from '../commit-loop.ts'
import type { DirectoryNames } from '../directory-names.ts'
import type { Retirement } from '../space/retirement.ts'
import { type CheckedSegment, type CheckParts, isSameSegment } from './check-segment.ts'
import { covers, type MendOutcome, writeMended } from './mended-file.ts'
import type { MendedBlock, ScrubFinding } from './types.ts'

export interface SegmentRepairOptions {
  readonly loop: CommitLoop
  readonly retirement: Retirement
  readonly names: DirectoryNames
  /** Resolves at the next change of what has resolved, or of the log's state, or when the signal is aborted. */
  readonly nextChange: (signal: AbortSignal | undefined) => Promise<void>
  /** Called once a mended file stands in the place of the old one, durably. */
  readonly onMended: (repair: RepairedSegment) => void
}

export interface RepairedSegment {
  /** The old file. */
  readonly file: string
  /** The one in its place. */
  readonly entry: MapEntry
  readonly blocks: readonly MendedBlock[]
  /** What is damaged in the new file still. */
  readonly left: readonly ScrubFinding[]
}

export type RepairOutcome =
  | { readonly kind: 'mended'; readonly repair: RepairedSegment }
  | { readonly kind: 'not mended'; readonly why: string }

export class SegmentRepair {
  readonly #options: SegmentRepairOptions

  constructor(options: SegmentRepairOptions) {
    this.#options = options
  }

  /**
   * Mends what can be mended of a segment; resolves when that is durable. Rejects with QLOG_ABORTED; what
   * the disk or the process lacks is told, and tried again by the next pass.
   */
  async mend(parts: CheckParts, named: MapEntry, checked: CheckedSegment): Promise<RepairOutcome> {
    const { loop, retirement, names } = this.#options
    const entry = loop.map.find((one) => isSameSegment(one, named))
    if (!entry || loop.state !== 'open') return notMended('the log has given it up')
    if (!retirement.tryHold(entry)) {
      // Above the root the owner may have gone on without what is lost there: it must not come back.
      return notMended('it is being merged, or no snapshot stands for its entries yet')
    }
    let isHandedOver = false
    try {
      await this.#clearFirst(parts)
      const outcome = await writeUnlessLacking(parts, names, entry, checked)
      if (outcome.kind === 'not mended') return outcome
      if (loop.state !== 'open') return notMended('the log has stopped')
      isHandedOver = true
      return await this.#replace(parts, entry, checked, outcome)
    } finally {
      if (!isHandedOver) retirement.letGo([entry])
    }
  }

  /** What openings that ended before their first LINK have left would pile up else, a copy each. */
  async #clearFirst({ signal }: CheckParts): Promise<void> {
    const { loop, retirement, nextChange } = this.#options
    if (!retirement.hasLeftovers) return
    await retirement.retireNow()
    while (retirement.isRetiring && loop.state === 'open' && !loop.isMapPostponed) {
      if (signal?.aborted) return
      await nextChange(signal)
    }
    await retirement.removed()
  }

  /** The new map goes out with what is appended, or by itself. */
  async #replace(
    { signal }: CheckParts,
    old: MapEntry,
    checked: CheckedSegment,
    { entry, left }: MendOutcome & { readonly kind: 'mended' },
  ): Promise<RepairOutcome> {
    const { loop, retirement, nextChange, onMended } = this.#options
    const repair = repairOf(old, entry, checked, left)
    let isDurable = false
    retirement.mend(old, entry, () => {
      isDurable = true
      loop.events.segment('mended', entry)
      onMended(repair)
    })
    while (!isDurable && loop.state === 'open' && !loop.isMapPostponed && !signal?.aborted) {
      await nextChange(signal)
    }
    return isDurable ? { kind: 'mended', repair } : notMended('its new map is not durable yet')
  }
}

function notMended(why: string): RepairOutcome & { readonly kind: 'not mended' } {
  return { kind: 'not mended', why }
}

async function writeUnlessLacking(
  parts: CheckParts,
  names: DirectoryNames,
  entry: MapEntry,
  checked: CheckedSegment,
): Promise<MendOutcome> {
  try {
    const space = await parts.system.files.space(parts.directory).catch(() => undefined)
    // What cannot fit would fill the disk for everybody, for nothing. Only advice.
    if (space && space.freeBytes < entry.fileBytes) return notMended('no space for its copy')
    return await writeMended(parts, names, entry, checked)
  } catch (error) {
    const isLacking = systemErrorCode(error) !== '' || error instanceof QlogError
    if (!isLacking || parts.signal?.aborted) throw error
    return notMended(String(error instanceof Error ? error.message : error))
  }
}

function repairOf(
  old: MapEntry,
  entry: MapEntry,
  { mends }: CheckedSegment,
  left: readonly ScrubFinding[],
): RepairedSegment {
  const file = segmentFileName(old.number, old.generation)
  const mendedIn = segmentFileName(entry.number, entry.generation)
  const blocks = mends.map(({ offset, length, byteOffset, bit, firstId, endId }) => ({
    file,
    mendedIn,
    offset,
    bytes: length,
    byteOffset,
    bit,
    firstId,
    endId,
  }))
  return { file, entry, blocks, left }
}

/** The findings of a segment that was mended; in the place of one that was not as a whole, what is left of it. */
export function withMends(
  findings: readonly ScrubFinding[],
  { entry, left }: RepairedSegment,
): readonly ScrubFinding[] {
  const mendedIn = segmentFileName(entry.number, entry.generation)
  return findings.flatMap((finding) => {
    const rest = left.filter((one) => covers(finding, one))
    return rest.length > 0 ? rest : [{ ...finding, mendedIn }]
  })
}
