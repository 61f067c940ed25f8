/** Ranges of offsets, pairs [first, end) in one flat array, and what they hold. Pure memory. */
import type { OffsetSet } from '../containers/offset-set.ts'
import type { OffsetRanges } from '../records/offset-ranges.ts'

/** Calls back with each of the pairs. */
export function forEachRange(
  ranges: OffsetRanges,
  callback: (first: number, end: number) => void,
): void {
  for (let i = 0; i < ranges.length; i += 2) callback(ranges[i] ?? 0, ranges[i + 1] ?? 0)
}

/** Offsets in all of them together. */
export function lengthOf(ranges: OffsetRanges): number {
  let sum = 0
  for (let i = 0; i < ranges.length; i += 2) sum += (ranges[i + 1] ?? 0) - (ranges[i] ?? 0)
  return sum
}

/** What of [first, end) is not in the set. */
export function absentRanges(set: OffsetSet, first: number, end: number): number[] {
  const ranges: number[] = []
  for (let from = set.nextAbsent(first); from < end; ) {
    const to = nextPresentOr(set, from, end)
    ranges.push(from, to)
    from = set.nextAbsent(to)
  }
  return ranges
}

/** The first offset from `from` on that is in the set; `end` where none is. */
export function nextPresentOr(set: OffsetSet, from: number, end: number): number {
  if (from >= end) return end
  const next = set.nextPresent(from, end)
  return next < 0 ? end : next
}
