/**
 * Opening a log for writing: directory, lock, survey, verdict, recovery, tidying, in this order, each
 * step a line of docs/guarantees.md section 4.
 */
import { DamagedError, type Gap, QlogError, throwIfAborted } from '../errors.ts'
import type { MapEntry, SnapshotPlaces } from '../format/link.ts'
import type { Connection, System } from '../system/system.ts'
import { adoptedTimeMs } from './adopted-time.ts'
import { type Assessment, lostSegments } from './assess.ts'
import { BlockCompressor } from './block-compressor.ts'
import { PublicLog } from './face.ts'
import { openingError, runAll, withLater } from './io-errors.ts'
import { acquireLock, type Lock } from './lock.ts'
import { nextNumber } from './next-number.ts'
import {
  BATCH_BYTES_MAX,
  type CheckedOptions,
  checkDirectory,
  checkOptions,
  PART_BYTES_MAX,
} from './options.ts'
import { prepareDirectory } from './prepare-directory.ts'
import { copiesControl, entryOfNewest, needsRecovery, writeRecovery } from './recover.ts'
import type { LogLimits, LogOwner } from './seam.ts'
import { type OwnSegment, randomHex } from './segment-file.ts'
import { SegmentLog } from './segment-log.ts'
import { findState } from './snapshot/find-state.ts'
import { Reserve } from './space/reserve.ts'
import { SegmentSupply } from './space/supply.ts'
import { assessSurely } from './sure-end.ts'
import type { Survey } from './survey.ts'
import { removeTemporaryFiles, tidy } from './tidy.ts'
import type { Log, LogOptions } from './types.ts'
import { AppendPromises } from './waiting/append-promises.ts'

/** What a group can take beyond the bodies in flight: a whole batch, and the framing of tiny records. */
const GROUP_OVERHEAD_BYTES = 2 * BATCH_BYTES_MAX

/**
 * Opens the log in `directory`, or makes one where the directory is empty or missing.
 *
 * Rejects with QLOG_INVALID_ARGUMENT, QLOG_NOT_A_LOG, QLOG_LOCKED, QLOG_LOCK_UNCLEAR,
 * QLOG_NEWER_FORMAT, QLOG_READ_ONLY, QLOG_DAMAGED, QLOG_DISK_FULL, QLOG_UNSUPPORTED, QLOG_IO,
 * QLOG_ABORTED.
 */
export async function openPublicLog(
  system: System,
  directory: string,
  options: LogOptions = {},
): Promise<Log> {
  const checked = checkOptions(options)
  const promises = new AppendPromises()
  const how = { ...checked, opens: 'a plain log' } as const
  const log = await openSegmentLog(system, checkDirectory(directory), promises, how)
  return new PublicLog(log, promises, checked.mode)
}

/** What opening needs to know beside the options of the log. */
interface OwnerOptions {
  /** Gets whoever connects to the lock's socket. */
  readonly onConnection?: (connection: Connection) => void
  /** What there may be in the directory; anything unless told. */
  readonly opens?: 'a plain log' | 'a store'
}

/** The same for an owner behind the seam. */
export async function openSegmentLog(
  system: System,
  directory: string,
  owner: LogOwner,
  options: CheckedOptions & OwnerOptions,
): Promise<SegmentLog> {
  throwIfAborted(options.signal)
  await prepareDirectory(system, directory)
  const { breakLock, signal, onConnection } = options
  const how = { breakLock, onConnection, ...(signal && { signal }) }
  const lock = await acquireLock(system, directory, how)
  try {
    return await openLocked(system, directory, owner, options, lock)
  } catch (error) {
    throw withLater(openingError(directory, error), await runAll([() => lock.release()]))
  }
}

async function openLocked(
  system: System,
  directory: string,
  owner: LogOwner,
  options: CheckedOptions & OwnerOptions,
  lock: Lock,
): Promise<SegmentLog> {
  const assessment = await assessSurely(system, directory, options.signal)
  const { survey } = assessment
  refuseDamage(directory, assessment, options)
  const found = await findState(system, assessment)
  refuseOtherKind(directory, options.opens, assessment, found.places)
  const epoch = epochFor(system, lock, assessment)
  if (epoch > lock.epoch) await lock.raiseEpoch(epoch)

  const durable = options.mode === 'always' && system.files.durableWrites === 'dsync'
  const storeId = assessment.storeId || randomHex(system, 16)
  const inFlightBytesBound = options.inFlightBytesMax + GROUP_OVERHEAD_BYTES
  const reserve = new Reserve(system, directory, survey.names)
  const recovered = await recoverInReserve(system, survey, reserve, () =>
    recoverIfNeeded(system, directory, options, lock, epoch, assessment, found.places, {
      storeId,
      durable,
      inFlightBytesBound,
    }),
  )
  const supply = new SegmentSupply(system, {
    directory,
    storeId,
    durable,
    flushesLater: options.mode !== 'always',
    segmentBytesMin: options.segmentBytesMin,
    segmentBytesMax: options.segmentBytesMax,
    numberMin: nextNumber(assessment, recovered?.segment.number),
    reserve,
  })
  try {
    supply.leftovers.hold(await tidy(system, directory, assessment, recovered?.segment))
    await supply.holdBack()
    if (recovered) await supply.adopt(recovered.segment)
  } catch (error) {
    await runAll([async () => recovered?.segment.lanes.close(), () => supply.close(false)])
    throw error
  }
  return new SegmentLog({
    system,
    directory,
    storeId,
    lock,
    epoch,
    owner,
    supply,
    commit: {
      mode: options.mode,
      intervalMs: options.intervalMs,
      intervalBytes: options.intervalBytes,
      idleSyncMs: options.idleSyncMs,
      inFlightBytesBound,
      compressor: options.compression === 'lz4' ? new BlockCompressor(system.lz4) : undefined,
    },
    start: {
      map: recovered?.map ?? mapOf(assessment),
      nextId: assessment.nextId,
      nextBase: assessment.nextBase,
      snapshots: found.places,
      timeMs: adoptedTimeMs(system, assessment.timeMs),
      ...(recovered && { segment: recovered.segment }),
    },
    limits: limitsOf(options),
    segmentBytesMax: options.segmentBytesMax,
    retention: options.retention,
    scrub: options.scrub,
    skipsGaps: options.onDamage === 'quarantine',
    gaps: [...assessment.mapGaps, ...assessment.newestGaps],
    lost: lostSegments(assessment),
    found,
    indexSequence: survey.index?.sequence ?? 0,
    indexName: survey.indexName,
  })
}

function limitsOf({ messageBytesMax, inFlightBytesMax }: CheckedOptions): LogLimits {
  return {
    messageBytesMax,
    batchBytesMax: BATCH_BYTES_MAX,
    inFlightBytesMax,
    partBytesMax: PART_BYTES_MAX,
  }
}

function mapOf({ map, newest }: Assessment): readonly MapEntry[] {
  return newest ? [...map, entryOfNewest(newest)] : []
}

/**
 * A plain log has no control records, and a store's log none without: the one is told from the other by
 * that, before anything is written. Where something is damaged that may have held them, nobody knows.
 */
function refuseOtherKind(
  directory: string,
  opens: OwnerOptions['opens'],
  assessment: Assessment,
  places: SnapshotPlaces,
): void {
  const { newest } = assessment
  const hasState =
    mapOf(assessment).some(({ hasControl }) => hasControl) ||
    places[0] !== 0 ||
    // The last group counts for the ids, and stands behind what is known to be durable.
    (newest !== undefined && copiesControl(newest))
  if (opens === 'a plain log' && hasState) {
    throw new QlogError('QLOG_IS_A_STORE', `${directory} holds a store, not a plain log`)
  }
  const { nextId, mapGaps, newestGaps } = assessment
  const isWhole = mapGaps.length + newestGaps.length + lostSegments(assessment).size === 0
  if (opens === 'a store' && !hasState && nextId > 1 && isWhole) {
    throw new QlogError('QLOG_NOT_A_STORE', `${directory} holds a plain log, not a store`)
  }
}

/**
 * Above every epoch that LOCK or the log knows of. Where LOCK does not tell, an earlier owner may have
 * had one that stands nowhere yet, and may still wake up: the clock puts this one above it.
 */
function epochFor(system: System, lock: Lock, assessment: Assessment): number {
  const known = Math.max(lock.epoch, assessment.epochMax + 1)
  if (!lock.followsUnknown || assessment.survey.heads.length === 0) return known
  return Math.max(known, Math.floor(system.clock.nowMs()))
}

/** In the newest segment damage is refused unless asked otherwise; in full ones it is set aside. */
function refuseDamage(directory: string, assessment: Assessment, options: CheckedOptions): void {
  const { newestGaps, mapGaps } = assessment
  const refused = [
    ...(options.onDamage === 'quarantine' ? [] : newestGaps),
    ...(options.onDamage === 'refuse' ? mapGaps : []),
  ]
  if (refused.length === 0) return
  // Whoever decides what to do about it is told of all that is known.
  const gaps = [...newestGaps, ...mapGaps]
  throw new DamagedError(`${directory} is damaged: ${gaps.map(describeGap).join('; ')}`, gaps)
}

export function describeGap(gap: Gap): string {
  const ids = gap.endId > gap.firstId ? `ids ${gap.firstId} to ${gap.endId - 1}` : 'no message'
  const bytes = gap.bytes > 0 ? ` (${gap.bytes} bytes at ${gap.offset})` : ''
  return `${gap.file}${bytes}: ${gap.why}; lost: ${ids}`
}

async function recoverIfNeeded(
  system: System,
  directory: string,
  options: CheckedOptions,
  lock: Lock,
  epoch: number,
  assessment: Assessment,
  snapshots: SnapshotPlaces,
  how: { storeId: string; durable: boolean; inFlightBytesBound: number },
): Promise<{ segment: OwnSegment; map: readonly MapEntry[] } | undefined> {
  const gaps = assessment.newestGaps
  if (!needsRecovery(assessment.newest, gaps)) return undefined
  const { identity } = system
  return writeRecovery(
    system,
    lock,
    {
      directory,
      storeId: how.storeId,
      durable: how.durable,
      numberMin: nextNumber(assessment),
      fileBytes: options.segmentBytesMin,
    },
    {
      epoch,
      bootId: identity.bootId,
      bootTimeMs: Math.max(0, Math.floor(identity.bootTimeMs)),
      mode: options.mode,
      inFlightBytesMax: how.inFlightBytesBound,
    },
    assessment,
    snapshots,
    gaps,
  )
}

/** On a full disk recovery takes the space that an earlier opening kept for this. */
async function recoverInReserve<T>(
  system: System,
  { directory, names }: Survey,
  reserve: Reserve,
  recover: () => Promise<T>,
): Promise<T> {
  let isCleared = false
  for (;;) {
    try {
      return await recover()
    } catch (error) {
      if (!(error instanceof QlogError) || error.code !== 'QLOG_DISK_FULL') throw error
      // What a merge or a snapshot left half done may be large, and is nobody's.
      if (!isCleared) await removeTemporaryFiles(system, directory, names)
      else if (!(await reserve.dropStale())) throw error
      isCleared = true
    }
  }
}
