/**
 * Chunks of message facts as bytes of a snapshot, several in one part. Loading checks every token, so
 * that a cursor can read without checks. Pure memory.
 *
 * A part: number of its first chunk, then for each chunk: first id, first offset and first time less
 * those of the chunk before (of nothing, for the first one), length in bytes, bytes.
 */
import { copyOf } from '../../format/bytes.ts'
import {
  CLOSED_BYTES_MAX,
  FLAG_DUE_KIND,
  FLAG_DUE_RELATIVE,
  FLAG_EXPIRES,
  FLAG_EXPIRES_RELATIVE,
  FLAG_PRIORITY,
  FLAG_TIME,
  PostingsChunk,
  TOKEN_EXTRAS,
  TOKEN_MORE,
  TOKEN_RUN,
  TOKEN_TIME,
} from './postings-chunk.ts'
import { ByteReader, ByteWriter } from './varint.ts'

/** What bits of flags can not be set without another one. */
const RELATIVE_ALONE = [
  [FLAG_DUE_RELATIVE, FLAG_DUE_KIND],
  [FLAG_EXPIRES_RELATIVE, FLAG_EXPIRES],
] as const

/** Consecutive chunks as bytes. */
export function encodeChunks(chunks: readonly PostingsChunk[]): Uint8Array {
  const writer = new ByteWriter()
  let id = 0
  let offset = 0
  let timeMs = 0
  writer.varint(chunks[0]?.number ?? 0)
  for (const chunk of chunks) {
    const bytes = chunk.closedBytes()
    writer.varint(chunk.firstId - id)
    writer.varint(chunk.firstOffset - offset)
    writer.varint(chunk.firstTimeMs - timeMs)
    writer.varint(bytes.length)
    writer.bytes(bytes)
    id = chunk.firstId
    offset = chunk.firstOffset
    timeMs = chunk.firstTimeMs
  }
  return writer.finish()
}

/** The chunks of a part, closed and each linked to the next; undefined where it is malformed. */
export function decodeChunks(bytes: Uint8Array): PostingsChunk[] | undefined {
  const reader = new ByteReader(bytes)
  const chunks: PostingsChunk[] = []
  let number = reader.varint()
  let last: PostingsChunk | undefined
  while (reader.rest > 0 && !reader.failed) {
    const id = (last?.firstId ?? 0) + reader.varint()
    const offset = (last?.firstOffset ?? 0) + reader.varint()
    const timeMs = (last?.firstTimeMs ?? 0) + reader.varint()
    const length = reader.varint()
    if (length > CLOSED_BYTES_MAX) return undefined
    // A copy, as a view would keep the whole part in memory when only one chunk is left.
    const chunk = new PostingsChunk(number, id, offset, timeMs, copyOf(reader.bytes(length)))
    chunk.byteLength = length
    if (reader.failed || !measure(chunk)) return undefined
    if (last !== undefined) {
      if (!follows(chunk, last)) return undefined
      last.next = chunk
    }
    chunks.push(chunk)
    last = chunk
    number++
  }
  return reader.complete && chunks.length > 0 && Number.isSafeInteger(number) ? chunks : undefined
}

/** True where a chunk may stand behind another one. */
export function follows(chunk: PostingsChunk, before: PostingsChunk): boolean {
  return (
    chunk.number > before.number &&
    chunk.firstId > before.lastId &&
    chunk.firstOffset > before.lastOffset &&
    chunk.firstTimeMs >= before.lastTimeMs
  )
}

/** Walks the tokens and fills in where the chunk ends; false where one is malformed. */
function measure(chunk: PostingsChunk): boolean {
  const reader = new ByteReader(chunk.bytes)
  while (reader.rest > 0 && !reader.failed) {
    const token = reader.byte()
    const flags = token >= TOKEN_EXTRAS ? reader.byte() : 0
    const small = token & TOKEN_MORE
    const step = 1 + (small < TOKEN_MORE ? small : small + reader.varint())
    const isRun = token >= TOKEN_RUN && token < TOKEN_EXTRAS
    chunk.count += isRun ? step : 1
    chunk.lastOffset += step
    chunk.lastId += isRun ? step : 1 + reader.varint()
    if ((token < TOKEN_RUN && (token & TOKEN_TIME) !== 0) || (flags & FLAG_TIME) !== 0) {
      chunk.lastTimeMs += reader.varint()
    }
    if (token >= TOKEN_EXTRAS) measureExtras(reader, flags, chunk.lastTimeMs)
    // The first entry stands in the header too.
    if (chunk.count === (isRun ? step : 1)) reader.require(isFirst(chunk, isRun ? step : 1))
  }
  const { lastId, lastOffset, lastTimeMs } = chunk
  const isSafe = [lastId, lastOffset, lastTimeMs].every((value) => Number.isSafeInteger(value))
  return reader.complete && chunk.count > 0 && isSafe
}

function isFirst(chunk: PostingsChunk, step: number): boolean {
  return (
    chunk.lastId === chunk.firstId + step - 1 &&
    chunk.lastOffset === chunk.firstOffset + step - 1 &&
    chunk.lastTimeMs === chunk.firstTimeMs
  )
}

function measureExtras(reader: ByteReader, flags: number, timeMs: number): void {
  for (const [relative, owner] of RELATIVE_ALONE) {
    reader.require((flags & relative) === 0 || (flags & owner) !== 0)
  }
  const dueKind = flags & FLAG_DUE_KIND
  reader.require(dueKind !== FLAG_DUE_KIND)
  if (dueKind !== 0) measureTime(reader, flags & FLAG_DUE_RELATIVE, timeMs)
  if ((flags & FLAG_EXPIRES) !== 0) measureTime(reader, flags & FLAG_EXPIRES_RELATIVE, timeMs)
  if ((flags & FLAG_PRIORITY) !== 0) reader.require(reader.varint() > 0)
}

function measureTime(reader: ByteReader, isRelative: number, timeMs: number): void {
  const value = reader.varint()
  reader.require(isRelative === 0 || Number.isSafeInteger(timeMs + value))
}
