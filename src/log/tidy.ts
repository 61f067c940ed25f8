/**
 * What an owner clears away when it opens: temporary files of dead openings, and segment files that no
 * map names, which go to quarantine/.
 */
import { systemErrorCode } from '../errors.ts'
import type { FileVerdict } from '../format/file-verdict.ts'
import { parseSegmentFileName } from '../format/layout.ts'
import { isRot } from '../format/verdict.ts'
import type { System } from '../system/system.ts'
import type { Assessment } from './assess.ts'
import type { OwnSegment } from './segment-file.ts'
import type { Leftover } from './space/leftovers.ts'

/** What waits for a LINK of this opening. */
export interface LeftBehind {
  /** Copies of what the map names. */
  readonly copies: readonly Leftover[]
  /** Files that may hold what nothing else does. */
  readonly doubtful: readonly string[]
}

export const QUARANTINE = 'quarantine'
/** Files of quarantine/ are deleted beyond this, lowest numbers first, but none that was just moved there. */
const QUARANTINE_BYTES_MAX = 128 * 1024 * 1024

/**
 * Sets aside what is numbered below a durable LINK and not in its map. Returns what is left of merges and
 * mendings: it goes once a LINK of this opening is durable.
 */
export async function tidy(
  system: System,
  directory: string,
  assessment: Assessment,
  recovered: OwnSegment | undefined,
): Promise<LeftBehind> {
  await removeTemporaryFiles(system, directory, assessment.survey.names)
  const files = unnamedFiles(assessment, recovered)
  const merged = files.filter(({ file }) => isMerged(file))
  const copies = merged.filter(({ file }) => isCopy(file, assessment)).map(({ file }) => file)
  const doubtful = merged.map(({ file }) => file).filter((file) => !copies.includes(file))
  const others = files.filter((file) => !merged.includes(file))
  // What was made ahead and never written holds nothing to look into: it only takes space.
  const isUnused = ({ row }: FileVerdict): boolean => row === 'never-used'
  const kept = others.filter((file) => !isUnused(file)).map(({ file }) => file)
  if (recovered) {
    const unused = others.filter(isUnused).map(({ file }) => file)
    for (const name of [...unused, ...copies]) await unlinkIfThere(system, `${directory}/${name}`)
    await quarantine(system, directory, [...kept, ...doubtful])
    return { copies: [], doubtful: [] }
  }
  // A map that only the page cache may hold can be undone by a power cut, and then the one before
  // names these files: they stay until a later opening finds it durable.
  const tail = assessment.newest?.tail
  if (!tail || tail.durable > tail.mapOffset) await quarantine(system, directory, kept)
  // An owner that was taken over while it waited for the map of its merge may still make that durable, in the
  // segment that is the newest until this opening cuts it off; then the copy alone has what it holds.
  const bytesOf = new Map(assessment.survey.heads.map((head) => [head.file, head.actualBytes]))
  return { copies: copies.map((file) => ({ file, bytes: bytesOf.get(file) ?? 0 })), doubtful }
}

/** What is numbered below a durable LINK and stands in no map. */
function unnamedFiles(
  { map, files, newest }: Assessment,
  recovered: OwnSegment | undefined,
): FileVerdict[] {
  const mapped = new Set(map.map((entry) => entry.number))
  const end = recovered?.number ?? newest?.head.number ?? 0
  return files.filter(({ row, file }) => {
    const number = numberOf(file)
    if (mapped.has(number) && isRot(row)) return false
    const isUnnamed = row === 'rubbish' || (recovered !== undefined && !isRot(row))
    return isUnnamed && number < end
  })
}

/**
 * Whether all that a file of a merge or a mending holds stands in segments that are named and there. Where the
 * map that named it is lost, an older one names segments that gave way to it, or none in its place: then nothing
 * else may hold its messages.
 */
function isCopy(file: string, { survey, map, newest, mapGaps, newestGaps }: Assessment): boolean {
  if (mapGaps.length + newestGaps.length > 0) return false
  const number = numberOf(file)
  // A mended copy of the newest has its salts; a merged file of that number holds later messages, too.
  const [copy, own] = [survey.heads.find((head) => head.file === file)?.header, newest?.head.header]
  if (copy && copy.salt1 === own?.salt1 && copy.salt2 === own.salt2) return true
  return map.some((entry) => entry.number <= number && number <= entry.coversTo)
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
  await boundQuarantine(system, room, new Set(names))
}

async function boundQuarantine(
  system: System,
  room: string,
  justMoved: ReadonlySet<string>,
): Promise<void> {
  const sizeOf = async (name: string) => (await system.files.stat(`${room}/${name}`)).size
  const before: string[] = []
  let bytes = 0
  for (const name of await system.files.list(room)) {
    if (justMoved.has(name)) bytes += await sizeOf(name)
    else before.push(name)
  }
  for (const name of before.sort().reverse()) {
    bytes += await sizeOf(name)
    if (bytes > QUARANTINE_BYTES_MAX) await unlinkIfThere(system, `${room}/${name}`)
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

function numberOf(file: string): number {
  return parseSegmentFileName(file)?.number ?? 0
}

function isMerged(file: string): boolean {
  return (parseSegmentFileName(file)?.generation ?? 0) > 0
}
