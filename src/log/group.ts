/**
 * A commit group in the making: records go straight into one reusable buffer as blocks, so that the
 * whole group leaves as one write. Blocks are sealed as soon as they are full where the group's
 * place in its segment is known already, and otherwise when it is sent. Touches memory only.
 */
import { type Block, type SegmentKey, sealBlock } from '../format/block.ts'
import type { Crc32 } from '../format/crc.ts'
import {
  BATCH_RECORD_BYTES,
  BLOCK_BYTES,
  BLOCK_HEADER_BYTES,
  BLOCK_RECORDS_MAX,
  BlockFlag,
  BlockType,
  RECORD_HEADER_BYTES,
  RecordKind,
} from '../format/layout.ts'
import { writeBatchRecord, writeRecordHeader } from '../format/records.ts'
import type { BlockCompressor } from './block-compressor.ts'
import type { Encodable } from './seam.ts'

const BUFFER_BYTES_AT_FIRST = 16 * 1024
/** Buffers above this size are not kept for the next group. */
export const BUFFER_BYTES_KEPT = 8 * 1024 * 1024

/** What is kept of each block in {@link CommitGroup}: so many numbers. */
const CLOSED_FIELDS = 4

/** Where a group goes: a segment that can be written, and its durable mark as it stands. */
export interface Destination {
  readonly key: SegmentKey
  /** Everything below this offset of the file is durable. */
  readonly durableOffset: number
}

/** What `mark` remembers. */
export interface GroupMark {
  readonly used: number
  readonly blockAt: number
  readonly blockRecords: number
  readonly closed: number
  readonly messages: number
  readonly nextId: number
  readonly hasControl: boolean
}

export class CommitGroup {
  /** Tickets whose appends this group carries; 0 = none. */
  firstTicket = 0
  lastTicket = 0
  timeMs = 0
  messages = 0
  hasControl = false
  /** First id behind this group. */
  nextId = 0
  /** Offset in the file of the first byte of `bytes`, and of the group itself (LINK may precede). */
  fileOffset = 0
  groupOffset = 0
  bytes = new Uint8Array(BUFFER_BYTES_AT_FIRST)

  readonly #crc32: Crc32
  readonly #compressor: BlockCompressor | undefined
  #used = 0
  #blockAt = -1
  #blockRecords = 0
  /** What the open block aims at. */
  #blockAim = BLOCK_BYTES
  /**
   * Start, record count and first id of each block, and what its payload unpacks to; 0 = it is stored as
   * it is.
   */
  readonly #closed: number[] = []
  #sealed = 0
  #destination: Destination | undefined
  /** The batch being added: its sizes and how much of it stands already. */
  #batchMessages = 0
  #batchControl = 0
  #batchMessagesDone = 0
  #batchControlDone = 0
  /** Reused for every seal, so that a block costs no object. */
  readonly #block: { -readonly [K in keyof Block]: Block[K] } = {
    offset: 0,
    length: 0,
    durableOffset: 0,
    groupOffset: 0,
    type: BlockType.DATA,
    flags: 0,
    recordCount: 0,
    firstId: 0,
    timeMs: 0,
  }

  constructor(crc32: Crc32, compressor?: BlockCompressor) {
    this.#crc32 = crc32
    this.#compressor = compressor
  }

  get isEmpty(): boolean {
    return this.#used === 0
  }

  /** Bytes so far, an upper bound of what the group will take once finished. */
  get byteLength(): number {
    return (this.#used + 7) & ~7
  }

  /** First id and offset within `bytes` of closed block `index`, for the sparse index. */
  blockAt(index: number): { readonly start: number; readonly firstId: number } | undefined {
    const start = this.#closed[index * CLOSED_FIELDS]
    const firstId = this.#closed[index * CLOSED_FIELDS + 2]
    return start === undefined || firstId === undefined ? undefined : { start, firstId }
  }

  /** Makes the group empty again, for messages from `nextId` on. */
  reset(nextId: number): void {
    if (this.bytes.length > BUFFER_BYTES_KEPT) this.bytes = new Uint8Array(BUFFER_BYTES_AT_FIRST)
    this.firstTicket = 0
    this.lastTicket = 0
    this.timeMs = 0
    this.messages = 0
    this.hasControl = false
    this.nextId = nextId
    this.#used = 0
    this.#blockAt = -1
    this.#closed.length = 0
    this.#sealed = 0
    this.#destination = undefined
  }

  /** Tells where the group will stand, so that full blocks can be sealed from now on. */
  attach(destination: Destination, fileOffset: number, groupOffset: number): void {
    if (
      this.#destination === destination &&
      this.fileOffset === fileOffset &&
      this.groupOffset === groupOffset
    ) {
      return
    }
    this.#destination = destination
    this.fileOffset = fileOffset
    this.groupOffset = groupOffset
    this.#sealed = 0
  }

  /** Where the group stands now, for taking a batch back that could not be added whole. */
  mark(): GroupMark {
    return {
      used: this.#used,
      blockAt: this.#blockAt,
      blockRecords: this.#blockRecords,
      closed: this.#closed.length,
      messages: this.messages,
      nextId: this.nextId,
      hasControl: this.hasControl,
    }
  }

  /** Takes back everything added since the mark; blocks closed since then are open again. */
  rollBack(mark: GroupMark): void {
    this.endBatch()
    this.#used = mark.used
    this.#blockAt = mark.blockAt
    this.#blockRecords = mark.blockRecords
    this.#closed.length = mark.closed
    if (mark.blockAt >= 0) this.#unpackLast()
    const closedBlocks = mark.closed / CLOSED_FIELDS - (mark.blockAt >= 0 ? 1 : 0)
    this.#sealed = Math.min(this.#sealed, closedBlocks)
    this.messages = mark.messages
    this.nextId = mark.nextId
    this.hasControl = mark.hasControl
  }

  /** Adds one message that is a batch of its own. */
  addMessage(body: Uint8Array): void {
    const at = this.#place(RecordKind.MESSAGE, body.length)
    this.bytes.set(body, at)
    this.messages++
    this.nextId++
  }

  /** Begins a batch; as many messages and then control records must follow as it names. */
  beginBatch(messages: number, control: number): void {
    if (messages === 1 && control === 0) return
    this.#batchMessages = messages
    this.#batchControl = control
    this.#batchMessagesDone = 0
    this.#batchControlDone = 0
    // A batch record belongs to the block of the record behind it: place() writes both.
    this.#batchPending = true
  }
  #batchPending = false

  addBatchMessage(body: Encodable): void {
    const at = this.#place(RecordKind.MESSAGE, body.byteLength)
    body.encodeInto(this.bytes, at)
    this.messages++
    this.nextId++
    this.#batchMessagesDone++
  }

  addBatchBytes(body: Uint8Array): void {
    const at = this.#place(RecordKind.MESSAGE, body.length)
    this.bytes.set(body, at)
    this.messages++
    this.nextId++
    this.#batchMessagesDone++
  }

  addControl(body: Encodable): void {
    const at = this.#place(RecordKind.CONTROL, body.byteLength)
    body.encodeInto(this.bytes, at)
    this.hasControl = true
    this.#batchControlDone++
  }

  addControlBytes(body: Uint8Array): void {
    const at = this.#place(RecordKind.CONTROL, body.length)
    this.bytes.set(body, at)
    this.hasControl = true
    this.#batchControlDone++
  }

  endBatch(): void {
    this.#batchMessages = 0
    this.#batchControl = 0
    this.#batchPending = false
  }

  /** Closes the group and seals what is not sealed yet. `attach` must have been called. */
  finish(): Uint8Array {
    const destination = this.#destination
    if (!destination) throw new Error('a group is attached before it is finished')
    if (this.#blockAt >= 0) this.#closeBlock()
    this.#sealClosed(destination, true)
    return this.bytes.subarray(0, this.#used)
  }

  /** Makes room for one record, writes its header, and returns where its bytes go. */
  #place(kind: RecordKind, length: number): number {
    const inBatch = this.#batchMessages + this.#batchControl > 0
    const recordBytes = RECORD_HEADER_BYTES + length
    const needed = recordBytes + (this.#batchPending ? BATCH_RECORD_BYTES : 0)
    if (
      this.#blockAt >= 0 &&
      (this.#used - this.#blockAt + needed > this.#blockAim ||
        this.#blockRecords >= BLOCK_RECORDS_MAX - 1)
    ) {
      this.#closeBlock()
    }
    this.#reserve(BLOCK_HEADER_BYTES + BATCH_RECORD_BYTES + recordBytes + 8)
    if (this.#blockAt < 0) {
      this.#openBlock()
      if (inBatch) this.#batchPending = true
    }
    if (this.#batchPending) this.#writeBatchRecord()
    writeRecordHeader(this.bytes, this.#used, kind, length)
    const at = this.#used + RECORD_HEADER_BYTES
    this.#used += recordBytes
    this.#blockRecords++
    return at
  }

  #writeBatchRecord(): void {
    writeBatchRecord(
      this.bytes,
      this.#used,
      this.#batchMessages,
      this.#batchControl,
      this.#batchMessagesDone,
      this.#batchControlDone,
    )
    this.#used += BATCH_RECORD_BYTES
    this.#blockRecords++
    this.#batchPending = false
  }

  #openBlock(): void {
    this.#blockAt = this.#used
    this.#blockRecords = 0
    this.#closed.push(this.#used, 0, this.nextId, 0)
    if (this.#compressor) this.#blockAim = this.#compressor.aimBytes
    this.#used += BLOCK_HEADER_BYTES
  }

  #closeBlock(): void {
    const fields = this.#closed.length - CLOSED_FIELDS
    if (this.#compressor) {
      const payload = this.#blockAt + BLOCK_HEADER_BYTES
      const end = this.#compressor.pack(this.bytes, payload, this.#used, this.#blockRecords)
      if (end < this.#used) this.#closed[fields + 3] = this.#used - payload
      this.#used = end
    }
    while (this.#used % 8 !== 0) this.bytes[this.#used++] = 0
    this.#closed[fields + 1] = this.#blockRecords
    this.#blockAt = -1
    if (this.#destination) this.#sealClosed(this.#destination, false)
  }

  /** The last block is to be open again: its payload as it came, where it was packed. */
  #unpackLast(): void {
    const fields = this.#closed.length - CLOSED_FIELDS
    const payload = (this.#closed[fields] ?? 0) + BLOCK_HEADER_BYTES
    const rawBytes = this.#closed[fields + 3] ?? 0
    if (rawBytes === 0) return
    this.#compressor?.unpack(this.bytes, payload, rawBytes)
    this.#closed[fields + 3] = 0
  }

  /** Seals closed blocks; the last one waits for `finish`, because only it carries END. */
  #sealClosed(destination: Destination, finished: boolean): void {
    const count = this.#closed.length / CLOSED_FIELDS
    const until = finished ? count : count - 1
    for (; this.#sealed < until; this.#sealed++) {
      // A group that outgrew its segment goes to the next one, and is attached there before it is
      // finished: nothing to seal ahead of that.
      if (!finished && this.#endsBehind(destination, this.#sealed)) return
      this.#seal(destination, this.#sealed, count)
    }
  }

  /** True where closed block `index`, which has a successor, would end behind the segment's end. */
  #endsBehind(destination: Destination, index: number): boolean {
    const end = this.#closed[(index + 1) * CLOSED_FIELDS] ?? 0
    return this.fileOffset + end > destination.key.fileBytes
  }

  #seal(destination: Destination, index: number, count: number): void {
    const fields = index * CLOSED_FIELDS
    const start = this.#closed[fields] ?? 0
    const end = index + 1 < count ? (this.#closed[fields + CLOSED_FIELDS] ?? 0) : this.#used
    const packed = (this.#closed[fields + 3] ?? 0) > 0 ? BlockFlag.COMPRESSED : 0
    const block = this.#block
    block.offset = this.fileOffset + start
    block.length = end - start
    block.groupOffset = this.groupOffset
    block.durableOffset = Math.min(destination.durableOffset, this.groupOffset)
    block.flags = packed | (index + 1 === count ? BlockFlag.END : 0)
    block.recordCount = this.#closed[fields + 1] ?? 0
    block.firstId = this.#closed[fields + 2] ?? 0
    block.timeMs = this.timeMs
    sealBlock(this.bytes, start, block, destination.key, this.#crc32)
  }

  #reserve(moreBytes: number): void {
    const needed = this.#used + moreBytes
    if (needed <= this.bytes.length) return
    let size = this.bytes.length * 2
    while (size < needed) size *= 2
    const grown = new Uint8Array(size)
    grown.set(this.bytes.subarray(0, this.#used))
    this.bytes = grown
  }
}
