/**
 * Scrubbing by itself: a pass some time after opening, and another so long after each that ended. Where it
 * stands is kept in memory only. Keeps no process alive, and ends with the log.
 */
import type { System } from '../../system/system.ts'
import { isFenced } from '../io-errors.ts'
import { type ScrubSource, scrubPass } from './scrub-pass.ts'
import type { SegmentRepair } from './segment-repair.ts'
import type { ScrubFinding, ScrubReport, ScrubStats } from './types.ts'

/** A log that is open for a moment reads nothing; one that is opened every day is read all the same. */
const FIRST_DELAY_MS_MAX = 10 * 60_000

export interface BackgroundScrubOptions {
  readonly system: System
  readonly directory: string
  readonly everyMs: number
  readonly bytesPerSecond: number
  /** What a pass that begins now reads. */
  readonly source: () => ScrubSource
  /** Mends what one flipped bit explains; absent where nothing is to be changed. */
  readonly repair?: SegmentRepair | undefined
  readonly onFinding: (finding: ScrubFinding) => void
  readonly onPass: (report: ScrubReport) => void
}

export class BackgroundScrub {
  readonly #options: BackgroundScrubOptions
  readonly #end = new AbortController()
  #cancelTimer: (() => void) | undefined
  #running: Promise<void> | undefined
  #passes = 0
  #bytes = 0
  #mendedBlocks = 0
  #last: { readonly report: ScrubReport; readonly endedMs: number } | undefined
  #failure: string | undefined

  constructor(options: BackgroundScrubOptions) {
    this.#options = options
    this.#arm(Math.min(options.everyMs, FIRST_DELAY_MS_MAX))
  }

  get stats(): ScrubStats {
    const last = this.#last
    const nowMs = this.#options.system.clock.monotonicMs()
    return {
      passes: this.#passes,
      bytes: this.#bytes,
      damages: last?.report.damages ?? 0,
      ...(this.#options.repair && { mendedBlocks: this.#mendedBlocks }),
      ...(last && { ageMs: nowMs - last.endedMs, fromDisk: last.report.fromDisk }),
      ...(this.#failure !== undefined && { failure: this.#failure }),
    }
  }

  /** Breaks off what is under way; resolves when no file is open for it any more. */
  async close(): Promise<void> {
    this.#end.abort()
    this.#cancelTimer?.()
    this.#cancelTimer = undefined
    await this.#running
  }

  #arm(delayMs: number): void {
    if (this.#end.signal.aborted) return
    this.#cancelTimer = this.#options.system.clock.after(delayMs, () => {
      this.#running = this.#run()
    })
  }

  async #run(): Promise<void> {
    const { system, directory, everyMs, bytesPerSecond, source, onPass } = this.#options
    const { onFinding, repair } = this.#options
    const { signal } = this.#end
    try {
      const options = { bytesPerSecond, signal, onFinding, repair }
      const report = await scrubPass(system, directory, source(), options)
      this.#passes++
      this.#bytes += report.bytes
      this.#mendedBlocks += report.repair?.mendedBlocks ?? 0
      this.#last = { report, endedMs: system.clock.monotonicMs() }
      this.#failure = undefined
      onPass(report)
      this.#arm(everyMs)
    } catch (error) {
      // That is how a pass ends when the log closes.
      if (signal.aborted) return
      this.#failure = String(error instanceof Error ? error.message : error)
      // What is another's does not come back.
      if (isFenced(error)) return
      this.#arm(Math.min(everyMs, FIRST_DELAY_MS_MAX))
    }
  }
}
