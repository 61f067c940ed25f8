/**
 * qlog: what the outside may touch, and nothing else.
 */
import { QlogTypeError } from './errors.ts'
import { MemoryMedium } from './log/memory/medium.ts'
import { openMemoryLog } from './log/memory/memory-log.ts'
import { openPublicLog, openSegmentLog } from './log/open.ts'
import { openPublicReader } from './log/open-reader.ts'
import { checkDirectory, checkStoreLogOptions, withScrub } from './log/options.ts'
import type { OpenLog } from './log/seam.ts'
import type { Log, LogOptions, LogReader, ReaderOptions } from './log/types.ts'
import { Door } from './server/door/door.ts'
import { openStoreOn } from './store/open-store.ts'
import type { Store, StoreOptions, StoreTarget } from './store/types/store.ts'
import { pathOf } from './system/real/path-of.ts'
import { realSystem } from './system/real/real-system.ts'
import type { Connection } from './system/system.ts'

export {
  type BuriedEvent,
  CHANNELS,
  type ChannelEntry,
  type ChannelEvents,
  type ChannelName,
  type DamageEvent,
  type ExpiredEvent,
  type FlushEvent,
  type GroupIdleEvent,
  type LogFailedEvent,
  type LoopDelayEvent,
  type ScrubbedEvent,
  type SegmentEvent,
  type SlowFlushEvent,
  type SnapshotEvent,
  type SpaceEvent,
  type StoreFailedEvent,
  subscribe,
} from './channels.ts'
export {
  DamagedError,
  ERROR_CODES,
  type ErrorCode,
  type Gap,
  QlogError,
  QlogTypeError,
} from './errors.ts'
export { FLUSH_BUCKETS_MS } from './log/flush-times.ts'
export type { ScrubOptions, ScrubStats } from './log/scrub/types.ts'
export type {
  Batch,
  Encodable,
  Entry,
  EntryRange,
  FetchOptions,
  FlushFigures,
  LogFigures,
  LogLimits,
  LogOwner,
  LogSource,
  Lsn,
  MessageId,
  OpenLog,
  OwnedLog,
  PartToSave,
  SavedPart,
  SaveOptions,
  Snapshot,
  Ticket,
} from './log/seam.ts'
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
export { bytes, type Codec, json, text } from './store/codec.ts'
export {
  METRICS,
  type Metric,
  type MetricLabels,
  type MetricSample,
} from './store/observe/metrics.ts'
export {
  type MetricsRegistry,
  type RegisteredMetric,
  registerMetrics,
} from './store/observe/metrics-registry.ts'
export { METRICS_CONTENT_TYPE, metricsText } from './store/observe/metrics-text.ts'
export {
  ATTEMPTS_MAX_DEFAULT,
  type BuryOptions,
  type Delivery,
  LEASE_MS_DEFAULT,
  type ReleaseOptions,
  type ReleaseOutcome,
  type RetryOptions,
  type RetryOutcome,
} from './store/types/deliveries.ts'
export {
  GROUP_DEFAULT,
  type Group,
  type GroupOptions,
  type GroupSettings,
  type GroupStart,
  type ListOptions,
  type MoveOptions,
  type RedriveOptions,
  type SeekPlace,
} from './store/types/groups.ts'
export type {
  DeliveryCounters,
  MessageInfo,
  MessagePlace,
  MessageRef,
  MessageState,
  StoredMessage,
} from './store/types/messages.ts'
export {
  type BareItem,
  type OnDuplicate,
  PRIORITY_DEFAULT,
  PRIORITY_MAX,
  type PutItem,
  type PutOptions,
  type PutResult,
  type PutValue,
} from './store/types/puts.ts'
export type {
  DeleteOptions,
  Queue,
  QueueOptions,
  RangeOptions,
  TypedQueueOptions,
} from './store/types/queues.ts'
export type {
  DeliveriesOptions,
  ReserveOptions,
  Session,
  SessionOptions,
} from './store/types/sessions.ts'
export type { QueueRetention, QueueSettings, QueueSettingsChange } from './store/types/settings.ts'
export type {
  DeliveryTotals,
  GroupStats,
  PinningGroup,
  QueueStats,
  QueueTotals,
  StoreStats,
  StoreStatus,
} from './store/types/stats.ts'
export type { Store, StoreOptions, StoreTarget } from './store/types/store.ts'
export type { Transaction, TransactionResult } from './store/types/transactions.ts'
export type {
  ConsumeOptions,
  Handler,
  Job,
  StopOptions,
  Worker,
  WorkerStats,
  WorkerStatus,
  WorkOptions,
} from './store/work/types.ts'

/**
 * Opens the log in `directory` for appending and reading; makes one where the directory is empty or
 * missing. One process at a time owns a log. A directory is a path or a `file:` URL.
 *
 * Rejects with QLOG_INVALID_ARGUMENT, QLOG_NOT_A_LOG, QLOG_IS_A_STORE, QLOG_LOCKED, QLOG_LOCK_UNCLEAR,
 * QLOG_NEWER_FORMAT, QLOG_READ_ONLY, QLOG_DAMAGED, QLOG_DISK_FULL, QLOG_UNSUPPORTED, QLOG_IO or
 * QLOG_ABORTED.
 */
export async function openLog(directory: string | URL, options: LogOptions = {}): Promise<Log> {
  return openPublicLog(realSystem(), pathOf(directory), withScrub(options))
}

/**
 * Opens the log in `directory` for reading only: needs no lock, changes nothing, works beside a
 * living owner. Rejects with QLOG_NOT_A_LOG, QLOG_NEWER_FORMAT, QLOG_DAMAGED, QLOG_IO or
 * QLOG_ABORTED.
 */
export async function openReader(
  directory: string | URL,
  options: ReaderOptions = {},
): Promise<LogReader> {
  return openPublicReader(realSystem(), pathOf(directory), options)
}

/**
 * Opens the store in a directory (a path or a `file:` URL), making one where it is empty or missing; in memory for `':memory:'`,
 * gone when it closes; or over any log behind the seam. One process at a time owns a store.
 *
 * Rejects like {@link openLog}, and with QLOG_NOT_A_STORE where the log holds what no store wrote.
 */
export async function openStore(target: StoreTarget, options: StoreOptions = {}): Promise<Store> {
  const system = realSystem()
  const place = pathOf(target)
  const directory = typeof place === 'string' ? place : ''
  const door = new Door(system, (error) => process.emitWarning(asError(error)))
  try {
    const opening = openLogOf(place, options, system, door)
    const store = await openStoreOn(system, opening, options, directory)
    door.serve(store)
    return store
  } catch (error) {
    door.refuse()
    throw error
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error))
}

function openLogOf(
  target: string | OpenLog,
  options: StoreOptions,
  system: ReturnType<typeof realSystem>,
  door: Door,
): OpenLog {
  if (typeof target === 'function') {
    if (options.log === undefined) return target
    throw new QlogTypeError('options of the log are for a store in a directory')
  }
  if (target === ':memory:') return openMemoryLog(system, new MemoryMedium())
  const directory = checkDirectory(target)
  const checked = checkStoreLogOptions(withScrub(options.log ?? {}))
  const onConnection = (connection: Connection): void => door.accept(connection)
  return (owner, { signal }) =>
    openSegmentLog(system, directory, owner, { ...checked, signal, onConnection, opens: 'a store' })
}
