/**
 * Where the commit loop gets its next segment from: made ahead in the background once the current one
 * is half full, of a retired file where one waits; for a full disk, of the reserve. Touches segment
 * files, by way of `segment-file.ts`, and nothing else.
 */
import { QlogError } from '../../errors.ts'
import { SEGMENT_FILE_BYTES_MAX, SEGMENT_FILE_BYTES_MIN } from '../../format/layout.ts'
import type { FileStat, System } from '../../system/system.ts'
import { DirectoryNames } from '../directory-names.ts'
import { ioError, isFullDisk, runAll } from '../io-errors.ts'
import {
  createSegment,
  createSegmentSync,
  type OwnSegment,
  type SegmentPlan,
  segmentBytesFor,
  unlinkOwn,
} from '../segment-file.ts'
import { HeldDescriptors } from './held-descriptors.ts'
import { Leftovers } from './leftovers.ts'
import type { Reserve } from './reserve.ts'
import { SegmentSize } from './segment-size.ts'
import { Spares } from './spares.ts'

/** What a segment is needed for: messages never take what is kept for a full disk. */
export type SegmentUse = 'messages' | 'control'

export interface SupplyOptions {
  readonly directory: string
  readonly storeId: string
  readonly durable: boolean
  /** A flush answers for what others have written before it: outside `always`. */
  readonly flushesLater: boolean
  readonly segmentBytesMin: number
  readonly segmentBytesMax: number
  /** Segment numbers below are taken. */
  readonly numberMin: number
  readonly reserve: Reserve
}

export class SegmentSupply {
  /** Names of the directory, for everybody who changes them while the log is open. */
  readonly names: DirectoryNames
  readonly spares: Spares
  readonly reserve: Reserve
  readonly leftovers: Leftovers
  readonly size: SegmentSize
  /** Space that is there is no promise on this file system: each overwrite takes new space. */
  copiesOnWrite = false
  readonly #system: System
  readonly #options: SupplyOptions
  /** Numbers of the segments made here: no other process can still be writing to their files. */
  readonly #made = new Set<number>()
  #numberMin: number
  #prepared: OwnSegment | undefined
  #preparing: Promise<void> | undefined
  readonly #held: HeldDescriptors
  /** A segment that nobody will use, on its way out. */
  #dropping: Promise<void> | undefined
  #closed = false
  /** What LINK takes of a segment now. */
  #linkBytes = 0
  /** The reserve has been made, or tried, for segments of this size. */
  #isReserveKept = false
  /** The segment that was written to last. */
  #current: OwnSegment | undefined
  /** The segment behind which one was made ahead, or tried. */
  #aheadOf: OwnSegment | undefined

  constructor(system: System, options: SupplyOptions) {
    this.#system = system
    this.#options = options
    this.#numberMin = options.numberMin
    this.size = new SegmentSize(options.segmentBytesMin, options.segmentBytesMax)
    this.names = new DirectoryNames(system, options.directory)
    this.spares = new Spares(system, options.directory, this.names)
    this.reserve = options.reserve
    this.leftovers = new Leftovers(system, options.directory)
    this.#held = new HeldDescriptors(system, options.directory, this.#shed)
  }

  /** Whether this opening made the segment: only such files may be used again. */
  hasMade(number: number): boolean {
    return this.#made.has(number)
  }

  /** The segment that waits was made of what is kept for a full disk. */
  get isReservePrepared(): boolean {
    return this.#prepared?.isReserve === true
  }

  /** Takes the segment made ahead, if it is large enough. */
  take(bytes: number): OwnSegment | undefined {
    const prepared = this.#prepared
    if (!prepared || prepared.fileBytes < bytes) return undefined
    this.#prepared = undefined
    return prepared
  }

  /** Makes a segment of at least `bytes` unless there is one. Rejects with QLOG_DISK_FULL, QLOG_IO. */
  async prepare(bytes: number, use: SegmentUse): Promise<void> {
    // One under way may be large enough; if it failed, or was for another use, this attempt tells why.
    for (;;) {
      while (this.#preparing !== undefined) await this.#preparing.catch(() => undefined)
      if (this.#prepared === undefined) break
      if (this.#prepared.fileBytes >= bytes) return
      await this.#dropPrepared()
    }
    this.#preparing = this.#make(bytes, use).finally(() => {
      this.#preparing = undefined
    })
    await this.#preparing
  }

  /** Begins to make the next segment in the background once `current` is half full. */
  prepareAhead(current: OwnSegment): void {
    this.#current = current
    if (this.#prepared || this.#preparing || current.sentEnd * 2 < current.fileBytes) return
    // Once a segment: a failure shows when the next one is needed and made again.
    if (this.#aheadOf === current) return
    this.#aheadOf = current
    this.prepare(SEGMENT_FILE_BYTES_MIN, 'messages').catch(() => undefined)
  }

  /** LINK grows with the map: the reserve must hold it. */
  noteLink(linkBytes: number): void {
    if (linkBytes > this.#linkBytes * 1.5) this.#isReserveKept = false
    this.#linkBytes = linkBytes
  }

  /** A full disk must leave room for snapshots too. */
  noteSnapshot(bytes: number): void {
    if (this.reserve.noteSnapshot(bytes)) this.#isReserveKept = false
  }

  /** Sees in the background that what is kept for a full disk is there and has grown with the segments. */
  keepReserve(): void {
    if (this.#isReserveKept || this.#preparing || this.#closed) return
    this.#isReserveKept = true
    // Without it messages find the disk full when they need a segment: nothing is lost by not hearing.
    this.#preparing = this.#fillReserve()
      .catch(() => undefined)
      .finally(() => {
        this.#preparing = undefined
      })
  }

  /** Sizes the segments that follow one that is full. */
  judge(full: OwnSegment): void {
    const isLarger = this.size.judge(full, this.#system.clock.monotonicMs())
    if (isLarger) this.#isReserveKept = false
  }

  /** Makes a segment of at least `bytes` at once, as the one that follows `current`. */
  makeSync(bytes: number, current: OwnSegment | undefined): OwnSegment {
    this.#current = current
    if (current) this.judge(current)
    if (this.reserve.isShort) {
      throw new QlogError('QLOG_DISK_FULL', 'the reserve for a full disk is in use')
    }
    const own = this.#makeNewSync(bytes)
    this.#made.add(own.number)
    this.#numberMin = own.number + 1
    // Segments are used in the order of their numbers: one made ahead of this one is too late.
    const late = this.#prepared
    this.#prepared = undefined
    if (late) this.#dropping = this.#drop(late).catch(() => undefined)
    return own
  }

  /** Looks whether there is space again: for the reserve and for a segment. Rejects as `prepare`. */
  async regain(): Promise<void> {
    await this.#preparing?.catch(() => undefined)
    await this.#fillReserve()
    await this.prepare(SEGMENT_FILE_BYTES_MIN, 'messages')
    // Control records may have taken of the reserve meanwhile.
    if (this.reserve.isShort || this.isReservePrepared) {
      throw new QlogError('QLOG_DISK_FULL', 'the reserve for a full disk is in use')
    }
  }

  /** Whether `regain` may succeed, by what the file system says is free and what could be given up. */
  async mayRegain(): Promise<boolean> {
    if (this.reserve.hasStale) return true
    const segment = this.#prepared ? 0 : segmentBytesFor(this.#options.segmentBytesMin)
    const needed = segment + this.reserve.missingBytes(this.#linkBytes)
    return (await this.#freeBytes()) + this.spares.bytes + this.leftovers.bytes >= needed
  }

  /** Counts a segment that recovery made for this opening, of which all that is written is durable. */
  async adopt(own: OwnSegment): Promise<void> {
    this.#made.add(own.number)
    await this.#withLanes(own)
  }

  /** Holds descriptors back; again after some had to be let go of. */
  holdBack(): Promise<void> {
    return this.#held.hold()
  }

  /** Lets go of what was made ahead and not used; unlinks it where the log is still ours. */
  async close(isOurs: boolean): Promise<void> {
    this.#closed = true
    await this.reserve.close()
    await this.#preparing?.catch(() => undefined)
    await this.#dropping
    const prepared = this.#prepared
    this.#prepared = undefined
    const errors = await runAll([
      () => this.#held.close(),
      async () => (prepared && isOurs ? this.#drop(prepared) : prepared?.lanes.close()),
      () => this.spares.close(isOurs),
    ])
    if (errors.length > 0) {
      throw ioError(`close what was kept in ${this.#options.directory}`, errors[0], errors.slice(1))
    }
  }

  async #make(bytes: number, use: SegmentUse): Promise<void> {
    const own = await this.#makeFor(bytes, use)
    if (own.number < this.#numberMin) {
      // A synchronous append has begun a segment with a higher number meanwhile.
      await this.#drop(own)
      return
    }
    this.#made.add(own.number)
    this.#numberMin = own.number + 1
    this.#prepared = own
  }

  /** Messages get a segment only while the reserve is whole; control records may take of it. */
  async #makeFor(bytes: number, use: SegmentUse): Promise<OwnSegment> {
    try {
      if (use === 'messages') await this.#reserveFirst()
      return await this.#makeNew(bytes)
    } catch (error) {
      if (use === 'messages' || !isFullDisk(error)) throw error
      const own = await this.#makeOfReserve(bytes, error)
      own.isReserve = true
      return own
    }
  }

  /** Of a file of this opening, else in the space that those of earlier ones hold. */
  async #makeOfReserve(bytes: number, full: unknown): Promise<OwnSegment> {
    const source = this.reserve.take(bytes)
    if (source) return this.#create(withSource(this.#plan(source.fileBytes), source))
    while (await this.reserve.dropStale()) {
      this.reserve.noteShort()
      try {
        return await this.#makeNew(bytes)
      } catch (error) {
        if (!isFullDisk(error)) throw error
      }
    }
    throw full
  }

  /** Only the first segment of an opening comes before the reserve: it must not wait for it. */
  async #reserveFirst(): Promise<void> {
    const { isShort, isWhole } = this.reserve
    if (this.#made.size === 0 || (this.#isReserveKept && isWhole && !isShort)) return
    this.#isReserveKept = true
    try {
      await this.#fillReserve()
    } catch (error) {
      // What fails for another reason than space, as for want of a descriptor, is no full disk.
      if (isFullDisk(error) || isShort) throw error
    }
  }

  /** What only waits to be used again gives way to it. */
  async #fillReserve(): Promise<void> {
    for (;;) {
      try {
        return await this.reserve.fill(this.size.bytes, this.#linkBytes)
      } catch (error) {
        if (!isFullDisk(error)) throw error
        if (!(await this.spares.drop()) && !(await this.leftovers.drop())) throw error
      }
    }
  }

  /** Of a spare, or new, smaller where space is short, but never below `bytes`. */
  async #makeNew(bytes: number): Promise<OwnSegment> {
    const { segmentBytesMin } = this.#options
    const wanted = Math.max(bytes, this.size.bytes)
    // Asked before a spare is taken, which nobody would clear away any more.
    this.#assertOpen()
    const source = this.spares.take(bytes, Math.max(this.size.spareBytesMax, bytes))
    if (source) return this.#create(withSource(this.#plan(wanted), source))
    // What does not suit any more only takes space.
    while (await this.spares.drop());
    const least = segmentBytesFor(Math.max(bytes, segmentBytesMin))
    const freeBytes = await this.#freeBytes()
    let size = wanted
    // Zeroing what cannot fit would fill the disk for everybody, for nothing.
    while (size > least && size > freeBytes) size = Math.max(least, segmentBytesFor(size / 2))
    for (;;) {
      try {
        return await this.#create(this.#plan(size))
      } catch (error) {
        if (!isFullDisk(error)) throw error
        if (size > least) size = Math.max(least, segmentBytesFor(size / 4))
        else if (!(await this.leftovers.drop())) throw error
      }
    }
  }

  /** Only advice: what the file system does not tell shows when it is written. */
  async #freeBytes(): Promise<number> {
    return this.#system.files.space(this.#options.directory).then(
      ({ freeBytes, copiesOnWrite }) => {
        this.copiesOnWrite = copiesOnWrite
        return freeBytes
      },
      () => Number.POSITIVE_INFINITY,
    )
  }

  async #create(plan: SegmentPlan): Promise<OwnSegment> {
    return this.#withLanes(await createSegment(this.#system, plan))
  }

  /** Before anything is written to it that a later flush answers for. */
  async #withLanes(own: OwnSegment): Promise<OwnSegment> {
    own.lanes.restrict(this.#hasSpareDescriptors)
    if (this.#options.flushesLater) await own.lanes.openAll()
    return own
  }

  /** Writes overlap where a segment can be begun all the same. */
  readonly #hasSpareDescriptors = (): boolean => this.#held.isWhole

  /** A segment that is due comes before writes that overlap. */
  readonly #shed = (): boolean => this.#current?.lanes.shedSync() ?? false

  #makeNewSync(bytes: number): OwnSegment {
    const source = this.spares.take(bytes, Math.max(this.size.spareBytesMax, bytes))
    const least = segmentBytesFor(Math.max(bytes, this.#options.segmentBytesMin))
    let plan = this.#plan(Math.max(bytes, this.size.bytes))
    if (source) plan = withSource(plan, source)
    for (;;) {
      try {
        const own = createSegmentSync(this.#system, plan)
        own.lanes.restrict(this.#hasSpareDescriptors)
        if (this.#options.flushesLater) own.lanes.openAllSync()
        return own
      } catch (error) {
        if (!isFullDisk(error)) throw error
        if (plan.source || plan.fileBytes > least) {
          plan = this.#plan(Math.max(least, plan.fileBytes / 4))
        } else if (!this.spares.dropSync()) {
          // What does not suit only takes space.
          throw error
        }
      }
    }
  }

  async #dropPrepared(): Promise<void> {
    const prepared = this.#prepared
    this.#prepared = undefined
    if (prepared) await this.#drop(prepared)
  }

  async #drop(unused: OwnSegment): Promise<void> {
    try {
      let created: FileStat
      try {
        created = await unused.handle.stat()
      } finally {
        // Also where it does not tell which file it is; its name stays then, for the next opening.
        await unused.lanes.close()
      }
      await unlinkOwn(this.#system, unused.path, created)
    } catch (cause) {
      throw new QlogError('QLOG_IO', `cannot remove ${unused.path}, which is not used`, { cause })
    }
  }

  #assertOpen(): void {
    if (this.#closed) throw new QlogError('QLOG_CLOSED', 'the log is closed')
  }

  #plan(bytes: number): SegmentPlan {
    this.#assertOpen()
    const fileBytes = segmentBytesFor(bytes)
    if (fileBytes > SEGMENT_FILE_BYTES_MAX) {
      throw new QlogError('QLOG_TOO_LARGE', `a segment of ${fileBytes} bytes is over the limit`)
    }
    const { directory, storeId, durable } = this.#options
    const { names } = this
    const descriptors = this.#held
    return {
      directory,
      storeId,
      durable,
      names,
      descriptors,
      numberMin: this.#numberMin,
      fileBytes,
    }
  }
}

function withSource(plan: SegmentPlan, source: NonNullable<SegmentPlan['source']>): SegmentPlan {
  return { ...plan, fileBytes: source.fileBytes, source }
}
