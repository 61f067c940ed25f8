/**
 * Scrubbing of a log by its owner: the passes that begin by themselves, the one that is asked for, and what
 * follows from both. Damage is remembered, and the owner is told which messages are there again.
 */
import type { Gap } from '../../errors.ts'
import type { MapEntry } from '../../format/link.ts'
import type { System } from '../../system/system.ts'
import type { CommitLoop } from '../commit-loop.ts'
import { fencedError } from '../flight-writer.ts'
import type { Lock } from '../lock.ts'
import type { OwnView } from '../own-view.ts'
import type { LogOwner } from '../seam.ts'
import type { Retirement } from '../space/retirement.ts'
import type { SegmentSupply } from '../space/supply.ts'
import { BackgroundScrub } from './background-scrub.ts'
import { isSameSegment } from './check-segment.ts'
import { type PassOptions, type ScrubSource, scrubPass } from './scrub-pass.ts'
import { type RepairedSegment, SegmentRepair } from './segment-repair.ts'
import type { ScrubFinding, ScrubOptions, ScrubReport } from './types.ts'

export interface LogScrubParts {
  readonly system: System
  readonly directory: string
  readonly storeId: string
  readonly lock: Lock
  readonly owner: LogOwner
  readonly supply: SegmentSupply
  /** How passes begin by themselves; absent where none do. */
  readonly scrub: Required<ScrubOptions> | undefined
  readonly loop: CommitLoop
  readonly retirement: Retirement
  readonly view: OwnView
}

export class LogScrub {
  /** The passes that begin by themselves; undefined where none do. */
  readonly background: BackgroundScrub | undefined
  readonly #parts: LogScrubParts

  constructor(parts: LogScrubParts) {
    this.#parts = parts
    this.background = this.#makeBackground()
  }

  /**
   * A pass over the full segments now, which mends what one flipped bit explains. Rejects with QLOG_IO,
   * QLOG_NEWER_FORMAT, QLOG_FENCED, QLOG_ABORTED.
   */
  mendNow(options: PassOptions): Promise<ScrubReport> {
    const { system, directory } = this.#parts
    const how = { ...options, repair: this.#makeRepair() }
    return scrubPass(system, directory, this.#source(), how)
  }

  #makeBackground(): BackgroundScrub | undefined {
    const { system, directory, scrub, loop, view } = this.#parts
    return (
      scrub &&
      new BackgroundScrub({
        system,
        directory,
        ...scrub,
        repair: scrub.repair ? this.#makeRepair() : undefined,
        source: () => this.#source(),
        onFinding: (finding) => {
          // Merging goes by what is noted here, and loses nothing by half of a header.
          if (finding.row !== 'header-copy') view.noteGap(gapOf(finding))
        },
        onPass: (report) => loop.events.scrubbed(report),
      })
    )
  }

  #source(): ScrubSource {
    const { storeId, loop } = this.#parts
    return {
      storeId,
      full: loop.durableMap,
      stillNames: (entry) => this.#stillNames(entry),
    }
  }

  /** Rejects with QLOG_FENCED: what another owner retires leaves by a map that is not known here. */
  async #stillNames(entry: MapEntry): Promise<boolean> {
    const { loop, lock } = this.#parts
    if (!loop.durableMap.some((one) => isSameSegment(one, entry))) return false
    if (!(await lock.isHeld())) throw fencedError()
    return true
  }

  #makeRepair(): SegmentRepair {
    const { loop, retirement, supply, view } = this.#parts
    return new SegmentRepair({
      loop,
      retirement,
      names: supply.names,
      nextChange: (signal) => view.waiters.next(signal),
      onMended: (repair) => this.#noteMended(repair),
    })
  }

  /** What was lost in the old file is not, but for what is damaged in the new one too. */
  #noteMended({ file, blocks, left }: RepairedSegment): void {
    const { owner, view } = this.#parts
    view.damage.forget(file)
    for (const finding of left) view.noteGap(gapOf(finding))
    for (const { firstId, endId } of blocks) {
      if (endId > firstId) owner.mended?.(firstId, endId)
    }
  }
}

function gapOf({ file, offset, bytes, firstId, endId, why }: ScrubFinding): Gap {
  return { file, offset, bytes, firstId, endId, why }
}
