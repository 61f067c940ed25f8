/**
 * What an owner clears away when it opens: temporary files of dead openings, and segment files that no
 * map names, which go to quarantine/.
 */
import { systemErrorCode } from '../errors.ts'
import { parseSegmentFileName } from '../format/layout.ts'
import { isRot } from '../format/verdict.ts'
import type { System } from '../system/system.ts'
import type { Assessment } from './assess.ts'
import type { OwnSegment } from './segment-file.ts'
import type { Leftover } from './space/leftovers.ts'

export const QUARANTINE = 'quarantine'
/** The oldest files of quarantine/ are deleted beyond this. */
const QUARANTINE_BYTES_MAX = 128 * 1024 * 1024

/**
 * Sets aside what is numbered below a durable LINK and not in its map. Returns the files that go once a LINK of
 * this opening is durable.
 */
export async function tidy(
  system: System,
  directory: string,
  assessment: Assessment,
  recovered: OwnSegment | undefined,
): Promise<readonly Leftover[]> {
  await removeTemporaryFiles(system, directory, assessment.survey.names)
  const mapped = new Set(assessment.map.map((entry) => entry.number))
  const files = assessment.files
    .filter(({ row, file }) => {
      const number = parseSegmentFileName(file)?.number ?? 0
      if (mapped.has(number) && isRot(row)) return false
      return row === 'rubbish' || (recovered !== undefined && !isRot(row))
    })
    .filter(({ row, file }) => {
      const number = parseSegmentFileName(file)?.number ?? 0
      const newest = recovered?.number ?? assessment.newest?.head.number ?? 0
      return row !== 'rot-missing' && number < newest
    })
  // What was made ahead and never written holds nothing to look into: it only takes space.
  // What merging or mending made and no map names is a copy: the segments it was made of, or of it, are named.
  const unused = files.filter(({ row, file }) => row === 'never-used' || isMerged(file))
  const kept = files.filter((file) => !unused.includes(file)).map(({ file }) => file)
  const names = unused.map(({ file }) => file)
  if (recovered) {
    for (const name of names) await unlinkIfThere(system, `${directory}/${name}`)
    await quarantine(system, directory, kept)
    return []
  }
  // A map that only the page cache may hold can be undone by a power cut, and then the one before
  // names these files: they stay until a later opening finds it durable.
  const tail = assessment.newest?.tail
  if (!tail || tail.durable > tail.mapOffset) await quarantine(system, directory, kept)
  // An owner that was taken over while it waited for the map of its merge may still make that durable, in the
  // segment that is the newest until this opening cuts it off; then the copy alone has what it holds.
  const bytesOf = new Map(assessment.survey.heads.map((head) => [head.file, head.actualBytes]))
  return names.map((file) => ({ file, bytes: bytesOf.get(file) ?? 0 }))
}

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

function isMerged(file: string): boolean {
  return (parseSegmentFileName(file)?.generation ?? 0) > 0
}
