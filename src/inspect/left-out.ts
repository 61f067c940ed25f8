/** Whether a copy of the entries of a log is all that its owner needs. Pure. */

import type { Assessment } from '../log/assess.ts'
import { entryOfNewest } from '../log/recover.ts'
import { holdsAll } from '../log/snapshot/find-state.ts'
import { OWN_PART_PREFIX } from '../log/snapshot/saved-state.ts'

/**
 * True where the log has a saved state, and segments that led to it have left the log: their control records
 * stand nowhere any more, so that the entries that are left do not give that state.
 */
export function leavesStateOut({ map, newest, snapshots, survey }: Assessment): boolean {
  const isSaved = survey.indexes.some(
    ({ index }) =>
      index.snapshots[0] !== 0 || index.parts.some(({ name }) => !name.startsWith(OWN_PART_PREFIX)),
  )
  if (!isSaved && snapshots[0] === 0) return false
  const entries = newest ? [...map, entryOfNewest(newest)] : map
  return entries.length === 0 || !holdsAll(entries)
}
