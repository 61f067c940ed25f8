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
  /**
   * Blocks that one flipped bit each explains are mended, in a new generation of their segment; default
   * false. See docs/guarantees.md for how often that can be wrong.
   */
  readonly repair?: boolean
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
  /** The file that holds all of it mended; absent where it was not. */
  readonly mendedIn?: string
}

/** One block that was mended. Its messages are there again. */
export interface MendedBlock {
  /** The file that is damaged: from now on in quarantine/. */
  readonly file: string
  /** The file that stands in its place. */
  readonly mendedIn: string
  /** Where the block stands in both. */
  readonly offset: number
  readonly bytes: number
  /** The bit that was flipped: its byte in the file, and the bit of that. */
  readonly byteOffset: number
  readonly bit: number
  readonly firstId: number
  readonly endId: number
}

/** Why a segment with blocks that could be mended was not; the next pass tries it again. */
export interface NotMended {
  readonly file: string
  readonly why: string
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
  /** Blocks that were mended, and segments that were not though they could be; absent unless asked for. */
  readonly repair?: {
    readonly mendedBlocks: number
    /** Each of them, up to 10,000. */
    readonly blocks: readonly MendedBlock[]
    readonly notMended: readonly NotMended[]
  }
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
  /** Blocks that were mended; absent unless asked for. */
  readonly mendedBlocks?: number
  /** Why the last pass that was broken off was; it is tried again, unless the log is another's. */
  readonly failure?: string
}
