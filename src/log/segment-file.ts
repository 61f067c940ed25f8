/**
 * A segment that this process made: its file on the way in (temporary, zeroed, flushed, linked) and
 * the marks that the writer moves. Nothing else in `log/` creates segment files.
 */
import { isSpaceError, nothingTakenError, QlogError, systemErrorCode } from '../errors.ts'
import type { SegmentKey } from '../format/block.ts'
import { encodeSegmentHeader } from '../format/header.ts'
import {
  BLOCK_BYTES,
  CompatibleFeature,
  FORMAT_NUMBER,
  PAGE_BYTES,
  SEGMENT_HEADER_BYTES,
  segmentFileName,
} from '../format/layout.ts'
import type { FileHandle, FileStat, System } from '../system/system.ts'
import { DirectoryNames } from './directory-names.ts'
import type { Destination } from './group.ts'
import { ioError } from './io-errors.ts'
import { type LaneOpener, WriteLanes } from './write-lanes.ts'

/**
 * Zeros are written and flushed in pieces of this size: one flush of a large file at the end would hold
 * up the groups that are written meanwhile (measured: docs/decisions/0005).
 */
const ZERO_BYTES = 1024 * 1024
/** How many taken numbers in a row are skipped before something must be wrong. */
const NUMBERS_SKIPPED_MAX = 1_000

let zero: Uint8Array | undefined

/** A file in nobody's use, allocated to its full size, that becomes a segment. */
export interface SegmentSource {
  readonly path: string
  readonly fileBytes: number
  /** It holds the blocks of a segment that has retired, not zero. */
  readonly isReused: boolean
}

export interface SegmentPlan {
  readonly directory: string
  readonly storeId: string
  /** Numbers below are taken or belong to the past. */
  readonly numberMin: number
  readonly fileBytes: number
  /** Open it so that each write is durable when it returns. */
  readonly durable: boolean
  /** Makes its name durable, where others change names of the directory as well. */
  readonly names?: DirectoryNames
  /** Taken instead of a new file; as long as `fileBytes`. */
  readonly source?: SegmentSource
  /** Asked for each opening by itself: what came before it, as the use of a source, cannot be done again. */
  readonly descriptors?: DescriptorSource
}

/** Does an opening once more that is refused for want of a descriptor, where there can be one for it. */
export interface DescriptorSource {
  spend<T>(open: () => Promise<T>): Promise<T>
  spendSync<T>(open: () => T): T
}

const NO_DESCRIPTORS: DescriptorSource = { spend: (open) => open(), spendSync: (open) => open() }

/** A segment this process created and may write, with the marks of its writer. */
export class OwnSegment implements Destination {
  readonly file: string
  readonly path: string
  readonly number: number
  readonly generation = 0
  readonly key: SegmentKey
  readonly handle: FileHandle
  /** For groups, of which several are written at once. */
  readonly lanes: WriteLanes
  /** LSN of the file's first byte; known when the segment begins to be used. */
  base = 0
  firstId = 0
  /** Offset behind the last group whose write has begun. */
  sentEnd = SEGMENT_HEADER_BYTES
  /** Offset behind the last group whose write has returned, in order. */
  writtenEnd = SEGMENT_HEADER_BYTES
  durableOffset = SEGMENT_HEADER_BYTES
  hasControl = false
  /** Kept free at the end for a MAP pair. */
  mapReserveBytes = 0
  startedMs = 0
  /** Made of what is kept for a full disk: it takes no message while the disk is full. */
  isReserve = false

  /** `handle` is the first of `lanes`. */
  constructor(
    directory: string,
    number: number,
    key: SegmentKey,
    handle: FileHandle,
    lanes = new WriteLanes([handle]),
  ) {
    this.number = number
    this.file = segmentFileName(number, this.generation)
    this.path = `${directory}/${this.file}`
    this.key = key
    this.handle = handle
    this.lanes = lanes
  }

  get fileBytes(): number {
    return this.key.fileBytes
  }
}

/** Rounds a wanted size up to what a segment file can have. */
export function segmentBytesFor(bytes: number): number {
  return Math.ceil(bytes / PAGE_BYTES) * PAGE_BYTES
}

/**
 * Makes a segment: temporary file, zero to its full size, header, flush, link to the first free
 * number, flush of the directory. A source stands for the temporary file and its zeros. Never needs
 * more than one descriptor at a time. Rejects with QLOG_DISK_FULL or QLOG_IO, and takes back what it
 * can, the source too, unless it could not even be opened; what stays was never used.
 */
export async function createSegment(system: System, plan: SegmentPlan): Promise<OwnSegment> {
  const { files } = system
  const { descriptors = NO_DESCRIPTORS } = plan
  const temporary = plan.source?.path ?? temporaryPath(system, plan)
  const key = newKey(system, plan.fileBytes)
  let handle: FileHandle | undefined
  let isOpened = false
  let path: string | undefined
  let created: FileStat | undefined
  try {
    const mode = plan.source ? 'write' : 'create'
    handle = await descriptors.spend(() => files.open(temporary, { mode }))
    isOpened = true
    created = await handle.stat()
    if (!plan.source) await fillWithZero(handle, plan.fileBytes)
    const number = await linkUnderFreeNumber(system, plan, key, handle, temporary)
    path = `${plan.directory}/${segmentFileName(number, 0)}`
    await files.unlink(temporary)
    // Closed once, whatever comes of it.
    const written = handle
    handle = undefined
    await written.close()
    await descriptors.spend(() => namesOf(system, plan).flush())
    const opener = openerOf(system, plan, path, created)
    const own = await descriptors.spend(() => opener.open())
    return new OwnSegment(plan.directory, number, key, own, new WriteLanes([own], opener))
  } catch (error) {
    await handle?.close().catch(() => undefined)
    // What stays is rubbish to every later opening; the first error is what counts.
    if (isOpened) await files.unlink(temporary).catch(() => undefined)
    if (path && created) await unlinkOwn(system, path, created).catch(() => undefined)
    throw asSegmentError(error, plan)
  }
}

/** The same without returning to the event loop, for an append that may not. */
export function createSegmentSync(system: System, plan: SegmentPlan): OwnSegment {
  const { files } = system
  const { descriptors = NO_DESCRIPTORS } = plan
  const temporary = plan.source?.path ?? temporaryPath(system, plan)
  const key = newKey(system, plan.fileBytes)
  let handle: FileHandle | undefined
  let isOpened = false
  let path: string | undefined
  let created: FileStat | undefined
  try {
    const mode = plan.source ? 'write' : 'create'
    handle = descriptors.spendSync(() => files.openSync(temporary, { mode }))
    isOpened = true
    created = handle.statSync()
    if (!plan.source) fillWithZeroSync(handle, plan.fileBytes)
    const number = linkUnderFreeNumberSync(system, plan, key, handle, temporary)
    path = `${plan.directory}/${segmentFileName(number, 0)}`
    files.unlinkSync(temporary)
    const written = handle
    handle = undefined
    written.closeSync()
    descriptors.spendSync(() => namesOf(system, plan).flushSync())
    const opener = openerOf(system, plan, path, created)
    const own = descriptors.spendSync(() => opener.openSync())
    return new OwnSegment(plan.directory, number, key, own, new WriteLanes([own], opener))
  } catch (error) {
    closeQuietly(handle)
    if (isOpened) unlinkQuietly(system, temporary)
    if (path && created) unlinkQuietly(system, path, created)
    throw asSegmentError(error, plan)
  }
}

/**
 * Opens the segment that `created` tells by its name, for the bytes that are written to it. Its directory may have
 * been moved and another put in its place since: then the name is that of somebody else's segment.
 */
function openerOf(
  { files }: System,
  plan: SegmentPlan,
  path: string,
  created: FileStat,
): LaneOpener {
  const how = { mode: 'write', durable: plan.durable } as const
  const assertOwn = (found: FileStat): void => {
    if (isSameFile(found, created)) return
    throw new QlogError('QLOG_FENCED', `${path} is another file by now`)
  }
  return {
    open: async () => {
      const handle = await files.open(path, how)
      try {
        assertOwn(await handle.stat())
      } catch (error) {
        await handle.close().catch(() => undefined)
        throw ioError(`open ${path} once more`, error)
      }
      return handle
    },
    openSync: () => {
      let handle: FileHandle | undefined
      try {
        handle = files.openSync(path, how)
        assertOwn(handle.statSync())
        return handle
      } catch (error) {
        closeQuietly(handle)
        throw ioError(`open ${path} once more`, error)
      }
    },
  }
}

/** Unlinks the file that was created under this name; one that has it by now is somebody else's, and stays. */
export async function unlinkOwn({ files }: System, path: string, created: FileStat): Promise<void> {
  if (isSameFile(await files.stat(path), created)) await files.unlink(path)
}

function isSameFile(found: FileStat, created: FileStat): boolean {
  return found.device === created.device && found.inode === created.inode
}

function namesOf(system: System, plan: SegmentPlan): DirectoryNames {
  return plan.names ?? new DirectoryNames(system, plan.directory)
}

async function linkUnderFreeNumber(
  system: System,
  plan: SegmentPlan,
  key: SegmentKey,
  handle: FileHandle,
  temporary: string,
): Promise<number> {
  for (let number = plan.numberMin; number < plan.numberMin + NUMBERS_SKIPPED_MAX; number++) {
    await writeWhole(handle, headerBytes(system, plan, number, key), 0)
    await handle.flush()
    try {
      await system.files.link(temporary, `${plan.directory}/${segmentFileName(number, 0)}`)
      return number
    } catch (error) {
      if (systemErrorCode(error) !== 'EEXIST') throw error
    }
  }
  throw new Error(`no free segment number from ${plan.numberMin} on`)
}

function linkUnderFreeNumberSync(
  system: System,
  plan: SegmentPlan,
  key: SegmentKey,
  handle: FileHandle,
  temporary: string,
): number {
  for (let number = plan.numberMin; number < plan.numberMin + NUMBERS_SKIPPED_MAX; number++) {
    const header = headerBytes(system, plan, number, key)
    for (let at = 0; at < header.length; ) at += taken(handle.writeSync(header.subarray(at), at))
    handle.flushSync()
    try {
      system.files.linkSync(temporary, `${plan.directory}/${segmentFileName(number, 0)}`)
      return number
    } catch (error) {
      if (systemErrorCode(error) !== 'EEXIST') throw error
    }
  }
  throw new Error(`no free segment number from ${plan.numberMin} on`)
}

/** A name that whoever opens next clears away. */
export function temporaryPath(
  system: System,
  { directory }: { readonly directory: string },
): string {
  return `${directory}/segment-${randomHex(system, 8)}.tmp`
}

function closeQuietly(handle: FileHandle | undefined): void {
  try {
    handle?.closeSync()
  } catch {
    // The first error is what counts.
  }
}

/** Where `own` is given, only if it has this name still. */
function unlinkQuietly({ files }: System, path: string, own?: FileStat): void {
  try {
    if (!own || isSameFile(files.statSync(path), own)) files.unlinkSync(path)
  } catch {
    // A temporary file that stays is removed by the next owner; the first error is what counts.
  }
}

export function newKey(system: System, fileBytes: number): SegmentKey {
  const random = new Uint8Array(8)
  system.random(random)
  const view = new DataView(random.buffer)
  return { salt1: view.getUint32(0) || 1, salt2: view.getUint32(4), fileBytes }
}

function headerBytes(
  system: System,
  plan: SegmentPlan,
  number: number,
  key: SegmentKey,
): Uint8Array {
  return encodeSegmentHeader(
    {
      formatNumber: FORMAT_NUMBER,
      features: {
        compatible: plan.source?.isReused ? CompatibleFeature.REUSED : 0,
        readOnlyCompatible: 0,
        incompatible: 0,
      },
      storeId: plan.storeId,
      number,
      generation: 0,
      salt1: key.salt1,
      salt2: key.salt2,
      blockBytes: BLOCK_BYTES,
      fileBytes: plan.fileBytes,
      createdMs: system.clock.nowMs(),
    },
    system.crc32,
  )
}

/** Zero to the full size. The last piece is left to the flush of the header, which follows. */
export async function fillWithZero(handle: FileHandle, fileBytes: number): Promise<void> {
  for (let at = 0; at < fileBytes; ) {
    at += taken(await handle.write(zeroBytes(fileBytes - at), at))
    if (at < fileBytes) await handle.flush()
  }
}

function fillWithZeroSync(handle: FileHandle, fileBytes: number): void {
  for (let at = 0; at < fileBytes; ) {
    at += taken(handle.writeSync(zeroBytes(fileBytes - at), at))
  }
}

function zeroBytes(bytes: number): Uint8Array {
  zero ??= new Uint8Array(ZERO_BYTES)
  return bytes < ZERO_BYTES ? zero.subarray(0, bytes) : zero
}

function taken(bytes: number): number {
  if (bytes === 0) throw nothingTakenError()
  return bytes
}

/** Writes all of `bytes`, going on after short writes. */
export async function writeWhole(
  handle: FileHandle,
  bytes: Uint8Array,
  position: number,
): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    at += taken(await handle.write(at === 0 ? bytes : bytes.subarray(at), position + at))
  }
}

export function randomHex(system: System, byteCount: number): string {
  const bytes = new Uint8Array(byteCount)
  system.random(bytes)
  let text = ''
  for (const byte of bytes) text += byte.toString(16).padStart(2, '0')
  return text
}

function asSegmentError(error: unknown, plan: SegmentPlan): Error {
  if (error instanceof QlogError) return error
  if (isSpaceError(error)) {
    return new QlogError(
      'QLOG_DISK_FULL',
      `no space for a new segment of ${plan.fileBytes} bytes in ${plan.directory}`,
      { cause: error },
    )
  }
  if (systemErrorCode(error) === '')
    return error instanceof Error ? error : new Error(String(error))
  return new QlogError('QLOG_IO', `cannot make a new segment in ${plan.directory}`, {
    cause: error,
  })
}
