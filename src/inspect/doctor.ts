/**
 * What a file system and its disk can promise, found out by looking and by probing. Makes small
 * files named doctor-<random>.tmp in the directory, through the `System` it is given, and removes
 * them; changes nothing else. A name that ends in .tmp is rubbish to every log, should it remain.
 */
import { QlogError, systemErrorCode } from '../errors.ts'
import type { System } from '../system/system.ts'
import { probeFlushes } from './doctor-flushes.ts'
import type { Level } from './file-systems.ts'
import { factsOfFileSystem } from './file-systems.ts'

/** One thing that was looked at. */
export interface DoctorCheck {
  readonly check: 'fileSystem' | 'sockets' | 'link' | 'directorySync' | 'flush' | 'space'
  /** ok: as it should be; note: worth knowing; problem: a promise cannot be kept here. */
  readonly level: Level
  /** For an operator, in whole sentences. */
  readonly sentence: string
  /** What was measured, by name with its unit. */
  readonly figures?: Readonly<Record<string, number | string>>
}

export interface DoctorReport {
  readonly directory: string
  /** The worst level of all checks. */
  readonly level: Level
  readonly checks: readonly DoctorCheck[]
}

/** Room for a few segments of full size; below it an append under load may find the disk full. */
const FREE_BYTES_COMFORTABLE = 512 * 1024 * 1024
/** Not even a first segment with its successor would be safe to make. */
const FREE_BYTES_MIN = 1024 * 1024

export interface DoctorOptions {
  readonly signal?: AbortSignal
}

/**
 * Examines an existing directory that holds, or will hold, a log. Rejects with
 * QLOG_INVALID_ARGUMENT where there is none; whatever else goes wrong is a finding in the report.
 */
export async function examine(
  system: System,
  directory: string,
  options: DoctorOptions = {},
): Promise<DoctorReport> {
  const { signal } = options
  await requireDirectory(system, directory)
  const { type, freeBytes, totalBytes } = await system.files.space(directory)
  const facts = factsOfFileSystem(type)
  const checks: DoctorCheck[] = [
    {
      check: 'fileSystem',
      level: facts.level,
      sentence: `${facts.name}. ${facts.sentence}`,
      figures: { name: facts.name, type },
    },
  ]
  checks.push(await guarded('sockets', () => probeSockets(system, directory)))
  checks.push(await guarded('link', () => probeLink(system, directory)))
  checks.push(await guarded('directorySync', () => probeDirectorySync(system, directory)))
  checks.push(
    await guarded('flush', () =>
      withProbes(system, directory, (newPath) => {
        const probe = { system, path: newPath(), inMemory: facts.inMemory }
        return probeFlushes(signal === undefined ? probe : { ...probe, signal })
      }),
    ),
  )
  checks.push(judgeSpace(freeBytes, totalBytes))
  return { directory, level: worstOf(checks), checks }
}

async function requireDirectory(system: System, directory: string): Promise<void> {
  const remedy = 'name the existing directory that holds the log or will hold it'
  const kind = await system.files.stat(directory).then(
    (stat) => stat.kind,
    (error: unknown) => {
      if (systemErrorCode(error) === 'ENOENT') return undefined
      throw new QlogError('QLOG_IO', `cannot look at ${directory}`, { cause: error })
    },
  )
  if (kind === 'directory') return
  const what = kind === undefined ? 'does not exist' : 'is not a directory'
  throw new QlogError('QLOG_INVALID_ARGUMENT', `${directory} ${what}: ${remedy}`)
}

/** A probe that the system refuses is a finding, not a failure of the doctor. */
async function guarded(
  check: DoctorCheck['check'],
  probe: () => Promise<DoctorCheck>,
): Promise<DoctorCheck> {
  try {
    return await probe()
  } catch (error) {
    if (error instanceof QlogError && error.code === 'QLOG_ABORTED') throw error
    const cause = error instanceof Error ? error.message : String(error)
    const sentence = `${PROBE_MEANINGS[check]} could not be tried: ${cause}.`
    return { check, level: 'problem', sentence }
  }
}

const PROBE_MEANINGS: Readonly<Record<DoctorCheck['check'], string>> = {
  fileSystem: 'The kind of file system',
  sockets: 'A unix socket (the lock)',
  link: 'A hard link (how a segment gets its name)',
  directorySync: 'Making a directory entry durable',
  flush: 'A durable write',
  space: 'The free space',
}

/** A listener's socket must show that it lives, and afterwards that it is dead. */
function probeSockets(system: System, directory: string): Promise<DoctorCheck> {
  return withProbes(system, directory, async (newPath) => {
    const bound = newPath()
    const moved = newPath()
    const listener = await system.sockets.listen(bound)
    let alive: string
    try {
      // Closing removes the socket by the name it was bound to; under another name it stays, as
      // the socket of an owner that was killed does.
      await system.files.rename(bound, moved)
      alive = (await system.sockets.probe(moved)).state
    } finally {
      await listener.close()
    }
    const dead = (await system.sockets.probe(moved)).state
    if (alive === 'alive' && dead === 'refused') {
      return {
        check: 'sockets',
        level: 'ok',
        sentence: 'Unix sockets work here: the lock tells a living writer from a dead one.',
      }
    }
    return {
      check: 'sockets',
      level: 'problem',
      sentence: `Unix sockets do not behave here (a living one looked ${alive}, a dead one ${dead}): the lock cannot tell whether another writer lives, so opening may be refused after a crash.`,
    }
  })
}

function probeLink(system: System, directory: string): Promise<DoctorCheck> {
  return withProbes(system, directory, async (newPath) => {
    const { files } = system
    const first = newPath()
    const second = newPath()
    const third = newPath()
    await (await files.open(first, { mode: 'create' })).close()
    await (await files.open(second, { mode: 'create' })).close()
    await files.link(first, third)
    const linked = await files.stat(third)
    const original = await files.stat(first)
    const replaced = await files.link(first, second).then(
      () => 'replaced it',
      (error: unknown) => systemErrorCode(error),
    )
    if (linked.inode === original.inode && linked.linkCount === 2 && replaced === 'EEXIST') {
      return {
        check: 'link',
        level: 'ok',
        sentence: 'link() works and refuses to replace a file: no segment can be overwritten.',
      }
    }
    return {
      check: 'link',
      level: 'problem',
      sentence: `Hard links do not behave here (over an existing file: ${replaced}; link count ${linked.linkCount} instead of 2): two writers could overwrite each other's segments.`,
    }
  })
}

function probeDirectorySync(system: System, directory: string): Promise<DoctorCheck> {
  return withProbes(system, directory, async (newPath) => {
    await (await system.files.open(newPath(), { mode: 'create' })).close()
    const startedMs = system.clock.monotonicMs()
    await system.files.flushDirectory(directory)
    const tookMs = system.clock.monotonicMs() - startedMs
    return {
      check: 'directorySync',
      level: 'ok',
      sentence: 'A directory can be synced: new segments keep their names after a power cut.',
      figures: { tookMs: roundTo(tookMs, 3) },
    }
  })
}

function judgeSpace(freeBytes: number, totalBytes: number): DoctorCheck {
  const figures = { freeBytes, totalBytes }
  const share = totalBytes === 0 ? 0 : Math.round((100 * freeBytes) / totalBytes)
  const free = `${roundTo(freeBytes / 1e9, 2)} GB free (${share} %)`
  if (freeBytes < FREE_BYTES_MIN) {
    return {
      check: 'space',
      level: 'problem',
      sentence: `${free}: no segment can be made.`,
      figures,
    }
  }
  if (freeBytes < FREE_BYTES_COMFORTABLE) {
    const sentence = `${free}: under load a few segments of 64 MiB are made ahead; free some space.`
    return { check: 'space', level: 'note', sentence, figures }
  }
  return { check: 'space', level: 'ok', sentence: `${free}.`, figures }
}

/** Runs a probe that may ask for names of its own, and removes what stands under them afterwards. */
async function withProbes<Result>(
  system: System,
  directory: string,
  probe: (newPath: () => string) => Promise<Result>,
): Promise<Result> {
  const paths: string[] = []
  const newPath = (): string => {
    const path = `${directory}/${probeName(system)}`
    paths.push(path)
    return path
  }
  try {
    return await probe(newPath)
  } finally {
    for (const path of paths) await removeIfThere(system, path)
  }
}

function probeName(system: System): string {
  const bytes = new Uint8Array(8)
  system.random(bytes)
  const digits = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
  return `doctor-${digits}.tmp`
}

async function removeIfThere(system: System, path: string): Promise<void> {
  try {
    await system.files.unlink(path)
  } catch (error) {
    if (systemErrorCode(error) !== 'ENOENT') throw error
  }
}

function worstOf(checks: readonly DoctorCheck[]): Level {
  if (checks.some((check) => check.level === 'problem')) return 'problem'
  return checks.some((check) => check.level === 'note') ? 'note' : 'ok'
}

function roundTo(value: number, digits: number): number {
  return Number(value.toFixed(digits))
}
