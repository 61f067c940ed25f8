/**
 * Messages in order of id, in batches: from the segments of a view, through checked blocks. Gaps are
 * told or thrown, never passed over in silence.
 */
import { DamagedError, type Gap, throwIfAborted } from '../../errors.ts'
import type { Block } from '../../format/block.ts'
import { decodeGap, type GapRecord } from '../../format/gap.ts'
import {
  BlockFlag,
  BlockType,
  RecordKind,
  SEGMENT_HEADER_BYTES,
  segmentFileName,
} from '../../format/layout.ts'
import { RecordCursor } from '../../format/records.ts'
import type { System } from '../../system/system.ts'
import { BlockIndex } from '../block-index.ts'
import { loadSeal } from '../seal.ts'
import type { Message, ReadOptions } from '../types.ts'
import { type LogView, mergedInto, type ReadableSegment } from '../view.ts'
import { BlockWalk } from './block-walk.ts'
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
  readonly #cursor = new RecordCursor()
  readonly #wait: TailWait
  /** The batch being read; never rejects. */
  #running: Promise<void> | undefined
  #wanted: number
  /** Ids from here on are not asked for. */
  #to: number
  /** The place of `#wanted` is still to be found. */
  #isSeeking = true
  /** The id that must come next if nothing was lost; 0 before the first block. */
  #expected = 0
  /** The segment that the walk is in or was in last. */
  #segment: ReadableSegment | undefined
  #walk: BlockWalk | undefined
  /** The block taken last was SPARSE: ids that are missing behind it were discarded. */
  #isSparse = false
  /** What `next` of the walk said, where its block is still to be taken. */
  #held: boolean | undefined
  readonly #toldTail = new Set<string>()
  /** Filled from a walk to a full segment's end, for the next reader. */
  #fresh: BlockIndex | undefined
  /** At a record of the block in hand that `#handOf` is; made anew for every other block. */
  readonly #hand = new RecordCursor()
  #handOf: Block | undefined

  constructor(system: System, view: LogView, options: ReadOptions) {
    this.#system = system
    this.#view = view
    this.#options = options
    this.#wanted = options.from ?? 1
    this.#to = options.to ?? Number.POSITIVE_INFINITY
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
    this.#wanted = from
    this.#to = to
    // A block that is held stands in front of the walk already, which so is not where it seems.
    if (this.#held !== undefined) this.#expected = 0
    this.#held = undefined
    this.#isSeeking = true
  }

  /**
   * The body of `id` where the block taken last holds it: without a read, a checksum or a turn. Undefined
   * where it has to be sought. Not while a batch is being read.
   */
  bodyInHand(id: number): Uint8Array | undefined {
    const walk = this.#walk
    const block = walk?.block
    if (!walk || !block || this.#held !== undefined || !mayHold(block, id)) return undefined
    const hand = this.#hand
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
      if (this.#wanted >= this.#to) return undefined
      const segment = this.#currentSegment()
      if (segment) {
        const batch = await this.#readFrom(segment)
        if (batch.length > 0) return batch
        continue
      }
      this.#tellTail()
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
    if (this.#isSeeking || !last) return firstFor(segments, this.#wanted)
    if (mergedInto(segments, last)) {
      // Its file is read to its end all the same; what stood behind it is found by id.
      if (this.#hasMore(last)) return last
      this.#wanted = Math.max(this.#wanted, last.endId)
      this.#isSeeking = true
      return firstFor(segments, this.#wanted)
    }
    for (const segment of segments) {
      if (segment.number < last.number) continue
      if (segment.number > last.number) return segment
      if (this.#hasMore(segment)) return segment
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
        this.#lose(segment, 0, 0, segment.endId, segment.lost ?? 'the file cannot be read')
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
      this.#noteDamage(walk, segment, found)
      if (!found || !walk.block) break
      chunk ??= walk.bytes
      unpackedBytes += walk.payload?.length ?? 0
      const { firstId, offset } = walk.block
      const index = segment.index ?? this.#fresh
      index?.noteWalked(walk.damageStart, firstId, offset, walk.offset)
      if (walk.block.type === BlockType.DATA) this.#take(walk, segment, messages)
      else if (walk.block.type === BlockType.GAP) this.#passGaps(walk)
      else this.#expected = Math.max(this.#expected, walk.block.firstId)
      if (this.#wanted >= this.#to) break
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
    this.#isSparse = false
    this.#fresh = undefined
    // Ids in front of it that were not read belong to segments that have retired.
    this.#expected = Math.max(this.#isSeeking ? 0 : this.#expected, segment.firstId)
    if (segment.lost === undefined) {
      // What is kept of the tail goes by number, which a merged segment shares with one it covers.
      const seat = segment.entry?.dataOnly ? undefined : this.#wait.seat
      this.#walk = new BlockWalk(this.#system, this.#view, segment, seat, SEGMENT_HEADER_BYTES)
      if (!this.#isSeeking && segment.entry && !segment.index) this.#fresh = new BlockIndex(true)
    }
    await before?.close()
  }

  /** Moves to the first block that can hold what is wanted, as near as somebody knows where it is. */
  async #findPlace(walk: BlockWalk, segment: ReadableSegment): Promise<void> {
    const wanted = this.#wanted
    const isInside = wanted > segment.firstId
    const tail = segment.entry?.dataOnly ? undefined : this.#view.tail
    const kept = isInside ? tail?.locate(segment.number, wanted) : undefined
    const isIndexed = isInside && kept === undefined
    const index = isIndexed ? await this.#indexOf(walk, segment) : segment.index
    const place = isInside ? (kept ?? index?.locate(wanted)) : undefined
    this.#isSeeking = false
    const offset = Math.min(place ?? SEGMENT_HEADER_BYTES, segment.end)
    const isAhead = this.#expected > segment.firstId && this.#expected <= wanted
    if (isAhead && offset <= walk.offset) return
    // In the middle of a segment only the first block there tells which id comes next.
    this.#expected = place === undefined ? segment.firstId : 0
    if (!isInside && segment.entry && !index) this.#fresh = new BlockIndex(true)
    walk.seek(offset, (index?.offsetBehind(this.#to - 1) ?? segment.end) - offset)
    // Where the index may end the walk is to complete it, so it passes nothing over.
    if (isIndexed && index?.offsetBehind(wanted) !== undefined) {
      await walk.passTo(segment, wanted)
    }
  }

  /** Where the segment's blocks stand: as known, as its SEAL has it, or as far as readers came so far. */
  async #indexOf(walk: BlockWalk, segment: ReadableSegment): Promise<BlockIndex | undefined> {
    if (segment.index || !segment.entry) return segment.index
    const sealed = await loadSeal(this.#system, await walk.handle(), segment)
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
    this.#lose(segment, 0, 0, segment.endId, 'the file cannot be read')
  }

  #take(walk: BlockWalk, segment: ReadableSegment, messages: Message[]): void {
    const cursor = this.#cursor
    const to = this.#to
    const unconfirmed = walk.offset > segment.confirmedEnd
    cursor.open(walk.bytes, walk.at, walk.payload)
    this.#isSparse = ((walk.block?.flags ?? 0) & BlockFlag.SPARSE) !== 0
    while (cursor.next()) {
      if (cursor.kind !== RecordKind.MESSAGE) continue
      const { id } = cursor
      this.#expected = id + 1
      if (id < this.#wanted || id >= to) continue
      this.#wanted = id + 1
      const { timeMs } = cursor
      const body = walk.bodyOf(cursor)
      messages.push(unconfirmed ? { id, timeMs, body, unconfirmed } : { id, timeMs, body })
    }
    if (this.#expected >= to) this.#wanted = Math.max(this.#wanted, to)
  }

  #isGap(walk: BlockWalk, segment: ReadableSegment, found: boolean): boolean {
    if (walk.damageEnd > walk.damageStart || walk.block?.type === BlockType.GAP) return true
    return !found && this.#isShort(segment)
  }

  /** Ids are missing at its end although no byte is damaged; those left out by merging are none. */
  #isShort({ entry, endId }: ReadableSegment): boolean {
    if (!entry || entry.dataOnly || this.#isSparse) return false
    return this.#expected < endId
  }

  /** Invalid bytes below the end: the ids between what was read and what follows are lost. */
  #noteDamage(walk: BlockWalk, segment: ReadableSegment, found: boolean): void {
    const bytes = walk.damageEnd - walk.damageStart
    if (bytes === 0 && found) return
    if (bytes === 0 && !this.#isShort(segment)) return
    const endId = found ? (walk.block?.firstId ?? 0) : segment.endId
    const why = 'the checksum does not match'
    if (walk.isSnapshotDamage && (this.#expected === 0 || endId <= this.#expected)) {
      const { file } = segment
      this.#view.noteGap({ file, offset: walk.damageStart, bytes, firstId: endId, endId, why })
      return
    }
    this.#lose(segment, walk.damageStart, bytes, endId, why)
  }

  #lose(segment: ReadableSegment, offset: number, bytes: number, endId: number, why: string): void {
    const firstId = Math.max(1, this.#expected === 0 ? this.#wanted : this.#expected)
    const gap = { file: segment.file, offset, bytes, firstId, endId: Math.max(firstId, endId), why }
    this.#expected = gap.endId
    this.#tell(gap)
  }

  /** What is known lost behind the end: each once, also where a follower comes here again. */
  #tellTail(): void {
    for (const gap of this.#view.tailGaps) {
      const key = `${gap.file}:${gap.offset}`
      if (this.#toldTail.has(key)) continue
      this.#toldTail.add(key)
      this.#tell(gap)
    }
  }

  #passGaps(walk: BlockWalk): void {
    const cursor = this.#cursor
    cursor.open(walk.bytes, walk.at)
    while (cursor.next()) {
      const gap = decodeGap(cursor.body())
      if (gap && gap.endId > this.#expected) {
        this.#expected = gap.endId
        this.#tell(asGap(gap))
      }
    }
  }

  #tell(gap: Gap): void {
    if (gap.endId <= this.#wanted && gap.firstId < gap.endId) return
    if (gap.firstId >= this.#to) return
    this.#view.noteGap(gap)
    this.#wanted = Math.max(this.#wanted, gap.endId)
    const { onGap } = this.#options
    if (onGap) onGap(gap)
    else if (!this.#view.skipsGaps) throw damageBy(gap)
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

/** The error of whoever asked for one of the ids that the gap has taken. */
export function damageBy(gap: Gap): DamagedError {
  const { file, offset, firstId, endId } = gap
  return new DamagedError(
    `${file}: ids ${firstId} to ${endId - 1} are lost to damage at byte ${offset}`,
    [gap],
  )
}

function asGap(record: GapRecord): Gap {
  const { offset, bytes, firstId, endId } = record
  const file = segmentFileName(record.number, record.generation)
  return { file, offset, bytes, firstId, endId, why: 'set aside by an earlier recovery' }
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
