/**
 * How large the next segment is: judged by how long the last one took to fill, so that sizes follow the
 * load, both ways. Memory only.
 */
import { type OwnSegment, segmentBytesFor } from '../segment-file.ts'

/** Segments that fill faster than this are followed by others of twice their size. */
const FILL_TIME_MS = 10_000
/** And those that fill faster than this by others of four times their size. */
const FAST_FILL_TIME_MS = FILL_TIME_MS / 10
/** Those that fill slower than this by others of half: so space comes back a little at a time. */
const SLOW_FILL_TIME_MS = 4 * FILL_TIME_MS

export class SegmentSize {
  /** Size of the next segment, unless a group needs a larger one or space is short. */
  bytes: number
  readonly #bytesMin: number
  readonly #bytesMax: number
  /** The full segment that the size has been judged by. */
  #judged: OwnSegment | undefined

  constructor(bytesMin: number, bytesMax: number) {
    this.#bytesMin = bytesMin
    this.#bytesMax = bytesMax
    this.bytes = segmentBytesFor(bytesMin)
  }

  /** A retired file may be larger than the next segment, but not a size larger: space must come back. */
  get spareBytesMax(): number {
    return Math.min(this.#bytesMax, this.bytes * 2 - 1)
  }

  /** Judges by a segment that is full now, once; true where the next ones will be larger. */
  judge(full: OwnSegment, monotonicMs: number): boolean {
    if (this.#judged === full) return false
    this.#judged = full
    const tookMs = monotonicMs - full.startedMs
    const before = this.bytes
    let bytes = before
    if (tookMs < FAST_FILL_TIME_MS) bytes *= 4
    else if (tookMs < FILL_TIME_MS) bytes *= 2
    else if (tookMs > SLOW_FILL_TIME_MS) bytes /= 2
    this.bytes = segmentBytesFor(Math.min(this.#bytesMax, Math.max(this.#bytesMin, bytes)))
    return this.bytes > before
  }
}
