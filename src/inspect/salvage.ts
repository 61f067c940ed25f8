/**
 * Saves a damaged log: everything valid goes into a new directory, which appears under its name only when
 * it is whole and durable. The old directory is only read.
 */
import type { Gap } from '../errors.ts'
import { QlogError, systemErrorCode, throwIfAborted } from '../errors.ts'
import { BlockType } from '../format/layout.ts'
import { type LockState, readLock } from '../log/lock.ts'
import { randomHex } from '../log/segment-file.ts'
import type { System } from '../system/system.ts'
import { leavesStateOut } from './left-out.ts'
import {
  flushName,
  makeNewDirectory,
  removeUnfinished,
  requireFree,
  trimmed,
} from './new-directory.ts'
import { type Loss, SalvageSource, type SavedBlock } from './salvage-source.ts'
import { SalvageWriter } from './salvage-writer.ts'
import { asIoError, lookAt, type OwnerState, ownerState } from './source.ts'
import { UnreadFiles } from './unread-files.ts'
import type { InspectOptions } from './verify.ts'

const SEGMENT_BYTES_MIN = 64 * 1024
const SEGMENT_BYTES_MAX = 64 * 1024 * 1024

export type SalvageOptions = InspectOptions

/** A block that was made valid by flipping one bit. */
export interface Mended {
  readonly file: string
  readonly offset: number
  readonly byteOffset: number
  readonly bit: number
  readonly firstId: number
  readonly endId: number
}

export interface SalvageReport {
  readonly directory: string
  /** `unclear`: one may live, and write, where its lock cannot be asked; then the copy may be of no one moment. */
  readonly owner: OwnerState
  readonly target: string
  readonly messages: number
  readonly segments: number
  readonly firstId: number
  readonly nextId: number
  readonly mended: readonly Mended[]
  /** Damage that cost messages, and damage that cost none (`firstId` equals `endId`). */
  readonly losses: readonly Gap[]
  /**
   * Why it is not known where the log ended: the medium does not give its newest bytes, or its newest file is
   * lost and nothing tells how many messages it held. These are lost, and their ids are given again. Absent
   * where it is known.
   */
  readonly endUnknown?: string
  /**
   * The owner's saved state (of a store: names of queues, groups, what they have finished) is not in the copy,
   * and segments that led to it have retired. Absent where the copy's own records give all of it.
   */
  readonly stateLeftOut?: true
}

/**
 * Copies everything valid of the log in `directory` into the new directory `targetPath`. Rejects with
 * QLOG_NOT_A_LOG, QLOG_LOCKED, QLOG_INVALID_ARGUMENT where the target holds something, QLOG_DISK_FULL,
 * QLOG_IO, QLOG_ABORTED; then no target is left, and `TARGET.partial` only where the message names it.
 */
export async function salvageLog(
  system: System,
  directory: string,
  targetPath: string,
  options: SalvageOptions = {},
): Promise<SalvageReport> {
  const target = trimmed(targetPath)
  const lock = await readLock(system, directory)
  await refuseOwner(system, directory, lock)
  const unread = new UnreadFiles(system)
  const assessment = await lookAt(system, directory, options.signal, { unread })
  if (assessment.newest === undefined && assessment.files.length === 0) {
    throw new QlogError('QLOG_NOT_A_LOG', `${directory} holds no segment that could be saved`)
  }
  await requireFree(system, target)
  const partial = `${target}.partial`
  await makeNewDirectory(system, partial)
  const source = new SalvageSource(unread, assessment, options.signal)
  const firstId = source.nextId
  const totalBytes = assessment.map.reduce(
    (sum, { cut }) => sum + cut,
    assessment.newest?.tail.end ?? 0,
  )
  const writer = new SalvageWriter(system, {
    directory: partial,
    storeId: randomHex(system, 16),
    epoch: assessment.epochMax + 1,
    segmentBytes: Math.min(Math.max(totalBytes * 1.1, SEGMENT_BYTES_MIN), SEGMENT_BYTES_MAX),
    firstId,
  })
  const tally = new Tally()
  let isUnfinished = true
  try {
    for await (const item of itemsOf(source, directory)) {
      throwIfAborted(options.signal)
      tally.count(item)
      if (item.kind === 'loss') {
        if (item.gap.endId > item.gap.firstId) writer.addLoss(item)
      } else if (item.block.type === BlockType.DATA || item.block.type === BlockType.GAP) {
        await writer.addBlock(item)
      }
      options.onProgress?.({ bytes: Math.min(tally.bytes, totalBytes), totalBytes })
    }
    await writer.finish(Math.max(source.nextId, assessment.nextId))
    await system.files.flushDirectory(partial)
    await refuseOwner(system, directory, lock)
    await system.files.rename(partial, target)
    isUnfinished = false
    await flushName(system, partial, target)
  } catch (error) {
    await writer.close().catch(() => undefined)
    if (isUnfinished) await removeUnfinished(system, partial)
    // Files that retire under the copying are no fault of the disk.
    if (systemErrorCode(error) === 'QLOG_IO') await refuseOwner(system, directory, lock, error)
    throw asIoError(error, `cannot write ${target}`)
  }
  const { messages, mended, losses } = tally
  const nextId = Math.max(source.nextId, assessment.nextId)
  const { endUnknown } = source
  const found = { messages, segments: writer.segments, firstId, nextId, mended, losses }
  const notes = {
    ...(endUnknown && { endUnknown }),
    ...(leavesStateOut(assessment) && { stateLeftOut: true as const }),
  }
  return { directory, owner: ownerState(lock), target, ...found, ...notes }
}

/** Nobody writes, and nobody has since the lock was looked at first: what was copied is of one moment. */
async function refuseOwner(
  system: System,
  directory: string,
  before: LockState,
  cause?: unknown,
): Promise<void> {
  const lock = await readLock(system, directory)
  if (lock.state === 'none' || lock.owner === undefined) return
  const { pid, host, random } = lock.owner
  const isSame = before.state !== 'none' && before.owner?.random === random
  if (lock.state !== 'alive' && isSame) return
  const what = lock.state === 'alive' ? 'is writing' : 'has opened meanwhile'
  const options = cause === undefined ? {} : { cause }
  throw new QlogError('QLOG_LOCKED', `process ${pid} on ${host} ${what} ${directory}`, options)
}

/** What fails while the log is read is told by the file of the log: the target has nothing to do with it. */
async function* itemsOf(
  source: SalvageSource,
  directory: string,
): AsyncGenerator<SavedBlock | Loss, void, undefined> {
  try {
    yield* source.items()
  } catch (error) {
    const path = error instanceof Error && 'path' in error ? error.path : undefined
    const what = typeof path === 'string' ? path : `the log ${directory}`
    throw asIoError(error, `cannot read ${what}`)
  }
}

class Tally {
  messages = 0
  bytes = 0
  readonly mended: Mended[] = []
  readonly losses: Gap[] = []

  count(item: SavedBlock | Loss): void {
    if (item.kind === 'loss') {
      this.losses.push(item.gap)
      return
    }
    this.messages += item.messages
    this.bytes += item.bytes.length
    if (!item.mended) return
    const { offset, byteOffset, bit, firstId, endId } = item.mended
    this.mended.push({ file: item.file, offset, byteOffset, bit, firstId, endId })
  }
}
