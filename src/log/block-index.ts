/**
 * Where blocks stand in one segment, sparsely: enough to find an id by reading at most a stretch of
 * the file. Filled while writing, scanning or reading, kept in SEAL, bounded by the file size. Memory
 * only.
 */
import { SEGMENT_HEADER_BYTES } from '../format/layout.ts'

const STRIDE_BYTES = 16 * 1024

export class BlockIndex {
  readonly firstIds: number[] = []
  readonly offsets: number[] = []
  /** What readers have walked without leaving anything out: [first block, this). */
  #walkedEnd: number

  /** `isPartial`: readers fill it, each as far as it walks on from where the last one ended. */
  constructor(isPartial = false) {
    this.#walkedEnd = isPartial ? SEGMENT_HEADER_BYTES : Number.POSITIVE_INFINITY
  }

  /** Notes a block; kept only where the last noted one is far enough in front of it. */
  note(firstId: number, offset: number): void {
    const last = this.offsets.length - 1
    if (last >= 0) {
      if (offset - (this.offsets[last] ?? 0) < STRIDE_BYTES) return
      if (firstId < (this.firstIds[last] ?? 0)) return
    }
    this.firstIds.push(firstId)
    this.offsets.push(offset)
  }

  /**
   * Notes a block that a reader passed, having walked from `from` on; nothing where the index has all
   * of this, or would miss what stands in front.
   */
  noteWalked(from: number, firstId: number, offset: number, end: number): void {
    if (end <= this.#walkedEnd || from > this.#walkedEnd) return
    this.#walkedEnd = end
    this.note(firstId, offset)
  }

  /** Offset of the first block noted that begins behind `id`; undefined where none is. */
  offsetBehind(id: number): number | undefined {
    return this.offsets[this.#rowBehind(id)]
  }

  /** Offset of a block at or in front of the one that holds `id`; undefined before the first noted. */
  locate(id: number): number | undefined {
    // Blocks without messages share their first id with the block that follows: take the first.
    let row = this.#rowBehind(id) - 1
    while (row > 0 && this.firstIds[row] === this.firstIds[row - 1]) row--
    return row < 0 ? undefined : this.offsets[row]
  }

  #rowBehind(id: number): number {
    let low = 0
    let high = this.firstIds.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.firstIds[middle] ?? 0) <= id) low = middle + 1
      else high = middle
    }
    return low
  }
}
