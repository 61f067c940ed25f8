/**
 * What an owner clears away when it opens: temporary files of dead openings, and segment files that no
 * map names, which go to quarantine/. Only names that nothing will ever use again.
 */
import { systemErrorCode } from '../errors.ts'
import type { System } from '../system/system.ts'

export const QUARANTINE = 'quarantine'
/** The oldest files of quarantine/ are deleted beyond this. */
const QUARANTINE_BYTES_MAX = 128 * 1024 * 1024

/**
 * Removes `segment-*.tmp`, `index.*.tmp` and spares, which only the opening that made them may use;
 * LOCK's own are the lock's business, and what is kept for a full disk stays until it is kept anew.
 */
export async function removeTemporaryFiles(
  system: System,
  directory: string,
  names: readonly string[],
): Promise<void> {
  for (const name of names) {
    if (!/^((segment-.*|index\.[ab])\.tmp|spare-.*)$/.test(name)) continue
    await unlinkIfThere(system, `${directory}/${name}`)
  }
}

/** Moves files into quarantine/, which stays within its bound. */
export async function quarantine(
  system: System,
  directory: string,
  names: readonly string[],
): Promise<void> {
  if (names.length === 0) return
  const room = `${directory}/${QUARANTINE}`
  await system.files.makeDirectory(room).catch((error: unknown) => {
    if (systemErrorCode(error) !== 'EEXIST') throw error
  })
  for (const name of names) {
    await system.files.rename(`${directory}/${name}`, `${room}/${name}`).catch((error: unknown) => {
      if (systemErrorCode(error) !== 'ENOENT') throw error
    })
  }
  await boundQuarantine(system, room)
}

async function boundQuarantine(system: System, room: string): Promise<void> {
  let bytes = 0
  for (const name of (await system.files.list(room)).sort().reverse()) {
    const path = `${room}/${name}`
    bytes += (await system.files.stat(path)).size
    if (bytes > QUARANTINE_BYTES_MAX) await unlinkIfThere(system, path)
  }
}

/** The same for files that are in nobody's way: one that stays is cleared away by a later opening. */
export async function removeQuietly(system: System, path: string): Promise<boolean> {
  return unlinkIfThere(system, path).then(
    () => true,
    () => false,
  )
}

export async function unlinkIfThere(system: System, path: string): Promise<void> {
  try {
    await system.files.unlink(path)
  } catch (error) {
    if (systemErrorCode(error) !== 'ENOENT') throw error
  }
}
