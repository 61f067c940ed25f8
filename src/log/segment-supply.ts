/**
 * Where the commit loop gets its next segment from: made ahead in the background once the current one
 * is half full, sized by how fast segments fill. Holds one descriptor back, so that a process out
 * of descriptors can still begin a segment.
 */
import { QlogError, systemErrorCode } from '../errors.ts'
import { SEGMENT_FILE_BYTES_MAX } from '../format/layout.ts'
import type { FileHandle, System } from '../system/system.ts'
import {
  createSegment,
  createSegmentSync,
  type OwnSegment,
  type SegmentPlan,
  segmentBytesFor,
} from './segment-file.ts'

/** A segment that fills faster than this is followed by one of twice its size. */
const FILL_TIME_MS = 10_000

export interface SupplyOptions {
  readonly directory: string
  readonly storeId: string
  readonly durable: boolean
  readonly segmentBytesMin: number
  readonly segmentBytesMax: number
  /** Segment numbers below are taken. */
  readonly numberMin: number
}

export class SegmentSupply {
  readonly #system: System
  readonly #options: SupplyOptions
  #numberMin: number
  #segmentBytes: number
  #prepared: OwnSegment | undefined
  #preparing: Promise<void> | undefined
  #reserve: FileHandle | undefined
  /** A segment that nobody will use, on its way out. */
  #dropping: Promise<void> | undefined
  #closed = false

  constructor(system: System, options: SupplyOptions) {
    this.#system = system
    this.#options = options
    this.#numberMin = options.numberMin
    this.#segmentBytes = segmentBytesFor(options.segmentBytesMin)
  }

  /** Takes the segment made ahead, if it is large enough. */
  take(bytes: number): OwnSegment | undefined {
    const prepared = this.#prepared
    if (!prepared || prepared.fileBytes < bytes) return undefined
    this.#prepared = undefined
    return prepared
  }

  /** Makes a segment of at least `bytes` unless there is one. Rejects with QLOG_DISK_FULL, QLOG_IO. */
  async prepare(bytes: number): Promise<void> {
    // One under way may be large enough; if it failed, this attempt tells why.
    await this.#preparing?.catch(() => undefined)
    if (this.#prepared && this.#prepared.fileBytes >= bytes) return
    await this.#dropPrepared()
    this.#preparing ??= this.#make(this.#plan(bytes)).finally(() => {
      this.#preparing = undefined
    })
    await this.#preparing
  }

  /** Begins to make the next segment in the background once `current` is half full. */
  prepareAhead(current: OwnSegment): void {
    if (this.#prepared || this.#preparing || current.sentEnd * 2 < current.fileBytes) return
    this.#adjust(current)
    // A failure shows when the segment is needed and made again.
    this.prepare(this.#segmentBytes).catch(() => undefined)
  }

  /** Makes a segment of at least `bytes` at once, as the one that follows `current`. */
  makeSync(bytes: number, current: OwnSegment | undefined): OwnSegment {
    if (current) this.#adjust(current)
    const plan = this.#plan(bytes)
    let own: OwnSegment
    try {
      own = createSegmentSync(this.#system, plan)
    } catch (error) {
      if (!isDescriptorError(error) || !this.#reserve) throw error
      this.#reserve.closeSync()
      this.#reserve = undefined
      own = createSegmentSync(this.#system, plan)
    }
    this.#numberMin = own.number + 1
    // Segments are used in the order of their numbers: one made ahead of this one is too late.
    const late = this.#prepared
    this.#prepared = undefined
    if (late) this.#dropping = this.#drop(late).catch(() => undefined)
    return own
  }

  /** Holds a descriptor back, on a file that is always there. */
  async holdReserve(path: string): Promise<void> {
    this.#reserve ??= await this.#system.files.open(path, { mode: 'read' })
  }

  /** Lets go of what was made ahead and not used; unlinks it where the log is still ours. */
  async close(isOurs: boolean): Promise<void> {
    this.#closed = true
    await this.#preparing?.catch(() => undefined)
    await this.#dropping
    const reserve = this.#reserve
    const prepared = this.#prepared
    this.#reserve = undefined
    this.#prepared = undefined
    await reserve?.close()
    if (!prepared) return
    if (isOurs) await this.#drop(prepared)
    else await prepared.handle.close()
  }

  async #make(plan: SegmentPlan): Promise<void> {
    let own: OwnSegment
    try {
      own = await createSegment(this.#system, plan)
    } catch (error) {
      if (!isDescriptorError(error) || !this.#reserve) throw error
      await this.#reserve.close()
      this.#reserve = undefined
      own = await createSegment(this.#system, plan)
    }
    if (own.number < this.#numberMin) {
      // A synchronous append has begun a segment with a higher number meanwhile.
      await this.#drop(own)
      return
    }
    this.#numberMin = own.number + 1
    this.#prepared = own
  }

  async #dropPrepared(): Promise<void> {
    const prepared = this.#prepared
    this.#prepared = undefined
    if (prepared) await this.#drop(prepared)
  }

  async #drop(unused: OwnSegment): Promise<void> {
    try {
      await unused.handle.close()
      await this.#system.files.unlink(unused.path)
    } catch (cause) {
      throw new QlogError('QLOG_IO', `cannot remove ${unused.path}, which is not used`, { cause })
    }
  }

  #plan(bytes: number): SegmentPlan {
    if (this.#closed) throw new QlogError('QLOG_CLOSED', 'the log is closed')
    const fileBytes = segmentBytesFor(Math.max(bytes, this.#segmentBytes))
    if (fileBytes > SEGMENT_FILE_BYTES_MAX) {
      throw new QlogError('QLOG_TOO_LARGE', `a segment of ${fileBytes} bytes is over the limit`)
    }
    const { directory, storeId, durable } = this.#options
    return { directory, storeId, durable, numberMin: this.#numberMin, fileBytes }
  }

  #adjust(current: OwnSegment): void {
    const filled = current.sentEnd / current.fileBytes
    const elapsedMs = this.#system.clock.monotonicMs() - current.startedMs
    if (elapsedMs >= FILL_TIME_MS * filled) return
    const doubled = segmentBytesFor(Math.max(this.#segmentBytes, current.fileBytes) * 2)
    this.#segmentBytes = Math.min(doubled, segmentBytesFor(this.#options.segmentBytesMax))
  }
}

function isDescriptorError(error: unknown): boolean {
  const cause = error instanceof QlogError ? error.cause : error
  const code = systemErrorCode(cause)
  return code === 'EMFILE' || code === 'ENFILE'
}
