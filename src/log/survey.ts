/**
 * Looks at a directory without changing it: which files are segments, what their first pages say, what
 * the index says. Gathers evidence; judges nothing.
 */
import { isMediumError, QlogError, systemErrorCode } from '../errors.ts'
import { readBlock, type SegmentKey } from '../format/block.ts'
import { copyOf, getUint32 } from '../format/bytes.ts'
import type { IndexEvidence, SegmentHead } from '../format/evidence.ts'
import { decodeSegmentHeader, isReused, type SegmentHeader } from '../format/header.ts'
import { decodeIndex, type IndexFile } from '../format/index-file.ts'
import {
  BLOCK_HEADER_BYTES,
  BLOCK_MAGIC_AT,
  BLOCK_TYPE_AT,
  BlockType,
  INDEX_FIXED_BYTES,
  parseSegmentFileName,
  SEGMENT_HEADER_BYTES,
} from '../format/layout.ts'
import { decodeLink, type Link } from '../format/link.ts'
import { RecordCursor } from '../format/records.ts'
import type { FileHandle, ReadHandle, System } from '../system/system.ts'
import { blockStateAt } from './block-state.ts'
import { FileWindow } from './file-window.ts'
import { ioError } from './io-errors.ts'
import { ReadAround, UnreadPages } from './read-around.ts'
import { OWN_PART_PREFIX } from './snapshot/saved-state.ts'

/** The header and a LINK with a small map arrive with one read. */
const HEAD_BYTES = 16 * 1024
/** Whoever looks for LINK gives up behind so many pages that the medium does not give. */
const UNREAD_PAGES_MAX = 8
/** A larger index than this is not believed (about 4 million segments). */
const INDEX_BYTES_MAX = 256 * 1024 * 1024

export type IndexName = 'index.a' | 'index.b'

export interface NamedIndex {
  readonly name: IndexName
  /** Its parts are views of the file's bytes, so that their offsets are offsets in the file. */
  readonly index: IndexFile
}

export interface Survey {
  readonly directory: string
  /** Every name in the directory. */
  readonly names: readonly string[]
  /** Files with a segment's name, by number and generation. */
  readonly heads: readonly SegmentHead[]
  readonly index: IndexFile | undefined
  /** Which of the two names the index was read from. */
  readonly indexName: IndexName | undefined
  /** Each of the two that is there and decodes; `index` is the newer one. */
  readonly indexes: readonly NamedIndex[]
  /** Index files that are there and do not decode. */
  readonly badIndexes: readonly string[]
  /** A segment has a feature that allows reading only. */
  readonly readOnly: boolean
}

/** What one segment's first pages say. */
interface SeenHead {
  readonly head: SegmentHead
  readonly readOnly: boolean
}

/**
 * The index files as an earlier look found them, without the owner's state, which may be large: whoever
 * looks again and again reads one again only where it has changed.
 */
export class SeenIndexes {
  readonly #seen = new Map<IndexName, { readonly head: Uint8Array; readonly index: IndexFile }>()

  /** Which index begins with these bytes: with every write another sequence stands there. */
  find(name: IndexName, head: Uint8Array): IndexFile | undefined {
    const seen = this.#seen.get(name)
    return seen?.head.every((byte, at) => byte === head[at]) ? seen.index : undefined
  }

  note(name: IndexName, head: Uint8Array, index: IndexFile): void {
    const own = index.parts.filter((part) => part.name.startsWith(OWN_PART_PREFIX))
    const parts = own.map((part) => ({ ...part, bytes: copyOf(part.bytes) }))
    this.#seen.set(name, { head: copyOf(head), index: { ...index, parts } })
  }
}

/**
 * First pages of segments that had begun, as an earlier look found them, for somebody who looks again and
 * again within one call: they are not written again. That no other file comes by one of these names later
 * (mending and merging may take one that a lost map gave) is not known.
 */
export class SeenHeads {
  #heads = new Map<string, SeenHead>()

  find(name: string): SeenHead | undefined {
    return this.#heads.get(name)
  }

  /** All that one look has found, by name; forgets what is not there any more. */
  note(heads: ReadonlyMap<string, SeenHead>): void {
    this.#heads = new Map([...heads].filter(([, { head }]) => head.header && head.link))
  }
}

/** What need not be read again. */
export interface Seen {
  readonly indexes?: SeenIndexes
  readonly heads?: SeenHeads
}

/**
 * Surveys a log's directory; with seen indexes the owner's parts of the indexes may be left out. Rejects with
 * QLOG_NEWER_FORMAT, QLOG_NOT_A_LOG, QLOG_IO.
 */
export async function surveyDirectory(
  system: System,
  directory: string,
  seen: Seen = {},
): Promise<Survey> {
  try {
    return await survey(system, directory, seen)
  } catch (error) {
    throw ioError(`read the log ${directory}`, error)
  }
}

async function survey(system: System, directory: string, seen: Seen): Promise<Survey> {
  const names = (await listDirectory(system, directory)).sort()
  const found = new Map<string, SeenHead>()
  for (const name of names) {
    if (!parseSegmentFileName(name)) continue
    const head = seen.heads?.find(name) ?? (await readHead(system, directory, name))
    if (head) found.set(name, head)
  }
  seen.heads?.note(found)
  const heads = [...found.values()].map(({ head }) => head)
  heads.sort((a, b) => a.number - b.number || a.generation - b.generation)
  return {
    directory,
    names,
    heads,
    readOnly: [...found.values()].some(({ readOnly }) => readOnly),
    ...(await readIndexes(system, directory, names, seen.indexes)),
  }
}

/** Lists a directory with typed errors. */
export async function listDirectory(system: System, directory: string): Promise<string[]> {
  try {
    return await system.files.list(directory)
  } catch (error) {
    const code = systemErrorCode(error)
    if (code === 'ENOTDIR') {
      throw new QlogError('QLOG_NOT_A_LOG', `${directory} is not a directory`, { cause: error })
    }
    if (code === 'ENOENT') {
      throw new QlogError('QLOG_NOT_A_LOG', `${directory} does not exist`, { cause: error })
    }
    throw ioError(`read the directory ${directory}`, error)
  }
}

/** The index as evidence for the verdicts. */
export function indexEvidence(index: IndexFile | undefined): IndexEvidence | undefined {
  if (!index) return undefined
  const { current, epoch, nextId, storeId } = index
  return { ...current, epoch, nextId, storeId }
}

/** Reads the head of one segment file; undefined where it vanished meanwhile. */
export async function readHead(
  system: System,
  directory: string,
  name: string,
): Promise<SeenHead | undefined> {
  const place = parseSegmentFileName(name)
  if (!place) throw new Error(`${name} is no segment name`)
  let handle: FileHandle
  try {
    handle = await system.files.open(`${directory}/${name}`, { mode: 'read' })
  } catch (error) {
    const code = systemErrorCode(error)
    if (code === 'ENOENT') return undefined
    // What could not be opened for another reason is no damage: nothing may be called lost for it.
    if (!isMediumError(error)) throw ioError(`open ${name}`, error)
    const problem = `cannot be opened (${code})`
    const head = { file: name, ...place, actualBytes: 0, problem, unread: problem }
    return { head, readOnly: false }
  }
  try {
    return await headOf(system, handle, name, place)
  } finally {
    await handle.close()
  }
}

async function headOf(
  system: System,
  handle: FileHandle,
  file: string,
  place: { readonly number: number; readonly generation: number },
): Promise<SeenHead> {
  const actualBytes = (await handle.stat()).size
  const bytes = new Uint8Array(Math.min(HEAD_BYTES, Math.max(actualBytes, SEGMENT_HEADER_BYTES)))
  const unread = new UnreadPages()
  const reads = new ReadAround(handle, unread)
  try {
    await readFully(reads, bytes, 0)
  } catch (error) {
    throw ioError(`read ${file}`, error)
  }
  const decoded = decodeSegmentHeader(bytes.subarray(0, SEGMENT_HEADER_BYTES), system.crc32)
  if (decoded.kind === 'newer') {
    throw new QlogError('QLOG_NEWER_FORMAT', `${file}: ${decoded.why}`)
  }
  const inAll = (): string | undefined => unread.words(0, actualBytes)
  const inWords = inAll()
  if (decoded.kind !== 'valid') {
    const problem = inWords ?? decoded.why
    const head = { file, ...place, actualBytes, problem, ...(inWords && { unread: inWords }) }
    return { head, readOnly: false }
  }
  const { header, damagedCopy, readOnly } = decoded
  // A mended copy has the LINK of the segment that it stands for; what merging made has none.
  const window = new FileWindow(reads, HEAD_BYTES, false)
  window.bytes = bytes
  const link = await readLink(system, window, header, actualBytes, unread)
  const linkUnread = link || !mayHaveBegun(bytes, header, unread) ? undefined : inAll()
  const head: SegmentHead = {
    file,
    ...place,
    actualBytes,
    header,
    ...(damagedCopy && { headerWound: damagedCopy }),
    ...(link && { link }),
    ...(linkUnread && { unread: linkUnread }),
  }
  return { head, readOnly }
}

export function keyOf(header: SegmentHeader): SegmentKey {
  const { salt1, salt2, fileBytes } = header
  return isReused(header)
    ? { salt1, salt2, fileBytes, isReused: true }
    : { salt1, salt2, fileBytes }
}

/** LINK from either of its two blocks. */
async function readLink(
  system: System,
  window: FileWindow,
  header: SegmentHeader,
  actualBytes: number,
  unread: UnreadPages,
): Promise<Link | undefined> {
  const key = keyOf(header)
  const limit = Math.min(actualBytes, header.fileBytes)
  // The second block stands at a page boundary behind the first, which the first's length tells; where
  // the first is damaged its length is unknown, so each page start is tried.
  let at = SEGMENT_HEADER_BYTES
  for (let pages = 0; at + BLOCK_HEADER_BYTES <= limit && pages < LINK_PAGES_MAX; pages++) {
    if (unread.size > UNREAD_PAGES_MAX) return undefined
    const state = await blockStateAt(window, at, limit, key, system.crc32)
    if (state === 0) {
      // Nothing but LINK begins a segment that has one: what merging made is not searched for it.
      if (window.bytes[at - window.start + BLOCK_TYPE_AT] !== BlockType.LINK) return undefined
      const cursor = new RecordCursor()
      cursor.open(window.bytes, at - window.start)
      return cursor.next() ? decodeLink(cursor.body()) : undefined
    }
    at += SEGMENT_HEADER_BYTES
  }
  return undefined
}

/**
 * Whether LINK may stand in pages that were not given. The first page of one that has begun is not as it was
 * made, whatever became of the others.
 */
function mayHaveBegun(bytes: Uint8Array, header: SegmentHeader, unread: UnreadPages): boolean {
  const at = SEGMENT_HEADER_BYTES
  if (unread.size === 0) return false
  if (unread.words(at, at + BLOCK_HEADER_BYTES) !== undefined) return true
  const first = bytes.subarray(at, at + BLOCK_HEADER_BYTES)
  // In a file that is used again older bytes may stand there.
  return isReused(header)
    ? getUint32(first, BLOCK_MAGIC_AT) === header.salt1
    : first.some((byte) => byte !== 0)
}

/** When a segment's first block was written; undefined where that cannot be read. */
export async function firstBlockTimeMs(
  system: System,
  path: string,
  key: SegmentKey,
): Promise<number | undefined> {
  let handle: FileHandle
  try {
    handle = await system.files.open(path, { mode: 'read' })
  } catch (error) {
    if (systemErrorCode(error) === '') throw error
    return undefined
  }
  try {
    const window = new FileWindow(handle, HEAD_BYTES, false)
    const at = SEGMENT_HEADER_BYTES
    const state = await blockStateAt(window, at, key.fileBytes, key, system.crc32)
    return state === 0 ? readBlock(window.bytes, at - window.start).timeMs : undefined
  } finally {
    await handle.close()
  }
}

/** A LINK of 65,536 segments stands within this many pages. */
const LINK_PAGES_MAX = 2048

/** Reads until `target` is full or the file ends; what is behind the end stays zero. */
export async function readFully(
  handle: ReadHandle,
  target: Uint8Array,
  position: number,
): Promise<number> {
  let filled = 0
  while (filled < target.length) {
    const read = await handle.read(target.subarray(filled), position + filled)
    if (read === 0) break
    filled += read
  }
  return filled
}

function isNewer(one: IndexFile, other: IndexFile): boolean {
  return one.epoch === other.epoch ? one.sequence > other.sequence : one.epoch > other.epoch
}

async function readIndexes(
  system: System,
  directory: string,
  names: readonly string[],
  seen: SeenIndexes | undefined,
): Promise<Pick<Survey, 'index' | 'indexName' | 'indexes' | 'badIndexes'>> {
  let index: IndexFile | undefined
  let indexName: IndexName | undefined
  const indexes: NamedIndex[] = []
  const badIndexes: string[] = []
  for (const name of ['index.a', 'index.b'] as const) {
    if (!names.includes(name)) continue
    const decoded = await readIndex(system, directory, name, seen)
    if (!decoded) {
      badIndexes.push(name)
      continue
    }
    indexes.push({ name, index: decoded })
    // A writer that had lost the lock may have written the higher sequence.
    if (!index || isNewer(decoded, index)) {
      index = decoded
      indexName = name
    }
  }
  return { index, indexName, indexes, badIndexes }
}

async function readIndex(
  system: System,
  directory: string,
  name: IndexName,
  seen: SeenIndexes | undefined,
): Promise<IndexFile | undefined> {
  try {
    const handle = await system.files.open(`${directory}/${name}`, { mode: 'read' })
    try {
      const { size } = await handle.stat()
      if (size < INDEX_FIXED_BYTES || size > INDEX_BYTES_MAX) return undefined
      if (seen) {
        const head = new Uint8Array(INDEX_FIXED_BYTES)
        await readFully(handle, head, 0)
        const known = seen.find(name, head)
        if (known) return known
      }
      const bytes = new Uint8Array(size)
      if ((await readFully(handle, bytes, 0)) !== size) return undefined
      const index = decodeIndex(bytes, system.crc32)
      if (index) seen?.note(name, bytes.subarray(0, INDEX_FIXED_BYTES), index)
      return index
    } finally {
      // What was read has been read.
      await handle.close().catch(() => undefined)
    }
  } catch (error) {
    // The index is never needed: one that the disk does not give is one that is not there. What keeps
    // this process from it says nothing of the file, and `verify` must not call it damaged.
    if (isMediumError(error) || systemErrorCode(error) === 'ENOENT') return undefined
    throw error
  }
}
