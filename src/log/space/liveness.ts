/**
 * Which messages are still wanted, counted by segment: a segment is finished when its last message is.
 * Memory only; what is lost with the process loses nothing but space.
 */
import { IdSet } from './id-set.ts'

/** What liveness has to know of a segment. */
export interface IdSpan {
  readonly number: number
  readonly firstId: number
  readonly endId: number
}

export class Liveness {
  readonly #discarded = new IdSet()
  /** Discarded messages by segment number. */
  readonly #dead = new Map<number, number>()
  /** Ids within the span of a merged segment that it does not hold, by its number. */
  readonly #holes = new Map<number, number>()

  isDiscarded(id: number): boolean {
    return this.#discarded.has(id)
  }

  deadIn(number: number): number {
    return this.#dead.get(number) ?? 0
  }

  /** Messages that the segment holds, discarded ones too; of a merged one at most so many. */
  heldIn({ number, firstId, endId }: IdSpan): number {
    return endId - firstId - (this.#holes.get(number) ?? 0)
  }

  /** Whether somebody has told which ids a merged segment holds. */
  knowsHoles(number: number): boolean {
    return this.#holes.has(number)
  }

  /** Ids that no segment holds: discarded before this opening, and left out by merging. */
  addHole(firstId: number, endId: number): void {
    this.#discarded.add(firstId, endId)
  }

  /**
   * `merged` holds so many messages, the other ids of its span being discarded, and stands for `victims`.
   * What was discarded since its messages were copied counts as dead in it.
   */
  merge(victims: readonly IdSpan[], merged: IdSpan, held: number): void {
    for (const { number } of victims) {
      this.#dead.delete(number)
      this.#holes.delete(number)
    }
    const holes = merged.endId - merged.firstId - held
    const discarded = this.#discarded.countIn(merged.firstId, merged.endId)
    this.#holes.set(merged.number, holes)
    this.#dead.set(merged.number, discarded - holes)
  }

  isFinished(span: IdSpan): boolean {
    const { number, firstId, endId } = span
    const dead = this.deadIn(number)
    if (dead < this.heldIn(span)) return false
    // The count is for speed; what leaves the log is decided by the ids themselves.
    if (!this.#discarded.covers(firstId, endId)) {
      throw new Error(`segment ${number} counts ${dead} dead messages and has live ones`)
    }
    return true
  }

  /**
   * Discards [firstId, endId) of full segments, which stand in order of id; returns whether one of them
   * may have become finished.
   */
  discard(firstId: number, endId: number, full: readonly IdSpan[]): boolean {
    let mayFinish = false
    for (let row = firstAtOrAbove(full, firstId); row < full.length; row++) {
      const segment = full[row]
      if (!segment || segment.firstId >= endId) break
      const from = Math.max(firstId, segment.firstId)
      const dead = this.discardIn(segment.number, from, Math.min(endId, segment.endId))
      mayFinish ||= dead >= this.heldIn(segment)
    }
    return mayFinish
  }

  /** The same within one segment; returns its dead. An id that was discarded before counts once. */
  discardIn(number: number, firstId: number, endId: number): number {
    const dead = this.deadIn(number) + this.#discarded.add(firstId, endId)
    this.#dead.set(number, dead)
    return dead
  }

  /** Forgets segments that have left the log, which begins at `firstId` now. */
  forget(segments: readonly IdSpan[], firstId: number): void {
    for (const { number } of segments) {
      this.#dead.delete(number)
      this.#holes.delete(number)
    }
    this.#discarded.dropBelow(firstId)
  }
}

/** The first segment that ends behind `id`. */
function firstAtOrAbove(segments: readonly IdSpan[], id: number): number {
  let low = 0
  let high = segments.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((segments[middle]?.endId ?? 0) <= id) low = middle + 1
    else high = middle
  }
  return low
}
