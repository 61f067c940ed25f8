/**
 * What a reader sees of a log: its segments in order, each with the offset up to which it may be shown,
 * and a way to wait for more. The owner's view moves with the commit loop; a view without the lock
 * moves when the directory is looked at again.
 */
import type { Gap } from '../errors.ts'
import type { SegmentKey } from '../format/block.ts'
import { segmentFileName } from '../format/layout.ts'
import type { MapEntry } from '../format/link.ts'
import type { BlockIndex } from './block-index.ts'
import type { ReaderPins } from './read/reader-pins.ts'
import type { TailCache } from './read/tail-cache.ts'

export interface ReadableSegment {
  readonly file: string
  readonly number: number
  readonly key: SegmentKey
  readonly base: number
  readonly firstId: number
  /** One past the last readable id. */
  readonly endId: number
  /** Bytes below may be shown. */
  readonly end: number
  /** Bytes from here on are not known durable by anybody; equal to `end` where all are. */
  readonly confirmedEnd: number
  /** The map entry of a full segment; absent for the one being written. */
  readonly entry: MapEntry | undefined
  /** Where its blocks stand, as far as known. */
  readonly index: BlockIndex | undefined
  /** Why it cannot be read at all; its ids are lost. */
  readonly lost?: string
}

/** Where the messages of a segment are that is not in the map any more because it was merged. */
export function mergedInto(
  segments: readonly ReadableSegment[],
  old: ReadableSegment,
): ReadableSegment | undefined {
  return segments.find(
    ({ number, entry, file }) =>
      entry?.dataOnly === true &&
      number <= old.number &&
      old.number <= entry.coversTo &&
      file !== old.file,
  )
}

/** The segment that has the place of this one, where a mended copy of it does: the same bytes but for those. */
export function mendedTo(
  segments: readonly ReadableSegment[],
  old: ReadableSegment,
): ReadableSegment | undefined {
  return segments.find(
    ({ number, file, key }) =>
      number === old.number &&
      file !== old.file &&
      key.salt1 === old.key.salt1 &&
      key.salt2 === old.key.salt2,
  )
}

export interface LogView {
  readonly directory: string
  segments(): readonly ReadableSegment[]
  readonly firstId: number
  readonly nextId: number
  /** Resolves when there may be more to read; rejects when there never will. */
  changed(signal: AbortSignal | undefined): Promise<void>
  /** Whether the log still has this segment: its file is gone where it has retired or was merged. */
  stillNames(file: string): Promise<boolean>
  /** Whether reading goes on behind a gap that nobody asked to be told of. */
  readonly skipsGaps: boolean
  /** Damage behind the last readable byte: told where reading comes to the end. */
  readonly tailGaps: readonly Gap[]
  /** Keeps count of damage that reading found. */
  noteGap(gap: Gap): void
  /** Remembers where blocks of a full segment stand, so that the next reader finds an id faster. */
  noteIndex(file: string, index: BlockIndex): void
  /** Which segments readers of this view are in. */
  readonly pins: ReaderPins
  /** The newest groups in memory; only the owner has them before they are in a file. */
  readonly tail: TailCache | undefined
}

/** A full segment as the map names it. */
export function sealedSegment(
  entry: MapEntry,
  index: BlockIndex | undefined,
  lost: string | undefined,
): ReadableSegment {
  return {
    file: segmentFileName(entry.number, entry.generation),
    number: entry.number,
    key: { salt1: entry.salt1, salt2: entry.salt2, fileBytes: entry.fileBytes },
    base: entry.base,
    firstId: entry.firstId,
    endId: entry.endId,
    end: entry.cut,
    confirmedEnd: entry.cut,
    entry,
    index,
    ...(lost !== undefined && { lost }),
  }
}
