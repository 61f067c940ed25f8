/**
 * Every block and record of a segment or of a whole log, and every stretch that is no block, as plain
 * objects in the order in which they stand. Reads only; nothing is kept, so size does not matter.
 */
import { QlogError } from '../errors.ts'
import type { Block, SegmentKey } from '../format/block.ts'
import { decodeGap } from '../format/gap.ts'
import { BlockType, RecordKind, segmentFileName } from '../format/layout.ts'
import { decodeLink, decodeMap } from '../format/link.ts'
import { RecordCursor, readBatchRecord } from '../format/records.ts'
import { decodeSeal } from '../format/seal-record.ts'
import { keyOf } from '../log/survey.ts'
import type { FileHandle, System } from '../system/system.ts'
import { splitPath, withSegment } from './segment-source.ts'
import { type SegmentInfo, segmentsOf } from './segments.ts'
import { asIoError, lookAt } from './source.ts'
import { lookIntoStore, type StoreLook } from './store-look.ts'
import { UnreadFiles } from './unread-files.ts'
import type { InspectOptions } from './verify.ts'
import { walkSegment } from './walk.ts'
import { failureInWords, flagNames, kindName, typeName } from './words.ts'

export interface DumpSegment extends Partial<SegmentInfo> {
  readonly kind: 'segment'
  readonly file: string
  readonly storeId?: string
  readonly fileBytes?: number
  /** Why its blocks cannot be shown. */
  readonly problem?: string
}

export interface DumpBlock {
  readonly kind: 'block'
  readonly file: string
  readonly offset: number
  readonly length: number
  readonly type: string
  readonly flags: readonly string[]
  /** D: everything below was durable when it was sealed. */
  readonly durable: number
  readonly group: number
  readonly records: number
  readonly firstId: number
  readonly timeMs: number
  /** Length of what a compressed payload unpacks to. */
  readonly unpackedBytes?: number
}

export interface DumpRecord {
  readonly kind: 'record'
  readonly file: string
  /** Offset of the block that holds it. */
  readonly block: number
  readonly record: number
  readonly type: string
  readonly bytes: number
  readonly id?: number
  readonly timeMs?: number
  /** Epoch of the first writer, in copied blocks. */
  readonly originEpoch?: number
  /** What BATCH or a structure says, or a record of a store: its queue and group by name. */
  readonly fields?: unknown
  /** The bytes themselves, where they were asked for; they live until the next object. */
  readonly body?: Uint8Array
  readonly problem?: string
}

export interface DumpInvalid {
  readonly kind: 'invalid'
  readonly file: string
  readonly offset: number
  readonly bytes: number
  readonly condition: number
  /** All its bytes are zero: nothing was ever written there. */
  readonly zero: boolean
  readonly why: string
}

export type DumpItem = DumpSegment | DumpBlock | DumpRecord | DumpInvalid

export interface DumpOptions extends InspectOptions {
  /** First offset to show, in every file. */
  readonly from?: number
  /** Show what records hold. */
  readonly bodies?: boolean
}

/** Everything in all segments of a log, by number. */
export async function* dumpLog(
  system: System,
  directory: string,
  options: DumpOptions = {},
): AsyncGenerator<DumpItem, void, undefined> {
  const unread = new UnreadFiles(system)
  const assessment = await lookAt(system, directory, options.signal, { unread })
  const store = await lookIntoStore(system, directory, options.signal)
  const { survey, map } = assessment
  for (const info of segmentsOf(assessment)) {
    const { file } = info
    const head = survey.heads.find((candidate) => candidate.file === file)
    // The map knows the salts of a segment whose header is lost.
    const entry = map.find((one) => segmentFileName(one.number, one.generation) === file)
    const key = head?.header ? keyOf(head.header) : entry
    const header = head?.header && {
      storeId: head.header.storeId,
      fileBytes: head.header.fileBytes,
    }
    const problem = head === undefined ? 'no such file' : head.problem
    yield { kind: 'segment', ...info, ...header, ...(problem && { problem }) }
    if (head === undefined || key === undefined) continue
    const handle = await openOrSkip(system, `${directory}/${file}`)
    if (handle === undefined) {
      yield { kind: 'segment', file, problem: 'it was retired while this ran' }
      continue
    }
    try {
      yield* dumpBlocks(system, handle, file, key, head.actualBytes, { ...options, store })
    } finally {
      await handle.close()
    }
  }
}

/** Everything in one segment's file. */
export async function* dumpFile(
  system: System,
  path: string,
  options: DumpOptions = {},
): AsyncGenerator<DumpItem, void, undefined> {
  const opened = await withSegment(system, path, ({ decoded, actualBytes }) =>
    Promise.resolve({ decoded, actualBytes }),
  )
  const { decoded, actualBytes } = opened
  if (decoded.kind !== 'valid') {
    throw new QlogError('QLOG_DAMAGED', `${path}: neither copy of its header is valid`)
  }
  const { header } = decoded
  const { storeId, fileBytes, number, generation, createdMs } = header
  const fields = { storeId, fileBytes, number, generation, createdMs, bytes: actualBytes }
  yield { kind: 'segment', file: path, ...fields }
  // Beside its log it may be a store's; a file alone has no names to give.
  const store = await lookIntoStore(system, splitPath(path).directory, options.signal)
  const handle = await system.files.open(path, { mode: 'read' })
  try {
    yield* dumpBlocks(system, handle, path, keyOf(header), actualBytes, { ...options, store })
  } finally {
    await handle.close()
  }
}

async function openOrSkip(system: System, path: string): Promise<FileHandle | undefined> {
  try {
    return await system.files.open(path, { mode: 'read' })
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw asIoError(error, `cannot open ${path}`)
  }
}

async function* dumpBlocks(
  system: System,
  handle: FileHandle,
  file: string,
  key: SegmentKey,
  actualBytes: number,
  options: DumpOptions & { readonly store: StoreLook | undefined },
): AsyncGenerator<DumpItem, void, undefined> {
  const { from, signal } = options
  const cursor = new RecordCursor()
  const range = { ...(from !== undefined && { from }), signal }
  for await (const piece of walkSegment(system, handle, key, actualBytes, range)) {
    if (piece.kind === 'invalid') {
      const { offset, end, condition, dataEnd, unread } = piece
      const zero = dataEnd <= offset
      const why = unread ?? failureInWords(condition, zero, key.isReused)
      yield { kind: 'invalid', file, offset, bytes: end - offset, condition, zero, why }
      continue
    }
    const { block, bytes, at, payload } = piece
    yield {
      kind: 'block',
      file,
      offset: block.offset,
      length: block.length,
      type: typeName(block.type),
      flags: flagNames(block.flags),
      durable: block.durableOffset,
      group: block.groupOffset,
      records: block.recordCount,
      firstId: block.firstId,
      timeMs: block.timeMs,
      ...(payload && { unpackedBytes: payload.length }),
    }
    cursor.open(bytes, at, payload)
    for (let record = 0; cursor.next(); record++) {
      yield recordItem(cursor, file, block, record, options)
    }
  }
}

function recordItem(
  cursor: RecordCursor,
  file: string,
  { offset: block, type: blockType }: Block,
  record: number,
  { bodies, store }: DumpOptions & { readonly store: StoreLook | undefined },
): DumpRecord {
  const { kind, length, id, timeMs, originEpoch } = cursor
  const origin = originEpoch > 0 ? { originEpoch } : {}
  const place = { file, block, record, type: kindName(kind), bytes: length, ...origin }
  const body = bodies === true ? { body: cursor.body() } : {}
  if (kind === RecordKind.MESSAGE) {
    const fields = store?.message(cursor.body())
    return { kind: 'record', ...place, id, timeMs, ...(fields && { fields }), ...body }
  }
  if (kind === RecordKind.CONTROL) {
    const fields = store?.control(cursor.body())
    return { kind: 'record', ...place, ...(fields && { fields }), ...body }
  }
  if (kind === RecordKind.BATCH) {
    const fields = readBatchRecord(cursor.bytes, cursor.start)
    return { kind: 'record', ...place, fields }
  }
  if (kind !== RecordKind.FIELD) return { kind: 'record', ...place, ...body }
  const fields = decodeField(blockType, cursor.body())
  if (fields === undefined)
    return { kind: 'record', ...place, problem: 'its structure is malformed' }
  return { kind: 'record', ...place, ...(fields !== null && { fields }) }
}

/** undefined where it is malformed, null where it is not looked into. Salts are left out. */
function decodeField(blockType: number, body: Uint8Array): unknown {
  switch (blockType) {
    case BlockType.LINK:
      return withoutSalts(decodeLink(body))
    case BlockType.MAP:
      return withoutSalts(decodeMap(body))
    case BlockType.GAP:
      return decodeGap(body)
    case BlockType.SEAL: {
      const seal = decodeSeal(body)
      if (!seal) return undefined
      const { firstId, endId, messages, controls, blockOffsets } = seal
      return { firstId, endId, messages, controls, indexedBlocks: blockOffsets.length }
    }
    default:
      return null
  }
}

/** The salts never leave the machine: with them a body could be made to pass for a block. */
function withoutSalts<
  T extends { readonly map: readonly { readonly salt1: number; readonly salt2: number }[] },
>(structure: T | undefined): unknown {
  if (structure === undefined) return undefined
  const map = structure.map.map(({ salt1: _first, salt2: _second, ...entry }) => entry)
  return { ...structure, map }
}
