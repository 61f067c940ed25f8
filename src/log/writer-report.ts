/**
 * What a writer tells about itself in the index file, for whoever looks without the lock: figures that
 * stand nowhere else. A report, never evidence: nothing is decided by it.
 */
import type { IndexFile } from '../format/index-file.ts'
import type { SnapshotPart } from '../format/snapshot.ts'
import type { LogStats } from './types.ts'

/** Parts whose names begin with `log/` are the log's own. */
const PART_NAME = 'log/writer'
const VERSION = 1
/** Segments that are told of, oldest first; the others count as live. */
const SEGMENTS_MAX = 10_000

/** Figures of the writer, as `LogStats` has them. */
export const WRITER_FIGURES = [
  'spareBytes',
  'messagesPerSecond',
  'bytesPerSecond',
  'appendedMessages',
  'appendedBytes',
  'flushes',
  'flushSumMs',
  'flushP50Ms',
  'flushP99Ms',
  'flushMaxMs',
  'rawBytes',
  'storedBytes',
] as const

export interface WriterReport extends Pick<LogStats, (typeof WRITER_FIGURES)[number]> {
  readonly timeMs: number
  readonly flushCounts: LogStats['flushCounts']
  readonly space: LogStats['space']
  readonly reserve: LogStats['reserve']
  readonly compression: LogStats['compression']
  readonly codec: LogStats['codec']
  /** Messages that are discarded, by file. */
  readonly dead: ReadonlyMap<string, number>
  /** Messages that merged segments hold, by file; of others it is as many as ids. */
  readonly held: ReadonlyMap<string, number>
  readonly merging?: LogStats['merging']
}

export function reportPart(stats: LogStats, timeMs: number, lsn: number): SnapshotPart {
  const figures = Object.fromEntries(WRITER_FIGURES.map((name) => [name, stats[name]]))
  const { flushCounts, space, reserve, compression, codec, merging } = stats
  const told = stats.segments.slice(0, SEGMENTS_MAX)
  const dead = told
    .map(({ file, messages, liveMessages }) => [file, messages - liveMessages] as const)
    .filter(([, count]) => count > 0)
  const held = told
    .filter(({ firstId, endId, messages }) => messages < endId - firstId)
    .map(({ file, messages }) => [file, messages] as const)
  const text = JSON.stringify({
    version: VERSION,
    timeMs,
    ...figures,
    flushCounts,
    space,
    reserve,
    compression,
    codec,
    dead,
    held,
    merging,
  })
  return { lsn, name: PART_NAME, bytes: new TextEncoder().encode(text) }
}

/** The report in an index; undefined where there is none, or none that this version knows. */
export function readReport(index: IndexFile | undefined): WriterReport | undefined {
  const part = index?.parts.find(({ name }) => name === PART_NAME)
  if (!part) return undefined
  try {
    const found: Record<string, unknown> = JSON.parse(new TextDecoder().decode(part.bytes))
    if (found['version'] !== VERSION || typeof found['timeMs'] !== 'number') return undefined
    if (WRITER_FIGURES.some((name) => typeof found[name] !== 'number')) return undefined
    const counts = { dead: countsOf(found['dead']), held: countsOf(found['held']) }
    const flushCounts = numbersOf(found['flushCounts'])
    return { ...(found as unknown as WriterReport), ...counts, flushCounts }
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

function numbersOf(values: unknown): number[] {
  return Array.isArray(values) ? values.filter((value) => typeof value === 'number') : []
}

function countsOf(rows: unknown): Map<string, number> {
  const counts = new Map<string, number>()
  for (const row of Array.isArray(rows) ? rows : []) {
    if (!Array.isArray(row)) continue
    const [file, count] = row as unknown[]
    if (typeof file === 'string' && typeof count === 'number') counts.set(file, count)
  }
  return counts
}
