/**
 * Checks one full segment, every byte below its cut, past the page cache where that can be had: what
 * `verify` checks of it, and judged by the same functions. Reads only.
 */
import { isMediumError, QlogError, systemErrorCode } from '../../errors.ts'
import type { SegmentHead, SingleBit } from '../../format/evidence.ts'
import { mappedProblem } from '../../format/file-verdict.ts'
import { decodeSegmentHeader } from '../../format/header.ts'
import { SEGMENT_HEADER_BYTES, segmentFileName } from '../../format/layout.ts'
import type { MapEntry } from '../../format/link.ts'
import { judgeSealed, type RegionVerdict, VERDICT_ROWS } from '../../format/verdict.ts'
import type { FileHandle, ReadHandle, System } from '../../system/system.ts'
import { ioError } from '../io-errors.ts'
import { mendableBlocks, mendWords } from '../mend.ts'
import { ReadAround, UnreadPages } from '../read-around.ts'
import { scanSegment } from '../scan.ts'
import { readFully } from '../survey.ts'
import { type ReadPace, SCRUB_READ_BYTES } from './read-pace.ts'
import type { ScrubFinding } from './types.ts'

export interface CheckParts {
  readonly system: System
  readonly directory: string
  readonly storeId: string
  readonly pace: ReadPace
  readonly signal?: AbortSignal | undefined
}

export interface CheckedSegment {
  readonly blocks: number
  /** From the file's beginning up to the cut, or as far as there are any. */
  readonly bytes: number
  /** Every byte came from the disk itself. */
  readonly fromDisk: boolean
  readonly findings: readonly ScrubFinding[]
  /** Blocks that flipping one bit each would make valid. */
  readonly mends: readonly SingleBit[]
}

/** Where the damaged part of a header stands. */
const HEADER_PARTS = {
  first: { offset: 0, bytes: 512 },
  between: { offset: 512, bytes: 3072 },
  last: { offset: 3584, bytes: 512 },
} as const

/** A segment that never reads twice in the same way is damaged, however often it is looked at. */
const LOOKS_MAX = 5

/**
 * Damage counts only where two looks in a row find the same: a read that went wrong once is none. Whether
 * the log still has the segment afterwards is for the caller to ask: the file of one that has left may be
 * gone, or another's. Rejects with QLOG_IO where it cannot be opened, QLOG_NEWER_FORMAT, QLOG_ABORTED.
 */
export async function checkSegment(parts: CheckParts, entry: MapEntry): Promise<CheckedSegment> {
  const file = segmentFileName(entry.number, entry.generation)
  let checked = await checkFile(parts, entry, file)
  for (let looks = 1; looks < LOOKS_MAX && checked.findings.length > 0; looks++) {
    const before = checked
    checked = await checkFile(parts, entry, file)
    if (isSameFound(before, checked)) break
  }
  return checked
}

function isSameFound(one: CheckedSegment, other: CheckedSegment): boolean {
  return JSON.stringify([one.findings, one.mends]) === JSON.stringify([other.findings, other.mends])
}

/** One look at a file that holds the segment, whatever its name is. Rejects as {@link checkSegment} does. */
export async function checkFile(
  parts: CheckParts,
  entry: MapEntry,
  file: string,
): Promise<CheckedSegment> {
  const { system, directory } = parts
  let handle: FileHandle
  try {
    handle = await system.files.open(`${directory}/${file}`, { mode: 'read', direct: true })
  } catch (error) {
    const code = systemErrorCode(error)
    if (code === 'ENOENT') return whole(file, entry, 'rot-missing', 'no such file')
    if (!isMediumError(error)) throw ioError(`open ${file}`, error)
    return whole(file, entry, 'rot-header', `cannot be opened (${code})`)
  }
  try {
    return await new SegmentCheck(parts, entry, file, handle).run()
  } catch (error) {
    if (!isMediumError(error)) throw error
    return whole(file, entry, 'unreadable', systemErrorCode(error))
  } finally {
    await handle.close()
  }
}

class SegmentCheck {
  readonly #parts: CheckParts
  readonly #entry: MapEntry
  readonly #file: string
  readonly #handle: FileHandle
  readonly #reads: ReadHandle
  readonly #unread = new UnreadPages()
  readonly #findings: ScrubFinding[] = []
  readonly #mends: SingleBit[] = []

  constructor(parts: CheckParts, entry: MapEntry, file: string, handle: FileHandle) {
    this.#parts = parts
    this.#entry = entry
    this.#file = file
    this.#handle = handle
    this.#reads = parts.pace.slow(new ReadAround(handle, this.#unread))
  }

  async run(): Promise<CheckedSegment> {
    const { system, storeId, signal } = this.#parts
    const entry = this.#entry
    const actualBytes = (await this.#handle.stat()).size
    const head = await this.#head(actualBytes)
    const problem = mappedProblem(head, entry, storeId)
    if (problem) return whole(this.#file, entry, problem.row, problem.why)
    const scan = await scanSegment(system, this.#reads, entry, actualBytes, {
      to: entry.cut,
      chunkBytes: SCRUB_READ_BYTES,
      readsAhead: false,
      ...(signal && { signal }),
    })
    for (const region of judgeSealed(head, entry, scan)) await this.#noteRegion(region, actualBytes)
    return {
      blocks: scan.blocks.count,
      bytes: scan.endOffset,
      fromDisk: this.#handle.isDirect,
      findings: this.#findings,
      mends: this.#mends,
    }
  }

  async #head(actualBytes: number): Promise<SegmentHead> {
    const { number, generation } = this.#entry
    const place = { file: this.#file, number, generation, actualBytes }
    const bytes = new Uint8Array(SEGMENT_HEADER_BYTES)
    await readFully(this.#reads, bytes, 0)
    const decoded = decodeSegmentHeader(bytes, this.#parts.system.crc32)
    if (decoded.kind === 'newer') {
      throw new QlogError('QLOG_NEWER_FORMAT', `${this.#file}: ${decoded.why}`)
    }
    if (decoded.kind !== 'valid') {
      return { ...place, problem: this.#unread.words(0, SEGMENT_HEADER_BYTES) ?? decoded.why }
    }
    if (decoded.damagedCopy) this.#noteHeader(decoded.damagedCopy)
    return { ...place, header: decoded.header }
  }

  #noteHeader(part: keyof typeof HEADER_PARTS): void {
    const { firstId } = this.#entry
    const why = 'one of the two copies of the segment header is damaged'
    const ids = { firstId, endId: firstId }
    const place = { file: this.#file, ...HEADER_PARTS[part], ...ids }
    this.#findings.push({ row: 'header-copy', ...place, why, mendable: 0 })
  }

  async #noteRegion(region: RegionVerdict, actualBytes: number): Promise<void> {
    const { row, offset, bytes, firstId, endId } = region
    const { system } = this.#parts
    const place = { file: this.#file, offset, bytes, firstId, endId }
    const unread = this.#unread.words(offset, offset + bytes)
    if (unread) {
      // What stands for bytes that were not given is no evidence for a flipped bit.
      this.#findings.push({ row: 'unreadable', ...place, why: unread, mendable: 0 })
      return
    }
    const mends =
      offset < actualBytes
        ? await mendableBlocks(this.#reads, offset, offset + bytes, this.#entry, system)
        : []
    this.#mends.push(...mends)
    const mending = mendWords(mends, offset, offset + bytes)
    const why = mending ? `${VERDICT_ROWS[row]}; ${mending}` : VERDICT_ROWS[row]
    this.#findings.push({ row, ...place, why, mendable: mends.length })
  }
}

/** Whether two entries are the same file of the log. */
export function isSameSegment(one: MapEntry, other: MapEntry): boolean {
  return (
    segmentFileName(one.number, one.generation) === segmentFileName(other.number, other.generation)
  )
}

/** A segment of which nothing can be read. */
function whole(
  file: string,
  { firstId, endId }: MapEntry,
  row: ScrubFinding['row'],
  why: string,
): CheckedSegment {
  const finding = { row, file, offset: 0, bytes: 0, firstId, endId, why, mendable: 0 }
  return { blocks: 0, bytes: 0, fromDisk: true, findings: [finding], mends: [] }
}
