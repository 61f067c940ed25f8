/**
 * The efficiency benchmark in short, on a disk of the user's: the raw loop of Node's synchronous calls
 * and the engine in turns. Works in a fresh directory below the one that is named, and removes it.
 */

import * as fs from 'node:fs'
import * as os from 'node:os'
import { dirname, resolve } from 'node:path'
import { QlogError } from '../errors.ts'
import { factsOfFileSystem } from '../inspect/file-systems.ts'
import { DISK_CASES, type DiskCase, type DiskResult } from './disk-cases.ts'
import { makeBodies } from './driver.ts'
import { runEngine } from './engine-run.ts'
import { median, rounded } from './measures.ts'
import { Place } from './place.ts'
import { givingBack, type Plan, type PlanScale, planPrepared, planSustained } from './plan.ts'
import { runRawLoop } from './raw-loop.ts'
import { measureReplay } from './replay.ts'
import { summaryOf } from './summary.ts'
import { inTurns, type Turns, throwIfAborted } from './turns.ts'

const MIB = 1024 * 1024

/** What the figures depend on. */
export interface DiskHeader {
  readonly bench: 'own-disk'
  readonly machine: string
  readonly kernel: string
  readonly fileSystem: string
  readonly node: string
  readonly sync: 'always'
  readonly raw: string
  readonly seconds: number
  readonly load: readonly number[]
  readonly date: string
}

export interface DiskOptions {
  /** About how long all of it takes. */
  readonly seconds: number
  readonly signal?: AbortSignal
  /** Called before each case. */
  readonly onCase?: (one: DiskCase, row: number, rows: number) => void
}

/** Of the time of a case: planning takes some, and so do opening and removing. */
const RUNS_A_CASE = 14
/** So much a second of the whole is appended in one run at most, within these limits. */
const RUN_BYTES_A_SECOND = 0.8 * MIB
const RUN_BYTES_MAX = 48 * MIB
/** What the largest batches need for twice as many calls as there are callers. */
const RUN_BYTES_MIN = 9 * MIB

function runBytesMax(seconds: number): number {
  return Math.min(RUN_BYTES_MAX, Math.max(RUN_BYTES_MIN, seconds * RUN_BYTES_A_SECOND))
}

/**
 * The most that stands on the disk at once: a prepared segment twice as long as a run, with the reserve
 * and the raw file, or what a few segments of the largest batches need, with six groups each.
 */
export function neededBytes(seconds: number): number {
  return 4 * runBytesMax(seconds) + 64 * MIB
}

/** Tells what the figures depend on. Names neither the host nor a path. */
export function diskHeader(directory: string, seconds: number): DiskHeader {
  const cpus = os.cpus()
  return {
    bench: 'own-disk',
    machine: `${cpus.length} x ${cpus[0]?.model ?? 'unknown'}`,
    kernel: `${os.type()} ${os.release()}`,
    fileSystem: factsOfFileSystem(fs.statfsSync(existingAbove(directory)).type).name,
    node: process.version,
    sync: 'always',
    raw: 'Node, writeSync + fdatasyncSync',
    seconds,
    load: os.loadavg().map(rounded),
    date: new Date().toISOString(),
  }
}

/**
 * Measures every case in turn. Throws QLOG_DISK_FULL where there is too little space, QLOG_ABORTED,
 * QLOG_IO; whatever happens, nothing stays behind.
 */
export async function* measureOwnDisk(
  directory: string,
  options: DiskOptions,
): AsyncGenerator<DiskResult, void, undefined> {
  const { seconds, signal, onCase } = options
  requireSpace(directory, seconds)
  throwIfAborted(signal)
  const place = new Place(directory, 'qlog-bench-')
  try {
    const caseMs = (seconds * 1000) / DISK_CASES.length
    for (const [row, one] of DISK_CASES.entries()) {
      throwIfAborted(signal)
      onCase?.(one, row, DISK_CASES.length)
      const turns = { place, caseMs, bytesMax: runBytesMax(seconds), signal }
      yield one.kind === 'replay' ? await measureReplay(turns, one) : await measureOne(turns, one)
    }
  } finally {
    place.close()
  }
}

async function measureOne(turns: Turns, how: DiskCase): Promise<DiskResult> {
  const { place, caseMs, bytesMax } = turns
  const deadlineMs = performance.now() + caseMs
  const bodies = makeBodies(how)
  const scale: PlanScale = {
    runSeconds: caseMs / 1000 / RUNS_A_CASE,
    runBytesMax: bytesMax,
    segments: 8,
    segmentGroups: 6,
    segmentBytesMin: 64 * 1024,
  }
  const prepared = await planPrepared(place, scale, how, bodies)
  const isSustained = how.kind === 'sustained'
  const plan = isSustained ? givingBack(planSustained(scale, how, prepared), how) : prepared
  const latenciesMs: number[] = []
  const loopDelaysMs: number[] = []
  let segments = 0
  const engine = async (): Promise<number> => {
    const run = await runEngine(place, how, bodies, plan)
    loopDelaysMs.push(run.loopDelayP99Ms)
    segments = Math.max(segments, run.segments)
    for (const latency of run.latenciesMs) latenciesMs.push(latency)
    return run.messages / run.seconds
  }
  const pairs = await inTurns(deadlineMs, turns.signal, rawTurn(place, plan, how), engine)
  place.remove(place.file('prepared'))
  const summary = summaryOf(pairs, latenciesMs)
  return {
    case: how.name,
    variant: isSustained ? 'sustained' : 'prepared',
    ...(isSustained && { space: 'given back' }),
    sync: 'always',
    ...summary,
    messageBytes: how.messageBytes,
    bodyBytesRate: rounded(summary.rate * how.messageBytes),
    groupMessages: plan.groupMessages,
    groupBytes: plan.groupBytes,
    segments,
    // A synchronous append holds the event loop by its nature.
    ...(how.call !== 'sync' && { loopDelayP99Ms: rounded(median(loopDelaysMs)) }),
  }
}

/** As many messages in groups as large as the engine's, written by a loop that does nothing else. */
function rawTurn(place: Place, plan: Plan, how: DiskCase): () => Promise<number> {
  const groups = Math.max(1, Math.round((plan.calls * how.batch) / plan.groupMessages))
  const messages = groups * plan.groupMessages
  return async () =>
    messages / runRawLoop('prepared', place.file('prepared'), plan.groupBytes, groups)
}

/** Throws QLOG_DISK_FULL where measuring would need more than there is, QLOG_INVALID_ARGUMENT. */
export function requireSpace(
  directory: string,
  seconds: number,
  freeBytes = freeBytesOf(directory),
): void {
  const bytes = neededBytes(seconds)
  if (freeBytes >= bytes) return
  const [free, needed] = [freeBytes, bytes].map((one) => `${Math.ceil(one / 1e6)} MB`)
  throw new QlogError(
    'QLOG_DISK_FULL',
    `${directory} has ${free} free and measuring takes up to ${needed} for a while`,
  )
}

function freeBytesOf(directory: string): number {
  const { bavail, bsize } = fs.statfsSync(existingAbove(directory))
  return bavail * bsize
}

/** The nearest directory that is there: on its file system the missing ones would be made. */
function existingAbove(directory: string): string {
  let path = resolve(directory)
  while (!fs.existsSync(path) && dirname(path) !== path) path = dirname(path)
  if (fs.statSync(path).isDirectory()) return path
  throw new QlogError(
    'QLOG_INVALID_ARGUMENT',
    `${path} is no directory: name one, or one to be made`,
  )
}
