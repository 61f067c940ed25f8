/** `stats()` of a log that is open, by its owner or by a reader, from their parts. */
import type { LogFigures } from './seam.ts'
import type { SegmentLog } from './segment-log.ts'
import type { LogStats, LogStatus, ReserveStats, SegmentStats } from './types.ts'
import type { ReadableSegment } from './view.ts'
import { WRITER_FIGURES, type WriterReport } from './writer-report.ts'

export function statsOf(
  log: SegmentLog,
  status: LogStatus,
  sync: 'always' | 'interval' | 'never',
): LogStats {
  const { loop, supply, compressor } = log
  const { reserve } = supply
  const { stats, visibleNextId } = loop.settlement
  return {
    status,
    directory: log.directory,
    sync,
    epoch: log.epoch,
    firstId: log.firstId,
    nextId: log.nextId,
    durableEndId: visibleNextId,
    ...sumsOf(segmentsOf(log)),
    space: loop.admission.isDiskFull ? 'full' : 'ok',
    reserve: { bytes: reserve.bytes, state: stateOf(supply.copiesOnWrite, reserve) },
    spareBytes: supply.spares.bytes,
    ...stats.ratesAt(log.monotonicMs()),
    appendedMessages: stats.messages,
    appendedBytes: stats.messageBytes,
    ...stats.flushTimes.figures(),
    bytesInFlight: loop.bytesWaiting,
    compression: compressor ? 'lz4' : 'none',
    codec: compressor?.codec,
    rawBytes: compressor?.rawBytes ?? 0,
    storedBytes: compressor?.storedBytes ?? 0,
    merging: log.mergeStats,
    ...log.scrubStats,
    gaps: [...log.gaps],
  }
}

/** What of it crosses the seam. */
export function figuresOf(log: SegmentLog): LogFigures {
  const { loop } = log
  const { segments, ...sums } = sumsOf(segmentsOf(log))
  return {
    ...loop.settlement.stats.flushTimes.figures(),
    inFlightBytes: loop.bytesWaiting,
    segments: segments.length,
    ...sums,
    ...log.scrubStats,
  }
}

function segmentsOf(log: SegmentLog): SegmentStats[] {
  return log.view
    .segments()
    .map((one) => segmentStats(one, log.heldIn(one), log.deadIn(one.number)))
}

/** What of the statistics a reader without the lock has: segments, and what the writer reported. */
export function readerFigures(
  readable: readonly ReadableSegment[],
  report: WriterReport | undefined,
): Pick<
  LogStats,
  | 'segments'
  | 'diskBytes'
  | 'liveBytes'
  | 'deadBytes'
  | 'space'
  | 'reserve'
  | 'compression'
  | 'codec'
  | 'merging'
  | (typeof WRITER_FIGURES)[number]
  | 'flushCounts'
  | 'reportedMs'
> {
  const segments = readable.map((one) => {
    const held = report?.held.get(one.file) ?? one.endId - one.firstId
    return segmentStats(one, held, report?.dead.get(one.file) ?? 0)
  })
  const figures = WRITER_FIGURES.map((name) => [name, report?.[name] ?? 0] as const)
  return {
    ...sumsOf(segments),
    ...(Object.fromEntries(figures) as Pick<LogStats, (typeof WRITER_FIGURES)[number]>),
    flushCounts: report?.flushCounts ?? [],
    space: report?.space ?? 'ok',
    reserve: report?.reserve ?? { bytes: 0, state: 'none' },
    compression: report?.compression ?? 'none',
    codec: report?.codec,
    merging: report?.merging ?? { merges: 0, rewrittenBytes: 0 },
    ...(report && { reportedMs: report.timeMs }),
  }
}

function segmentStats(segment: ReadableSegment, messages: number, dead: number): SegmentStats {
  const { file, key, firstId, endId, end } = segment
  const live = liveOf(end, messages, dead)
  return { file, fileBytes: key.fileBytes, firstId, endId, usedBytes: end, messages, ...live }
}

/** What of a segment is not discarded: bytes in proportion to messages. */
export function liveOf(
  usedBytes: number,
  messages: number,
  dead: number,
): Pick<SegmentStats, 'liveMessages' | 'liveBytes'> {
  const liveMessages = Math.max(0, messages - dead)
  const liveBytes = messages === 0 ? 0 : Math.round((usedBytes * liveMessages) / messages)
  return { liveMessages, liveBytes }
}

function sumsOf(
  segments: readonly SegmentStats[],
): Pick<LogStats, 'segments' | 'diskBytes' | 'liveBytes' | 'deadBytes'> {
  let diskBytes = 0
  let liveBytes = 0
  let deadBytes = 0
  for (const segment of segments) {
    diskBytes += segment.fileBytes
    liveBytes += segment.liveBytes
    deadBytes += segment.usedBytes - segment.liveBytes
  }
  return { segments, diskBytes, liveBytes, deadBytes }
}

function stateOf(
  copiesOnWrite: boolean,
  reserve: { readonly bytes: number; readonly isShort: boolean },
): ReserveStats['state'] {
  if (reserve.isShort) return 'short'
  if (reserve.bytes === 0) return 'none'
  return copiesOnWrite ? 'best effort' : 'whole'
}
