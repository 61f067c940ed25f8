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

/**
 * The parts that have to be written: those that stand nowhere in the log, or below `oldLsn`. One damaged block
 * must not cost both snapshots, so a part that did not change has two blocks, and the newest two of `inLog`
 * name them in turn; without `inLog` one is enough.
 */
export function duePartsOf(
  { state, isWhole, written }: NextState,
  oldLsn: Lsn,
  inLog: readonly LogSnapshot[],
): readonly string[] {
  const [newest, older] = inLog.map(blocksOf)
  const due: string[] = []
  for (const [name, place] of state) {
    if (written.has(name)) continue
    const { blockLsn = 0, otherLsn = 0 } = place
    const isTaken = newest?.has(blockLsn) === true
    const lsn = isTaken ? otherLsn : blockLsn
    // Only what the one in front of the newest names is known to be there still.
    const isThere = lsn > 0 && lsn >= oldLsn && (!isTaken || older?.has(lsn))
    if (isWhole || !isThere) due.push(name)
    else if (isTaken) state.set(name, { ...place, blockLsn: otherLsn, otherLsn: blockLsn })
  }
  return due
}

function blocksOf({ parts }: LogSnapshot): ReadonlySet<Lsn> {
  return new Set(parts.map(({ blockLsn }) => blockLsn))
}
