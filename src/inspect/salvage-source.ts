/**
 * What of a damaged log can be saved, in order: valid blocks below each segment's end, blocks that one
 * flipped bit would make valid (mended, and said so), and between them what is lost. Reads only.
 */
import type { Gap } from '../errors.ts'
import { isMediumError, systemErrorCode } from '../errors.ts'
import { type Block, readBlock, type SegmentKey } from '../format/block.ts'
import type { SegmentHead, SingleBit } from '../format/evidence.ts'
import { belongs } from '../format/file-verdict.ts'
import { BlockFlag, BlockType, SEGMENT_HEADER_BYTES, segmentFileName } from '../format/layout.ts'
import { decodeLink, type MapEntry } from '../format/link.ts'
import { MessageCounter } from '../format/message-counter.ts'
import { RecordCursor } from '../format/records.ts'
import { decodeSeal, type Seal } from '../format/seal-record.ts'
import type { Unpacker } from '../format/unpack.ts'
import { isRot, wholeGroupEnd } from '../format/verdict.ts'
import type { Assessment } from '../log/assess.ts'
import { unpackerOf } from '../log/block-state.ts'
import { mendableBlocks, mendedBytes } from '../log/mend.ts'
import type { UnreadPages } from '../log/read-around.ts'
import { scanSegment } from '../log/scan.ts'
import { keyOf } from '../log/survey.ts'
import { withFile } from '../log/with-file.ts'
import type { FileHandle, System } from '../system/system.ts'
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

interface Source {
  readonly file: string
  readonly key: SegmentKey
  readonly actualBytes: number
  /** Blocks count below this offset. */
  readonly end: number
  readonly epoch: number
  /** One past the last id that the log gave in this segment; 0 where nothing tells. */
  readonly endId: number
}

export class SalvageSource {
  /** The id that comes next if nothing is lost. */
  nextId: number
  readonly #system: System
  readonly #unread: UnreadFiles
  readonly #assessment: Assessment
  readonly #counter = new MessageCounter()
  readonly #unpacker: Unpacker
  readonly #signal: AbortSignal | undefined

  constructor(unread: UnreadFiles, assessment: Assessment, signal: AbortSignal | undefined) {
    this.#unread = unread
    this.#system = unread.system
    this.#unpacker = unpackerOf(unread.system)
    this.#assessment = assessment
    this.#signal = signal
    const { map, newest, nextId } = assessment
    this.nextId =
      map[0]?.firstId ?? newest?.link.nextId ?? (assessment.survey.heads.length > 0 ? 1 : nextId)
  }

  /** Why it is not known where the log ended, in words; once all items were told. */
  get endUnknown(): string | undefined {
    const [end] = unreadEnds(this.#assessment, this.#unread)
    return end && `${end.file}, from byte ${end.offset} on: ${end.words}`
  }

  async *items(): AsyncGenerator<SavedBlock | Loss, void, undefined> {
    const { map, files, survey, newest, missingNewest, nextId } = this.#assessment
    const standIns = new Set<SegmentHead>()
    for (const entry of map) {
      const file = segmentFileName(entry.number, entry.generation)
      const head = survey.heads.find((candidate) => candidate.file === file)
      const verdict = files.find((candidate) => candidate.file === file && isRot(candidate.row))
      const isUnusable = verdict !== undefined && verdict.row !== 'rot-header'
      if (head === undefined || isUnusable) {
        let hasStandIn = false
        for (const standIn of this.#standInsOf(entry)) {
          hasStandIn = true
          if (standIns.has(standIn)) continue
          standIns.add(standIn)
          yield* this.#merged(standIn)
          if (entry.endId <= this.nextId) break
        }
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
    yield* this.#withoutLink()
    if (missingNewest) {
      const { file, offset, endId, why } = missingNewest
      yield* this.#lose('missing', file, offset, 0, Math.max(endId, nextId), why)
    }
  }

  /**
   * What a merge made of a segment that is gone: the map that named it is lost, and an older one counts, which
   * names what it was made of. The likeliest comes first; one that was given up half way holds less than another.
   * What they hold of other segments stands twice, and is taken once.
   */
  #standInsOf(entry: MapEntry): SegmentHead[] {
    const { map, survey, storeId, newest } = this.#assessment
    const found = survey.heads.filter(
      (head) =>
        head.generation > 0 &&
        head.number <= entry.number &&
        head !== newest?.head &&
        belongs(head, storeId) &&
        !map.some(({ number, generation }) => segmentFileName(number, generation) === head.file),
    )
    return found.reverse()
  }

  async *#merged(head: SegmentHead): AsyncGenerator<SavedBlock | Loss, void, undefined> {
    const { file, header, actualBytes } = head
    if (!header) throw new Error('what belongs to a log has a header')
    const key = keyOf(header)
    let end = SEGMENT_HEADER_BYTES
    let endId = 0
    await withFile(this.#system, `${this.#assessment.survey.directory}/${file}`, (handle) =>
      scanSegment(this.#system, handle, key, actualBytes, {
        visit: (bytes, at, block) => {
          end = block.offset + block.length
          if (block.type === BlockType.SEAL) endId = sealOf(bytes, at)?.endId ?? 0
        },
      }),
    )
    yield* this.#segment({ file, key, actualBytes, end, epoch: head.link?.epoch ?? 1, endId })
  }

  /** Segments that claim durable data and have lost their LINK: that is taken, and whole groups behind it. */
  async *#withoutLink(): AsyncGenerator<SavedBlock | Loss, void, undefined> {
    const { files, survey } = this.#assessment
    const withoutLink = files.filter(({ row }) => row === 'rot-lost-link')
    for (const verdict of withoutLink) {
      const head = survey.heads.find(({ file }) => file === verdict.file)
      if (!head?.header) continue
      const { file, actualBytes } = head
      const key = keyOf(head.header)
      const path = `${survey.directory}/${file}`
      const scan = await withFile(this.#system, path, (handle) =>
        scanSegment(this.#system, handle, key, actualBytes),
      )
      const { blocks } = scan
      let end = SEGMENT_HEADER_BYTES
      for (let row = 0; row < blocks.count; row++) end = Math.max(end, blocks.durable(row))
      // Behind what is claimed whole groups count as far as they follow one another, as for the newest; but
      // not where another segment was begun behind this one, in which its owner had the last word.
      const isLast = verdict === withoutLink.at(-1)
      for (let next = end; isLast && next > 0; next = wholeGroupEnd(blocks, end)) end = next
      yield* this.#segment({
        file,
        key,
        actualBytes,
        end,
        epoch: 1,
        endId: isLast ? verdict.endId : 0,
      })
    }
  }

  async *#segment(source: Source): AsyncGenerator<SavedBlock | Loss, void, undefined> {
    const path = `${this.#assessment.survey.directory}/${source.file}`
    const handle = await this.#system.files.open(path, { mode: 'read' })
    try {
      yield* this.#blocks(source, handle, this.#unread.pages(path))
    } catch (error) {
      if (!isMediumError(error)) throw error
      const why = `the disk cannot read it (${systemErrorCode(error)})`
      yield* this.#lose('rot', source.file, 0, 0, source.endId, why)
    } finally {
      await handle.close()
    }
  }

  async *#blocks(
    source: Source,
    handle: FileHandle,
    unread: UnreadPages,
  ): AsyncGenerator<SavedBlock | Loss, void, undefined> {
    const { key, actualBytes, end, file } = source
    let { epoch } = source
    /** Bytes passed since the last valid block that nothing could mend. */
    let wound: Wound | undefined
    const range = { to: end, signal: this.#signal }
    for await (const piece of walkSegment(this.#system, handle, key, actualBytes, range)) {
      if (piece.kind === 'block') {
        epoch = epochOf(piece.bytes, piece.at, piece.block) ?? epoch
        if (wound) yield* this.#loseBytes(source, wound, piece.block.firstId)
        wound = undefined
        const bytes = piece.bytes.slice(piece.at, piece.at + piece.block.length)
        yield* this.#take(file, bytes, epoch)
        continue
      }
      const { offset, end } = piece
      wound = { offset, end, unread: unread.words(offset, end) }
      // What stands for bytes that were not given is no evidence for a flipped bit.
      const mends = wound.unread ? [] : await mendableBlocks(handle, offset, end, key, this.#system)
      for (const mended of mends) {
        const bytes = await mendedBytes(handle, mended, key, this.#system.crc32)
        if (!bytes) break
        yield* this.#take(file, bytes, epoch, mended)
        wound.offset = mended.offset + mended.length
      }
      if (wound.offset >= wound.end) wound = undefined
    }
    if (actualBytes < end) wound = { offset: wound?.offset ?? actualBytes, end }
    if (wound) yield* this.#loseBytes(source, wound, source.endId)
    else if (source.endId > this.nextId) this.nextId = source.endId
  }

  *#take(
    file: string,
    bytes: Uint8Array,
    epoch: number,
    mended?: SingleBit,
  ): Generator<SavedBlock, void, undefined> {
    const block = readBlock(bytes, 0)
    if (block.type !== BlockType.DATA && block.type !== BlockType.GAP) {
      if (mended) yield this.#saved(file, bytes, block, epoch, 0, mended)
      return
    }
    if (!this.#unpacker.open(bytes, 0)) throw new Error('a block that was found valid unpacks')
    const idSpan = this.#counter.idSpan(bytes, 0, block, this.#unpacker.payload)
    // What stands twice is taken once: ids never fall.
    if (idSpan > 0 && block.firstId < this.nextId) return
    this.nextId = Math.max(this.nextId, block.firstId + idSpan)
    yield this.#saved(file, bytes, block, epoch, idSpan, mended)
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
    source: Source,
    { offset, end, unread }: Wound,
    endId: number,
  ): Generator<Loss, void, undefined> {
    const isShort = end > source.actualBytes
    const why = isShort
      ? 'the file is shorter than it was'
      : (unread ?? 'no valid block, and no single bit mends it')
    return this.#lose(isShort ? 'truncated' : 'rot', source.file, offset, end - offset, endId, why)
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

function sealOf(bytes: Uint8Array, at: number): Seal | undefined {
  const cursor = new RecordCursor()
  cursor.open(bytes, at)
  return cursor.next() ? decodeSeal(cursor.body()) : undefined
}

/** The writer's epoch, where the block is a LINK. */
function epochOf(bytes: Uint8Array, at: number, block: Block): number | undefined {
  if (block.type !== BlockType.LINK) return undefined
  const cursor = new RecordCursor()
  cursor.open(bytes, at)
  return cursor.next() ? decodeLink(cursor.body())?.epoch : undefined
}
