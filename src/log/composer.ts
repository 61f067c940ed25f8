/**
 * Turns batches into flights: keeps the pending group, numbers its messages, and composes what leaves
 * next: the pending group, a group that opens a segment, a MAP, SYNC or CLEAN pair, or a block of a
 * snapshot. Memory only.
 */
import { QlogError } from '../errors.ts'
import {
  BATCH_RECORD_BYTES,
  BLOCK_ALIGN_BYTES,
  BLOCK_BYTES,
  BLOCK_HEADER_BYTES,
  BlockType,
  RECORD_HEADER_BYTES,
} from '../format/layout.ts'
import type { Link, SegmentMap } from '../format/link.ts'
import type { System } from '../system/system.ts'
import type { BlockCompressor } from './block-compressor.ts'
import type { BlockIndex } from './block-index.ts'
import { controlBatches } from './control-batches.ts'
import type { Flight } from './flight.ts'
import { BUFFER_BYTES_KEPT, CommitGroup } from './group.ts'
import { PendingTickets, type TicketRange } from './pending-tickets.ts'
import type { Ticket } from './seam.ts'
import type { OwnSegment } from './segment-file.ts'
import {
  fieldBlockBytes,
  linkBytes,
  pairGroup,
  snapshotGroup,
  TAIL_RESERVE_BYTES,
} from './special-groups.ts'

/** As many as can be under way beside the one being filled, and one that waits for those in front of it. */
const SPARE_GROUPS_MAX = 4

type PairType = 'map' | 'sync' | 'clean'

/** A block of a snapshot that is to be written. */
export interface SnapshotBlock {
  readonly type: typeof BlockType.SNAPSHOT_PART | typeof BlockType.SNAPSHOT_END
  readonly body: Uint8Array
}

export class Composer {
  pending: CommitGroup
  /** Id of the next message. */
  nextId: number
  /** Never runs backwards. */
  timeMs: number
  readonly #system: System
  #nextTicket: Ticket = 1
  readonly #pendingTickets = new PendingTickets()
  #pendingBytes = 0
  readonly #spareGroups: CommitGroup[] = []
  readonly #compressor: BlockCompressor | undefined

  constructor(system: System, nextId: number, timeMs: number, compressor?: BlockCompressor) {
    this.#system = system
    this.#compressor = compressor
    this.nextId = nextId
    this.timeMs = timeMs
    this.pending = new CommitGroup(system.crc32, compressor)
    this.pending.reset(nextId)
  }

  /** Id of the first message of the pending group, or the next one where it is empty. */
  get firstPendingId(): number {
    return this.pending.nextId - this.pending.messages
  }

  /** The group that takes the next batch; `end` must follow at once. */
  begin(segment: OwnSegment | undefined): CommitGroup {
    const { pending } = this
    if (pending.isEmpty) {
      pending.timeMs = this.now()
      pending.firstTicket = this.#nextTicket
      this.#pendingTickets.begin(this.#nextTicket)
      if (segment) pending.attach(segment, segment.sentEnd, segment.sentEnd)
    }
    return pending
  }

  /** The last ticket that was given; 0 before the first. */
  get lastTicket(): Ticket {
    return this.#nextTicket - 1
  }

  end(bodyBytes: number): Ticket {
    const ticket = this.#nextTicket++
    this.pending.lastTicket = ticket
    this.#pendingBytes += bodyBytes
    this.nextId = this.pending.nextId
    return ticket
  }

  /** Drops the pending group, whose ids are given to nobody, and tells which appends that are. */
  drop(): readonly TicketRange[] {
    this.#empty()
    return this.#pendingTickets.keepOnly([], this.#nextTicket)
  }

  /** Drops every batch with a message, and tells which; batches of control records alone stay. */
  dropMessages(): readonly TicketRange[] {
    const { pending } = this
    if (!pending.hasControl) return this.drop()
    const { timeMs } = pending
    const found = controlBatches(pending, (stored, length) =>
      this.#system.lz4.decompress(stored, length),
    )
    // A refusal before this one may have taken batches out: the rows of the others are not their tickets.
    const kept = found.map(({ row, records }) => ({
      ticket: this.#pendingTickets.at(row),
      records,
    }))
    this.#empty()
    for (const { ticket, records } of kept) {
      if (pending.isEmpty) {
        pending.timeMs = timeMs
        pending.firstTicket = ticket
      }
      pending.lastTicket = ticket
      pending.beginBatch(0, records.length)
      for (const record of records) pending.addControlBytes(record)
      pending.endBatch()
      this.#pendingBytes += records.reduce((sum, { length }) => sum + length, 0)
    }
    return this.#pendingTickets.keepOnly(
      kept.map(({ ticket }) => ticket),
      this.#nextTicket,
    )
  }

  #empty(): void {
    this.nextId = this.firstPendingId
    this.pending.reset(this.nextId)
    this.#pendingBytes = 0
  }

  fits(segment: OwnSegment): boolean {
    return this.#fits(segment, 0)
  }

  /** Whether so many messages of so many bytes, at their worst, would still fit. */
  wouldFit(segment: OwnSegment, messages: number, bytes: number): boolean {
    return this.#fits(segment, groupBytesMax(messages, bytes))
  }

  /** What the pending group takes at most with so many more messages of so many bytes. */
  pendingBytesWith(messages: number, bytes: number): number {
    return this.pending.byteLength + groupBytesMax(messages, bytes)
  }

  /** Whether blocks of a snapshot fit, by themselves. */
  fitsBlocks(segment: OwnSegment, blocks: readonly SnapshotBlock[]): boolean {
    return isRoomIn(segment, snapshotBytes(blocks))
  }

  /** Whether they do beside the pending group. */
  fitBeside(segment: OwnSegment, blocks: readonly SnapshotBlock[]): boolean {
    return this.#fits(segment, snapshotBytes(blocks))
  }

  #fits(segment: OwnSegment, moreBytes: number): boolean {
    return isRoomIn(segment, this.pending.byteLength + moreBytes)
  }

  now(): number {
    this.timeMs = Math.max(this.timeMs, Math.floor(this.#system.clock.nowMs()))
    return this.timeMs
  }

  /** LINK and the pending group, as one flight into a segment that has just been made. */
  opening(own: OwnSegment, link: Link, index: BlockIndex, more: FlightMore): Flight {
    if (own.base + own.fileBytes > Number.MAX_SAFE_INTEGER) {
      throw new QlogError('QLOG_UNSUPPORTED', 'the log has used up its 2^53 bytes of positions')
    }
    const { pending } = this
    const { crc32 } = this.#system
    const timeMs = pending.isEmpty ? this.now() : pending.timeMs
    const pair = linkBytes(own, link, timeMs, pending.isEmpty, crc32)
    const pieces = [pair]
    if (!pending.isEmpty) {
      pending.attach(own, own.sentEnd + pair.length, own.sentEnd)
      pieces.push(pending.finish())
    }
    return this.#leave(own, pieces, index, { opensSegment: true, ...more })
  }

  /** The pending group, behind what was sent to the segment before. */
  data(segment: OwnSegment, index: BlockIndex): Flight {
    this.pending.attach(segment, segment.sentEnd, segment.sentEnd)
    return this.#leave(segment, [this.pending.finish()], index, {})
  }

  /** A pair as a group of its own; undefined where it does not fit. */
  pair(
    segment: OwnSegment,
    type: PairType,
    map: SegmentMap,
    resolved: () => void,
  ): Flight | undefined {
    const what = type === 'map' ? { type, map } : { type }
    // The pending group, if there is one, goes out behind the pair.
    const nextId = this.firstPendingId
    const bytes = pairGroup(segment, what, nextId, this.now(), this.#system.crc32)
    if (!bytes) return undefined
    return this.#flight(segment, [bytes], undefined, { mustFlush: type !== 'sync', resolved })
  }

  /**
   * Blocks of a snapshot in one write, each a group of its own, which is flushed in every mode where the
   * end is among them.
   */
  snapshot(segment: OwnSegment, blocks: readonly SnapshotBlock[], resolved: () => void): Flight {
    const nextId = this.firstPendingId
    const { crc32 } = this.#system
    const timeMs = this.now()
    let offset = segment.sentEnd
    const pieces = blocks.map(({ type, body }) => {
      const bytes = snapshotGroup(segment, offset, type, body, nextId, timeMs, crc32)
      offset += bytes.length
      return bytes
    })
    const mustFlush = blocks.some(({ type }) => type === BlockType.SNAPSHOT_END)
    return this.#flight(segment, pieces, undefined, { mustFlush, resolved })
  }

  /** Takes the buffers of a flight back, once nothing refers to its bytes. */
  reuse(flight: Flight): void {
    const { group } = flight
    if (!group || group.bytes.length > BUFFER_BYTES_KEPT) return
    if (this.#spareGroups.length < SPARE_GROUPS_MAX) this.#spareGroups.push(group)
  }

  /** A flight that carries the pending group, if there is one, and a fresh pending group. */
  #leave(
    segment: OwnSegment,
    pieces: readonly Uint8Array[],
    index: BlockIndex,
    more: FlightMore,
  ): Flight {
    const { pending } = this
    const flight = this.#flight(segment, pieces, pending.isEmpty ? undefined : pending, more)
    if (pending.isEmpty) return flight
    if (pending.hasControl) segment.hasControl = true
    for (let i = 0; ; i++) {
      const block = pending.blockAt(i)
      if (!block) break
      index.note(block.firstId, pending.fileOffset + block.start)
    }
    const next = this.#spareGroups.pop() ?? new CommitGroup(this.#system.crc32, this.#compressor)
    next.reset(this.nextId)
    this.pending = next
    this.#pendingBytes = 0
    return flight
  }

  #flight(
    segment: OwnSegment,
    pieces: readonly Uint8Array[],
    group: CommitGroup | undefined,
    more: FlightMore,
  ): Flight {
    const offset = segment.sentEnd
    return {
      segment,
      pieces,
      offset,
      end: pieces.reduce((end, piece) => end + piece.length, offset),
      group,
      firstTicket: group?.firstTicket ?? 0,
      lastTicket: group?.lastTicket ?? 0,
      messages: group?.messages ?? 0,
      messageBytes: group ? this.#pendingBytes : 0,
      nextId: group ? group.nextId : this.firstPendingId,
      timeMs: group?.timeMs ?? this.timeMs,
      opensSegment: false,
      mustFlush: false,
      startedMs: this.#system.clock.monotonicMs(),
      written: false,
      confirmed: false,
      settled: false,
      ...more,
    }
  }
}

function isRoomIn(segment: OwnSegment, bytes: number): boolean {
  const reserve = TAIL_RESERVE_BYTES + segment.mapReserveBytes
  return segment.sentEnd + bytes <= segment.fileBytes - reserve
}

/** What so many messages of so many bytes take of a group at their worst. */
function groupBytesMax(messages: number, bytes: number): number {
  const records = bytes + messages * RECORD_HEADER_BYTES
  // A block is closed when the next record does not fit: at worst it holds one of over half its size.
  const blocks = Math.min(messages, Math.ceil((2 * records) / BLOCK_BYTES)) + 1
  return records + blocks * (BLOCK_HEADER_BYTES + BATCH_RECORD_BYTES + BLOCK_ALIGN_BYTES)
}

type FlightMore = Partial<Pick<Flight, 'opensSegment' | 'mustFlush' | 'resolved'>>

/** What blocks of a snapshot take of a segment. */
export function snapshotBytes(blocks: readonly SnapshotBlock[]): number {
  return blocks.reduce((bytes, { body }) => bytes + fieldBlockBytes(body.length), 0)
}
