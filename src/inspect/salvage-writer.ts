/**
 * Writes saved blocks as a new log: segments with LINK and map, blocks as recovery copies them (their
 * ids, times and first writer's epoch kept), GAP for what is lost, CLEAN at the end. Writes only files it
 * makes itself, in the directory it is given.
 */
import { type Block, readBlock, sealBlock } from '../format/block.ts'
import { setUint16, setUint32, setUint64 } from '../format/bytes.ts'
import { withOrigin } from '../format/copied.ts'
import { encodeGap, GapReason } from '../format/gap.ts'
import {
  BLOCK_FIRST_ID_AT,
  BLOCK_HEADER_BYTES,
  BLOCK_LENGTH_AT,
  BLOCK_RECORDS_AT,
  BLOCK_TIME_AT,
  BLOCK_TYPE_AT,
  BlockFlag,
  BlockType,
  GAP_BYTES,
  parseSegmentFileName,
  RECORD_HEADER_BYTES,
  RecordKind,
  roundUp,
  SEGMENT_HEADER_BYTES,
} from '../format/layout.ts'
import type { Link, MapEntry } from '../format/link.ts'
import { writeRecordHeader } from '../format/records.ts'
import { writeIndexFile } from '../log/checkpoint.ts'
import { createSegment, type OwnSegment, segmentBytesFor, writeWhole } from '../log/segment-file.ts'
import { linkBytes, linkPairBytes, pairGroup, TAIL_RESERVE_BYTES } from '../log/special-groups.ts'
import type { System } from '../system/system.ts'
import type { Loss, LossCause, SavedBlock } from './salvage-source.ts'

/** A group is written once it has this size and a group of the source ends. */
const GROUP_BYTES = 256 * 1024
/** A source group whose end is lost is not waited for beyond this. */
const GROUP_BYTES_MAX = 64 * 1024 * 1024
const IN_FLIGHT_BYTES = 1024 * 1024

const REASONS: Record<LossCause, GapReason> = {
  rot: GapReason.ROT,
  missing: GapReason.MISSING_FILE,
  foreign: GapReason.FOREIGN_FILE,
  truncated: GapReason.TRUNCATED_FILE,
}

interface Pending {
  readonly bytes: Uint8Array
  /** What a segment that begins with this block calls its first id. */
  readonly firstId: number
}

export interface SalvageTarget {
  readonly directory: string
  readonly storeId: string
  readonly epoch: number
  readonly segmentBytes: number
  /** First id of the log. */
  readonly firstId: number
}

export class SalvageWriter {
  segments = 0
  readonly #system: System
  readonly #target: SalvageTarget
  readonly #map: MapEntry[] = []
  #segment: OwnSegment | undefined
  #pending: Pending[] = []
  #pendingBytes = 0
  #pendingControl = false
  #nextId: number
  #timeMs = 0

  constructor(system: System, target: SalvageTarget) {
    this.#system = system
    this.#target = target
    this.#nextId = target.firstId
  }

  async addBlock(saved: SavedBlock): Promise<void> {
    const { block, idSpan } = saved
    this.#timeMs = Math.max(this.#timeMs, block.timeMs)
    this.#push({ bytes: this.#copied(saved), firstId: block.firstId })
    this.#pendingControl ||= saved.hasControl
    this.#nextId = Math.max(this.#nextId, block.firstId + idSpan)
    const endsGroup = (block.flags & BlockFlag.END) !== 0
    if ((endsGroup && this.#pendingBytes >= GROUP_BYTES) || this.#pendingBytes >= GROUP_BYTES_MAX) {
      await this.#writeGroup()
    }
  }

  /** Records that ids were given and their messages are lost. */
  addLoss(loss: Loss): void {
    const { gap } = loss
    this.#push({ bytes: gapBlock(loss, this.#timeMs), firstId: gap.firstId })
    this.#nextId = Math.max(this.#nextId, gap.endId)
  }

  /** Ends the log in order, `nextId` being the next id to give. */
  async finish(nextId: number): Promise<void> {
    this.#nextId = Math.max(this.#nextId, nextId)
    if (this.#pending.length > 0 || this.#segment === undefined) await this.#writeGroup()
    const segment = this.#segment
    if (segment === undefined) throw new Error('a group was written, so there is a segment')
    const { crc32 } = this.#system
    const clean = pairGroup(segment, { type: 'clean' }, this.#nextId, this.#timeMs, crc32)
    if (clean === undefined) throw new Error('room for CLEAN is kept in every segment')
    await this.#write(segment, clean)
    const { number, generation, key, durableOffset } = segment
    const { salt1, salt2 } = key
    const head = {
      storeId: this.#target.storeId,
      sequence: 1,
      epoch: this.#target.epoch,
      current: { number, generation, salt1, salt2, durableOffset },
      nextId: this.#nextId,
      timeMs: this.#timeMs,
      snapshots: [0, 0] as const,
      map: this.#map,
    }
    await writeIndexFile(this.#system, this.#target.directory, 'index.a', head, [])
    await this.close()
  }

  async close(): Promise<void> {
    const segment = this.#segment
    this.#segment = undefined
    await segment?.handle.close()
  }

  /** The block with the epoch of its first writer in front of its records. */
  #copied({ bytes, epoch }: SavedBlock): Uint8Array {
    return withOrigin(bytes, epoch, (stored, length) => this.#system.lz4.decompress(stored, length))
  }

  #push(pending: Pending): void {
    this.#pending.push(pending)
    this.#pendingBytes += pending.bytes.length
  }

  async #writeGroup(): Promise<void> {
    const room =
      (this.#segment?.fileBytes ?? 0) - (this.#segment?.sentEnd ?? 0) - TAIL_RESERVE_BYTES
    const link = this.#segment && this.#pendingBytes <= room ? undefined : await this.#roll()
    const segment = this.#segment
    if (segment === undefined) throw new Error('rolling makes a segment')
    const parts = this.#pending.map(({ bytes }) => bytes)
    const group = new Uint8Array(this.#pendingBytes + (link?.length ?? 0))
    if (link) group.set(link)
    let at = link?.length ?? 0
    const groupOffset = segment.sentEnd
    parts.forEach((bytes, index) => {
      group.set(bytes, at)
      const block = readBlock(group, at)
      const isLast = index === parts.length - 1
      const whole: Block = {
        ...block,
        offset: groupOffset + at,
        groupOffset,
        durableOffset: segment.durableOffset,
        flags: (block.flags & ~BlockFlag.END) | (isLast ? BlockFlag.END : 0),
      }
      sealBlock(group, at, whole, segment.key, this.#system.crc32)
      at += bytes.length
    })
    segment.hasControl ||= this.#pendingControl
    await this.#write(segment, group)
    this.#pending = []
    this.#pendingBytes = 0
    this.#pendingControl = false
  }

  async #write(segment: OwnSegment, bytes: Uint8Array): Promise<void> {
    await writeWhole(segment.handle, bytes, segment.sentEnd)
    await segment.handle.flush()
    segment.sentEnd += bytes.length
    segment.writtenEnd = segment.sentEnd
    segment.durableOffset = segment.sentEnd
  }

  /** Begins the next segment; returns the LINK pair that its first group begins with. */
  async #roll(): Promise<Uint8Array> {
    const firstId = this.#pending[0]?.firstId ?? this.#nextId
    const predecessor = this.#segment && entryOf(this.#segment, firstId)
    if (predecessor) this.#map.push(predecessor)
    await this.close()
    const { directory, storeId, epoch, segmentBytes } = this.#target
    const { identity } = this.#system
    const link: Link = {
      epoch,
      bootId: identity.bootId,
      bootTimeMs: Math.max(0, Math.floor(identity.bootTimeMs)),
      mode: 'always',
      inFlightBytesMax: Math.max(IN_FLIGHT_BYTES, this.#pendingBytes * 2),
      base: predecessor ? predecessor.base + predecessor.fileBytes : 0,
      ...(predecessor && {
        predecessor: {
          number: predecessor.number,
          generation: predecessor.generation,
          cut: predecessor.cut,
        },
      }),
      nextId: firstId,
      snapshots: [0, 0],
      map: this.#map,
    }
    const needed =
      SEGMENT_HEADER_BYTES + linkPairBytes(link) + this.#pendingBytes + TAIL_RESERVE_BYTES
    const fileBytes = segmentBytesFor(Math.max(needed, segmentBytes))
    const numberMin = (predecessor?.number ?? 0) + 1
    const plan = { directory, storeId, durable: false, numberMin, fileBytes }
    const segment = await createSegment(this.#system, plan)
    segment.base = link.base
    segment.firstId = firstId
    this.#segment = segment
    this.segments += 1
    return linkBytes(segment, link, this.#timeMs, this.#pending.length === 0, this.#system.crc32)
  }
}

function entryOf(segment: OwnSegment, endId: number): MapEntry {
  const { number, generation, key, fileBytes, durableOffset, hasControl, base, firstId } = segment
  return {
    number,
    generation,
    salt1: key.salt1,
    salt2: key.salt2,
    fileBytes,
    cut: durableOffset,
    hasControl,
    damaged: false,
    dataOnly: false,
    base,
    firstId,
    endId,
    coversTo: number,
  }
}

/** Fields that sealing reads back; offsets, marks and CRC come with the seal. */
function gapBlock(loss: Loss, timeMs: number): Uint8Array {
  const { gap, cause } = loss
  const { offset, bytes, firstId, endId } = gap
  const place = parseSegmentFileName(gap.file) ?? { number: 1, generation: 0 }
  const body = encodeGap({ ...place, reason: REASONS[cause], offset, bytes, firstId, endId })
  const block = new Uint8Array(roundUp(BLOCK_HEADER_BYTES + RECORD_HEADER_BYTES + GAP_BYTES, 8))
  const at = writeRecordHeader(block, BLOCK_HEADER_BYTES, RecordKind.FIELD, body.length)
  block.set(body, at)
  setUint32(block, BLOCK_LENGTH_AT, block.length)
  block[BLOCK_TYPE_AT] = BlockType.GAP
  setUint16(block, BLOCK_RECORDS_AT, 1)
  setUint64(block, BLOCK_FIRST_ID_AT, endId)
  setUint64(block, BLOCK_TIME_AT, timeMs)
  return block
}
