/**
 * qlog: what the outside may touch, and nothing else.
 */
import { openPublicLog } from './log/open.ts'
import { openPublicReader } from './log/open-reader.ts'
import type { Log, LogOptions, LogReader, ReaderOptions } from './log/types.ts'
import { realSystem } from './system/real/real-system.ts'

export {
  DamagedError,
  ERROR_CODES,
  type ErrorCode,
  type Gap,
  QlogError,
  QlogTypeError,
} from './errors.ts'
export type {
  Compression,
  DamagePolicy,
  IdRange,
  Log,
  LogOptions,
  LogReader,
  LogStats,
  LogStatus,
  Message,
  ReaderOptions,
  ReadOptions,
  ReserveStats,
  Retention,
  SegmentStats,
  SyncMode,
} from './log/types.ts'

/**
 * Opens the log in `directory` for appending and reading; makes one where the directory is empty or
 * missing. One process at a time owns a log.
 *
 * Rejects with QLOG_INVALID_ARGUMENT, QLOG_NOT_A_LOG, QLOG_LOCKED, QLOG_LOCK_UNCLEAR,
 * QLOG_NEWER_FORMAT, QLOG_READ_ONLY, QLOG_DAMAGED, QLOG_DISK_FULL, QLOG_UNSUPPORTED, QLOG_IO or
 * QLOG_ABORTED.
 */
export function openLog(directory: string, options: LogOptions = {}): Promise<Log> {
  return openPublicLog(realSystem(), directory, options)
}

/**
 * Opens the log in `directory` for reading only: needs no lock, changes nothing, works beside a
 * living owner. Rejects with QLOG_NOT_A_LOG, QLOG_NEWER_FORMAT, QLOG_DAMAGED, QLOG_IO or
 * QLOG_ABORTED.
 */
export function openReader(directory: string, options: ReaderOptions = {}): Promise<LogReader> {
  return openPublicReader(realSystem(), directory, options)
}
