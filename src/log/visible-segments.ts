/**
 * The segments as the owner's readers see them: the full ones that a durable map names, and the one
 * being written as far as it has resolved. Memory only.
 */
import { segmentFileName } from '../format/layout.ts'
import type { MapEntry } from '../format/link.ts'
import type { BlockIndex } from './block-index.ts'
import type { CommitLoop } from './commit-loop.ts'
import { type ReadableSegment, sealedSegment } from './view.ts'

/** Block indexes of full segments that are kept. */
const INDEXES_KEPT_MAX = 64

export class VisibleSegments {
  readonly #loop: CommitLoop
  /** Mapped files that cannot be read, by number, and why. */
  readonly #lost: ReadonlyMap<number, string>
  /** By file: a merged segment has the number of one that it covers. */
  readonly #indexes = new Map<string, BlockIndex>()
  /** The full ones, made anew when the map or an index changed. */
  #full: readonly ReadableSegment[] = []
  #fullOf: readonly MapEntry[] | undefined

  constructor(loop: CommitLoop, lost: ReadonlyMap<number, string>) {
    this.#loop = loop
    this.#lost = lost
  }

  /** By number, the one being written last. */
  all(): readonly ReadableSegment[] {
    const { durableMap, segment, blockIndex, settlement } = this.#loop
    if (this.#fullOf !== durableMap) {
      this.#fullOf = durableMap
      this.#full = durableMap.map((entry) =>
        sealedSegment(entry, this.#indexes.get(fileOf(entry)), this.#lost.get(entry.number)),
      )
    }
    const { visibleEnd, visibleNextId } = settlement
    if (!segment || visibleEnd === 0) return this.#full
    return [
      ...this.#full,
      {
        file: segment.file,
        number: segment.number,
        key: segment.key,
        base: segment.base,
        firstId: segment.firstId,
        endId: visibleNextId,
        end: visibleEnd,
        confirmedEnd: visibleEnd,
        entry: undefined,
        index: blockIndex,
      },
    ]
  }

  /** Remembers where blocks of a full segment stand; of the oldest ones it is forgotten. */
  noteIndex(file: string, index: BlockIndex): void {
    if (this.#indexes.size >= INDEXES_KEPT_MAX) {
      for (const oldest of this.#indexes.keys()) {
        this.#indexes.delete(oldest)
        break
      }
    }
    this.#indexes.set(file, index)
    this.#fullOf = undefined
  }
}

function fileOf({ number, generation }: MapEntry): string {
  return segmentFileName(number, generation)
}
