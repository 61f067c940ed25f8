/** `stats()` of an open log, from its parts. */
import type { SegmentLog } from './segment-log.ts'
import type { LogStats, LogStatus } from './types.ts'

export function statsOf(
  log: SegmentLog,
  status: LogStatus,
  sync: 'always' | 'interval' | 'never',
): LogStats {
  const { loop } = log
  const segments = log.segments().map(({ file, key, firstId, endId }) => ({
    file,
    fileBytes: key.fileBytes,
    firstId,
    endId,
  }))
  return {
    status,
    directory: log.directory,
    sync,
    epoch: log.epoch,
    firstId: log.firstId,
    nextId: log.nextId,
    durableEndId: loop.visibleNextId,
    segments,
    diskBytes: segments.reduce((sum, segment) => sum + segment.fileBytes, 0),
    appendedMessages: loop.stats.messages,
    appendedBytes: loop.stats.messageBytes,
    flushes: loop.stats.flushes,
    flushP50Ms: loop.stats.percentileMs(0.5),
    flushP99Ms: loop.stats.percentileMs(0.99),
    flushMaxMs: loop.stats.maxMs,
    bytesInFlight: loop.bytesWaiting,
    gaps: [...log.gaps],
  }
}
