/**
 * The members of a set of offsets within one span of 65,536, counted from the span's start: a list of
 * ranges while they are few, else a bitmap. Pure memory.
 */
import { CHUNK_OFFSETS } from './chunk-size.ts'
import { BITMAP_BYTES, OffsetBitmap } from './offset-bitmap.ts'
import { RangeList } from './range-list.ts'
import { ByteReader, ByteWriter } from './varint.ts'

/** From here on the list would take more memory than the bitmap: 16 bytes a range. */
const RANGES_MAX = BITMAP_BYTES / 16
/** With fewer members or fewer holes than this a bitmap becomes a list again; far below the above. */
const LIST_AGAIN = 128

/** How the bytes of a chunk hold its members. */
const AS_RANGES = 0
const AS_BITMAP = 1

export class OffsetChunk {
  /** Which span of offsets this is. */
  readonly number: number
  /** How many members there are. */
  count = 0
  #members: RangeList | OffsetBitmap = new RangeList()

  constructor(number: number) {
    this.number = number
  }

  has(value: number): boolean {
    return this.#members.has(value)
  }

  /** Adds [first, end) and returns how many of them were not in. */
  add(first: number, end: number): number {
    const added = this.#members.add(first, end)
    this.count += added
    this.#chooseForm()
    return added
  }

  /** Removes [first, end) and returns how many of them were in. */
  remove(first: number, end: number): number {
    const removed = this.#members.remove(first, end)
    this.count -= removed
    this.#chooseForm()
    return removed
  }

  /** The first value from `from` on that is not in; 65,536 if none. */
  nextAbsent(from: number): number {
    return this.#members.nextAbsent(from)
  }

  /** The first value from `from` on that is in; -1 if none. */
  nextPresent(from: number): number {
    return this.#members.nextPresent(from)
  }

  clone(): OffsetChunk {
    return this.cloneAs(this.number)
  }

  /** The same members for another span. */
  cloneAs(number: number): OffsetChunk {
    const copy = new OffsetChunk(number)
    copy.count = this.count
    copy.#members = this.#members.clone()
    return copy
  }

  /** The members as bytes: the same members give the same bytes, whatever their history. */
  encode(): Uint8Array {
    const writer = new ByteWriter()
    writer.byte(AS_RANGES)
    let at = 0
    for (let first = this.nextPresent(0); first >= 0; first = this.nextPresent(at)) {
      const end = this.nextAbsent(first)
      writer.varint(first - at)
      writer.varint(end - first)
      if (writer.length > BITMAP_BYTES) return this.#encodeBitmap()
      at = end
    }
    return writer.finish()
  }

  /** Takes the members from bytes; false where these are malformed or hold none. */
  load(bytes: Uint8Array): boolean {
    const reader = new ByteReader(bytes)
    const form = reader.byte()
    if (form === AS_RANGES) return this.#loadRanges(reader)
    if (form !== AS_BITMAP || reader.rest !== BITMAP_BYTES) return false
    const bitmap = new OffsetBitmap()
    this.count = bitmap.load(reader.bytes(BITMAP_BYTES))
    this.#members = bitmap
    this.#chooseForm()
    return this.count > 0
  }

  #encodeBitmap(): Uint8Array {
    const encoded = new Uint8Array(1 + BITMAP_BYTES)
    encoded[0] = AS_BITMAP
    const members = this.#members
    if (members instanceof OffsetBitmap) members.encodeInto(encoded, 1)
    else toBitmap(members).encodeInto(encoded, 1)
    return encoded
  }

  #loadRanges(reader: ByteReader): boolean {
    let at = 0
    while (reader.rest > 0) {
      const gap = reader.varint()
      const length = reader.varint()
      if (reader.failed || length === 0 || (gap === 0 && at > 0)) return false
      const first = at + gap
      at = first + length
      if (at > CHUNK_OFFSETS) return false
      this.add(first, at)
    }
    return this.count > 0
  }

  #chooseForm(): void {
    const members = this.#members
    if (members instanceof RangeList) {
      if (members.ranges > RANGES_MAX) this.#members = toBitmap(members)
    } else if (this.count < LIST_AGAIN || this.count > CHUNK_OFFSETS - LIST_AGAIN) {
      this.#members = toRanges(members)
    }
  }
}

function toBitmap(members: RangeList): OffsetBitmap {
  const bitmap = new OffsetBitmap()
  let end = 0
  for (let first = members.nextPresent(0); first >= 0; first = members.nextPresent(end)) {
    end = members.nextAbsent(first)
    bitmap.add(first, end)
  }
  return bitmap
}

function toRanges(members: OffsetBitmap): RangeList {
  const ranges = new RangeList()
  let end = 0
  for (let first = members.nextPresent(0); first >= 0; first = members.nextPresent(end)) {
    end = members.nextAbsent(first)
    ranges.add(first, end)
  }
  return ranges
}
