/** Offsets of messages as ranges, and how a record has them. Pure memory. */
import type { ByteReader, ByteWriter } from '../containers/varint.ts'

/** Pairs [first, end) in one flat array, rising and apart. */
export type OffsetRanges = readonly number[]

/** All ranges of a record together: they are made of lists, and no list is longer. */
export const RANGE_OFFSETS_MAX = 2 ** 32

export function writeRanges(writer: ByteWriter, ranges: OffsetRanges): void {
  writer.varint(ranges.length / 2)
  let before = 0
  for (let i = 0; i < ranges.length; i += 2) {
    const first = ranges[i] ?? 0
    const end = ranges[i + 1] ?? 0
    if (first < before || end <= first) throw new Error('ranges must rise and hold something')
    writer.varint(first - before)
    writer.varint(end - first)
    before = end
  }
}

export function readRanges(reader: ByteReader): OffsetRanges {
  const count = reader.varint()
  const ranges: number[] = []
  let before = 0
  let offsets = 0
  for (let i = 0; i < count && !reader.failed; i++) {
    const first = before + reader.varint()
    const length = reader.varint()
    before = first + length
    offsets += length
    reader.require(length > 0 && offsets <= RANGE_OFFSETS_MAX && Number.isSafeInteger(before))
    ranges.push(first, before)
  }
  return ranges
}

/** The ranges that hold these offsets, which need not be in order; an offset may come twice. */
export function rangesOf(offsets: readonly number[]): OffsetRanges {
  let isSorted = true
  for (let i = 1; i < offsets.length && isSorted; i++) {
    isSorted = (offsets[i] ?? 0) >= (offsets[i - 1] ?? 0)
  }
  const sorted = isSorted ? offsets : [...offsets].sort((a, b) => a - b)
  const ranges: number[] = []
  let first = sorted[0] ?? 0
  let end = first
  for (const offset of sorted) {
    if (offset > end) {
      ranges.push(first, end)
      first = offset
    }
    end = offset + 1
  }
  if (end > first) ranges.push(first, end)
  return ranges
}
