/**
 * A small log of three segments, the same to the byte on every run: put together through the codecs,
 * with fixed salts and times, so that every damage done to it has one outcome.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { encodeSegmentHeader, type SegmentHeader } from '../../src/format/header.ts'
import { encodeIndex } from '../../src/format/index-file.ts'
import { BlockType, segmentFileName } from '../../src/format/layout.ts'
import { encodeLink, encodeMap, type Link, type MapEntry } from '../../src/format/link.ts'
import { crc32 } from '../../src/system/real/crc.ts'
import { concat, record } from '../format/pieces.ts'
import { SegmentBuilder } from '../format/segment-builder.ts'

const STORE_ID = '00112233445566778899aabbccddeeff'
const FOREIGN_STORE_ID = 'ffeeddccbbaa99887766554433221100'
const BOOT_ID = '0f1e2d3c4b5a69788796a5b4c3d2e1f0'
const CREATED_MS = Date.UTC(2024, 0, 1)
const FILE_BYTES = 16 * 1024
/** So large that three of them cover two whole sectors. */
const BODY_BYTES = 500
const MESSAGES_PER_BLOCK = 3

export type LogFiles = Map<string, Uint8Array>

export const FIRST = segmentFileName(1, 0)
export const MIDDLE = segmentFileName(2, 0)
export const LAST = segmentFileName(3, 0)

export interface SmallLogOptions {
  /** Whether the log ends with CLEAN; default true. */
  readonly closed?: boolean
  /** Whether an index file stands beside it; default true. */
  readonly indexed?: boolean
  /** How many groups of three messages the last segment holds; default 2. */
  readonly lastGroups?: number
}

export interface SmallLog {
  readonly files: LogFiles
  /** Where the last group of the last segment begins. */
  readonly lastGroupOffset: number
  /** Offsets of the DATA blocks of each segment, by file name. */
  readonly dataOffsets: ReadonlyMap<string, readonly number[]>
}

export function smallLog(options: SmallLogOptions = {}): SmallLog {
  const { closed = true, indexed = true, lastGroups = 2 } = options
  const files: LogFiles = new Map()
  const dataOffsets = new Map<string, number[]>()
  const map: MapEntry[] = []
  let nextId = 1
  let lastGroupOffset = 0
  for (const number of [1, 2, 3]) {
    const header = headerOf(number)
    const builder = new SegmentBuilder(header, nextId, crc32)
    const firstId = nextId
    builder.pair({ type: BlockType.LINK, body: encodeLink(linkOf(map, nextId)) }, true)
    const offsets: number[] = []
    for (let group = 0; group < (number === 3 ? lastGroups : 2); group++) {
      lastGroupOffset = builder.offset
      offsets.push(builder.offset)
      builder.block({ type: BlockType.DATA, recordCount: MESSAGES_PER_BLOCK }, bodies(nextId), 3)
      nextId += MESSAGES_PER_BLOCK
    }
    if (number === 2) {
      const body = encodeMap({ epoch: 1, snapshots: [0, 0], map: [...map] })
      builder.pair({ type: BlockType.MAP, body })
    }
    if (number === 3 && closed) builder.pair({ type: BlockType.CLEAN })
    const file = segmentFileName(number, 0)
    files.set(file, builder.file)
    dataOffsets.set(file, offsets)
    if (number === 3) {
      if (indexed) files.set('index.a', indexOf(header, map, builder.offset, nextId))
    } else map.push(entryOf(header, map, builder.offset, firstId, nextId))
  }
  return { files, lastGroupOffset, dataOffsets }
}

/** The same place in another log. */
export function foreignMiddle(): Uint8Array {
  const header = {
    ...headerOf(2),
    storeId: FOREIGN_STORE_ID,
    salt1: 0x7777_0001,
    salt2: 0x7777_0002,
  }
  const builder = new SegmentBuilder(header, 7, crc32)
  builder.pair({ type: BlockType.LINK, body: encodeLink(linkOf([], 7)) }, true)
  builder.block({ type: BlockType.DATA, recordCount: MESSAGES_PER_BLOCK }, bodies(7), 3)
  return builder.file
}

/** A segment that was made ahead and never written. */
export function spare(number: number): Uint8Array {
  const file = new Uint8Array(FILE_BYTES)
  file.set(encodeSegmentHeader(headerOf(number), crc32))
  return file
}

export function writeLog(directory: string, files: LogFiles): void {
  mkdirSync(directory, { recursive: true })
  for (const [name, bytes] of files) writeFileSync(join(directory, name), bytes)
}

/** The file's bytes, to be changed. */
export function bytesOf(files: LogFiles, name: string): Uint8Array {
  const bytes = files.get(name)
  if (bytes === undefined) throw new Error(`there is no ${name}`)
  return bytes
}

export function flipBit(files: LogFiles, name: string, offset: number, bit = 0): void {
  const bytes = bytesOf(files, name)
  bytes[offset] = (bytes[offset] ?? 0) ^ (1 << bit)
}

export function headerOf(number: number): SegmentHeader {
  return {
    formatNumber: 1,
    features: { compatible: 0, readOnlyCompatible: 0, incompatible: 0 },
    storeId: STORE_ID,
    number,
    generation: 0,
    salt1: 0xa751_0000 + number,
    salt2: 0x51a7_0000 + number,
    blockBytes: 4096,
    fileBytes: FILE_BYTES,
    createdMs: CREATED_MS + number * 60_000,
  }
}

export function linkOf(map: readonly MapEntry[], nextId: number): Link {
  const before = map.at(-1)
  return {
    epoch: 1,
    bootId: BOOT_ID,
    bootTimeMs: CREATED_MS - 3_600_000,
    mode: 'always',
    inFlightBytesMax: 1024 * 1024,
    base: before ? before.base + before.fileBytes : 0,
    ...(before && {
      predecessor: { number: before.number, generation: before.generation, cut: before.cut },
    }),
    nextId,
    snapshots: [0, 0],
    map: [...map],
  }
}

export function entryOf(
  header: SegmentHeader,
  map: readonly MapEntry[],
  cut: number,
  firstId: number,
  endId: number,
): MapEntry {
  const { number, generation, salt1, salt2, fileBytes } = header
  const before = map.at(-1)
  return {
    number,
    generation,
    salt1,
    salt2,
    fileBytes,
    cut,
    hasControl: false,
    damaged: false,
    dataOnly: false,
    base: before ? before.base + before.fileBytes : 0,
    firstId,
    endId,
    coversTo: number,
  }
}

function indexOf(
  header: SegmentHeader,
  map: readonly MapEntry[],
  durableOffset: number,
  nextId: number,
): Uint8Array {
  const { number, generation, salt1, salt2, createdMs } = header
  return encodeIndex(
    {
      storeId: STORE_ID,
      sequence: 1,
      epoch: 1,
      current: { number, generation, salt1, salt2, durableOffset },
      nextId,
      timeMs: createdMs + 1000,
      snapshots: [0, 0],
      map: [...map],
      parts: [],
    },
    crc32,
  )
}

export function bodyOf(id: number): string {
  return `message ${id} `.padEnd(BODY_BYTES, '.')
}

function bodies(firstId: number): Uint8Array {
  const records: Uint8Array[] = []
  for (let id = firstId; id < firstId + MESSAGES_PER_BLOCK; id++)
    records.push(record(1, bodyOf(id)))
  return concat(...records)
}
