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
  'flushP50Ms',
  'flushP99Ms',
  'flushMaxMs',
  'rawBytes',
  'storedBytes',
] as const

export interface WriterReport extends Pick<LogStats, (typeof WRITER_FIGURES)[number]> {
  readonly timeMs: number
  readonly space: LogStats['space']
  readonly reserve: LogStats['reserve']
  readonly compression: LogStats['compression']
  readonly codec: LogStats['codec']
  /** Messages that are discarded, by file. */
  readonly dead: ReadonlyMap<string, number>
}

export function reportPart(stats: LogStats, timeMs: number, lsn: number): SnapshotPart {
  const figures = Object.fromEntries(WRITER_FIGURES.map((name) => [name, stats[name]]))
  const { space, reserve, compression, codec } = stats
  const dead = stats.segments
    .slice(0, SEGMENTS_MAX)
    .map(
      ({ file, firstId, endId, liveMessages }) => [file, endId - firstId - liveMessages] as const,
    )
    .filter(([, count]) => count > 0)
  const text = JSON.stringify({
    version: VERSION,
    timeMs,
    ...figures,
    space,
    reserve,
    compression,
    codec,
    dead,
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
    return { ...(found as unknown as WriterReport), dead: deadOf(found['dead']) }
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

function deadOf(rows: unknown): Map<string, number> {
  const dead = new Map<string, number>()
  for (const row of Array.isArray(rows) ? rows : []) {
    if (!Array.isArray(row)) continue
    const [file, count] = row as unknown[]
    if (typeof file === 'string' && typeof count === 'number') dead.set(file, count)
  }
  return dead
}
