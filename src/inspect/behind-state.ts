/**
 * Whether what stands behind the saved state of a log can be replayed, as whoever opens a store must. Knows no
 * store: what its records say is not asked. Reads only.
 */
import { DamagedError, throwIfAborted } from '../errors.ts'
import { UnlockedView } from '../log/open-reader.ts'
import { EntryReader } from '../log/read/entry-reader.ts'
import { entryOfNewest } from '../log/recover.ts'
import { findState } from '../log/snapshot/find-state.ts'
import type { System } from '../system/system.ts'
import { lookAt } from './source.ts'

/**
 * The first damage behind the state, in words; undefined where there is none, or where the log has no state.
 * Rejects with QLOG_DAMAGED where no state can be read, QLOG_ABORTED.
 */
export async function damageBehindState(
  system: System,
  directory: string,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  const assessment = await lookAt(system, directory, signal)
  const { newest, map } = assessment
  const { places, state } = await findState(system, assessment)
  const entries = newest ? [...map, entryOfNewest(newest)] : map
  const isOwned = entries.some(({ hasControl }) => hasControl)
  if (!isOwned && !state && places[0] === 0) return undefined
  let after = 0
  for (const { at } of state?.values() ?? []) after = Math.max(after, at)
  const view = new UnlockedView(system, directory)
  await view.look()
  try {
    const range = { after, ...(signal && { signal }) }
    for await (const _ of new EntryReader(system, view, range, view.epoch)) throwIfAborted(signal)
  } catch (error) {
    if (error instanceof DamagedError) return error.message
    throw error
  }
  return undefined
}
