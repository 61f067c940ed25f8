/**
 * `qlog/inspect`: looking into a log's files, and saving what is valid of damaged ones. Looking changes
 * no byte and needs no lock.
 */
import { realSystem } from '../system/real/real-system.ts'
import { type BackupOptions, type BackupReport, backupLog } from './backup.ts'
import { type DoctorOptions, type DoctorReport, examine } from './doctor.ts'
import { type DumpItem, type DumpOptions, dumpFile, dumpLog } from './dump.ts'
import { type Explanation, explainPlace } from './explain.ts'
import { type SalvageOptions, type SalvageReport, salvageLog } from './salvage.ts'
import { type ScrubLogOptions, type ScrubLogReport, scrubLog } from './scrub.ts'
import { listSegments, type SegmentInfo } from './segments.ts'
import { listSpaceFiles, type SpaceFile } from './space-files.ts'
import {
  lookIntoStore,
  type QueueLook,
  type RecordedMessage,
  recordsOfStore,
} from './store-look.ts'
import type { InspectOptions, VerifyReport } from './verify.ts'
import { type FileReport, verifyFile } from './verify-file.ts'
import { verifyWithQueues } from './verify-queues.ts'

export type { BackupOptions, BackupReport } from './backup.ts'
export type { DoctorCheck, DoctorOptions, DoctorReport } from './doctor.ts'
export type {
  DumpBlock,
  DumpInvalid,
  DumpItem,
  DumpOptions,
  DumpRecord,
  DumpSegment,
} from './dump.ts'
export type { Explanation } from './explain.ts'
export type { Finding } from './finding.ts'
export type { QueueShare } from './queue-shares.ts'
export type { SalvageOptions, SalvageReport } from './salvage.ts'
export type { ScrubLogOptions, ScrubLogReport } from './scrub.ts'
export type { SegmentInfo, SegmentState } from './segments.ts'
export type { OwnerState } from './source.ts'
export type { SpaceFile } from './space-files.ts'
export type { GroupLook, QueueLook, RecordedMessage } from './store-look.ts'
export type { InspectOptions, Progress, VerifyReport } from './verify.ts'
export type { FileReport } from './verify-file.ts'
export type { FindingLevel, FindingRow } from './words.ts'

/**
 * Checks every block, copy and file of a log. Rejects with QLOG_NOT_A_LOG, QLOG_NEWER_FORMAT, QLOG_IO,
 * QLOG_ABORTED; damage is in the report.
 */
export function verify(directory: string, options: InspectOptions = {}): Promise<VerifyReport> {
  return verifyWithQueues(realSystem(), directory, options)
}

/**
 * Reads every block of every full segment at a limited rate, from the disk itself where that can be had, and
 * checks it as {@link verify} does. Needs no lock and works beside the log's owner. Rejects with
 * QLOG_INVALID_ARGUMENT, QLOG_NOT_A_LOG, QLOG_NEWER_FORMAT, QLOG_IO, QLOG_ABORTED; damage is in the report.
 */
export function scrub(directory: string, options: ScrubLogOptions = {}): Promise<ScrubLogReport> {
  return scrubLog(realSystem(), directory, options)
}

/** Checks one segment's file by itself: what can be said about it without its log. */
export function verifySegment(path: string, options: InspectOptions = {}): Promise<FileReport> {
  return verifyFile(realSystem(), path, options)
}

/** The segments of a log, by number. */
export function segments(
  directory: string,
  options: InspectOptions = {},
): Promise<readonly SegmentInfo[]> {
  return listSegments(realSystem(), directory, options)
}

/**
 * The queues of a store as its log has them, without opening it; undefined where the log is no store's, or
 * where its state cannot be read. Rejects with QLOG_ABORTED.
 */
export async function queues(
  directory: string,
  options: InspectOptions = {},
): Promise<readonly QueueLook[] | undefined> {
  const look = await lookIntoStore(realSystem(), directory, options.signal)
  return look?.queues
}

/** Reads the bodies that a reader of a store's log gives. */
export interface StoreRecords {
  /** Undefined where the body is no message of a store. */
  read(record: Uint8Array): RecordedMessage | undefined
}

/**
 * What a store's log holds, without opening it: `openReader` gives its messages, and this what each of them
 * is. Knows the names of the queues that there are by now. Undefined where the log is no store's. Rejects
 * with QLOG_ABORTED.
 */
export function storeRecords(
  directory: string,
  options: InspectOptions = {},
): Promise<StoreRecords | undefined> {
  return recordsOfStore(realSystem(), directory, options.signal)
}

/** Files of a log's directory that hold no messages and take space: spares and the reserve. */
export function spaceFiles(directory: string): Promise<readonly SpaceFile[]> {
  return listSpaceFiles(realSystem(), directory)
}

/** Every block and record of a log, and every stretch of bytes that is none. */
export function dump(directory: string, options: DumpOptions = {}): AsyncIterable<DumpItem> {
  return dumpLog(realSystem(), directory, options)
}

/** The same for one segment's file. */
export function dumpSegment(path: string, options: DumpOptions = {}): AsyncIterable<DumpItem> {
  return dumpFile(realSystem(), path, options)
}

/** What stands at a byte of a segment's file, why it is valid or not, and what that means. */
export function explain(
  path: string,
  offset: number,
  options: InspectOptions = {},
): Promise<Explanation> {
  return explainPlace(realSystem(), path, offset, options)
}

/**
 * Copies a log into a new directory, while its writer goes on: what was durable at one moment, told by the
 * report's `nextId`. Rejects with QLOG_NOT_A_LOG, QLOG_NOT_EMPTY where the target holds something,
 * QLOG_DAMAGED, QLOG_OVERTAKEN, QLOG_DISK_FULL, QLOG_IO, QLOG_ABORTED; then no target is left.
 */
export function backup(
  directory: string,
  target: string,
  options: BackupOptions = {},
): Promise<BackupReport> {
  return backupLog(realSystem(), directory, target, options)
}

/** Copies everything valid of a log into a new one; the old one is only read. */
export function salvage(
  directory: string,
  target: string,
  options: SalvageOptions = {},
): Promise<SalvageReport> {
  return salvageLog(realSystem(), directory, target, options)
}

/**
 * Examines what the file system and disk under a directory can promise. Rejects with
 * QLOG_INVALID_ARGUMENT where there is none; whatever else goes wrong is a finding in the report.
 */
export function doctor(directory: string, options: DoctorOptions = {}): Promise<DoctorReport> {
  return examine(realSystem(), directory, options)
}
