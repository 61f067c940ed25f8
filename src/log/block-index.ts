/**
 * Where blocks stand in one segment, sparsely: enough to find an id by reading at most a stretch of
 * the file. Filled while writing or scanning, kept in SEAL, bounded by the file size. Memory only.
 */
const STRIDE_BYTES = 16 * 1024

export class BlockIndex {
  readonly firstIds: number[] = []
  readonly offsets: number[] = []

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

  /** Offset of a block at or in front of the one that holds `id`; undefined before the first noted. */
  locate(id: number): number | undefined {
    let low = 0
    let high = this.firstIds.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.firstIds[middle] ?? 0) <= id) low = middle + 1
      else high = middle
    }
    // Blocks without messages share their first id with the block that follows: take the first.
    let row = low - 1
    while (row > 0 && this.firstIds[row] === this.firstIds[row - 1]) row--
    return row < 0 ? undefined : this.offsets[row]
  }
}
