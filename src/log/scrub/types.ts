/** What scrubbing is asked for, and what it tells. Types only. */
import type { Gap } from '../../errors.ts'
import type { VerdictRow } from '../../format/verdict.ts'

/** How often, and how fast, full segments are read and checked in the background. */
export interface ScrubOptions {
  /**
   * From the end of one pass to the beginning of the next, default a week. The first begins so long after
   * opening, or ten minutes after it where that is sooner.
   */
  readonly everyMs?: number
  /** No more bytes than this are read a second, default 8 MiB. */
  readonly bytesPerSecond?: number
}

/** Damage that a pass found: bytes that are not what was written, or a file that is not there. */
export interface ScrubFinding extends Gap {
  /**
   * Row of the verdict table in docs/guarantees.md; `header-copy`: one of the two copies of a segment's
   * header; `unreadable`: the operating system does not give these bytes.
   */
  readonly row: VerdictRow | 'header-copy' | 'unreadable'
  /** Blocks in it that flipping one bit each would make valid. */
  readonly mendable: number
}

/** One pass over all full segments, oldest first. */
export interface ScrubReport {
  readonly directory: string
  readonly tookMs: number
  readonly segments: number
  readonly blocks: number
  readonly bytes: number
  /** Every byte came from the disk itself; else perhaps from the page cache. */
  readonly fromDisk: boolean
  /** Places with damage. */
  readonly damages: number
  /** Each of them, up to 10,000. */
  readonly findings: readonly ScrubFinding[]
}

/** What scrubbing did since the log was opened. */
export interface ScrubStats {
  /** Passes over all full segments that came to their end. */
  readonly passes: number
  readonly bytes: number
  /** Places with damage, of the pass that ended last. */
  readonly damages: number
  /** Since a pass ended; absent where none has. */
  readonly ageMs?: number
  /** Of that pass: every byte came from the disk itself, not perhaps from the page cache. */
  readonly fromDisk?: boolean
  /** Why the last pass that was broken off was; it is tried again. */
  readonly failure?: string
}
