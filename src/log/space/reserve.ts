/**
 * What is kept for a full disk: two files, allocated and zero, that become segments where no other can
 * be made, so that control records and maps go on. Touches `reserve-*` in the log's directory.
 */
import { isSpaceError, QlogError, systemErrorCode } from '../../errors.ts'
import type { System } from '../../system/system.ts'
import { fillWithZero, randomHex, type SegmentSource, segmentBytesFor } from '../segment-file.ts'
import { removeQuietly } from '../tidy.ts'

const RESERVE_FILES = 2
/** Beside LINK. Segments may be smaller, or grow beyond; control records are small. */
const ROOM_BYTES_MIN = 64 * 1024
const ROOM_BYTES_MAX = 1024 * 1024
/** Five snapshots, in both files together; of a larger state there is not room for so many. */
const SNAPSHOTS_KEPT = 5
const SNAPSHOT_ROOM_BYTES_MAX = 32 * 1024 * 1024

export class Reserve {
  readonly #system: System
  readonly #directory: string
  #files: SegmentSource[] = []
  /**
   * Names that earlier openings left. Their bytes are not used: whoever made them may be paused and
   * still write to them. But their space is given up only for the own files.
   */
  #stale: readonly string[]
  #isShort = false
  #filling: Promise<void> | undefined
  #isClosed = false
  /** Size of the owner's state as a snapshot. */
  #snapshotBytes = 0

  constructor(system: System, directory: string, names: readonly string[]) {
    this.#system = system
    this.#directory = directory
    this.#stale = names.filter((name) => name.startsWith('reserve-'))
  }

  /** A file was taken, or could not be made, and has not been made since: messages must wait. */
  get isShort(): boolean {
    return this.#isShort
  }

  /** Nothing is missing. */
  get isWhole(): boolean {
    return this.#files.length >= RESERVE_FILES
  }

  /** Bytes that are kept now. */
  get bytes(): number {
    return this.#files.reduce((sum, file) => sum + file.fileBytes, 0)
  }

  /** Whether files of earlier openings stand there, whose space can be had. */
  get hasStale(): boolean {
    return this.#stale.length > 0
  }

  /** Files that are made from now on have room for snapshots of this size; true where that is much more. */
  noteSnapshot(bytes: number): boolean {
    const isMore = bytes > this.#snapshotBytes * 1.5
    if (isMore) this.#snapshotBytes = bytes
    return isMore
  }

  /** The least that `fill` needs. */
  missingBytes(linkBytes: number): number {
    return (RESERVE_FILES - this.#files.length) * reserveBytesFor(ROOM_BYTES_MIN, linkBytes)
  }

  /**
   * Makes what is missing, and larger files where segments or LINK, which has `linkBytes`, have grown.
   * Rejects with QLOG_DISK_FULL where a file is missing and cannot be made, QLOG_CLOSED, QLOG_IO.
   */
  async fill(segmentBytes: number, linkBytes: number): Promise<void> {
    // Two at once would each make what is missing.
    while (this.#filling !== undefined) await this.#filling.catch(() => undefined)
    this.#filling = this.#fill(segmentBytes, linkBytes).finally(() => {
      this.#filling = undefined
    })
    await this.#filling
  }

  /** Makes nothing any more; resolves when nothing is being made. The files stay for a later opening. */
  async close(): Promise<void> {
    this.#isClosed = true
    await this.#filling?.catch(() => undefined)
  }

  /** Space that was kept has been used otherwise: messages must wait until there is a reserve. */
  noteShort(): void {
    this.#isShort = true
  }

  async #fill(segmentBytes: number, linkBytes: number): Promise<void> {
    const snapshotRoom = Math.ceil((SNAPSHOTS_KEPT * this.#snapshotBytes) / RESERVE_FILES)
    const moreBytes = Math.min(SNAPSHOT_ROOM_BYTES_MAX, snapshotRoom)
    const fileBytes = segmentBytesFor(reserveBytesFor(segmentBytes, linkBytes) + moreBytes)
    const leastBytes = reserveBytesFor(ROOM_BYTES_MIN, linkBytes)
    while (this.#files.length < RESERVE_FILES) {
      this.#files.push(await this.#make(fileBytes, leastBytes))
    }
    this.#isShort = false
    // Half of what is wanted will do: LINK grows by a little with every segment.
    for (const small of this.#files.filter((file) => file.fileBytes * 2 < fileBytes)) {
      await this.#replace(small, fileBytes)
    }
    while (await this.dropStale());
  }

  /** A file of at least `bytes`, which is the caller's from now on. */
  take(bytes: number): SegmentSource | undefined {
    const row = this.#files.findIndex((file) => file.fileBytes >= bytes)
    if (row < 0) return undefined
    this.#isShort = true
    return this.#files.splice(row, 1)[0]
  }

  /** Gives the space of one file of an earlier opening back; false where there is none left. */
  async dropStale(): Promise<boolean> {
    for (;;) {
      const [name, ...rest] = this.#stale
      if (name === undefined) return false
      this.#stale = rest
      if (await removeQuietly(this.#system, `${this.#directory}/${name}`)) return true
    }
  }

  /** A smaller one where there is no space for what is wanted: it holds control records as well. */
  async #make(wantedBytes: number, leastBytes: number): Promise<SegmentSource> {
    let fileBytes = wantedBytes
    for (;;) {
      try {
        return await this.#makeOnce(fileBytes)
      } catch (error) {
        if (!isSpaceError(error)) throw asReserveError(error, this.#directory)
        if (await this.dropStale()) continue
        if (fileBytes > leastBytes) {
          fileBytes = leastBytes
          continue
        }
        this.#isShort = true
        const what = `no space for the reserve of ${fileBytes} bytes in ${this.#directory}`
        throw new QlogError('QLOG_DISK_FULL', what, { cause: error })
      }
    }
  }

  async #makeOnce(fileBytes: number): Promise<SegmentSource> {
    if (this.#isClosed) throw new QlogError('QLOG_CLOSED', 'the log is closed')
    const { files } = this.#system
    const path = `${this.#directory}/reserve-${randomHex(this.#system, 8)}`
    const handle = await files.open(path, { mode: 'create' })
    try {
      await fillWithZero(handle, fileBytes)
      // Space that is only promised can be gone when it is needed: the flush makes it allocated.
      await handle.flush()
    } catch (error) {
      await handle.close().catch(() => undefined)
      await files.unlink(path).catch(() => undefined)
      throw error
    }
    await handle.close()
    return { path, fileBytes, isReused: false }
  }

  /** A larger file in place of a small one, as long as there is plenty of space. */
  async #replace(small: SegmentSource, fileBytes: number): Promise<void> {
    let larger: SegmentSource
    try {
      larger = await this.#makeOnce(fileBytes)
    } catch (error) {
      if (isSpaceError(error)) return
      throw asReserveError(error, this.#directory)
    }
    // The small one may have been taken meanwhile, and then it is its taker's.
    const isStillThere = this.#files.includes(small)
    this.#files = [...this.#files.filter((file) => file !== small), larger]
    if (isStillThere) await removeQuietly(this.#system, small.path)
  }
}

function reserveBytesFor(segmentBytes: number, linkBytes: number): number {
  const roomBytes = Math.min(ROOM_BYTES_MAX, Math.max(ROOM_BYTES_MIN, segmentBytes))
  return segmentBytesFor(roomBytes + 2 * linkBytes)
}

function asReserveError(error: unknown, directory: string): unknown {
  if (error instanceof QlogError || systemErrorCode(error) === '') return error
  return new QlogError('QLOG_IO', `cannot make the reserve in ${directory}`, { cause: error })
}
