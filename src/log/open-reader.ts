/**
 * Reading without the lock: on a living log only what a later block claims durable; without an owner
 * everything known durable, and the rest of the whole groups after a flush of our own, marked
 * unconfirmed. Changes no byte.
 */
import { type Gap, isUnreadError, QlogError, systemErrorCode, throwIfAborted } from '../errors.ts'
import { BLOCK_HEADER_BYTES, parseSegmentFileName, segmentFileName } from '../format/layout.ts'
import type { SocketListener, System } from '../system/system.ts'
import { type Assessment, assess, lostSegments } from './assess.ts'
import type { BlockIndex } from './block-index.ts'
import { ioError, reasonOf, unreadError } from './io-errors.ts'
import { type LockState, readLock } from './lock.ts'
import { publishDamage } from './log-events.ts'
import { checkDirectory, checkId, checkReaderOptions, checkReadOptions } from './options.ts'
import { bindPin } from './pins.ts'
import { BatchIterator, MessageIterator } from './read/message-iterators.ts'
import { MessageReader } from './read/message-reader.ts'
import { ReaderPins } from './read/reader-pins.ts'
import { readerFigures } from './stats.ts'
import { keyOf, listDirectory, readFully, SeenIndexes, surveyDirectory } from './survey.ts'
import type { LogReader, LogStats, Message, ReaderOptions, ReadOptions } from './types.ts'
import { type LogView, type ReadableSegment, sealedSegment } from './view.ts'
import { withFile } from './with-file.ts'
import { readReport, type WriterReport } from './writer-report.ts'

/** How often a following reader looks again. */
const POLL_MS = 20
/** Damage that is remembered for `stats()`. */
const GAPS_KEPT_MAX = 10_000
/** A directory that changes under the survey every time is looked at again this often. */
const SURVEYS_MAX = 20

export async function openPublicReader(
  system: System,
  directory: string,
  options: ReaderOptions = {},
): Promise<LogReader> {
  const view = new UnlockedView(system, checkDirectory(directory))
  checkReaderOptions(options)
  throwIfAborted(options.signal)
  // Before anything is looked for in it: what is no directory gets its typed error here.
  await listDirectory(system, directory)
  // Before the map is read: what that map names stays whole from here on.
  const pin = options.pin
    ? await bindPin(system, directory).catch(asPinError(directory))
    : undefined
  try {
    await view.look()
    if (view.isEmpty) throw new QlogError('QLOG_NOT_A_LOG', `${directory} holds no log`)
    return new PublicReader(system, view, pin)
  } catch (error) {
    await pin?.close()
    throw error
  }
}

function asPinError(directory: string): (cause: unknown) => never {
  return (cause) => {
    if (cause instanceof QlogError || systemErrorCode(cause) === '') throw cause
    throw new QlogError('QLOG_IO', `cannot bind a pin in ${directory}`, { cause })
  }
}

/** A view that moves when the directory is looked at again. */
export class UnlockedView implements LogView {
  readonly directory: string
  readonly skipsGaps = false
  readonly gaps: Gap[] = []
  readonly pins = new ReaderPins()
  readonly tail = undefined
  tailGaps: readonly Gap[] = []
  closed = false
  epoch = 0
  isEmpty = false
  nextId = 1
  mode: 'always' | 'interval' | 'never' = 'always'
  report: WriterReport | undefined
  #segments: readonly ReadableSegment[] = []
  #sign = ''
  /** Where the next block of the newest segment will stand. */
  #probe: { readonly path: string; readonly offset: number } | undefined
  /** By file: a merged segment has the number of one that it covers. */
  readonly #indexes = new Map<string, BlockIndex>()
  readonly #seen = { indexes: new SeenIndexes() }
  readonly #system: System

  constructor(system: System, directory: string) {
    this.#system = system
    this.directory = directory
  }

  get firstId(): number {
    return this.#segments[0]?.firstId ?? this.nextId
  }

  segments(): readonly ReadableSegment[] {
    return this.#segments
  }

  /** Surveys until one look is consistent: beside a living owner segments come and go meanwhile. */
  async look(): Promise<void> {
    for (let round = 1; ; round++) {
      const before = await readLock(this.#system, this.directory)
      const survey = await surveyDirectory(this.#system, this.directory, this.#seen)
      this.isEmpty = survey.heads.length === 0 && before.state === 'none' && !survey.index
      let assessment: Assessment
      try {
        assessment = await assess(this.#system, survey)
      } catch (error) {
        // An owner that opened or retired meanwhile took the file away: so there is one, or was.
        const isMoving = before.state === 'alive' || systemErrorCode(error) === 'ENOENT'
        if (isMoving && round < SURVEYS_MAX) continue
        throw this.#typed(error)
      }
      const alive = before.state === 'alive'
      const damaged = assessment.newestGaps.length + assessment.mapGaps.length > 0
      if (damaged && round < SURVEYS_MAX && (alive || (await this.#hasMoved(before)))) continue
      await this.#adopt(assessment, alive).catch((error: unknown) => {
        throw this.#typed(error)
      })
      return
    }
  }

  /** An owner came since, or came and went: what was listed before may be gone for a good reason. */
  async #hasMoved(before: LockState): Promise<boolean> {
    const now = await readLock(this.#system, this.directory)
    return now.state !== before.state || randomOf(now) !== randomOf(before)
  }

  async changed(signal: AbortSignal | undefined): Promise<void> {
    const end = this.#segments.at(-1)
    const { nextId } = this
    for (;;) {
      throwIfAborted(signal)
      if (this.closed) throw new QlogError('QLOG_CLOSED', 'the reader is closed')
      const sign = await this.#lookForSign()
      if (sign !== this.#sign) {
        await this.look()
        this.#sign = sign
      }
      const last = this.#segments.at(-1)
      if (this.nextId !== nextId || last?.file !== end?.file || last?.end !== end?.end) return
      await this.#pause(signal)
    }
  }

  /**
   * Something small that differs where the log may have moved: the newest file's name, the owner's state,
   * and whether a block stands where the last look found none. A whole look costs a walk over the
   * newest segment.
   */
  async #lookForSign(): Promise<string> {
    const names = (await listDirectory(this.#system, this.directory)).filter(parseSegmentFileName)
    const { state } = await readLock(this.#system, this.directory)
    const sign = `${names.sort().at(-1)} ${state}`
    const probe = this.#probe
    if (!probe) return sign
    const bytes = new Uint8Array(BLOCK_HEADER_BYTES)
    try {
      await withFile(this.#system, probe.path, (handle) => readFully(handle, bytes, probe.offset))
    } catch (error) {
      if (systemErrorCode(error) !== 'ENOENT') throw this.#typed(error)
    }
    return `${sign} ${probe.path} ${probe.offset} ${bytes.join()}`
  }

  async stillNames(file: string): Promise<boolean> {
    await this.look()
    return this.#segments.some((segment) => segment.file === file)
  }

  noteGap(gap: Gap): void {
    const isKnown = this.gaps.some((one) => one.file === gap.file && one.offset === gap.offset)
    if (isKnown || this.gaps.length >= GAPS_KEPT_MAX) return
    this.gaps.push(gap)
    publishDamage(this.directory, gap)
  }

  noteIndex(file: string, index: BlockIndex): void {
    this.#indexes.set(file, index)
  }

  #typed(error: unknown): Error {
    if (isUnreadError(error)) return unreadError(this.directory, reasonOf(error), error)
    return ioError(`read the log ${this.directory}`, error)
  }

  #pause(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        cancel()
        signal?.removeEventListener('abort', done)
        resolve()
      }
      // Somebody awaits the next message: that wait is the process's work.
      const cancel = this.#system.clock.after(POLL_MS, done, true)
      signal?.addEventListener('abort', done, { once: true })
    })
  }

  async #adopt(assessment: Assessment, alive: boolean): Promise<void> {
    const lost = lostSegments(assessment)
    const segments = assessment.map.map((entry) =>
      sealedSegment(
        entry,
        this.#indexes.get(segmentFileName(entry.number, entry.generation)),
        lost.get(entry.number),
      ),
    )
    const { newest } = assessment
    this.report = readReport(assessment.survey.index)
    this.nextId = 1
    if (newest?.head.header) {
      const { head, link, scan, tail } = newest
      const { blocks } = scan
      const offset = blocks.count > 0 ? blocks.end(blocks.count - 1) : tail.end
      this.#probe = { path: `${this.directory}/${head.file}`, offset }
      const { header } = newest.head
      const end = alive ? tail.durable : tail.end
      // What only the page cache may hold is flushed by the reader itself before it is shown.
      if (!alive && tail.end > tail.durable) {
        await withFile(this.#system, `${this.directory}/${head.file}`, (handle) => handle.flush())
      }
      const nextId = alive ? tail.durableNextId : tail.nextId
      segments.push({
        file: head.file,
        number: head.number,
        key: keyOf(header),
        base: link.base,
        firstId: link.nextId,
        endId: nextId,
        end,
        confirmedEnd: tail.durable,
        entry: undefined,
        index: undefined,
      })
      this.nextId = Math.max(link.nextId, nextId)
      this.epoch = link.epoch
      this.mode = link.mode
    }
    const end = segments.at(-1)?.end ?? 0
    this.tailGaps = assessment.newestGaps.filter(
      (gap) => gap.file !== newest?.head.file || gap.offset >= end,
    )
    for (const gap of assessment.newestGaps) this.nextId = Math.max(this.nextId, gap.endId)
    this.#segments = segments
  }
}

class PublicReader implements LogReader {
  readonly #system: System
  readonly #view: UnlockedView
  #pin: SocketListener | undefined

  constructor(system: System, view: UnlockedView, pin: SocketListener | undefined) {
    this.#system = system
    this.#view = view
    this.#pin = pin
  }

  get directory(): string {
    return this.#view.directory
  }

  get firstId(): number {
    return this.#view.firstId
  }

  get nextId(): number {
    return this.#view.nextId
  }

  read(options: ReadOptions = {}): AsyncIterableIterator<Message> {
    return new MessageIterator(this.#reader(options), options.signal)
  }

  readBatches(options: ReadOptions = {}): AsyncIterableIterator<readonly Message[]> {
    return new BatchIterator(this.#reader(options))
  }

  async get(id: number): Promise<Message | undefined> {
    checkId('id', id)
    this.#assertOpen()
    if (id < this.firstId || id >= this.nextId) return undefined
    const reader = this.#reader({ from: id, to: id + 1 })
    try {
      return (await reader.nextBatch())?.[0]
    } finally {
      await reader.close()
    }
  }

  stats(): LogStats {
    const view = this.#view
    return {
      status: view.closed ? 'closed' : 'open',
      directory: view.directory,
      sync: view.mode,
      epoch: view.epoch,
      firstId: view.firstId,
      nextId: view.nextId,
      durableEndId: view.nextId,
      ...readerFigures(view.segments(), view.report),
      bytesInFlight: 0,
      gaps: [...view.gaps],
    }
  }

  async close(): Promise<void> {
    const pin = this.#pin
    this.#pin = undefined
    this.#view.closed = true
    await pin?.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #reader(options: ReadOptions): MessageReader {
    this.#assertOpen()
    return new MessageReader(this.#system, this.#view, checkReadOptions(options))
  }

  #assertOpen(): void {
    if (this.#view.closed) throw new QlogError('QLOG_CLOSED', 'the reader is closed')
  }
}

/** Which opening LOCK names, where it names one. */
function randomOf(lock: LockState): string | undefined {
  return lock.state === 'none' ? undefined : lock.owner?.random
}
