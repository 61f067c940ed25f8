/**
 * A set of the integers below 65,536 as one bit each. Pure memory.
 */
import { CHUNK_OFFSETS } from './chunk-size.ts'

const WORDS = CHUNK_OFFSETS / 32
/** Bytes of an encoded bitmap. */
export const BITMAP_BYTES = CHUNK_OFFSETS / 8

export class OffsetBitmap {
  readonly #words = new Int32Array(WORDS)

  has(value: number): boolean {
    return (((this.#words[value >>> 5] as number) >>> (value & 31)) & 1) === 1
  }

  /** Adds [first, end) and returns how many of them were not in. */
  add(first: number, end: number): number {
    return this.#change(first, end, true)
  }

  /** Removes [first, end) and returns how many of them were in. */
  remove(first: number, end: number): number {
    return this.#change(first, end, false)
  }

  /** The first value from `from` on that is not in; 65,536 if none. */
  nextAbsent(from: number): number {
    const found = this.#next(from, -1)
    return found < 0 ? CHUNK_OFFSETS : found
  }

  /** The first value from `from` on that is in; -1 if none. */
  nextPresent(from: number): number {
    return this.#next(from, 0)
  }

  clone(): OffsetBitmap {
    const copy = new OffsetBitmap()
    copy.#words.set(this.#words)
    return copy
  }

  /** Writes the bits, the lowest value in the lowest bit of the first byte. */
  encodeInto(target: Uint8Array, at: number): void {
    for (let index = 0; index < BITMAP_BYTES; index++) {
      target[at + index] = (this.#words[index >>> 2] as number) >>> (8 * (index & 3))
    }
  }

  /** The members are exactly those whose bits are set in `bytes`; returns how many. */
  load(bytes: Uint8Array): number {
    let count = 0
    this.#words.fill(0)
    for (let index = 0; index < BITMAP_BYTES; index++) {
      const word = index >>> 2
      this.#words[word] =
        (this.#words[word] as number) | ((bytes[index] as number) << (8 * (index & 3)))
    }
    for (const word of this.#words) count += bitCount(word)
    return count
  }

  #change(first: number, end: number, present: boolean): number {
    const lastWord = (end - 1) >>> 5
    let changed = 0
    for (let index = first >>> 5; index <= lastWord; index++) {
      const from = Math.max(first - 32 * index, 0)
      const to = Math.min(end - 32 * index, 32)
      // Bits `from` up to `to`; a shift by 32 would be one by 0.
      const mask = (-1 << from) & (-1 >>> (32 - to))
      const before = this.#words[index] as number
      const after = present ? before | mask : before & ~mask
      changed += bitCount(before ^ after)
      this.#words[index] = after
    }
    return changed
  }

  /** The first value whose bit differs from the bits of `same` (0: none set, -1: all set). */
  #next(from: number, same: number): number {
    if (from >= CHUNK_OFFSETS) return -1
    let index = from >>> 5
    let differing = ((this.#words[index] as number) ^ same) & (-1 << (from & 31))
    while (differing === 0) {
      if (++index === WORDS) return -1
      differing = (this.#words[index] as number) ^ same
    }
    return 32 * index + 31 - Math.clz32(differing & -differing)
  }
}

function bitCount(word: number): number {
  let bits = word - ((word >>> 1) & 0x5555_5555)
  bits = (bits & 0x3333_3333) + ((bits >>> 2) & 0x3333_3333)
  return Math.imul((bits + (bits >>> 4)) & 0x0f0f_0f0f, 0x0101_0101) >>> 24
}
