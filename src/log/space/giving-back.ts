/**
 * The two ways in which a log that is open gives space back, retirement and merging, made together: each
 * needs the other, and both need the same of the log.
 */
import type { MapEntry } from '../../format/link.ts'
import type { System } from '../../system/system.ts'
import { BlockCompressor } from '../block-compressor.ts'
import type { CommitLoop } from '../commit-loop.ts'
import type { OwnView } from '../own-view.ts'
import type { Lsn } from '../seam.ts'
import { firstBlockTimeMs } from '../survey.ts'
import { Compaction } from './compaction.ts'
import type { RetentionLimits } from './retention.ts'
import { RetiredFiles } from './retired-files.ts'
import { Retirement } from './retirement.ts'
import type { SegmentSupply } from './supply.ts'

export interface GivingBackParts {
  readonly system: System
  readonly directory: string
  readonly storeId: string
  readonly supply: SegmentSupply
  readonly retention: RetentionLimits
  /** Largest file that merging makes. */
  readonly segmentBytesMax: number
  /** Mapped files that cannot be read, by number. */
  readonly lost: ReadonlyMap<number, string>
  /** Whether merged blocks are packed. */
  readonly isCompressed: boolean
  readonly loop: CommitLoop
  readonly view: OwnView
  /** Only segments wholly below may go. */
  readonly gcRoot: () => Lsn
}

export interface GivingBack {
  readonly retirement: Retirement
  readonly compaction: Compaction
}

export function makeGivingBack(parts: GivingBackParts): GivingBack {
  const retirement = makeRetirement(parts, () => compaction.discarded())
  const compaction = makeCompaction(parts, retirement)
  return { retirement, compaction }
}

function makeRetirement(parts: GivingBackParts, onDiscarded: () => void): Retirement {
  const { system, directory, supply, retention, loop, view, gcRoot } = parts
  const files = new RetiredFiles({
    system,
    directory,
    supply,
    isDamaged: (file) => view.damage.isIn(file),
    isRead: (number) => view.pins.has(number),
  })
  return new Retirement({
    loop,
    files,
    retention,
    gcRoot,
    nowMs: () => system.clock.nowMs(),
    after: (delayMs, callback) => system.clock.after(delayMs, callback),
    endTimeOf: (entry) => endTimeOf(parts, entry),
    onFreed: () => loop.admission.noteFreed(),
    onDiscarded,
  })
}

function makeCompaction(parts: GivingBackParts, retirement: Retirement): Compaction {
  const { system, storeId, supply, segmentBytesMax, lost, isCompressed, loop, view } = parts
  return new Compaction({
    system,
    storeId,
    view,
    loop,
    retirement,
    // One of its own: what it packs is no append of this opening.
    compressor: isCompressed ? new BlockCompressor(system.lz4) : undefined,
    names: supply.names,
    segmentBytesMax,
    isDamaged: ({ number }, file) => lost.has(number) || view.damage.isIn(file),
    nextChange: () => view.waiters.next(),
  })
}

/** A segment ends before its successor begins. */
async function endTimeOf(
  { system, directory, view }: GivingBackParts,
  { number }: MapEntry,
): Promise<number | undefined> {
  const next = view.segments().find((segment) => segment.number > number)
  if (!next || next.lost !== undefined) return undefined
  return firstBlockTimeMs(system, `${directory}/${next.file}`, next.key)
}
