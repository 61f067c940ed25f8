/** One segment's file by its path, for tools that are pointed at a file instead of a log. Reads only. */
import { QlogError, systemErrorCode } from '../errors.ts'
import { type DecodedSegmentHeader, decodeSegmentHeader } from '../format/header.ts'
import { SEGMENT_HEADER_BYTES } from '../format/layout.ts'
import { ReadAround, UnreadPages } from '../log/read-around.ts'
import { readFully } from '../log/survey.ts'
import type { FileHandle, System } from '../system/system.ts'

export interface OpenedSegment {
  readonly handle: FileHandle
  readonly actualBytes: number
  /** The first 4,096 bytes, zero where the file is shorter. */
  readonly headerBytes: Uint8Array
  readonly decoded: DecodedSegmentHeader
}

/** Runs `work` with a segment's file. Rejects with QLOG_NOT_A_LOG, QLOG_NEWER_FORMAT, QLOG_IO. */
export async function withSegment<T>(
  system: System,
  path: string,
  work: (segment: OpenedSegment) => Promise<T>,
): Promise<T> {
  const handle = await openToRead(system, path)
  try {
    const { size, kind } = await handle.stat()
    if (kind !== 'file') throw new QlogError('QLOG_NOT_A_LOG', `${path} is no regular file`)
    const headerBytes = new Uint8Array(SEGMENT_HEADER_BYTES)
    const unread = new UnreadPages()
    const filled = await readFully(new ReadAround(handle, unread), headerBytes, 0)
    const decoded = decodeSegmentHeader(headerBytes.subarray(0, filled), system.crc32)
    if (decoded.kind === 'newer')
      throw new QlogError('QLOG_NEWER_FORMAT', `${path}: ${decoded.why}`)
    const words = unread.words(0, SEGMENT_HEADER_BYTES)
    if (words && decoded.kind === 'foreign') throw new QlogError('QLOG_IO', `${path}: ${words}`)
    if (decoded.kind === 'foreign') throw new QlogError('QLOG_NOT_A_LOG', `${path}: ${decoded.why}`)
    return await work({ handle, actualBytes: size, headerBytes, decoded })
  } finally {
    await handle.close()
  }
}

async function openToRead(system: System, path: string): Promise<FileHandle> {
  try {
    return await system.files.open(path, { mode: 'read' })
  } catch (error) {
    const code = systemErrorCode(error)
    if (code === 'ENOENT') {
      throw new QlogError('QLOG_NOT_A_LOG', `${path} does not exist`, { cause: error })
    }
    throw new QlogError('QLOG_IO', `cannot open ${path} (${code})`, { cause: error })
  }
}

/** The directory of a path, and the name in it. */
export function splitPath(path: string): { readonly directory: string; readonly name: string } {
  const cut = path.lastIndexOf('/')
  if (cut < 0) return { directory: '.', name: path }
  return { directory: path.slice(0, cut) || '/', name: path.slice(cut + 1) }
}
