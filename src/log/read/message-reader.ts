/**
 * Messages in order of id, in batches: from the segments of a view, through checked blocks. Gaps are
 * told or thrown, never passed over in silence.
 */
import { DamagedError, type Gap, QlogError } from '../../errors.ts'
import { decodeGap, type GapRecord } from '../../format/gap.ts'
import {
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
import type { LogView, ReadableSegment } from '../view.ts'
import { BlockWalk } from './block-walk.ts'

/** Messages a batch holds at most, so that tiny messages do not make huge arrays. */
const BATCH_MESSAGES_MAX = 8192

export class MessageReader {
  readonly #system: System
  readonly #view: LogView
  readonly #options: ReadOptions
  readonly #cursor = new RecordCursor()
  readonly #stop = new AbortController()
  /** The batch being read; never rejects. */
  #running: Promise<void> | undefined
  #wanted: number
  /** The id that must come next if nothing was lost; 0 before the first block. */
  #expected = 0
  #number = -1
  #walk: BlockWalk | undefined
  /** What `next` of the walk said, where its block is still to be taken. */
  #held: boolean | undefined
  #closed = false
  readonly #toldTail = new Set<string>()
  /** Filled from a walk to a full segment's end, for the next reader. */
  #fresh: BlockIndex | undefined

  constructor(system: System, view: LogView, options: ReadOptions) {
    this.#system = system
    this.#view = view
    this.#options = options
    this.#wanted = options.from ?? 1
  }

  /** The next messages; undefined at the end, which `follow` never reaches. One call at a time. */
  nextBatch(): Promise<readonly Message[] | undefined> {
    const running = this.#nextBatch()
    this.#running = running.then(ignore, ignore)
    return running
  }

  async #nextBatch(): Promise<readonly Message[] | undefined> {
    const { signal, follow, to } = this.#options
    for (;;) {
      if (this.#closed) return undefined
      throwIfAborted(signal)
      if (to !== undefined && this.#wanted >= to) return undefined
      const segment = this.#currentSegment()
      if (segment) {
        const batch = await this.#readFrom(segment)
        if (batch.length > 0) return batch
        continue
      }
      this.#tellTail()
      if (!follow) return undefined
      await this.#changed(signal)
    }
  }

  /** Ends a read that is under way or waits, and lets go of the file. */
  async close(): Promise<void> {
    this.#closed = true
    this.#stop.abort()
    await this.#running
    const walk = this.#walk
    this.#walk = undefined
    await walk?.close()
  }

  /** Waits for more, until the caller aborts or this reader is closed. */
  async #changed(signal: AbortSignal | undefined): Promise<void> {
    const stop = this.#stop.signal
    try {
      await this.#view.changed(signal ? AbortSignal.any([signal, stop]) : stop)
    } catch (error) {
      if (!this.#closed) throw error
    }
  }

  /** The segment to read from now: the one being walked while it has more, or the next. */
  #currentSegment(): ReadableSegment | undefined {
    const segments = this.#view.segments()
    if (this.#number < 0) return firstFor(segments, this.#wanted)
    for (const segment of segments) {
      if (segment.number < this.#number) continue
      if (segment.number > this.#number) return segment
      if (this.#walk && (this.#held !== undefined || this.#walk.offset < segment.end))
        return segment
    }
    return undefined
  }

  async #readFrom(segment: ReadableSegment): Promise<Message[]> {
    if (segment.number !== this.#number) await this.#enter(segment)
    const messages: Message[] = []
    const walk = this.#walk
    if (!walk) {
      // Retired since the view was asked: that is no damage.
      const isMapped = segment.lost !== undefined || (await this.#view.stillNames(segment.number))
      if (!isMapped) return messages
      this.#lose(segment, 0, 0, segment.endId, segment.lost ?? 'the file cannot be read')
      return messages
    }
    let chunk: Uint8Array | undefined
    do {
      const found = this.#held ?? (walk.nextBuffered(segment) || (await walk.next(segment)))
      this.#held = undefined
      if (messages.length > 0 && this.#isGap(walk, segment, found)) {
        // What stands in front of a gap is delivered before the gap is told.
        this.#held = found
        break
      }
      this.#noteDamage(walk, segment, found)
      if (!found || !walk.block) break
      chunk ??= walk.bytes
      this.#fresh?.note(walk.block.firstId, walk.block.offset)
      if (walk.block.type === BlockType.DATA) this.#take(walk, segment, messages)
      else if (walk.block.type === BlockType.GAP) this.#passGaps(walk)
      else this.#expected = Math.max(this.#expected, walk.block.firstId)
      const { to } = this.#options
      if (to !== undefined && this.#wanted >= to) break
    } while (
      walk.offset < segment.end &&
      messages.length < BATCH_MESSAGES_MAX &&
      ((walk.isBuffered && walk.bytes === chunk) || messages.length === 0)
    )
    if (segment.entry && walk.offset >= segment.end && this.#fresh) {
      this.#view.noteIndex(segment.number, this.#fresh)
      this.#fresh = undefined
    }
    return messages
  }

  async #enter(segment: ReadableSegment): Promise<void> {
    const first = this.#number < 0
    await this.#walk?.close()
    this.#walk = undefined
    this.#number = segment.number
    this.#held = undefined
    this.#fresh = undefined
    // Ids in front of it that were not read belong to segments that have retired.
    this.#expected = Math.max(this.#expected, segment.firstId)
    if (segment.lost !== undefined) return
    const path = `${this.#view.directory}/${segment.file}`
    const handle = await openToRead(this.#system, path)
    if (!handle) return
    let offset: number | undefined
    if (first && this.#wanted > segment.firstId) {
      const index = segment.index ?? (await loadSeal(this.#system, handle, segment))
      if (index && !segment.index) this.#view.noteIndex(segment.number, index)
      offset = index?.locate(this.#wanted)
    }
    if (offset === undefined && segment.entry && !segment.index) this.#fresh = new BlockIndex()
    // In the middle of a segment only the first block there tells which id comes next.
    if (offset !== undefined) this.#expected = 0
    this.#walk = new BlockWalk(this.#system, handle, offset ?? SEGMENT_HEADER_BYTES)
  }

  #take(walk: BlockWalk, segment: ReadableSegment, messages: Message[]): void {
    const cursor = this.#cursor
    const to = this.#options.to ?? Number.POSITIVE_INFINITY
    const unconfirmed = walk.offset > segment.confirmedEnd
    cursor.open(walk.bytes, walk.at)
    while (cursor.next()) {
      if (cursor.kind !== RecordKind.MESSAGE) continue
      const { id } = cursor
      this.#expected = id + 1
      if (id < this.#wanted || id >= to) continue
      this.#wanted = id + 1
      const message = { id, timeMs: cursor.timeMs, body: cursor.body() }
      messages.push(unconfirmed ? { ...message, unconfirmed } : message)
    }
    if (this.#expected >= to) this.#wanted = Math.max(this.#wanted, to)
  }

  #isGap(walk: BlockWalk, segment: ReadableSegment, found: boolean): boolean {
    if (walk.damageEnd > walk.damageStart || walk.block?.type === BlockType.GAP) return true
    return !found && segment.entry !== undefined && this.#expected < segment.endId
  }

  /** Invalid bytes below the end: the ids between what was read and what follows are lost. */
  #noteDamage(walk: BlockWalk, segment: ReadableSegment, found: boolean): void {
    const bytes = walk.damageEnd - walk.damageStart
    if (bytes === 0 && found) return
    if (bytes === 0 && (!segment.entry || this.#expected >= segment.endId)) return
    const endId = found ? (walk.block?.firstId ?? 0) : segment.endId
    this.#lose(segment, walk.damageStart, bytes, endId, 'the checksum does not match')
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
    if (gap.firstId >= (this.#options.to ?? Number.POSITIVE_INFINITY)) return
    this.#view.noteGap(gap)
    this.#wanted = Math.max(this.#wanted, gap.endId)
    const { onGap } = this.#options
    if (onGap) onGap(gap)
    else if (!this.#view.skipsGaps) {
      throw new DamagedError(
        `${gap.file}: ids ${gap.firstId} to ${gap.endId - 1} are lost to damage at byte ${gap.offset}`,
        [gap],
      )
    }
  }
}

function ignore(): void {
  // Whoever asked for the batch is told.
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

async function openToRead(system: System, path: string) {
  try {
    return await system.files.open(path, { mode: 'read' })
  } catch (error) {
    if (isGone(error)) return undefined
    throw new QlogError('QLOG_IO', `cannot open ${path}`, { cause: error })
  }
}

function isGone(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT'
}

export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw abortError(signal)
}

export function abortError(signal: AbortSignal): QlogError {
  return new QlogError('QLOG_ABORTED', 'the wait was aborted', { cause: signal.reason })
}
