/**
 * Reads parts and ends of snapshots back: from their blocks in the log, each checked like any other, or
 * out of an index file. Reads only.
 */
import { DamagedError, isMediumError, QlogError, systemErrorCode } from '../../errors.ts'
import { BLOCK_TYPE_AT, BlockType, SEGMENT_HEADER_BYTES } from '../../format/layout.ts'
import { RecordCursor } from '../../format/records.ts'
import { decodeSnapshotEnd, decodeSnapshotPart } from '../../format/snapshot.ts'
import type { FileHandle, System } from '../../system/system.ts'
import { blockStateAt } from '../block-state.ts'
import { FileWindow } from '../file-window.ts'
import { ioError } from '../io-errors.ts'
import { ReaderPins } from '../read/reader-pins.ts'
import type { Lsn } from '../seam.ts'
import { readFully } from '../survey.ts'
import type { ReadableSegment } from '../view.ts'
import type { IndexPlace, LogSnapshot, PartPlace } from './saved-state.ts'

const READ_BYTES = 64 * 1024

export class PartReader {
  readonly #system: System
  readonly #directory: string
  readonly #segments: () => readonly ReadableSegment[]
  readonly #pins: ReaderPins
  readonly #cursor: RecordCursor

  constructor(
    system: System,
    directory: string,
    segments: () => readonly ReadableSegment[],
    pins = new ReaderPins(),
  ) {
    this.#system = system
    this.#directory = directory
    this.#segments = segments
    this.#pins = pins
    this.#cursor = new RecordCursor((stored, length) => system.lz4.decompress(stored, length))
  }

  /** The snapshot whose end stands there. Rejects with QLOG_DAMAGED. */
  async snapshot(endLsn: Lsn): Promise<LogSnapshot> {
    const end = decodeSnapshotEnd(await this.#body(endLsn, BlockType.SNAPSHOT_END))
    if (!end) throw this.#damaged(endLsn, 'the end of a snapshot does not decode')
    return { endLsn, parts: end.parts }
  }

  /** The bytes of the part `name`, of its block. Rejects with QLOG_DAMAGED. */
  async block(name: string, blockLsn: Lsn): Promise<Uint8Array> {
    const part = decodeSnapshotPart(await this.#body(blockLsn, BlockType.SNAPSHOT_PART))
    if (part?.name !== name) throw this.#damaged(blockLsn, `it is not the part ${name}`)
    return part.bytes
  }

  /**
   * Reads every block of the snapshot, in the order in which they stand; returns the length of each part.
   * Rejects with QLOG_DAMAGED.
   */
  async lengths({ parts }: LogSnapshot): Promise<ReadonlyMap<string, number>> {
    const inOrder = [...parts].sort((a, b) => a.blockLsn - b.blockLsn)
    const lengths = new Map<string, number>()
    for (let row = 0; row < inOrder.length; ) {
      const first = inOrder[row]
      if (!first) break
      row = await this.#inSegmentAt(first.blockLsn, async (segment, window) => {
        let next = row
        for (; next < inOrder.length; next++) {
          const part = inOrder[next]
          if (!part || part.blockLsn >= segment.base + segment.end) break
          const { name, blockLsn } = part
          const body = await this.#bodyIn(segment, window, blockLsn, BlockType.SNAPSHOT_PART)
          const found = decodeSnapshotPart(body)
          if (found?.name !== name) throw this.#damaged(blockLsn, `it is not the part ${name}`)
          lengths.set(name, found.bytes.length)
        }
        return next
      })
    }
    return lengths
  }

  /** The bytes of the part `name`, from wherever they can be read. Rejects with QLOG_DAMAGED. */
  async part(name: string, place: PartPlace): Promise<Uint8Array> {
    const { bytes, blockLsn, otherLsn, indexed, byteLength } = place
    if (bytes) return bytes
    let damage: unknown = new Error(`the part ${name} stands nowhere`)
    for (const lsn of [blockLsn, otherLsn]) {
      if (lsn === undefined) continue
      try {
        return await this.block(name, lsn)
      } catch (error) {
        if (!(error instanceof DamagedError)) throw error
        damage = error
      }
    }
    if (!indexed) throw damage
    return this.#indexed(indexed, byteLength)
  }

  async #indexed(place: IndexPlace, byteLength: number): Promise<Uint8Array> {
    const { name, offset, crc } = place
    const bytes = new Uint8Array(byteLength)
    const filled = await this.#withFile(name, offset, (handle) => readFully(handle, bytes, offset))
    if (filled === byteLength && this.#system.crc32(bytes, 0) === crc) return bytes
    throw damagedAt(name, offset, 'a part of the state is not what was written there')
  }

  /** The body of the one record of the block at `lsn`. */
  #body(lsn: Lsn, type: number): Promise<Uint8Array> {
    return this.#inSegmentAt(lsn, (segment, window) => this.#bodyIn(segment, window, lsn, type))
  }

  /** Opens the segment that holds `lsn` for as long as `work` takes. */
  async #inSegmentAt<T>(
    lsn: Lsn,
    work: (segment: ReadableSegment, window: FileWindow) => Promise<T>,
  ): Promise<T> {
    const segment = this.#segmentAt(lsn)
    if (!segment) throw damagedAt('', 0, `no segment holds the LSN ${lsn} of a snapshot`)
    const { file, number, base } = segment
    this.#pins.enter(number)
    try {
      return await this.#withFile(file, lsn - base, (handle) =>
        work(segment, new FileWindow(handle, READ_BYTES, false)),
      )
    } finally {
      this.#pins.leave(number)
    }
  }

  /** The same, valid until the window moves. */
  async #bodyIn(
    { file, key, end, base }: ReadableSegment,
    window: FileWindow,
    lsn: Lsn,
    type: number,
  ): Promise<Uint8Array> {
    const at = lsn - base
    const state = await blockStateAt(window, at, end, key, this.#system.crc32)
    const from = at - window.start
    if (state !== 0 || window.bytes[from + BLOCK_TYPE_AT] !== type) {
      throw damagedAt(file, at, 'a block of a snapshot is damaged')
    }
    this.#cursor.open(window.bytes, from)
    if (!this.#cursor.next()) throw damagedAt(file, at, 'a block of a snapshot is empty')
    return this.#cursor.body()
  }

  #segmentAt(lsn: Lsn): ReadableSegment | undefined {
    return this.#segments().find(
      ({ base, end, lost }) =>
        lost === undefined && lsn >= base + SEGMENT_HEADER_BYTES && lsn < base + end,
    )
  }

  #damaged(lsn: Lsn, why: string): DamagedError {
    const segment = this.#segmentAt(lsn)
    return damagedAt(segment?.file ?? '', segment ? lsn - segment.base : 0, why)
  }

  /** What the disk does not give, and what is not there, is as good as damaged; all else is not. */
  async #withFile<T>(
    file: string,
    offset: number,
    work: (handle: FileHandle) => Promise<T>,
  ): Promise<T> {
    let handle: FileHandle | undefined
    try {
      handle = await this.#system.files.open(`${this.#directory}/${file}`, { mode: 'read' })
      return await work(handle)
    } catch (error) {
      const code = systemErrorCode(error)
      if (code === '' || error instanceof QlogError) throw error
      if (code !== 'ENOENT' && !isMediumError(error)) {
        throw ioError(`read ${file}`, error)
      }
      throw damagedAt(file, offset, `it cannot be read (${code})`)
    } finally {
      // Closing what was only read tells nothing of what was read, and must not keep the other block from being tried.
      await handle?.close().catch(() => undefined)
    }
  }
}

export function damagedAt(file: string, offset: number, why: string): DamagedError {
  const gap = { file, offset, bytes: 0, firstId: 1, endId: 1, why }
  return new DamagedError(`${file} at byte ${offset}: ${why}`, [gap])
}
