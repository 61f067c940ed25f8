/**
 * A copy of a log while its writer goes on, consistent at a stated id. In this order:
 *
 *     1. a pin is bound: files that retire from here on are not used again
 *     2. the directory is judged, and every file of its map opened: what retires stays readable
 *     3. full segments are copied byte for byte, the newest one up to D; never linked
 *     4. a segment of the copy's own: LINK with the cut at D, the map and the places of snapshots; an index
 *        file with the owner's state, where the index of the original has it
 *     5. everything is flushed, verified as a whole log, and only then gets its name
 *
 * Cut off anywhere it leaves `TARGET.partial`, which no command takes for a log's copy. The old directory
 * gets the socket of the pin and nothing else.
 */
import {
  DamagedError,
  isUnreadError,
  QlogError,
  systemErrorCode,
  throwIfAborted,
} from '../errors.ts'
import { segmentFileName } from '../format/layout.ts'
import type { MapEntry, SnapshotPlaces } from '../format/link.ts'
import type { SnapshotPart } from '../format/snapshot.ts'
import { type Assessment, lostSegments } from '../log/assess.ts'
import { runAll } from '../log/io-errors.ts'
import type { NewestSegment } from '../log/newest-segment.ts'
import { describeGap } from '../log/open.ts'
import { bindPin } from '../log/pins.ts'
import { entryOfNewest } from '../log/recover.ts'
import { writeWhole } from '../log/segment-file.ts'
import { findState } from '../log/snapshot/find-state.ts'
import { OWN_PART_PREFIX } from '../log/snapshot/saved-state.ts'
import { type IndexName, SeenHeads } from '../log/survey.ts'
import type { FileHandle, SocketListener, System } from '../system/system.ts'
import { writeOwnSegment } from './backup-segment.ts'
import { damageBehindState } from './behind-state.ts'
import type { Finding } from './finding.ts'
import {
  flushName,
  makeNewDirectory,
  removeUnfinished,
  requireFree,
  trimmed,
} from './new-directory.ts'
import { DoubtfulLooks, OVERTAKEN_LOOKS_MAX, overtakenError } from './overtaken.ts'
import { asIoError, LOOKS_MAX, lockOf, lookAt, ownerState } from './source.ts'
import { type InspectOptions, verifyLog } from './verify.ts'
import type { FindingRow } from './words.ts'

const CHUNK_BYTES = 1024 * 1024
/** Damage within a full segment, whose file is there: the copy has it as the original does. */
const HANDED_ON: ReadonlySet<FindingRow> = new Set<FindingRow>(['rot-below-cut', 'header-copy'])

export type BackupOptions = InspectOptions

export interface BackupReport {
  readonly directory: string
  readonly target: string
  /** First id that the copy may hold. */
  readonly firstId: number
  /** The copy holds what was durable below this id, and every change of state up to there. */
  readonly nextId: number
  readonly segments: number
  readonly bytes: number
  /** A writer was at work meanwhile. */
  readonly live: boolean
  /** Damage of single blocks, which the copy has as the original does. */
  readonly findings: readonly Finding[]
  /**
   * Damage that keeps a store from opening the copy but with `onDamage: 'quarantine'`: it stands behind the
   * saved state, where changes of that may be lost. Absent where it opens as it is.
   */
  readonly stateDamage?: string
}

/** A file that is copied, and how much of it counts. */
interface Source {
  readonly file: string
  readonly handle: FileHandle
  readonly fileBytes: number
  /** Behind it stands nothing that belongs to the copy. */
  readonly end: number
}

/** What is copied, open. */
interface Opened {
  readonly assessment: Assessment
  readonly newest: NewestSegment
  readonly cut: MapEntry
  readonly places: SnapshotPlaces
  readonly state: readonly SnapshotPart[]
  readonly nextId: number
  readonly live: boolean
  readonly sources: readonly Source[]
}

/**
 * Copies the log in `directory` into the new directory `targetPath`. Rejects with QLOG_NOT_A_LOG,
 * QLOG_INVALID_ARGUMENT where the target holds something, QLOG_DAMAGED where segments are missing or the
 * newest one is damaged, QLOG_OVERTAKEN, QLOG_DISK_FULL, QLOG_IO, QLOG_ABORTED; then no target is left, and
 * `TARGET.partial` only where the message names it.
 */
export async function backupLog(
  system: System,
  directory: string,
  targetPath: string,
  options: BackupOptions = {},
): Promise<BackupReport> {
  const target = trimmed(targetPath)
  const isLive = ownerState(await lockOf(system, directory)).live
  await requireFree(system, target)
  const pin = await pinned(system, directory, isLive)
  let opened: Opened | undefined
  const partial = `${target}.partial`
  let isUnfinished = false
  try {
    opened = await openAll(system, directory, options.signal)
    await makeNewDirectory(system, partial)
    isUnfinished = true
    const bytes = await copyAll(system, opened, partial, options)
    await writeOwnSegment(system, partial, { ...opened, ownBase: ownBase(opened) })
    await system.files.flushDirectory(partial)
    const findings = await verified(system, partial, opened, options)
    const stateDamage = await damageBehindState(system, partial, options.signal)
    await system.files.rename(partial, target)
    isUnfinished = false
    await flushName(system, partial, target)
    const { nextId, live, sources, assessment } = opened
    const firstId = assessment.map[0]?.firstId ?? opened.cut.firstId
    const segments = sources.length + 1
    const report = { directory, target, firstId, nextId, segments, bytes, live, findings }
    return { ...report, ...(stateDamage && { stateDamage }) }
  } catch (error) {
    if (isUnfinished) await removeUnfinished(system, partial)
    throw asBackupError(error, target)
  } finally {
    await letGo(opened?.sources ?? [], pin)
  }
}

/** All of it. The copy is complete or given up by then: what closing what was only read tells changes neither. */
async function letGo(sources: readonly Source[], pin: SocketListener | undefined): Promise<void> {
  await runAll([
    ...sources.map(
      ({ handle }) =>
        () =>
          handle.close(),
    ),
    async () => pin?.close(),
  ])
}

/** A log that nobody uses may stand where nothing can be written, and then needs no pin. */
async function pinned(
  system: System,
  directory: string,
  isLive: boolean,
): Promise<SocketListener | undefined> {
  try {
    return await bindPin(system, directory)
  } catch (error) {
    const code = systemErrorCode(error)
    if (code === 'ENOENT' || code === 'ENOTDIR') {
      throw new QlogError('QLOG_NOT_A_LOG', `${directory} does not exist`, { cause: error })
    }
    if (!isLive) return undefined
    throw asIoError(error, `cannot bind a pin in ${directory}`)
  }
}

/** Looks until every file of one look is open: what retires in between makes it look again. */
async function openAll(
  system: System,
  directory: string,
  signal: AbortSignal | undefined,
): Promise<Opened> {
  const doubts = new DoubtfulLooks()
  const seenHeads = new SeenHeads()
  for (let look = 1; ; look += 1) {
    const { live } = ownerState(await lockOf(system, directory))
    const assessment = await lookAt(system, directory, signal, { seenHeads })
    const { newest } = assessment
    if (!newest) throw new QlogError('QLOG_NOT_A_LOG', `${directory} holds no segment`)
    const sources: Source[] = []
    try {
      // A writer's newest bytes may be half of a group, and its segments others by now.
      const gaps = [...assessment.newestGaps, ...assessment.mapGaps]
      const isConfirmed = doubts.confirms(gaps)
      if (live && gaps.length > 0 && !isConfirmed) {
        if (look < OVERTAKEN_LOOKS_MAX) continue
        throw overtakenError(directory)
      }
      refuseDamage(directory, assessment)
      const { places, stateIndex } = await findState(system, assessment)
      const cut = cutOf(newest, live)
      const state = stateOf(assessment, stateIndex, cut.base + cut.cut)
      const nextId = live ? newest.tail.durableNextId : newest.tail.nextId
      await openSources(system, directory, [...assessment.map, cut], sources)
      // What only the page cache may hold is durable before it is called so.
      if (!live) await sources.at(-1)?.handle.flush()
      return { assessment, newest, cut, places, state, nextId, live, sources }
    } catch (error) {
      await letGo(sources, undefined)
      if (systemErrorCode(error) !== 'ENOENT') throw error
      // It has retired since it was looked at.
      if (live && look >= OVERTAKEN_LOOKS_MAX) throw overtakenError(directory, error)
      if (!live && look >= LOOKS_MAX) throw asIoError(error, `cannot read the log ${directory}`)
    }
  }
}

/**
 * The owner's state in the index: no other file has it as Close left it, and what led to it from the snapshot
 * before may be damaged. One that is beyond the copy is of no use to it.
 */
function stateOf(
  { survey }: Assessment,
  name: IndexName | undefined,
  end: number,
): readonly SnapshotPart[] {
  const parts = survey.indexes.find((one) => one.name === name)?.index.parts ?? []
  const state = parts.filter((part) => !part.name.startsWith(OWN_PART_PREFIX))
  return state.every(({ lsn }) => lsn <= end) ? state : []
}

/** A copy must not lack what the original has lost without a word. */
function refuseDamage(directory: string, assessment: Assessment): void {
  const gaps = [...assessment.newestGaps, ...assessment.mapGaps]
  if (gaps.length === 0 && lostSegments(assessment).size === 0) return
  const words = gaps.map(describeGap).join('; ')
  throw new DamagedError(`${directory} is damaged, and a copy of it would be: ${words}`, gaps)
}

/** The newest segment as the copy's map has it: it ends for ever where everything is durable. */
function cutOf(newest: NewestSegment, live: boolean): MapEntry {
  const entry = entryOfNewest(newest)
  if (live) return entry
  const { tail, scan } = newest
  let { hasControl } = entry
  for (let row = 0; row < scan.blocks.count && scan.blocks.offset(row) < tail.end; row += 1) {
    hasControl ||= scan.blocks.hasControl(row)
  }
  return { ...entry, cut: tail.end, hasControl, endId: Math.max(entry.endId, tail.nextId) }
}

async function openSources(
  system: System,
  directory: string,
  entries: readonly MapEntry[],
  sources: Source[],
): Promise<void> {
  const last = entries.at(-1)
  for (const entry of entries) {
    const file = segmentFileName(entry.number, entry.generation)
    const handle = await system.files.open(`${directory}/${file}`, { mode: 'read' })
    const { fileBytes } = entry
    sources.push({ file, handle, fileBytes, end: entry === last ? entry.cut : fileBytes })
  }
}

/** LSNs go on behind the newest segment's whole file, as if its writer had rolled there. */
function ownBase({ assessment, cut }: Opened): number {
  return Math.max(assessment.nextBase, cut.base + cut.fileBytes)
}

async function copyAll(
  system: System,
  { sources }: Opened,
  partial: string,
  { signal, onProgress }: BackupOptions,
): Promise<number> {
  const totalBytes = sources.reduce((sum, { end }) => sum + end, 0)
  let bytes = 0
  for (const source of sources) {
    await copyOne(system, source, `${partial}/${source.file}`, (copied) => {
      throwIfAborted(signal)
      bytes += copied
      onProgress?.({ bytes, totalBytes })
    })
  }
  return bytes
}

async function copyOne(
  system: System,
  { handle: from, fileBytes, end }: Source,
  path: string,
  onCopied: (bytes: number) => void,
): Promise<void> {
  const to = await system.files.open(path, { mode: 'create' })
  try {
    const chunk = new Uint8Array(Math.min(CHUNK_BYTES, end))
    for (let at = 0; at < end; ) {
      const taken = await from.read(chunk.subarray(0, Math.min(chunk.length, end - at)), at)
      // A file that is shorter than it says is found by the verification.
      if (taken === 0) break
      await writeWhole(to, chunk.subarray(0, taken), at)
      at += taken
      onCopied(taken)
    }
    // The file has the length that its header says; nothing is ever written into the hole.
    if (end < fileBytes) await writeWhole(to, new Uint8Array(1), fileBytes - 1)
    await to.flush()
  } finally {
    await to.close()
  }
}

/**
 * The copy, read back as what it is: a log of its own. Damage in full segments is handed on, and told;
 * anything else means that the copy is not what it should be.
 */
async function verified(
  system: System,
  partial: string,
  { nextId }: Opened,
  { signal }: BackupOptions,
): Promise<readonly Finding[]> {
  const report = await verifyLog(system, partial, { ...(signal && { signal }) })
  const findings = report.findings.filter(({ level }) => level !== 'note')
  const isWhole = findings.every(({ row }) => HANDED_ON.has(row))
  if (isWhole && report.nextId === nextId && report.closed) return findings
  const words = findings.map(({ file, what }) => `${file}: ${what}`).join('; ')
  throw new QlogError(
    'QLOG_DAMAGED',
    `the copy is not whole (${words || `it ends at id ${report.nextId}`})`,
  )
}

function asBackupError(error: unknown, target: string): unknown {
  const code = systemErrorCode(error)
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new QlogError('QLOG_DISK_FULL', `no room to write ${target}`, { cause: error })
  }
  if (isUnreadError(error)) return asIoError(error, 'cannot read what is copied')
  return asIoError(error, `cannot write ${target}`)
}
