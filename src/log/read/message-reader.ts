/**
 * Messages in order of id, in batches: from the segments of a view, through checked blocks. Gaps are
 * told or thrown, never passed over in silence.
 */
import { throwIfAborted } from '../../errors.ts'
import type { Block } from '../../format/block.ts'
import { BlockFlag, BlockType, RecordKind, SEGMENT_HEADER_BYTES } from '../../format/layout.ts'
import { RecordCursor } from '../../format/records.ts'
import type { System } from '../../system/system.ts'
import { BlockIndex } from '../block-index.ts'
import { loadSeal } from '../seal.ts'
import type { Message, ReadOptions } from '../types.ts'
import { type LogView, mergedInto, type ReadableSegment } from '../view.ts'
import { BlockWalk } from './block-walk.ts'
import { PassedIds } from './passed-ids.ts'
import { SegmentGone } from './read-window.ts'
import { TailWait } from './tail-wait.ts'

/** Messages a batch holds at most, so that tiny messages do not make huge arrays. */
const BATCH_MESSAGES_MAX = 8192
/** A batch ends behind so many unpacked bytes: a read of packed ones may hold many times as much. */
const BATCH_UNPACKED_BYTES_MAX = 48 * 1024

export class MessageReader {
  readonly #system: System
  readonly #view: LogView
  readonly #options: ReadOptions
  /** Bodies are taken from the block in hand, by `bodyInHand`. */
  readonly #isKept: boolean
  readonly #cursor = new RecordCursor()
  readonly #wait: TailWait
  readonly #ids: PassedIds
  /** The batch being read; never rejects. */
  #running: Promise<void> | undefined
  /** The place of the wanted id is still to be found. */
  #isSeeking = true
  /** The segment that the walk is in or was in last. */
  #segment: ReadableSegment | undefined
  #walk: BlockWalk | undefined
  /** What `next` of the walk said, where its block is still to be taken. */
  #held: boolean | undefined
  /** Filled from a walk to a full segment's end, for the next reader. */
  #fresh: BlockIndex | undefined
  /** At a record of the block in hand that `#handOf` is; made anew for every other block. */
  readonly #hand = new RecordCursor()
  #handOf: Block | undefined

  constructor(system: System, view: LogView, options: ReadOptions, isKept = false) {
    this.#system = system
    this.#isKept = isKept
    this.#view = view
    this.#options = options
    this.#ids = new PassedIds(view, options)
    this.#wait = new TailWait(view, options.signal)
  }

  /** The next messages; undefined at the end, which `follow` never reaches. One call at a time. */
  nextBatch(): Promise<readonly Message[] | undefined> {
    const running = this.#nextBatch()
    this.#running = running.then(ignore, ignore)
    return running
  }

  /** Goes on with the ids from `from` up to `to`, in the file that is open where they stand there. */
  seek(from: number, to: number): void {
    this.#ids.wanted = from
    this.#ids.to = to
    // A block that is held stands in front of the walk already, which so is not where it seems.
    if (this.#held !== undefined) this.#ids.expected = 0
    this.#held = undefined
    this.#isSeeking = true
  }

  /** The groups that come are kept in memory for it, as long as it follows closely. */
  stayAtTail(): void {
    this.#wait.seat?.take()
  }

  /**
   * The body of `id` where the block taken last holds it: without a read or a turn, and without a checksum
   * unless it was given away before. Undefined where it has to be sought. Not while a batch is being read.
   */
  bodyInHand(id: number): Uint8Array | undefined {
    const walk = this.#walk
    const block = walk?.block
    if (!walk || !block || this.#held !== undefined || !mayHold(block, id)) return undefined
    const hand = this.#hand
    if (walk.isLent(id)) {
      const isSound = this.#segment !== undefined && walk.renew(this.#segment)
      this.#handOf = undefined
      if (!isSound) return undefined
    }
    if (this.#handOf !== block || hand.id >= id) {
      hand.open(walk.bytes, walk.at, walk.payload)
      this.#handOf = block
    }
    while (hand.next()) {
      if (hand.kind === RecordKind.MESSAGE && hand.id >= id) break
    }
    return hand.kind === RecordKind.MESSAGE && hand.id === id ? walk.bodyOf(hand) : undefined
  }

  async #nextBatch(): Promise<readonly Message[] | undefined> {
    const { signal, follow } = this.#options
    for (;;) {
      if (this.#wait.isEnded) return undefined
      throwIfAborted(signal)
      if (this.#ids.wanted >= this.#ids.to) return undefined
      const segment = this.#currentSegment()
      if (segment) {
        const batch = await this.#readFrom(segment)
        if (batch.length > 0) return batch
        continue
      }
      this.#ids.tellTail()
      if (!follow) return undefined
      await this.#wait.changed()
    }
  }

  /** Ends a read that is under way or waits, and lets go of the file. */
  async close(): Promise<void> {
    this.#wait.end()
    await this.#running
    await this.#leave()
  }

  async #leave(): Promise<void> {
    const walk = this.#walk
    this.#walk = undefined
    await walk?.close()
  }

  /** The segment to read from now: the one being walked while it has more, or the next. */
  #currentSegment(): ReadableSegment | undefined {
    const segments = this.#view.segments()
    const last = this.#segment
    if (this.#isSeeking || !last) return firstFor(segments, this.#ids.wanted)
    if (mergedInto(segments, last)) {
      // Its file is read to its end all the same; what stood behind it is found by id.
      if (this.#hasMore(last)) return last
      this.#ids.wanted = Math.max(this.#ids.wanted, last.endId)
      this.#isSeeking = true
      return firstFor(segments, this.#ids.wanted)
    }
    for (const segment of segments) {
      if (segment.number < last.number) continue
      if (segment.number > last.number) return segment
      if (!this.#hasMore(segment)) continue
      if (segment.file === last.file) return segment
      // A mended copy has its place: what comes next is found there by id.
      this.#isSeeking = true
      return firstFor(segments, this.#ids.wanted)
    }
    return undefined
  }

  #hasMore({ end }: ReadableSegment): boolean {
    return this.#walk !== undefined && (this.#held !== undefined || this.#walk.offset < end)
  }

  async #readFrom(segment: ReadableSegment): Promise<Message[]> {
    const messages: Message[] = []
    try {
      if (segment.file !== this.#segment?.file || (this.#isSeeking && !this.#walk)) {
        await this.#enter(segment)
      }
      this.#segment = segment
      const walk = this.#walk
      if (!walk) {
        this.#isSeeking = false
        this.#ids.lose(segment, 0, 0, segment.endId, segment.lost ?? 'the file cannot be read')
        return messages
      }
      if (this.#isSeeking) await this.#findPlace(walk, segment)
      await this.#readBatch(walk, segment, messages)
    } catch (error) {
      if (!(error instanceof SegmentGone)) throw error
      // What was read before is delivered first: the next call comes here again.
      if (messages.length === 0) await this.#passGone(segment)
    }
    return messages
  }

  async #readBatch(walk: BlockWalk, segment: ReadableSegment, messages: Message[]): Promise<void> {
    // The place that was sought may be in a group that has not resolved.
    if (this.#held === undefined && !segment.entry && walk.offset >= segment.end) return
    let chunk: Uint8Array | undefined
    let unpackedBytes = 0
    do {
      const found = this.#held ?? (walk.nextBuffered(segment) || (await walk.next(segment)))
      this.#held = undefined
      if (messages.length > 0 && this.#isGap(walk, segment, found)) {
        // What stands in front of a gap is delivered before the gap is told.
        this.#held = found
        break
      }
      const isDamaged = walk.damageEnd > walk.damageStart
      // A file that retired meanwhile may be another segment's by now: then these are its bytes.
      if (isDamaged && !(await this.#view.stillNames(segment.file))) throw new SegmentGone()
      this.#ids.noteDamage(walk, segment, found)
      if (!found || !walk.block) break
      chunk ??= walk.bytes
      unpackedBytes += walk.payload?.length ?? 0
      const { firstId, offset } = walk.block
      const index = segment.index ?? this.#fresh
      index?.noteWalked(walk.damageStart, firstId, offset, walk.offset)
      if (walk.block.type === BlockType.DATA) this.#take(walk, segment, messages)
      else if (walk.block.type === BlockType.GAP) this.#ids.passGaps(walk)
      else this.#ids.expected = Math.max(this.#ids.expected, walk.block.firstId)
      if (this.#ids.wanted >= this.#ids.to) break
    } while (
      walk.offset < segment.end &&
      messages.length < BATCH_MESSAGES_MAX &&
      unpackedBytes < BATCH_UNPACKED_BYTES_MAX &&
      ((walk.isBuffered && walk.bytes === chunk) || messages.length === 0)
    )
    if (segment.entry && walk.offset >= segment.end && this.#fresh) {
      if (!segment.index) this.#view.noteIndex(segment.file, this.#fresh)
      this.#fresh = undefined
    }
  }

  async #enter(segment: ReadableSegment): Promise<void> {
    const before = this.#walk
    this.#walk = undefined
    this.#segment = segment
    this.#held = undefined
    this.#ids.isSparse = false
    this.#fresh = undefined
    // Ids in front of it that were not read belong to segments that have retired.
    this.#ids.expected = Math.max(this.#isSeeking ? 0 : this.#ids.expected, segment.firstId)
    if (segment.lost === undefined) {
      // What is kept of the tail goes by number, which a merged segment shares with one it covers.
      const seat = segment.entry?.dataOnly ? undefined : this.#wait.seat
      this.#walk = new BlockWalk(
        this.#system,
        this.#view,
        segment,
        seat,
        SEGMENT_HEADER_BYTES,
        this.#isKept,
      )
      if (!this.#isSeeking && segment.entry && !segment.index) this.#fresh = new BlockIndex(true)
    }
    await before?.close()
  }

  /** Moves to the first block that can hold what is wanted, as near as somebody knows where it is. */
  async #findPlace(walk: BlockWalk, segment: ReadableSegment): Promise<void> {
    const wanted = this.#ids.wanted
    const isInside = wanted > segment.firstId
    const tail = segment.entry?.dataOnly ? undefined : this.#view.tail
    const kept = isInside ? tail?.locate(segment.number, wanted) : undefined
    const isIndexed = isInside && kept === undefined
    const index = isIndexed ? await this.#indexOf(walk, segment) : segment.index
    const place = isInside ? (kept ?? index?.locate(wanted)) : undefined
    this.#isSeeking = false
    const offset = Math.min(place ?? SEGMENT_HEADER_BYTES, segment.end)
    const isAhead = this.#ids.expected > segment.firstId && this.#ids.expected <= wanted
    if (isAhead && offset <= walk.offset) return
    // In the middle of a segment only the first block there tells which id comes next.
    this.#ids.expected = place === undefined ? segment.firstId : 0
    if (!isInside && segment.entry && !index) this.#fresh = new BlockIndex(true)
    walk.seek(offset, (index?.offsetBehind(this.#ids.to - 1) ?? segment.end) - offset)
    // Where the index may end the walk is to complete it, so it passes nothing over.
    if (isIndexed && index?.offsetBehind(wanted) !== undefined) {
      await walk.passTo(segment, wanted)
    }
  }

  /** Where the segment's blocks stand: as known, as its SEAL has it, or as far as readers came so far. */
  async #indexOf(walk: BlockWalk, segment: ReadableSegment): Promise<BlockIndex | undefined> {
    if (segment.index || !segment.entry) return segment.index
    const sealed = await loadSeal(this.#system, await walk.reads(), segment)
    // What this reader has passed itself it does not come back for.
    const index = sealed ?? this.#fresh ?? new BlockIndex(true)
    this.#view.noteIndex(segment.file, index)
    this.#fresh = sealed ? undefined : index
    return index
  }

  /** The file is not there: retired or merged since the view was asked, or lost. */
  async #passGone(segment: ReadableSegment): Promise<void> {
    await this.#leave()
    this.#held = undefined
    if (!(await this.#view.stillNames(segment.file))) {
      // Whatever holds the next id now is the place to go on.
      this.#isSeeking = true
      this.#segment = undefined
      return
    }
    this.#isSeeking = false
    this.#ids.lose(segment, 0, 0, segment.endId, 'the file cannot be read')
  }

  #take(walk: BlockWalk, segment: ReadableSegment, messages: Message[]): void {
    const cursor = this.#cursor
    const ids = this.#ids
    const { to } = ids
    const unconfirmed = walk.offset > segment.confirmedEnd
    cursor.open(walk.bytes, walk.at, walk.payload)
    ids.isSparse = ((walk.block?.flags ?? 0) & BlockFlag.SPARSE) !== 0
    while (cursor.next()) {
      if (cursor.kind !== RecordKind.MESSAGE) continue
      const { id } = cursor
      ids.expected = id + 1
      if (id < ids.wanted || id >= to) continue
      ids.wanted = id + 1
      const { timeMs } = cursor
      const body = walk.bodyOf(cursor)
      messages.push(unconfirmed ? { id, timeMs, body, unconfirmed } : { id, timeMs, body })
    }
    if (ids.expected >= to) ids.wanted = Math.max(ids.wanted, to)
  }

  #isGap(walk: BlockWalk, segment: ReadableSegment, found: boolean): boolean {
    if (walk.damageEnd > walk.damageStart || walk.block?.type === BlockType.GAP) return true
    return !found && this.#ids.isShort(segment)
  }
}

function ignore(): void {
  // Whoever asked for the batch is told.
}

/** False where no message of the block can have this id. */
function mayHold({ type, flags, firstId, recordCount }: Block, id: number): boolean {
  if (type !== BlockType.DATA || id < firstId) return false
  // The ids of a block follow each other but in a SPARSE one.
  return (flags & BlockFlag.SPARSE) !== 0 || id < firstId + recordCount
}

/** The first segment that can hold `id` or anything behind it. */
function firstFor(segments: readonly ReadableSegment[], id: number): ReadableSegment | undefined {
  for (const segment of segments) {
    // A segment may end in front of its first group, where recovery copied all of it.
    if (segment.end <= SEGMENT_HEADER_BYTES && segment.lost === undefined) continue
    if (segment.endId > id || segment.entry === undefined) return segment
  }
  return undefined
}
