/**
 * The verdicts said a second time, slowly: from slots instead of columns, by looking at every word of
 * eight bytes. Shares nothing with src/format/verdict.ts but the names in its answer.
 */
import type { SingleBit } from '../../src/format/evidence.ts'
import { BlockType } from '../../src/format/layout.ts'
import type { RegionVerdict, TailVerdict, VerdictRow } from '../../src/format/verdict.ts'
import { FILE_BYTES, FIRST_BLOCK, readableSlots, type Segment, type Slot } from './verdict-model.ts'

export interface OracleInput {
  readonly segment: Segment
  readonly mode: 'always' | 'interval' | 'never'
  readonly inFlightBytesMax: number
  readonly claim: number
  readonly nextIdClaim: number
  readonly singleBit?: SingleBit | undefined
}

interface Run {
  readonly start: number
  readonly end: number
}

export function oracleTail(input: OracleInput): TailVerdict {
  const { segment, claim, nextIdClaim, singleBit } = input
  const valid = readableSlots(segment).filter((slot) => slot.state === 'valid')
  const lastEnd = valid.at(-1)?.end ?? FIRST_BLOCK
  const claimed = Math.max(FIRST_BLOCK, claim, ...valid.map((slot) => slot.claim))
  let durable = claimed
  if (input.mode === 'always') durable = beyondFlight(valid, input.inFlightBytesMax, claimed)
  if (singleBit) durable = Math.max(durable, endOfMendedGroup(valid, singleBit))

  const short = segment.actualBytes < FILE_BYTES
  const regions = rotBelow(segment, valid, durable, claimed, nextIdClaim, singleBit)
  const lostEnd = Math.max(0, ...regions.map((region) => region.endId))
  const below = valid.filter((slot) => slot.offset < durable)
  const known = Math.max(segment.nextIdAtStart, lostEnd, ...below.map((slot) => slot.endId))
  const durableNextId = durable === claimed ? Math.max(known, nextIdClaim) : known

  const above = wholeGroupsFrom(valid, durable)
  const end = above.at(-1)?.end ?? durable
  const nextId = Math.max(durableNextId, ...above.map((slot) => slot.endId))
  if (short) {
    const bytes = FILE_BYTES - segment.actualBytes
    const endId = Math.max(nextId, nextIdClaim)
    regions.push({
      row: 'rot-short-file',
      offset: segment.actualBytes,
      bytes,
      firstId: nextId,
      endId,
    })
  }
  const row = endRow(segment, valid, durable, end)
  const bytes = Math.max(0, Math.min(segment.actualBytes, FILE_BYTES) - end)
  regions.push({ row, offset: end, bytes, firstId: nextId, endId: nextId })

  const lastBlock = valid.find((slot) => slot.end === end)
  const maps = valid.filter((slot) => slot.end <= end && slot.type === BlockType.MAP)
  const ask = singleBit ? undefined : question(segment, valid, durable, lastEnd)
  return {
    durable,
    end,
    copy: { offset: durable, end },
    nextId: short ? Math.max(nextId, nextIdClaim) : nextId,
    durableNextId,
    clean: lastBlock?.type === BlockType.CLEAN && row === 'clean-end' && !short,
    regions,
    mapOffset: maps.at(-1)?.offset ?? FIRST_BLOCK,
    ...(ask && { askSingleBit: ask }),
  }
}

/** Rot of a segment with a successor: every uncovered run below the cut. */
export function oracleSealed(segment: Segment, cut: number, endId: number): RegionVerdict[] {
  const valid = readableSlots(segment).filter((slot) => slot.state === 'valid')
  const short = segment.actualBytes < FILE_BYTES
  const found = uncoveredRuns(valid, FIRST_BLOCK, cut).map(({ start, end }): RegionVerdict => {
    const row = short && end === cut ? 'rot-short-file' : 'rot-below-cut'
    const firstId = idBefore(segment, valid, start)
    const follower = valid.find((slot) => slot.offset === end && end < cut)
    return { row, offset: start, bytes: end - start, firstId, endId: follower?.firstId ?? endId }
  })
  if (short && !found.some((region) => region.row === 'rot-short-file')) {
    const bytes = FILE_BYTES - segment.actualBytes
    const ids = { firstId: endId, endId }
    found.push({ row: 'rot-short-file', offset: segment.actualBytes, bytes, ...ids })
  }
  return found
}

/** Maximal runs of words in [from, to) that no valid block covers. */
export function uncoveredRuns(valid: readonly Slot[], from: number, to: number): Run[] {
  const runs: Run[] = []
  for (let word = from; word < to; word += 8) {
    if (valid.some((slot) => slot.offset <= word && word < slot.end)) continue
    const last = runs.at(-1)
    if (last && last.end === word) runs[runs.length - 1] = { start: last.start, end: word + 8 }
    else runs.push({ start: word, end: word + 8 })
  }
  return runs
}

/** The slots of the groups that follow each other whole from `from` on. */
export function wholeGroupsFrom(valid: readonly Slot[], from: number): Slot[] {
  const whole: Slot[] = []
  for (let start = from; ; ) {
    const group: Slot[] = []
    let at = start
    for (;;) {
      const next = valid.find((slot) => slot.offset === at && slot.group === start)
      if (!next) return whole
      group.push(next)
      at = next.end
      if (next.endsGroup) break
    }
    whole.push(...group)
    start = at
  }
}

function beyondFlight(valid: readonly Slot[], limit: number, claimed: number): number {
  const last = valid.at(-1)
  if (!last) return claimed
  const torn = wholeGroupsFrom(valid, claimed).at(-1)?.end ?? claimed
  // The group that the log would end in front of: was it too far away to be under way still?
  if (last.end - torn <= limit || last.group <= torn) return claimed
  const places = valid.flatMap((slot) => (slot.endsGroup ? [slot.group, slot.end] : [slot.group]))
  return Math.min(
    ...places.filter((place) => place > torn && (last.end - place <= limit || place >= last.group)),
  )
}

function endOfMendedGroup(valid: readonly Slot[], mended: SingleBit): number {
  const { offset, firstId, endId, endsGroup, groupOffset } = mended
  const end = offset + mended.length
  const type = BlockType.DATA
  const block = { offset, end, group: groupOffset, endsGroup, type, firstId, endId } as const
  const all = [...valid, { ...block, claim: FIRST_BLOCK, state: 'valid' } as const]
  const group = wholeGroupsFrom(all, groupOffset).filter((slot) => slot.group === groupOffset)
  return group.some((slot) => slot.offset === offset) ? (group.at(-1)?.end ?? 0) : 0
}

function rotBelow(
  segment: Segment,
  valid: readonly Slot[],
  durable: number,
  claimed: number,
  nextIdClaim: number,
  singleBit: SingleBit | undefined,
): RegionVerdict[] {
  return uncoveredRuns(valid, FIRST_BLOCK, durable).map(({ start, end }) => {
    let row: VerdictRow = 'rot-below-d'
    if (start >= claimed) row = start === singleBit?.offset ? 'rot-single-bit' : 'rot-in-flight'
    const firstId = idBefore(segment, valid, start)
    let endId = Math.max(firstId, valid.find((slot) => slot.offset >= end)?.firstId ?? 0)
    // Nothing valid is left below D: whoever knows of more ids counts.
    if (end === durable) endId = Math.max(endId, nextIdClaim, singleBit?.endId ?? 0)
    return { row, offset: start, bytes: end - start, firstId, endId }
  })
}

function idBefore(segment: Segment, valid: readonly Slot[], offset: number): number {
  const before = valid.filter((slot) => slot.end <= offset)
  return before.at(-1)?.endId ?? segment.nextIdAtStart
}

function endRow(
  segment: Segment,
  valid: readonly Slot[],
  durable: number,
  end: number,
): VerdictRow {
  const lastEnd = valid.at(-1)?.end ?? FIRST_BLOCK
  if (uncoveredRuns(valid, durable, lastEnd).length > 0) return 'hole-above-d'
  if (lastEnd > end) return 'partial-group'
  const behind = segment.slots.filter(
    (slot) => slot.end > end && slot.offset < segment.actualBytes && slot.state !== 'zero',
  )
  return behind.length > 0 ? 'torn-tail' : 'clean-end'
}

/** The one invalid region from D on, if there is just one. */
function question(
  segment: Segment,
  valid: readonly Slot[],
  durable: number,
  lastEnd: number,
): { offset: number; end: number } | undefined {
  const fileEnd = Math.min(segment.actualBytes, FILE_BYTES)
  const garbage = segment.slots.filter(
    (slot) => slot.state !== 'zero' && slot.offset < fileEnd && !valid.includes(slot),
  )
  const holes = uncoveredRuns(valid, durable, lastEnd)
  const behind = garbage.some((slot) => slot.end > Math.max(durable, lastEnd))
  if (holes.length + (behind ? 1 : 0) !== 1) return undefined
  const [hole] = holes
  if (hole) return { offset: hole.start, end: hole.end }
  return { offset: Math.max(durable, lastEnd), end: fileEnd }
}
