/**
 * Entries in order for the log's owner: what one append made atomic, put together again from the
 * blocks it spans. A batch with control records that lost a block is dropped whole and reported; of
 * a batch of messages alone only the lost messages are missing.
 */

import { DamagedError, throwIfAborted } from '../../errors.ts'
import { BlockType, RecordKind, SEGMENT_HEADER_BYTES } from '../../format/layout.ts'
import { decodeLink } from '../../format/link.ts'
import { type BatchSpan, RecordCursor, readBatchRecord } from '../../format/records.ts'
import type { System } from '../../system/system.ts'
import type { Entry, EntryRange } from '../seam.ts'
import { type LogView, mendedTo, mergedInto, type ReadableSegment } from '../view.ts'
import { BlockWalk } from './block-walk.ts'
import { Turns } from './message-iterators.ts'
import { SegmentGone } from './read-window.ts'
import { TailWait } from './tail-wait.ts'

const BYTES_MAX_DEFAULT = 256 * 1024

/** An entry while its records come in. */
interface Draft {
  readonly lsn: number
  readonly epoch: number
  readonly timeMs: number
  readonly ids: number[]
  readonly messages: Uint8Array[]
  readonly control: Uint8Array[]
  readonly messagesDue: number
  readonly controlDue: number
  /** Of the batch, in front of what comes in: they are lost. */
  readonly messagesMissed: number
  readonly controlsMissed: number
  /** A block of the batch was lost. */
  broken: boolean
}

export class EntryReader implements AsyncIterableIterator<readonly Entry[]> {
  readonly #system: System
  readonly #view: LogView
  readonly #range: EntryRange
  readonly #cursor = new RecordCursor()
  readonly #turns = new Turns()
  readonly #wait: TailWait
  /** The segment that the walk is in or was in last. */
  #segment: ReadableSegment | undefined
  #epoch: number
  #walk: BlockWalk | undefined
  /** What `next` of the walk said, where its block is still to be taken. */
  #held: boolean | undefined
  /** The id that must come next if nothing was lost. */
  #expected = 1
  #draft: Draft | undefined

  constructor(system: System, view: LogView, range: EntryRange, epoch: number) {
    this.#system = system
    this.#view = view
    this.#range = range
    this.#epoch = epoch
    this.#wait = new TailWait(view, range.signal)
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  next(): Promise<IteratorResult<readonly Entry[]>> {
    return this.#turns.run(() => this.#nextOrLeave())
  }

  /** Ends a read that is under way or waits, and lets go of the file. */
  async return(): Promise<IteratorResult<readonly Entry[]>> {
    this.#wait.end()
    return this.#turns.run(async () => {
      await this.#leave()
      return { done: true, value: undefined }
    })
  }

  /** At the end, or where reading fails, nobody calls `return`: what it held is let go here. */
  async #nextOrLeave(): Promise<IteratorResult<readonly Entry[]>> {
    let entries: readonly Entry[] | undefined
    try {
      entries = await this.#nextEntries()
    } finally {
      if (entries === undefined) {
        this.#wait.end()
        await this.#leave()
      }
    }
    return entries ? { done: false, value: entries } : { done: true, value: undefined }
  }

  async #nextEntries(): Promise<readonly Entry[] | undefined> {
    const { signal, follow } = this.#range
    while (!this.#wait.isEnded) {
      throwIfAborted(signal)
      const segment = this.#currentSegment()
      if (segment) {
        const entries = await this.#readFrom(segment)
        if (entries.length > 0) return entries
      } else if (follow) await this.#wait.changed()
      else return undefined
    }
    return undefined
  }

  async #leave(): Promise<void> {
    const walk = this.#walk
    this.#walk = undefined
    await walk?.close()
  }

  #currentSegment(): ReadableSegment | undefined {
    const segments = this.#view.segments()
    const last = this.#segment
    // One that was merged meanwhile is read to its end.
    if (last && mergedInto(segments, last) && this.#hasMore(last)) return last
    for (const segment of segments) {
      // What was moved never appears again: an owner has it from its snapshot, and fetches it by id.
      if (segment.entry?.dataOnly) continue
      if (last && segment.number < last.number) continue
      if (segment.number === last?.number) {
        if (this.#hasMore(segment)) return segment
        continue
      }
      if (!last && segment.base + segment.end <= this.#range.after) continue
      return segment
    }
    return undefined
  }

  #hasMore({ end }: ReadableSegment): boolean {
    return this.#held !== undefined || (this.#walk?.offset ?? end) < end
  }

  async #readFrom(segment: ReadableSegment): Promise<Entry[]> {
    const entries: Entry[] = []
    try {
      if (segment.number !== this.#segment?.number) await this.#enter(segment)
      else if (this.#hasMoved(segment)) await this.#enter(segment, this.#walk?.offset)
      if (this.#walk) await this.#readEntries(this.#walk, segment, entries)
    } catch (error) {
      if (!(error instanceof SegmentGone)) throw error
      // Where a mended copy has its place, the next call goes on there. What was read before is delivered first: the next call comes here again.
      if (entries.length === 0 && !this.#copyOf(segment)) await this.#passGone(segment)
    }
    return entries
  }

  async #readEntries(walk: BlockWalk, segment: ReadableSegment, entries: Entry[]): Promise<void> {
    const bytesMax = this.#range.bytesMax ?? BYTES_MAX_DEFAULT
    let bytes = 0
    while (bytes < bytesMax && (this.#held !== undefined || walk.offset < segment.end)) {
      const wasHeld = this.#held !== undefined
      const found = this.#held ?? (walk.nextBuffered(segment) || (await walk.next(segment)))
      this.#held = undefined
      if (walk.damageEnd > walk.damageStart) {
        const copy = wasHeld ? undefined : this.#copyOf(segment)
        if (copy) {
          await this.#enter(copy, walk.damageStart)
          return
        }
        this.#endDraft(entries)
        if (entries.length > 0) {
          // What stands in front of the damage is delivered before the damage is told.
          this.#held = found
          return
        }
        this.#damage(walk, segment)
      }
      if (!found || !walk.block) break
      bytes += walk.payload?.length ?? walk.block.length
      this.#expected = Math.max(this.#expected, walk.block.firstId)
      if (walk.block.type === BlockType.DATA) this.#take(walk, segment, entries)
      else if (walk.block.type === BlockType.LINK) this.#noteEpoch(walk)
    }
  }

  /** A mended copy has the place of the file that the walk is in, which has not met what was mended. */
  #hasMoved({ file }: ReadableSegment): boolean {
    return file !== this.#segment?.file && this.#held === undefined
  }

  #copyOf(segment: ReadableSegment): ReadableSegment | undefined {
    return mendedTo(this.#view.segments(), segment)
  }

  async #enter(segment: ReadableSegment, offset = SEGMENT_HEADER_BYTES): Promise<void> {
    const before = this.#walk
    this.#walk = undefined
    this.#held = undefined
    this.#expected = Math.max(this.#expected, segment.firstId)
    if (segment.lost === undefined) {
      this.#segment = segment
      const { seat } = this.#wait
      this.#walk = new BlockWalk(this.#system, this.#view, segment, seat, offset)
    }
    await before?.close()
    if (segment.lost !== undefined) throw lostError(segment, segment.lost)
  }

  /** The file is not there: retired since the view was asked, or lost. */
  async #passGone(segment: ReadableSegment): Promise<void> {
    await this.#leave()
    this.#held = undefined
    this.#draft = undefined
    if (await this.#view.stillNames(segment.file)) {
      throw lostError(segment, 'the file cannot be read')
    }
  }

  #noteEpoch(walk: BlockWalk): void {
    this.#cursor.open(walk.bytes, walk.at)
    const link = this.#cursor.next() ? decodeLink(this.#cursor.body()) : undefined
    if (link) this.#epoch = link.epoch
  }

  #take(walk: BlockWalk, segment: ReadableSegment, entries: Entry[]): void {
    const cursor = this.#cursor
    cursor.open(walk.bytes, walk.at, walk.payload)
    const lsn = segment.base + (walk.block?.offset ?? 0)
    const epoch = cursor.originEpoch || this.#epoch
    let record = 0
    while (cursor.next()) {
      if (cursor.kind === RecordKind.BATCH) {
        this.#beginBatch(cursor, lsn + record, epoch, entries)
      } else {
        // A batch that goes on in this block would begin it: what it went on in is lost.
        if (record === 0) this.#endDraft(entries)
        this.#draft ??= emptyDraft(lsn + record, epoch, cursor.timeMs)
        this.#addRecord(this.#draft, cursor, entries)
      }
      record++
    }
  }

  /** A batch begins, goes on in this block, or blocks of it in front of this one are lost. */
  #beginBatch(cursor: RecordCursor, lsn: number, epoch: number, entries: Entry[]): void {
    const span = readBatchRecord(cursor.bytes, cursor.start)
    if (this.#draft && goesOn(this.#draft, span)) return
    this.#endDraft(entries)
    const { messagesBefore, controlsBefore } = span
    this.#draft = {
      ...emptyDraft(lsn, epoch, cursor.timeMs),
      messagesDue: span.messages - messagesBefore,
      controlDue: span.controls - controlsBefore,
      messagesMissed: messagesBefore,
      controlsMissed: controlsBefore,
      // What stood in front is lost; with control records in the batch all of it is.
      broken: messagesBefore + controlsBefore > 0 && span.controls > 0,
    }
  }

  #addRecord(draft: Draft, cursor: RecordCursor, entries: Entry[]): void {
    if (cursor.kind === RecordKind.CONTROL) draft.control.push(cursor.body())
    else {
      this.#expected = cursor.id + 1
      draft.ids.push(cursor.id)
      draft.messages.push(cursor.body())
    }
    if (draft.messages.length < draft.messagesDue || draft.control.length < draft.controlDue) return
    this.#draft = undefined
    if (!draft.broken && draft.lsn > this.#range.after) entries.push(draft)
  }

  /** A batch that a lost block cuts off: of messages alone the rest stands, with control records none. */
  #endDraft(entries: Entry[]): void {
    const draft = this.#draft
    this.#draft = undefined
    if (!draft || draft.controlDue > 0 || draft.broken || draft.lsn <= this.#range.after) return
    if (draft.messages.length > 0) entries.push(draft)
  }

  #damage(walk: BlockWalk, segment: ReadableSegment): void {
    const firstId = this.#expected
    const gap = {
      file: segment.file,
      offset: walk.damageStart,
      bytes: walk.damageEnd - walk.damageStart,
      firstId,
      endId: Math.max(firstId, walk.block?.firstId ?? segment.endId),
      why: 'the checksum does not match',
    }
    this.#view.noteGap(gap)
    if (!this.#view.skipsGaps && !walk.isEntryless) {
      throw new DamagedError(`${gap.file}: damaged at byte ${gap.offset}`, [gap])
    }
  }
}

function lostError(segment: ReadableSegment, why: string): DamagedError {
  const { file, firstId, endId } = segment
  return new DamagedError(`${file}: ${why}`, [{ file, offset: 0, bytes: 0, firstId, endId, why }])
}

/** An entry of one message. */
function emptyDraft(lsn: number, epoch: number, timeMs: number): Draft {
  return {
    lsn,
    epoch,
    timeMs,
    ids: [],
    messages: [],
    control: [],
    messagesDue: 1,
    controlDue: 0,
    messagesMissed: 0,
    controlsMissed: 0,
    broken: false,
  }
}

/** What came in is all that stands in front of this part of a batch. */
function goesOn(draft: Draft, span: BatchSpan): boolean {
  const { messages, control, messagesMissed, controlsMissed } = draft
  return (
    span.messagesBefore + span.controlsBefore > 0 &&
    span.messagesBefore === messagesMissed + messages.length &&
    span.controlsBefore === controlsMissed + control.length &&
    span.messages === messagesMissed + draft.messagesDue &&
    span.controls === controlsMissed + draft.controlDue
  )
}
