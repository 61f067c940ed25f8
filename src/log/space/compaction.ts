/**
 * When segments are merged, and how it is committed: one merge at a time in the background, paid for
 * by what is appended, or all that is worth it at once. Decides; merge.ts copies, the map commits.
 */
import { isSpaceError, QlogError } from '../../errors.ts'
import type { MapEntry } from '../../format/link.ts'
import type { System } from '../../system/system.ts'
import type { BlockCompressor } from '../block-compressor.ts'
import type { DirectoryNames } from '../directory-names.ts'
import type { MergingStats } from '../types.ts'
import type { LogView } from '../view.ts'
import { type MergeParts, measure, merge, type Wounded } from './merge.ts'
import { type CandidateOptions, fileOf, MergeCandidates } from './merge-candidates.ts'
import { LONG_MAP, type MergePlan, planMerge } from './merge-plan.ts'

/** Messages of so many bytes are worked on before everybody else gets a turn. */
const TURN_BYTES = 64 * 1024
/** A log without an append for so long is quiet: what is worth merging need not be paid for. */
const QUIET_MS = 1_000
/** How soon a full segment is looked at. */
const SOON_MS = 20
/** After a failure nothing is tried for so long. */
const RETRY_MS = 10_000
/** A merge of no more than this is brought to its end at close, and in a long map is free. */
const SMALL_MERGE_BYTES = 4 * 1024 * 1024
/** One that begins at close reads no more than this. */
const CLOSING_READ_BYTES = 16 * 1024 * 1024

export interface CompactionOptions extends CandidateOptions {
  readonly system: System
  readonly storeId: string
  readonly view: LogView
  readonly compressor: BlockCompressor | undefined
  readonly names: DirectoryNames
  /** Merged files are no larger, but where one segment was. */
  readonly segmentBytesMax: number
  /** Resolves at the next change of what has resolved, or of the log's state. */
  readonly nextChange: () => Promise<void>
}

export class Compaction {
  readonly #options: CompactionOptions
  readonly #parts: MergeParts
  readonly #candidates: MergeCandidates
  #merges = 0
  #rewrittenBytes = 0
  #failure: string | undefined
  /** Bytes appended that no merge has used up. */
  #creditBytes = 0
  #running: Promise<void> | undefined
  /** The part of it that may still ask for a new map. */
  #working: Promise<void> | undefined
  #cancelTimer: (() => void) | undefined
  #notBeforeMs = 0
  /** Discards were made: something may have become worth merging. */
  #isWanted = false
  #hasBegun = false
  #lastTicket = 0
  #lastAppendMs = 0
  #turnBytes = 0
  /** Estimate of the merge under way. */
  #newBytes = 0
  /** Calls that wait for it. */
  #waiters = 0
  #resume: (() => void) | undefined
  #isClosing = false
  #isAbandoned = false

  constructor(options: CompactionOptions) {
    const { system, view, storeId, compressor, names, retirement } = options
    this.#options = options
    this.#candidates = new MergeCandidates(options)
    this.#parts = {
      system,
      view,
      storeId,
      compressor,
      names,
      isDiscarded: (id) => retirement.isDiscarded(id),
      onHole: (firstId, endId) => retirement.liveness.addHole(firstId, endId),
      pace: (bytes) => this.#pace(bytes),
    }
  }

  get stats(): MergingStats {
    const failure = this.#failure
    const done = { merges: this.#merges, rewrittenBytes: this.#rewrittenBytes }
    return failure === undefined ? done : { ...done, failure }
  }

  /** Called after groups resolved. The first of an opening may find a map that is too long. */
  appended(): void {
    const { loop, system } = this.#options
    if (loop.lastTicket === this.#lastTicket) return
    this.#lastTicket = loop.lastTicket
    this.#lastAppendMs = system.clock.monotonicMs()
    if (this.#hasBegun || !loop.segment) return
    this.#hasBegun = true
    if (loop.map.length > LONG_MAP) this.#begin()
  }

  /** Called when a segment is full. */
  sealed({ cut }: MapEntry): void {
    this.#creditBytes += cut
    if (this.#isWanted || this.#options.loop.map.length > LONG_MAP) this.#arm(SOON_MS)
  }

  /** Called where messages were discarded. */
  discarded(): void {
    this.#isWanted = true
    this.#arm(QUIET_MS)
  }

  /**
   * Gives back what can be given back now. Rejects with QLOG_DISK_FULL, QLOG_IO where a merge, or a
   * segment for the new map, could not be made.
   */
  async compact(): Promise<void> {
    const { loop, retirement, nextChange } = this.#options
    const ticket = loop.lastTicket
    // Discards take effect behind the appends in front of them.
    while (loop.settledTicket < ticket && loop.state === 'open') await nextChange()
    // What was lacking when it was tried last may be there again.
    loop.retryMap()
    await this.#retireAll()
    this.#waiters++
    try {
      this.#resume?.()
      while (this.#running !== undefined) await this.#running.catch(() => undefined)
      this.#running = this.#run(true)
      await this.#running
    } finally {
      this.#waiters--
    }
    await this.#untilMapped(() => !retirement.isRetiring)
    await retirement.removed()
  }

  /** What is finished goes first: its space may be what merging needs. */
  async #retireAll(): Promise<void> {
    const { retirement } = this.#options
    await retirement.retireNow()
    await this.#untilMapped(() => !retirement.isRetiring)
    await retirement.removed()
  }

  /** Begins nothing any more; resolves when no merge will ask for a new map. */
  async close(): Promise<void> {
    this.#isClosing = true
    this.#cancelTimer?.()
    this.#cancelTimer = undefined
    this.#resume?.()
    await this.#working?.catch(() => undefined)
  }

  /** There is no time for what is under way: it comes to nothing, and what it has written is cleared away. */
  abandon(): void {
    this.#isAbandoned = true
    this.#resume?.()
  }

  /** Resolves when nothing is under way. */
  async ended(): Promise<void> {
    await this.#running?.catch(() => undefined)
  }

  /** Opening by itself changes nothing: in the background nothing is merged before its first append. */
  #arm(delayMs: number): void {
    const { system, loop } = this.#options
    if (this.#cancelTimer || this.#isClosing || !loop.segment) return
    this.#cancelTimer = system.clock.after(delayMs, () => {
      this.#cancelTimer = undefined
      this.#begin()
    })
  }

  #begin(): void {
    if (this.#running || this.#isOver) return
    // What failed stands in the statistics, and is tried again later.
    this.#running = this.#run(false).catch(() => this.#arm(RETRY_MS))
  }

  async #run(isForced: boolean): Promise<void> {
    try {
      while (await this.#step(isForced));
    } catch (error) {
      this.#failure = String(error instanceof Error ? error.message : error)
      this.#notBeforeMs = this.#options.system.clock.monotonicMs() + RETRY_MS
      throw asMergeError(error, this.#options.view.directory)
    } finally {
      this.#running = undefined
    }
  }

  /** Makes one merge; false where none is worth it, or none may be made now. */
  async #step(isForced: boolean): Promise<boolean> {
    const working = this.#work(isForced)
    this.#working = working.then(
      () => undefined,
      () => undefined,
    )
    const commit = await working
    this.#working = undefined
    if (!commit) return false
    await this.#untilMapped(() => commit.isDurable)
    return true
  }

  /** Resolves when a new map has done what it was for, or never will: the log has stopped then. */
  async #untilMapped(isDone: () => boolean): Promise<void> {
    const { loop, nextChange, view } = this.#options
    while (!isDone() && loop.state === 'open') {
      if (loop.isMapPostponed) {
        const code = loop.admission.isDiskFull ? 'QLOG_DISK_FULL' : 'QLOG_IO'
        throw new QlogError(code, `no segment could be made for the new map of ${view.directory}`)
      }
      await nextChange()
    }
  }

  async #work(isForced: boolean): Promise<{ readonly isDurable: boolean } | undefined> {
    if (this.#isOver) return undefined
    const knowsAll = await this.#lookInto(isForced)
    if (this.#options.loop.state !== 'open') return undefined
    this.#isWanted = false
    const plan = planMerge(this.#candidates.all(), this.#options.segmentBytesMax)
    if (!plan) return undefined
    if (this.#isClosing)
      return knowsAll && this.#mayMergeAtClose(plan) ? this.#merge(plan) : undefined
    if (!isForced && !this.#mayMerge(plan)) {
      this.#isWanted = true
      this.#arm(QUIET_MS)
      return undefined
    }
    return this.#merge(plan)
  }

  get #isOver(): boolean {
    return this.#isClosing || this.#options.loop.state !== 'open'
  }

  #mayMerge({ newBytes }: MergePlan): boolean {
    const { loop, system } = this.#options
    const nowMs = system.clock.monotonicMs()
    if (nowMs < this.#notBeforeMs) return false
    if (newBytes <= this.#creditBytes) return true
    if (newBytes <= SMALL_MERGE_BYTES && loop.map.length > LONG_MAP) return true
    return loop.bytesWaiting === 0 && nowMs - this.#lastAppendMs >= QUIET_MS
  }

  /** Where each opening is short, there would never be time for one that makes a long map short. */
  #mayMergeAtClose({ newBytes, victims }: MergePlan): boolean {
    const readBytes = victims.reduce((sum, { cut }) => sum + cut, 0)
    const isSmall = newBytes <= SMALL_MERGE_BYTES && readBytes <= CLOSING_READ_BYTES
    return isSmall && !this.#isAbandoned && this.#options.loop.map.length > LONG_MAP
  }

  /** Reads segments of which nothing else tells how much is live; false where it was to end before that. */
  async #lookInto(isForced: boolean): Promise<boolean> {
    this.#candidates.forgetGone()
    for (const entry of this.#options.loop.map) {
      if (!this.#candidates.needsLook(entry, isForced)) continue
      if (!(await this.#look(entry))) return false
    }
    return true
  }

  async #look(entry: MapEntry): Promise<boolean> {
    const { retirement } = this.#options
    const { liveness } = retirement
    this.#newBytes = Number.POSITIVE_INFINITY
    retirement.hold([entry])
    try {
      const measured = await measure(this.#parts, entry)
      if (measured.kind === 'stopped') return false
      if (measured.kind === 'damaged') {
        this.#leave(measured.victims)
        return true
      }
      this.#candidates.noteLook(entry, measured.bytes)
      if (!liveness.knowsHoles(entry.number)) liveness.merge([], entry, measured.messages)
      return true
    } finally {
      retirement.letGo([entry])
    }
  }

  async #merge(plan: MergePlan): Promise<{ readonly isDurable: boolean }> {
    const { retirement, segmentBytesMax, loop, view } = this.#options
    const { victims } = plan
    const commit = { isDurable: false }
    this.#newBytes = plan.newBytes
    retirement.hold(victims)
    let isMerged = false
    try {
      await this.#expectSpace(plan)
      const outcome = await merge(this.#parts, victims, segmentBytesMax)
      if (outcome.kind === 'merged' && loop.state === 'open') {
        const { entry, index, messages } = outcome
        isMerged = true
        view.noteIndex(fileOf(entry), index)
        retirement.merge(victims, entry, messages, () => {
          commit.isDurable = true
          loop.events.segment('merged', entry)
        })
        this.#merges++
        this.#rewrittenBytes += entry.fileBytes
        this.#creditBytes = Math.max(0, this.#creditBytes - entry.fileBytes)
        this.#failure = undefined
        return commit
      }
      if (outcome.kind === 'damaged') this.#leave(outcome.victims)
      if (outcome.kind === 'empty' || outcome.kind === 'too large')
        this.#candidates.leaveForNow(victims)
    } finally {
      if (!isMerged) retirement.letGo(victims)
    }
    return { isDurable: true }
  }

  /** What cannot fit would fill the disk for everybody, for nothing. Only advice. */
  async #expectSpace({ newBytes }: MergePlan): Promise<void> {
    const { system, view } = this.#options
    const free = await system.files.space(view.directory).catch(() => undefined)
    if (free === undefined || free.freeBytes >= newBytes) return
    throw new QlogError(
      'QLOG_DISK_FULL',
      `${newBytes} bytes to merge segments in ${view.directory}, and ${free.freeBytes} are free`,
    )
  }

  /** Segments that must stay what they are: those with damage are marked in the map. */
  #leave(wounded: readonly Wounded[]): void {
    const { retirement, loop } = this.#options
    for (const { entry, isRotten } of wounded) {
      this.#candidates.leave(entry)
      if (!isRotten || loop.state !== 'open') continue
      retirement.mark(entry, { ...entry, damaged: true }, () => undefined)
    }
  }

  /** Lets everybody else have a turn after so many bytes; false where the work is to end. */
  async #pace(bytes: number): Promise<boolean> {
    this.#turnBytes += bytes
    if (this.#turnBytes >= TURN_BYTES) {
      this.#turnBytes = 0
      if (!this.#isClosing) await this.#pause()
    }
    if (this.#isAbandoned || (this.#isClosing && this.#newBytes > SMALL_MERGE_BYTES)) return false
    return this.#options.loop.state === 'open'
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        this.#resume = undefined
        cancel()
        resolve()
      }
      const cancel = this.#options.system.clock.after(0, done, this.#waiters > 0)
      this.#resume = done
    })
  }
}

function asMergeError(cause: unknown, directory: string): unknown {
  if (cause instanceof QlogError) return cause
  if (isSpaceError(cause)) {
    return new QlogError('QLOG_DISK_FULL', `no space to merge segments in ${directory}`, { cause })
  }
  if (!(cause instanceof Error) || !('code' in cause)) return cause
  return new QlogError('QLOG_IO', `cannot merge segments in ${directory}`, { cause })
}
