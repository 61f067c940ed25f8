/**
 * What of a damaged log can be saved, in order: valid blocks below each segment's end, blocks that one
 * flipped bit would make valid (mended, and said so), and between them what is lost. Reads only.
 */
import type { Gap } from '../errors.ts'
import { isMediumError, systemErrorCode } from '../errors.ts'
import { type Block, readBlock, type SegmentKey } from '../format/block.ts'
import type { IndexEvidence, SegmentHead, SingleBit } from '../format/evidence.ts'
import { BlockFlag, BlockType, SEGMENT_HEADER_BYTES, segmentFileName } from '../format/layout.ts'
import { decodeLink, type MapEntry } from '../format/link.ts'
import { MessageCounter } from '../format/message-counter.ts'
import { RecordCursor } from '../format/records.ts'
import type { Unpacker } from '../format/unpack.ts'
import { isRot, type VerdictRow, wholeGroupEnd } from '../format/verdict.ts'
import type { Assessment } from '../log/assess.ts'
import { unpackerOf } from '../log/block-state.ts'
import { mendableBlocks, mendedBytes } from '../log/mend.ts'
import type { UnreadPages } from '../log/read-around.ts'
import { scanSegment } from '../log/scan.ts'
import { indexEvidence, keyOf } from '../log/survey.ts'
import { isRotAbove } from '../log/verdict-gaps.ts'
import { withFile } from '../log/with-file.ts'
import type { FileHandle, System } from '../system/system.ts'
import { partOfBlock } from './block-part.ts'
import { type SegmentSource, StandIns } from './stand-ins.ts'
import { type UnreadFiles, unreadEnds } from './unread-files.ts'
import { walkSegment } from './walk.ts'

export interface SavedBlock {
  readonly kind: 'block'
  readonly file: string
  /** A copy of the block's bytes. */
  readonly bytes: Uint8Array
  readonly block: Block
  /** Epoch of the writer of the segment it stands in. */
  readonly epoch: number
  readonly messages: number
  readonly idSpan: number
  readonly hasControl: boolean
  /** The bit that was flipped to make it valid. */
  readonly mended?: SingleBit
}

export type LossCause = 'rot' | 'missing' | 'foreign' | 'truncated'

export interface Loss {
  readonly kind: 'loss'
  readonly cause: LossCause
  readonly gap: Gap
}

/** Bytes without a valid block. */
interface Wound {
  offset: number
  readonly end: number
  /** In words, where the medium did not give some of them. */
  readonly unread?: string | undefined
}

export class SalvageSource {
  /** The id that comes next if nothing is lost. */
  nextId: number
  readonly #system: System
  readonly #unread: UnreadFiles
  readonly #assessment: Assessment
  readonly #standIns: StandIns
  readonly #counter = new MessageCounter()
  readonly #unpacker: Unpacker
  readonly #signal: AbortSignal | undefined

  constructor(unread: UnreadFiles, assessment: Assessment, signal: AbortSignal | undefined) {
    this.#unread = unread
    this.#system = unread.system
    this.#unpacker = unpackerOf(unread.system)
    this.#assessment = assessment
    this.#standIns = new StandIns(unread.system, assessment)
    this.#signal = signal
    const { map, newest, nextId } = assessment
    this.nextId =
      map[0]?.firstId ?? newest?.link.nextId ?? (assessment.survey.heads.length > 0 ? 1 : nextId)
  }

  /** Why it is not known where the log ended, in words; once all items were told. */
  get endUnknown(): string | undefined {
    const [end] = unreadEnds(this.#assessment, this.#unread)
    if (end) return `${end.file}, from byte ${end.offset} on: ${end.words}`
    const { missingNewest, newest, files } = this.#assessment
    // Proven to be lost, by what does not tell how many messages it held.
    if (missingNewest && missingNewest.endId <= missingNewest.firstId) {
      return `${missingNewest.file}: ${missingNewest.why}`
    }
    const lost = files.find((one) => isRotAbove(one, newest) && one.endId === 0)
    return lost && `${lost.file}: ${lost.why}`
  }

  async *items(): AsyncGenerator<SavedBlock | Loss, void, undefined> {
    const { map, files, survey, newest, missingNewest, nextId } = this.#assessment
    for (const entry of map) {
      const file = segmentFileName(entry.number, entry.generation)
      const head = survey.heads.find((candidate) => candidate.file === file)
      const verdict = files.find((candidate) => candidate.file === file && isRot(candidate.row))
      const isUnusable = verdict !== undefined && verdict.row !== 'rot-header'
      if (head === undefined || isUnusable) {
        const hasStandIn = yield* this.#fromStandIns(entry, entry.endId)
        if (hasStandIn && entry.endId <= this.nextId) continue
        const cause = head === undefined ? 'missing' : 'foreign'
        yield* this.#lose(cause, file, 0, 0, entry.endId, verdict?.why ?? 'no such file')
        continue
      }
      const { actualBytes } = head
      const { cut: end, endId } = entry
      // The map knows the salts of a segment whose header is lost, so its blocks can still be told.
      yield* this.#segment({
        file,
        key: entry,
        actualBytes,
        end,
        epoch: head.link?.epoch ?? 1,
        endId,
        entry,
      })
    }
    if (newest?.head.header) {
      const { head, tail, link } = newest
      const key = keyOf(newest.head.header)
      const { file, actualBytes } = head
      const source = {
        file,
        key,
        actualBytes,
        end: tail.end,
        epoch: link.epoch,
        endId: tail.nextId,
      }
      yield* this.#segment(source)
    }
    yield* this.#aboveNewest()
    if (missingNewest) {
      const { file, offset, endId, why } = missingNewest
      yield* this.#lose('missing', file, offset, 0, Math.max(endId, nextId), why)
    }
  }

  /** What merges have left of a segment's ids up to `toId`; false where there is nothing to look into. */
  async *#fromStandIns(
    entry: MapEntry,
    toId: number,
  ): AsyncGenerator<SavedBlock | Loss, boolean, undefined> {
    let hasStandIn = false
    for await (const standIn of this.#standIns.of(entry)) {
      hasStandIn = true
      // Of segments that are there, their own files hold more: control records too.
      standIn.from = yield* this.#segment({ ...standIn, toId })
      if (toId <= this.nextId) break
    }
    return hasStandIn
  }

  /** Segments above the newest that is known: what they hold as far as it counts, and all they have lost. */
  async *#aboveNewest(): AsyncGenerator<SavedBlock | Loss, void, undefined> {
    const { files, survey, newest } = this.#assessment
    const above = files.filter((verdict) => isRotAbove(verdict, newest))
    for (const verdict of above) {
      const { file, endId, row, why } = verdict
      const isLast = verdict === above.at(-1)
      const head = survey.heads.find((candidate) => candidate.file === file)
      const key = head && this.#keyAbove(head, row)
      if (head && key) yield* this.#withoutLink(head, key, isLast ? endId : 0)
      else if (endId > this.nextId) {
        yield* this.#lose('rot', file, 0, 0, endId, why)
      }
    }
    // Where the one in front of the last knew of more ids, these are lost as well.
    const most = above.toSorted((a, b) => b.endId - a.endId)[0]
    if (most && most.endId > this.nextId) {
      yield* this.#lose('rot', most.file, 0, 0, most.endId, most.why)
    }
  }

  /** How blocks of a segment above the newest are told: by its header, or where that is lost by the index. */
  #keyAbove(head: SegmentHead, row: VerdictRow): SegmentKey | undefined {
    if (head.header) return row === 'rot-lost-link' ? keyOf(head.header) : undefined
    const index = this.#index()
    const isNamed = index?.number === head.number && index.generation === head.generation
    return isNamed ? { ...index, fileBytes: head.actualBytes } : undefined
  }

  /** The index, where it counts for segments above the newest. */
  #index(): IndexEvidence | undefined {
    const { survey, storeId, newest } = this.#assessment
    const index = indexEvidence(survey.index)
    const epoch = newest?.link.epoch ?? 0
    return index && index.storeId === storeId && index.epoch >= epoch ? index : undefined
  }

  /** What such a segment claims durable is taken, and whole groups behind it; up to `endId` the rest is lost. */
  async *#withoutLink(
    head: SegmentHead,
    key: SegmentKey,
    endId: number,
  ): AsyncGenerator<SavedBlock | Loss, void, undefined> {
    const { file, number, actualBytes } = head
    const path = `${this.#assessment.survey.directory}/${file}`
    const scan = await withFile(this.#system, path, (handle) =>
      scanSegment(this.#system, handle, key, actualBytes),
    )
    const { blocks } = scan
    const index = this.#index()
    const isNamed =
      index?.number === number && index.salt1 === key.salt1 && index.salt2 === key.salt2
    let end = Math.max(SEGMENT_HEADER_BYTES, isNamed ? index.durableOffset : 0)
    for (let row = 0; row < blocks.count; row++) end = Math.max(end, blocks.durable(row))
    // Behind what is claimed whole groups count as far as they follow one another, as for the newest; but
    // not where another segment was begun behind this one, in which its owner had the last word.
    for (let next = end; endId > 0 && next > 0; next = wholeGroupEnd(blocks, end)) end = next
    yield* this.#segment({ file, key, actualBytes, end, epoch: 1, endId, losesToEnd: true })
  }

  /** Returns the offset from which on it holds more than was taken, because of the source's `toId`. */
  async *#segment(source: SegmentSource): AsyncGenerator<SavedBlock | Loss, number, undefined> {
    const path = `${this.#assessment.survey.directory}/${source.file}`
    const handle = await this.#system.files.open(path, { mode: 'read' })
    try {
      return yield* this.#blocks(source, handle, this.#unread.pages(path))
    } catch (error) {
      if (!isMediumError(error)) throw error
      const why = `the disk cannot read it (${systemErrorCode(error)})`
      yield* this.#loseFrom(source, 'rot', 0, 0, source.endId, why)
      return source.from ?? SEGMENT_HEADER_BYTES
    } finally {
      await handle.close()
    }
  }

  async *#blocks(
    source: SegmentSource,
    handle: FileHandle,
    unread: UnreadPages,
  ): AsyncGenerator<SavedBlock | Loss, number, undefined> {
    const { key, actualBytes, end, from = SEGMENT_HEADER_BYTES } = source
    let { epoch } = source
    /** Bytes passed since the last valid block that nothing could mend. */
    let wound: Wound | undefined
    const range = { from, to: end, signal: this.#signal }
    for await (const piece of walkSegment(this.#system, handle, key, actualBytes, range)) {
      if (piece.kind === 'block') {
        const { block } = piece
        epoch = epochOf(piece.bytes, piece.at, block) ?? epoch
        if (wound) yield* this.#loseBytes(source, wound, block.firstId)
        const bytes = piece.bytes.slice(piece.at, piece.at + block.length)
        if (yield* this.#take(source, bytes, epoch)) return beyondFrom(source, block, wound)
        wound = undefined
        continue
      }
      const { offset, end } = piece
      wound = { offset, end, unread: unread.words(offset, end) }
      // What stands for bytes that were not given is no evidence for a flipped bit.
      const mends = wound.unread ? [] : await mendableBlocks(handle, offset, end, key, this.#system)
      for (const mended of mends) {
        const bytes = await mendedBytes(handle, mended, key, this.#system.crc32)
        if (!bytes) break
        const hole = mended.offset > wound.offset ? { ...wound, end: mended.offset } : undefined
        if (hole) yield* this.#loseBytes(source, hole, mended.firstId)
        if (yield* this.#take(source, bytes, epoch, mended)) return beyondFrom(source, mended, hole)
        wound.offset = mended.offset + mended.length
      }
      if (wound.offset >= wound.end) wound = undefined
    }
    if (actualBytes < end) wound = { offset: wound?.offset ?? actualBytes, end }
    if (wound) yield* this.#loseBytes(source, wound, source.endId)
    else if (source.losesToEnd && source.endId > this.nextId) {
      const why = 'no block that counts holds them any more'
      yield* this.#lose('rot', source.file, end, 0, source.endId, why)
    } else this.nextId = Math.max(this.nextId, takenEnd(source, source.endId))
    return end
  }

  /** True where the block reaches beyond what is taken from its source. */
  *#take(
    source: SegmentSource,
    bytes: Uint8Array,
    epoch: number,
    mended?: SingleBit,
  ): Generator<SavedBlock | Loss, boolean, undefined> {
    const { file } = source
    const block = readBlock(bytes, 0)
    const isKept = block.type === BlockType.DATA || block.type === BlockType.GAP
    if (isKept && !this.#unpacker.open(bytes, 0)) {
      throw new Error('a block that was found valid unpacks')
    }
    const idSpan = this.#counter.idSpan(bytes, 0, block, this.#unpacker.payload)
    const endId = block.firstId + idSpan
    const toId = takenEnd(source, endId)
    const isBeyond = toId < endId
    const isWhole = !isBeyond && (idSpan === 0 || block.firstId >= this.nextId)
    if (isWhole) {
      if (isKept || mended) yield this.#saved(file, bytes, block, epoch, idSpan, mended)
    } else if (idSpan > 0 && toId > this.nextId) {
      // What stands twice is taken once: ids never fall.
      yield* this.#takePart(file, bytes, epoch, toId, mended)
    }
    if (isKept || isBeyond) this.nextId = Math.max(this.nextId, toId)
    return isBeyond
  }

  /** The messages from the next id up to `toId` of the block that was unpacked last. */
  *#takePart(
    file: string,
    bytes: Uint8Array,
    epoch: number,
    toId: number,
    mended: SingleBit | undefined,
  ): Generator<SavedBlock | Loss, void, undefined> {
    const { payload } = this.#unpacker
    const part = partOfBlock(bytes, payload, this.nextId, toId, this.#system.crc32)
    if (!part) {
      const { offset, length } = readBlock(bytes, 0)
      const why = 'a batch with control records cannot be cut in half'
      yield* this.#lose('missing', file, offset, length, toId, why)
    } else if (part.bytes) {
      const block = readBlock(part.bytes, 0)
      const idSpan = this.#counter.idSpan(part.bytes, 0, block)
      const { firstId } = block
      const bit = mended && { ...mended, firstId, endId: firstId + idSpan }
      yield this.#saved(file, part.bytes, block, part.originEpoch || epoch, idSpan, bit)
    }
  }

  #saved(
    file: string,
    bytes: Uint8Array,
    block: Block,
    epoch: number,
    idSpan: number,
    mended: SingleBit | undefined,
  ): SavedBlock {
    const isSparse = (block.flags & BlockFlag.SPARSE) !== 0
    const messages = isSparse ? block.recordCount : idSpan
    const hasControl = block.type === BlockType.DATA && this.#counter.hasControl
    const saved = { file, bytes, block, epoch, messages, idSpan, hasControl }
    return { kind: 'block', ...saved, ...(mended && { mended }) }
  }

  #loseBytes(
    source: SegmentSource,
    { offset, end, unread }: Wound,
    endId: number,
  ): AsyncGenerator<SavedBlock | Loss, void, undefined> {
    const isShort = end > source.actualBytes
    const why = isShort
      ? 'the file is shorter than it was'
      : (unread ?? 'no valid block, and no single bit mends it')
    return this.#loseFrom(source, isShort ? 'truncated' : 'rot', offset, end - offset, endId, why)
  }

  /** Of what the source does not give up to `endId`, a merge may have left some. */
  async *#loseFrom(
    source: SegmentSource,
    cause: LossCause,
    offset: number,
    bytes: number,
    endId: number,
    why: string,
  ): AsyncGenerator<SavedBlock | Loss, void, undefined> {
    const toId = takenEnd(source, endId)
    if (source.entry && toId > this.nextId) yield* this.#fromStandIns(source.entry, toId)
    yield* this.#lose(cause, source.file, offset, bytes, toId, why)
  }

  *#lose(
    cause: LossCause,
    file: string,
    offset: number,
    bytes: number,
    endId: number,
    why: string,
  ): Generator<Loss, void, undefined> {
    const firstId = this.nextId
    const gap = { file, offset, bytes, firstId, endId: Math.max(firstId, endId), why }
    this.nextId = gap.endId
    yield { kind: 'loss', cause, gap }
  }
}

/** `endId`, or the id up to which messages are taken from the source, where that is lower. */
function takenEnd({ toId }: SegmentSource, endId: number): number {
  return Math.min(endId, toId ?? endId)
}

/** Where what was not taken begins, at a block that reaches beyond what is taken. */
function beyondFrom(
  source: SegmentSource,
  { firstId, offset }: Pick<Block, 'firstId' | 'offset'>,
  wound: Wound | undefined,
): number {
  // Whatever the wound took beyond is told where the segment is missing that it belonged to.
  const isWoundBeyond = takenEnd(source, firstId) < firstId
  return (isWoundBeyond && wound?.offset) || offset
}

/** The writer's epoch, where the block is a LINK. */
function epochOf(bytes: Uint8Array, at: number, block: Block): number | undefined {
  if (block.type !== BlockType.LINK) return undefined
  const cursor = new RecordCursor()
  cursor.open(bytes, at)
  return cursor.next() ? decodeLink(cursor.body())?.epoch : undefined
}
