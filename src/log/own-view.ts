/**
 * What readers see of a log in the process that owns it: the view moves with the commit loop, and has the
 * newest groups in memory. Touches no file.
 */
import { type Gap, throwIfAborted } from '../errors.ts'
import type { BlockIndex } from './block-index.ts'
import { ChangeWaiters } from './change-waiters.ts'
import type { CommitLoop } from './commit-loop.ts'
import { KnownDamage } from './known-damage.ts'
import { ReaderPins } from './read/reader-pins.ts'
import { TailCache } from './read/tail-cache.ts'
import type { LogView, ReadableSegment } from './view.ts'
import { VisibleSegments } from './visible-segments.ts'

export interface OwnViewParts {
  readonly directory: string
  readonly skipsGaps: boolean
  /** Mapped files that cannot be read, by number, and why. */
  readonly lost: ReadonlyMap<number, string>
  /** Damage that opening found. */
  readonly gaps: readonly Gap[]
  readonly loop: CommitLoop
  /** Throws where reading is over. */
  readonly assertReadable: () => void
}

export class OwnView implements LogView {
  readonly directory: string
  readonly skipsGaps: boolean
  /** Recovery wrote GAP records for what was lost there before anything was shown. */
  readonly tailGaps: readonly Gap[] = []
  readonly pins = new ReaderPins()
  readonly tail = new TailCache()
  readonly damage: KnownDamage
  /** Woken at every change of what has resolved, or of the log's state. */
  readonly waiters = new ChangeWaiters()
  readonly #loop: CommitLoop
  readonly #segments: VisibleSegments
  readonly #assertReadable: () => void

  constructor(parts: OwnViewParts) {
    this.directory = parts.directory
    this.skipsGaps = parts.skipsGaps
    this.#loop = parts.loop
    this.#assertReadable = parts.assertReadable
    this.damage = new KnownDamage(parts.gaps, parts.loop.events)
    this.#segments = new VisibleSegments(parts.loop, parts.lost)
  }

  get firstId(): number {
    return this.#loop.firstId
  }

  get nextId(): number {
    return this.#loop.nextId
  }

  segments(): readonly ReadableSegment[] {
    return this.#segments.all()
  }

  async changed(signal: AbortSignal | undefined): Promise<void> {
    throwIfAborted(signal)
    this.#assertReadable()
    if (this.#loop.failure) throw this.#loop.failure
    await this.waiters.next(signal)
    throwIfAborted(signal)
  }

  async stillNames(file: string): Promise<boolean> {
    return this.segments().some((segment) => segment.file === file)
  }

  noteGap(gap: Gap): void {
    this.damage.note(gap)
  }

  noteIndex(file: string, index: BlockIndex): void {
    this.#segments.noteIndex(file, index)
  }
}
