/**
 * Which ids a reader has passed and which it wants next, and the telling of those that are lost between:
 * each gap once, to whoever asked to hear of gaps, or thrown. Memory only.
 */
import { DamagedError, type Gap } from '../../errors.ts'
import { decodeGap, type GapRecord } from '../../format/gap.ts'
import { segmentFileName } from '../../format/layout.ts'
import { RecordCursor } from '../../format/records.ts'
import type { ReadOptions } from '../types.ts'
import type { LogView, ReadableSegment } from '../view.ts'
import type { BlockWalk } from './block-walk.ts'

export class PassedIds {
  /** The next id that is asked for. */
  wanted: number
  /** Ids from here on are not asked for. */
  to: number
  /** The id that must come next if nothing was lost; 0 before the first block. */
  expected = 0
  /** The block taken last was SPARSE: ids that are missing behind it were discarded. */
  isSparse = false
  readonly #view: LogView
  readonly #options: ReadOptions
  readonly #toldTail = new Set<string>()

  constructor(view: LogView, options: ReadOptions) {
    this.#view = view
    this.#options = options
    this.wanted = options.from ?? 1
    this.to = options.to ?? Number.POSITIVE_INFINITY
  }

  /** Ids are missing at its end although no byte is damaged; those left out by merging are none. */
  isShort({ entry, endId }: ReadableSegment): boolean {
    if (!entry || entry.dataOnly || this.isSparse) return false
    return this.expected < endId
  }

  /** Invalid bytes below the end: the ids between what was read and what follows are lost. */
  noteDamage(walk: BlockWalk, segment: ReadableSegment, found: boolean): void {
    const bytes = walk.damageEnd - walk.damageStart
    if (bytes === 0 && found) return
    if (bytes === 0 && !this.isShort(segment)) return
    const endId = found ? (walk.block?.firstId ?? 0) : segment.endId
    const why = 'the checksum does not match'
    if (walk.isEntryless && (this.expected === 0 || endId <= this.expected)) {
      const { file } = segment
      this.#view.noteGap({ file, offset: walk.damageStart, bytes, firstId: endId, endId, why })
      return
    }
    this.lose(segment, walk.damageStart, bytes, endId, why)
  }

  lose(segment: ReadableSegment, offset: number, bytes: number, endId: number, why: string): void {
    const firstId = Math.max(1, this.expected === 0 ? this.wanted : this.expected)
    const gap = { file: segment.file, offset, bytes, firstId, endId: Math.max(firstId, endId), why }
    this.expected = gap.endId
    this.#tell(gap)
  }

  /** What is known lost behind the end: each once, also where a follower comes here again. */
  tellTail(): void {
    for (const gap of this.#view.tailGaps) {
      const key = `${gap.file}:${gap.offset}`
      if (this.#toldTail.has(key)) continue
      this.#toldTail.add(key)
      this.#tell(gap)
    }
  }

  passGaps(walk: BlockWalk): void {
    const cursor = new RecordCursor()
    cursor.open(walk.bytes, walk.at)
    while (cursor.next()) {
      const gap = decodeGap(cursor.body())
      if (gap && gap.endId > this.expected) {
        this.expected = gap.endId
        this.#tell(asGap(gap))
      }
    }
  }

  #tell(gap: Gap): void {
    if (gap.endId <= this.wanted && gap.firstId < gap.endId) return
    if (gap.firstId >= this.to) return
    this.#view.noteGap(gap)
    this.wanted = Math.max(this.wanted, gap.endId)
    const { onGap } = this.#options
    if (onGap) onGap(gap)
    else if (!this.#view.skipsGaps) throw damageBy(gap)
  }
}

/** The error of whoever asked for one of the ids that the gap has taken. */
export function damageBy(gap: Gap): DamagedError {
  const { file, offset, firstId, endId } = gap
  return new DamagedError(
    `${file}: ids ${firstId} to ${endId - 1} are lost to damage at byte ${offset}`,
    [gap],
  )
}

function asGap(record: GapRecord): Gap {
  const { offset, bytes, firstId, endId } = record
  const file = segmentFileName(record.number, record.generation)
  return { file, offset, bytes, firstId, endId, why: 'set aside by an earlier recovery' }
}
