/**
 * A set of offsets that mostly fills from the bottom: a floor below which every offset is in, and above
 * it chunks of 65,536 offsets, the full ones as runs, the others as ranges or bitmaps. So it costs one
 * bit an offset at worst, next to nothing in order, and knows no cap. Pure memory.
 *
 * The form is canonical: the floor itself is not in, a chunk holds only members above the floor and is
 * neither empty nor full.
 */
import { CHUNK_OFFSETS } from './chunk-size.ts'
import { OffsetChunk } from './offset-chunk.ts'
import { RangeList } from './range-list.ts'
import type { StateHash } from './state-hash.ts'

/** Stand-ins for chunks that are kept as nothing. They are never changed. */
const EMPTY = new OffsetChunk(-1)
const FULL = new OffsetChunk(-1)
FULL.add(0, CHUNK_OFFSETS)

export class OffsetSet {
  #floor = 0
  #count = 0
  /** Chunks neither empty nor full, by number. */
  #partial: OffsetChunk[] = []
  /** Numbers of full chunks. */
  #full = new RangeList()
  /** The chunk asked for last: questions come in clusters. */
  #lastNumber = -1
  #lastChunk = EMPTY

  /** Every offset below it is in, and it is not. */
  get floor(): number {
    return this.#floor
  }

  /** How many offsets are in, those below the floor too. */
  get count(): number {
    return this.#count
  }

  has(offset: number): boolean {
    if (offset < this.#floor) return true
    const number = Math.floor(offset / CHUNK_OFFSETS)
    const chunk = number === this.#lastNumber ? this.#lastChunk : this.#lookUp(number)
    return chunk.has(offset - number * CHUNK_OFFSETS)
  }

  /** Adds [first, end) and returns how many of them were not in. */
  add(first: number, end: number): number {
    checkRange(first, end)
    const from = Math.max(first, this.#floor)
    if (from >= end) return 0
    const before = this.#count
    if (from > this.#floor) this.#addAbove(from, end)
    else this.#raiseFloor(end)
    return this.#count - before
  }

  /** Removes [first, end) and returns how many of them were in. */
  remove(first: number, end: number): number {
    checkRange(first, end)
    if (first >= end) return 0
    const before = this.#count
    const floor = this.#floor
    if (end > floor) this.#removeAbove(Math.max(first, floor), end)
    if (first < floor) {
      this.#floor = first
      this.#count -= floor - first
      if (end < floor) this.#addAbove(end, floor)
    }
    return before - this.#count
  }

  /** The first offset from `from` on that is not in. */
  nextAbsent(from: number): number {
    let at = Math.max(from, this.#floor)
    for (;;) {
      const number = Math.floor(at / CHUNK_OFFSETS)
      const start = number * CHUNK_OFFSETS
      const chunk = this.#lookUp(number)
      const found = chunk === FULL ? CHUNK_OFFSETS : chunk.nextAbsent(at - start)
      if (found < CHUNK_OFFSETS) return start + found
      at = chunk === FULL ? this.#full.nextAbsent(number) * CHUNK_OFFSETS : start + CHUNK_OFFSETS
    }
  }

  /** The first offset from `from` up to `end` that is in; -1 if none. */
  nextPresent(from: number, end: number): number {
    if (from >= end) return -1
    const found = from < this.#floor ? from : this.#nextPresentAbove(from)
    return found < end ? found : -1
  }

  /** Each maximal range of members, cut to [from, to). `visit` must not change the set. */
  forEachRange(from: number, to: number, visit: (first: number, end: number) => void): void {
    let first = this.nextPresent(from, to)
    while (first >= 0) {
      const end = Math.min(this.nextAbsent(first), to)
      visit(first, end)
      first = this.nextPresent(end, to)
    }
  }

  clone(): OffsetSet {
    const copy = new OffsetSet()
    copy.#floor = this.#floor
    copy.#count = this.#count
    copy.#partial = this.#partial.map((chunk) => chunk.clone())
    copy.#full = this.#full.clone()
    return copy
  }

  /** Makes it the set of the offsets below `floor`, whatever it was: for a seek, and before loading. */
  setFloor(floor: number): void {
    checkRange(floor, floor)
    this.#floor = floor
    this.#count = floor
    this.#partial = []
    this.#full = new RangeList()
    this.#lastNumber = -1
  }

  /** Numbers of the chunks with members above the floor, in order: what is stored beside the floor. */
  chunkNumbers(): number[] {
    const numbers = this.#partial.map((chunk) => chunk.number)
    let end = 0
    for (let n = this.#full.nextPresent(0); n >= 0; n = this.#full.nextPresent(end)) {
      end = this.#full.nextAbsent(n)
      for (let number = n; number < end; number++) numbers.push(number)
    }
    return numbers.sort((one, other) => one - other)
  }

  /** The members of a chunk above the floor; the same ones give the same bytes. */
  encodeChunk(number: number): Uint8Array {
    return this.#lookUp(number).encode()
  }

  /**
   * Adds a chunk that {@link encodeChunk} wrote, after {@link setFloor}. False where the bytes are
   * malformed, or hold what no chunk of a set with this floor can hold.
   */
  loadChunk(number: number, bytes: Uint8Array): boolean {
    const start = number * CHUNK_OFFSETS
    if (number < 0 || !Number.isSafeInteger(start + CHUNK_OFFSETS)) return false
    const chunk = new OffsetChunk(number)
    if (this.#lookUp(number) !== EMPTY || !chunk.load(bytes)) return false
    if (start + chunk.nextPresent(0) <= this.#floor) return false
    this.#count += chunk.count
    if (chunk.count === CHUNK_OFFSETS) this.#full.add(number, number + 1)
    else this.#partial.splice(this.#indexOf(number), 0, chunk)
    this.#lastNumber = -1
    return true
  }

  hashInto(hash: StateHash): void {
    hash.number(this.#floor)
    hash.number(this.#count)
    this.forEachRange(this.#floor, Number.MAX_SAFE_INTEGER, (first, end) => {
      hash.number(first)
      hash.number(end)
    })
  }

  /** Everything up to `end` comes in, and whatever then continues it. */
  #raiseFloor(end: number): void {
    const isAlone = this.#partial.length === 0 && this.#full.ranges === 0
    // The floor itself is not in, so a step by one has nothing to remove.
    if (!isAlone && end > this.#floor + 1) this.#removeAbove(this.#floor, end)
    this.#count += end - this.#floor
    this.#floor = end
    if (isAlone) return
    const floor = this.nextAbsent(end)
    if (floor === end) return
    this.#removeAbove(end, floor)
    this.#count += floor - end
    this.#floor = floor
  }

  #addAbove(first: number, end: number): void {
    const firstWhole = Math.ceil(first / CHUNK_OFFSETS)
    const endWhole = Math.floor(end / CHUNK_OFFSETS)
    if (endWhole < firstWhole) {
      this.#addWithin(endWhole, first, end)
      return
    }
    this.#addWithin(firstWhole - 1, first, firstWhole * CHUNK_OFFSETS)
    if (firstWhole < endWhole) {
      this.#dropPartial(firstWhole, endWhole)
      this.#count += this.#full.add(firstWhole, endWhole) * CHUNK_OFFSETS
      this.#lastNumber = -1
    }
    this.#addWithin(endWhole, endWhole * CHUNK_OFFSETS, end)
  }

  #removeAbove(first: number, end: number): void {
    const firstWhole = Math.ceil(first / CHUNK_OFFSETS)
    const endWhole = Math.floor(end / CHUNK_OFFSETS)
    if (endWhole < firstWhole) {
      this.#removeWithin(endWhole, first, end)
      return
    }
    this.#removeWithin(firstWhole - 1, first, firstWhole * CHUNK_OFFSETS)
    if (firstWhole < endWhole) {
      this.#dropPartial(firstWhole, endWhole)
      this.#count -= this.#full.remove(firstWhole, endWhole) * CHUNK_OFFSETS
      this.#lastNumber = -1
    }
    this.#removeWithin(endWhole, endWhole * CHUNK_OFFSETS, end)
  }

  /** Adds a range that lies within one chunk. */
  #addWithin(number: number, first: number, end: number): void {
    if (first >= end) return
    let chunk = number === this.#lastNumber ? this.#lastChunk : this.#lookUp(number)
    if (chunk === FULL) return
    if (chunk === EMPTY) {
      chunk = new OffsetChunk(number)
      this.#insert(chunk)
    }
    const start = number * CHUNK_OFFSETS
    this.#count += chunk.add(first - start, end - start)
    if (chunk.count < CHUNK_OFFSETS) return
    this.#partial.splice(this.#indexOf(number), 1)
    this.#full.add(number, number + 1)
    this.#lastNumber = -1
  }

  /** Removes a range that lies within one chunk. */
  #removeWithin(number: number, first: number, end: number): void {
    if (first >= end) return
    let chunk = number === this.#lastNumber ? this.#lastChunk : this.#lookUp(number)
    if (chunk === EMPTY) return
    if (chunk === FULL) {
      this.#full.remove(number, number + 1)
      chunk = FULL.cloneAs(number)
      this.#insert(chunk)
    }
    const start = number * CHUNK_OFFSETS
    this.#count -= chunk.remove(first - start, end - start)
    if (chunk.count > 0) return
    this.#partial.splice(this.#indexOf(number), 1)
    this.#lastNumber = -1
  }

  /** Forgets the chunks from `first` up to `end` that are neither empty nor full. */
  #dropPartial(first: number, end: number): void {
    const from = this.#indexOf(first)
    const to = this.#indexOf(end)
    for (let index = from; index < to; index++) {
      this.#count -= (this.#partial[index] as OffsetChunk).count
    }
    this.#partial.splice(from, to - from)
  }

  /** For an offset at or above the floor; infinity if none. */
  #nextPresentAbove(from: number): number {
    const number = Math.floor(from / CHUNK_OFFSETS)
    const chunk = this.#lookUp(number)
    if (chunk === FULL) return from
    const found = chunk.nextPresent(from - number * CHUNK_OFFSETS)
    if (found >= 0) return number * CHUNK_OFFSETS + found
    const full = this.#full.nextPresent(number + 1)
    const partial = this.#partial[this.#indexOf(number + 1)]
    if (partial !== undefined && (full < 0 || partial.number < full)) {
      return partial.number * CHUNK_OFFSETS + partial.nextPresent(0)
    }
    return full < 0 ? Number.POSITIVE_INFINITY : full * CHUNK_OFFSETS
  }

  #insert(chunk: OffsetChunk): void {
    this.#partial.splice(this.#indexOf(chunk.number), 0, chunk)
    this.#lastNumber = chunk.number
    this.#lastChunk = chunk
  }

  #lookUp(number: number): OffsetChunk {
    if (number === this.#lastNumber) return this.#lastChunk
    const partial = this.#partial[this.#indexOf(number)]
    this.#lastNumber = number
    if (partial !== undefined && partial.number === number) this.#lastChunk = partial
    else this.#lastChunk = this.#full.has(number) ? FULL : EMPTY
    return this.#lastChunk
  }

  /** Index of the first kept chunk with at least this number. */
  #indexOf(number: number): number {
    let low = 0
    let high = this.#partial.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#partial[middle] as OffsetChunk).number < number) low = middle + 1
      else high = middle
    }
    return low
  }
}

function checkRange(first: number, end: number): void {
  if (!(Number.isSafeInteger(first) && Number.isSafeInteger(end) && first >= 0 && first <= end)) {
    throw new Error(`[${first}, ${end}) is no range of offsets`)
  }
}
