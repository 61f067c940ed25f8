/**
 * Which parts of a state a snapshot in the log has to write, and which it names where they stand. Decides;
 * snapshots.ts writes.
 */
import type { Lsn } from '../seam.ts'
import type { LogSnapshot, PartPlace } from './saved-state.ts'

/** The state that is being saved. */
export interface NextState {
  readonly state: Map<string, PartPlace>
  /** Every part is written anew. */
  readonly isWhole: boolean
  /** Parts that have been written into the log for it. */
  readonly written: Set<string>
  isSpilled: boolean
}

export interface DueParts {
  /** Parts that have to be written. */
  readonly due: readonly string[]
  /** Parts of which the other block is named. */
  readonly swapped: readonly string[]
}

/**
 * What stands nowhere in the log is due, and what stands below `oldLsn`. One damaged block must not cost both
 * snapshots: a part that did not change has two blocks, and the newest two of `named` name them in turn. Where
 * one block is enough `named` is empty.
 */
export function duePartsOf(
  { state, isWhole, written }: NextState,
  oldLsn: Lsn,
  named: readonly LogSnapshot[],
): DueParts {
  const [newest, older] = named.map(blocksOf)
  const due: string[] = []
  const swapped: string[] = []
  for (const [name, { blockLsn = 0, otherLsn = 0 }] of state) {
    if (written.has(name)) continue
    const isTaken = newest?.has(blockLsn) === true
    const lsn = isTaken ? otherLsn : blockLsn
    // Only what the one in front of the newest names is known to be there still.
    const isThere = lsn > 0 && lsn >= oldLsn && (!isTaken || older?.has(lsn))
    if (isWhole || !isThere) due.push(name)
    else if (isTaken) swapped.push(name)
  }
  return { due, swapped }
}

function blocksOf({ parts }: LogSnapshot): ReadonlySet<Lsn> {
  return new Set(parts.map(({ blockLsn }) => blockLsn))
}
