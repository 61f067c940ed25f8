/**
 * The file of a merged segment on its way in: SPARSE blocks behind each other under a temporary name,
 * header last, flushed, then linked to its name. Touches these two names and nothing else.
 */
import { systemErrorCode } from '../../errors.ts'
import type { SegmentKey } from '../../format/block.ts'
import { encodeSegmentHeader } from '../../format/header.ts'
import {
  BLOCK_ALIGN_BYTES,
  BLOCK_BYTES,
  BLOCK_HEADER_BYTES,
  FORMAT_NUMBER,
  SEGMENT_HEADER_BYTES,
  segmentFileName,
} from '../../format/layout.ts'
import type { MapEntry } from '../../format/link.ts'
import { SPARSE_MESSAGE_BYTES, SparseBlock } from '../../format/sparse.ts'
import type { FileHandle, System } from '../../system/system.ts'
import type { BlockCompressor } from '../block-compressor.ts'
import { BlockIndex } from '../block-index.ts'
import type { DirectoryNames } from '../directory-names.ts'
import { newKey, temporaryPath, writeWhole } from '../segment-file.ts'
import { sealBytes } from '../special-groups.ts'
import { removeQuietly } from '../tidy.ts'
import { mergedFileBytes } from './merge-plan.ts'

/** What one write takes. */
const WRITE_BYTES = 128 * 1024
/** One flush of all at the end would hold up the groups that are written meanwhile. */
const FLUSH_BYTES = 1024 * 1024
/** How many taken generations are passed over before something must be wrong. */
const GENERATIONS_SKIPPED_MAX = 1_000

export interface MergedFileOptions {
  readonly directory: string
  readonly storeId: string
  readonly victims: readonly MapEntry[]
  /** The file may have so many bytes. */
  readonly limitBytes: number
  readonly compressor: BlockCompressor | undefined
  readonly names: DirectoryNames
}

export class MergedFile {
  /** Where its blocks stand. */
  readonly index = new BlockIndex()
  messages = 0
  readonly #system: System
  readonly #options: MergedFileOptions
  readonly #path: string
  /** The size that the file will have is known last; blocks are checked against the limit. */
  readonly #key: SegmentKey
  readonly #block = new SparseBlock()
  readonly #pack: ((bytes: Uint8Array, start: number, end: number, n: number) => number) | undefined
  readonly #buffer = new Uint8Array(WRITE_BYTES)
  #buffered = 0
  #handle: FileHandle | undefined
  /** Offset behind what was written, and what was flushed of that. */
  #written = SEGMENT_HEADER_BYTES
  #flushed = SEGMENT_HEADER_BYTES
  #timeMs = 0

  constructor(system: System, options: MergedFileOptions) {
    this.#system = system
    this.#options = options
    this.#path = temporaryPath(system, options)
    this.#key = newKey(system, options.limitBytes)
    const { compressor } = options
    this.#pack = compressor && ((...payload) => compressor.pack(...payload))
  }

  /** Where the next block will stand. */
  get end(): number {
    return this.#written + this.#buffered
  }

  /** Whether a message of so many bytes, in a block of its own, would still fit. */
  fits(bodyBytes: number): boolean {
    const blocks = this.end - SEGMENT_HEADER_BYTES + this.#block.byteLength + BLOCK_ALIGN_BYTES
    const next = BLOCK_HEADER_BYTES + SPARSE_MESSAGE_BYTES + bodyBytes + BLOCK_ALIGN_BYTES
    return mergedFileBytes(blocks + next) <= this.#options.limitBytes
  }

  async create(): Promise<void> {
    // A name that stays in doubt would leave a file behind at every try.
    this.#options.names.assertSound()
    this.#handle = await this.#system.files.open(this.#path, { mode: 'create' })
  }

  /** Adds a message; ids must grow. Resolves at once where no write is due. */
  async add(id: number, timeMs: number, body: Uint8Array): Promise<void> {
    const aimBytes = this.#options.compressor?.aimBytes ?? BLOCK_BYTES
    if (!this.#block.takes(body.length, aimBytes)) await this.#closeBlock(false)
    this.#block.add(id, timeMs, body)
    this.#timeMs = timeMs
    this.messages++
  }

  /**
   * Writes the rest and the header, flushes, and gives the file the first free name from `generation`
   * on. The map entry that resolves names a file that is durable, name and all.
   */
  async finish(generation: number): Promise<MapEntry> {
    const { names, victims } = this.#options
    const { files } = this.#system
    const handle = this.#open()
    const [first, last] = [victims[0], victims.at(-1)]
    if (!first || !last || this.messages === 0) throw new Error('nothing to merge')
    await this.#closeBlock(true)
    const cut = this.end
    const fileBytes = mergedFileBytes(cut - SEGMENT_HEADER_BYTES)
    await this.#addSeal(first, last, cut, fileBytes)
    await this.#writeOut()
    await this.#fillUp(fileBytes)
    const named = await this.#link(first.number, generation, fileBytes)
    await files.unlink(this.#path)
    this.#handle = undefined
    await handle.close()
    await names.flush()
    return {
      number: first.number,
      generation: named,
      salt1: this.#key.salt1,
      salt2: this.#key.salt2,
      fileBytes,
      cut,
      hasControl: false,
      damaged: false,
      dataOnly: true,
      base: first.base,
      firstId: first.firstId,
      endId: last.endId,
      coversTo: last.coversTo,
    }
  }

  /**
   * Takes back what stands under the temporary name. A name that was linked stays: by now it may be
   * the next owner's, and to that one's opening it is rubbish if it is not.
   */
  async giveUp(): Promise<void> {
    const handle = this.#handle
    this.#handle = undefined
    await handle?.close().catch(() => undefined)
    await removeQuietly(this.#system, this.#path)
  }

  #open(): FileHandle {
    if (!this.#handle) throw new Error('the merged file is not open')
    return this.#handle
  }

  async #closeBlock(isLast: boolean): Promise<void> {
    const { firstId } = this.#block
    const { crc32 } = this.#system
    const bytes = this.#block.take(this.end, isLast, this.#key, crc32, this.#pack)
    this.index.note(firstId, this.end)
    await this.#put(bytes)
  }

  async #put(bytes: Uint8Array): Promise<void> {
    if (this.#buffered + bytes.length > this.#buffer.length) await this.#writeOut()
    if (bytes.length > this.#buffer.length) {
      await writeWhole(this.#open(), bytes, this.#written)
      this.#written += bytes.length
      return
    }
    this.#buffer.set(bytes, this.#buffered)
    this.#buffered += bytes.length
  }

  async #writeOut(): Promise<void> {
    const handle = this.#open()
    if (this.#buffered > 0) {
      await writeWhole(handle, this.#buffer.subarray(0, this.#buffered), this.#written)
    }
    this.#written += this.#buffered
    this.#buffered = 0
    if (this.#written - this.#flushed < FLUSH_BYTES) return
    await handle.flush()
    this.#flushed = this.#written
  }

  /** A cache: where it does not fit, the first reader walks the file once. */
  async #addSeal(first: MapEntry, last: MapEntry, cut: number, fileBytes: number): Promise<void> {
    const seal = {
      firstId: first.firstId,
      endId: last.endId,
      messages: this.messages,
      controls: 0,
      blockFirstIds: Float64Array.from(this.index.firstIds),
      blockOffsets: Uint32Array.from(this.index.offsets),
    }
    const place = { sentEnd: cut, fileBytes, key: { ...this.#key, fileBytes } }
    const bytes = sealBytes(place, seal, this.#timeMs, this.#system.crc32)
    if (bytes) await this.#put(bytes)
  }

  async #fillUp(fileBytes: number): Promise<void> {
    while (this.#written < fileBytes) {
      const zero = this.#buffer.subarray(0, Math.min(WRITE_BYTES, fileBytes - this.#written))
      zero.fill(0)
      await writeWhole(this.#open(), zero, this.#written)
      this.#written += zero.length
    }
  }

  async #link(number: number, generation: number, fileBytes: number): Promise<number> {
    const { directory } = this.#options
    for (let next = generation; next < generation + GENERATIONS_SKIPPED_MAX; next++) {
      await writeWhole(this.#open(), this.#header(number, next, fileBytes), 0)
      await this.#open().flush()
      try {
        await this.#system.files.link(this.#path, `${directory}/${segmentFileName(number, next)}`)
        return next
      } catch (error) {
        if (systemErrorCode(error) !== 'EEXIST') throw error
      }
    }
    throw new Error(`no free generation of segment ${number} from ${generation} on`)
  }

  #header(number: number, generation: number, fileBytes: number): Uint8Array {
    return encodeSegmentHeader(
      {
        formatNumber: FORMAT_NUMBER,
        features: { compatible: 0, readOnlyCompatible: 0, incompatible: 0 },
        storeId: this.#options.storeId,
        number,
        generation,
        salt1: this.#key.salt1,
        salt2: this.#key.salt2,
        blockBytes: BLOCK_BYTES,
        fileBytes,
        createdMs: this.#system.clock.nowMs(),
      },
      this.#system.crc32,
    )
  }
}
