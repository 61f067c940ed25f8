/** GAP: ids that were given, and whose messages are lost. */
import { FieldReader, FieldWriter } from './fields.ts'
import { GAP_BYTES } from './layout.ts'

export const GapReason = {
  ROT: 1,
  MISSING_FILE: 2,
  FOREIGN_FILE: 3,
  TRUNCATED_FILE: 4,
} as const
export type GapReason = (typeof GapReason)[keyof typeof GapReason]

const REASONS: readonly GapReason[] = Object.values(GapReason)

/** One gap: what was lost, and where it stood. */
export interface GapRecord {
  /** Of the segment that held it. */
  readonly number: number
  readonly generation: number
  readonly reason: GapReason
  /** First lost byte in that segment's file. */
  readonly offset: number
  readonly bytes: number
  /** First lost id; equal to `endId` where no message was lost. */
  readonly firstId: number
  /** One past the last lost id. */
  readonly endId: number
}

/** The body of a gap's FIELD record. */
export function encodeGap(gap: GapRecord): Uint8Array {
  if (!isGap(gap)) throw new Error(`gap in segment ${gap.number} is out of limits`)
  const writer = new FieldWriter(GAP_BYTES)
  writer.uint64(gap.number)
  writer.uint32(gap.generation)
  writer.uint32(gap.reason)
  writer.uint64(gap.offset)
  writer.uint64(gap.bytes)
  writer.uint64(gap.firstId)
  writer.uint64(gap.endId)
  return writer.finish()
}

/** A gap from the body of its FIELD record; undefined where it is malformed. */
export function decodeGap(body: Uint8Array): GapRecord | undefined {
  const reader = new FieldReader(body)
  const number = reader.uint64()
  const generation = reader.uint32()
  const reasonNumber = reader.uint32()
  const reason = REASONS.find((known) => known === reasonNumber)
  const gap = {
    number,
    generation,
    offset: reader.uint64(),
    bytes: reader.uint64(),
    firstId: reader.uint64(),
    endId: reader.uint64(),
  }
  if (!reader.complete || reason === undefined) return undefined
  const whole: GapRecord = { ...gap, reason }
  return isGap(whole) ? whole : undefined
}

function isGap(gap: GapRecord): boolean {
  return (
    gap.number >= 1 &&
    gap.firstId >= 1 &&
    gap.endId >= gap.firstId &&
    Number.isSafeInteger(gap.offset + gap.bytes)
  )
}
