/**
 * What is known of the owner's saved state: its parts, where the bytes of each stand, and how far back
 * the log must be kept for it. Memory only.
 */
import { QlogTypeError } from '../../errors.ts'
import type { SnapshotEnd } from '../../format/snapshot.ts'
import type { Lsn } from '../seam.ts'
import type { IndexName } from '../survey.ts'

/** Parts of an index whose names begin so are the log's own, and no owner sees them. */
export const OWN_PART_PREFIX = 'log/'
/** Most bytes of a part's name. */
export const PART_NAME_BYTES_MAX = 256

/** A part in an index file, and the CRC of its bytes, since the file's own covers all of them at once. */
export interface IndexPlace {
  readonly name: IndexName
  readonly offset: number
  readonly crc: number
}

/** A part of the state: where its bytes stand, at one place at least. */
export interface PartPlace {
  readonly at: Lsn
  readonly byteLength: number
  /** LSN of the SNAPSHOT_PART block that holds them. */
  readonly blockLsn?: Lsn
  /** Another such block of the same bytes, which may have left the log since. */
  readonly otherLsn?: Lsn
  readonly indexed?: IndexPlace
  /** Given by the owner and not written anywhere yet. */
  readonly bytes?: Uint8Array
}

export type State = ReadonlyMap<string, PartPlace>

/** A complete snapshot in the log. */
export interface LogSnapshot extends SnapshotEnd {
  readonly endLsn: Lsn
}

export function assertPartName(name: string): void {
  const isOwn = name.startsWith(OWN_PART_PREFIX)
  if (name === '' || isOwn || new TextEncoder().encode(name).length > PART_NAME_BYTES_MAX) {
    throw new QlogTypeError(
      `a part's name has 1 to ${PART_NAME_BYTES_MAX} bytes and does not begin with "${OWN_PART_PREFIX}": ${JSON.stringify(name.slice(0, 80))}`,
    )
  }
}

/** Bytes of all parts. */
export function bytesOf(state: State): number {
  let bytes = 0
  for (const { byteLength } of state.values()) bytes += byteLength
  return bytes
}

/** The place with its two blocks exchanged. */
export function swappedPlace(place: PartPlace): PartPlace {
  const { blockLsn, otherLsn, ...rest } = place
  return {
    ...rest,
    ...(otherLsn !== undefined && { blockLsn: otherLsn }),
    ...(blockLsn !== undefined && { otherLsn: blockLsn }),
  }
}

/** Everything up to this LSN is in the state; an entry behind it may be in some parts already. */
export function lowestAt(state: State): Lsn {
  let lowest = Number.POSITIVE_INFINITY
  for (const { at } of state.values()) lowest = Math.min(lowest, at)
  return lowest
}

/** Entries and blocks that the snapshot needs stand at this LSN or behind it. */
export function lowestLsn({ endLsn, parts }: LogSnapshot): Lsn {
  let lowest = endLsn
  for (const { lsn, blockLsn } of parts) lowest = Math.min(lowest, lsn, blockLsn)
  return lowest
}
