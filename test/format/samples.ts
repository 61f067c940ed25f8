/** What the tests of this folder are fed with: a key, blocks made to measure, random structures. */
import fc from 'fast-check'
import { type Block, type SegmentKey, sealBlock } from '../../src/format/block.ts'
import type { Crc32 } from '../../src/format/crc.ts'
import { GapReason, type GapRecord } from '../../src/format/gap.ts'
import type { SegmentHeader } from '../../src/format/header.ts'
import type { IndexFile } from '../../src/format/index-file.ts'
import { BLOCK_HEADER_BYTES, BlockFlag, BlockType, roundUp } from '../../src/format/layout.ts'
import type { Link, SegmentMap } from '../../src/format/link.ts'
import type { MapEntry } from '../../src/format/map.ts'
import type { Seal } from '../../src/format/seal-record.ts'
import type { SnapshotEnd, SnapshotPart } from '../../src/format/snapshot.ts'

export const FILE_BYTES = 16 * 1024
export const KEY: SegmentKey = { salt1: 0x9e3779b9, salt2: 0xc2b2ae35, fileBytes: FILE_BYTES }

/** A table-free CRC-32, so that these tests rest on nothing that is tested elsewhere. */
export const crc32: Crc32 = (bytes, seed) => {
  let crc = ~seed
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (0xedb88320 & -(crc & 1))
  }
  return ~crc >>> 0
}

/** A file of one segment, with one block of the given payload at `offset`. */
export function fileWithBlock(
  payload: Uint8Array,
  changes: Partial<Block> = {},
): { readonly file: Uint8Array; readonly block: Block } {
  const offset = changes.offset ?? 8192
  const block: Block = {
    offset,
    length: roundUp(BLOCK_HEADER_BYTES + payload.length, 8),
    durableOffset: 4096,
    groupOffset: 4096,
    type: BlockType.DATA,
    flags: BlockFlag.END,
    recordCount: 1,
    firstId: 7,
    timeMs: 1_700_000_000_000,
    ...changes,
  }
  const file = new Uint8Array(FILE_BYTES)
  file.set(payload, offset + BLOCK_HEADER_BYTES)
  sealBlock(file, offset, block, KEY, crc32)
  return { file, block }
}

const anyU32 = fc.integer({ min: 0, max: 0xffff_ffff })
const anyU64 = fc.oneof(
  fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
  fc.constantFrom(0, 1, 2 ** 32 - 1, 2 ** 32, Number.MAX_SAFE_INTEGER),
)
const positive = anyU64.map((value) => Math.max(1, value))
const salt = anyU32.map((value) => Math.max(1, value))
const hex16 = fc
  .uint8Array({ minLength: 16, maxLength: 16 })
  .map((bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(''))
const fileBytes = fc.integer({ min: 4, max: 2 ** 20 - 1 }).map((pages) => pages * 4096)
const cutOf = (max: number) => fc.integer({ min: 512, max: max / 8 }).map((words) => words * 8)
const ids = fc.tuple(positive, positive).map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const)
const name = fc.string({ unit: 'grapheme', maxLength: 12 })
const places = fc.tuple(anyU64, anyU64)

export const anyHeader: fc.Arbitrary<SegmentHeader> = fc.record({
  formatNumber: fc.constant(1),
  features: fc.record({
    compatible: anyU32,
    readOnlyCompatible: anyU32,
    incompatible: fc.constant(0),
  }),
  storeId: hex16,
  number: positive,
  generation: anyU32,
  salt1: salt,
  salt2: anyU32,
  blockBytes: fc.integer({ min: 6, max: 2 ** 20 }).map((words) => words * 8),
  fileBytes,
  createdMs: anyU64,
})

const anyMapEntry: fc.Arbitrary<MapEntry> = fileBytes.chain((bytes) =>
  fc
    .record({
      number: positive,
      generation: anyU32,
      salt1: salt,
      salt2: anyU32,
      fileBytes: fc.constant(bytes),
      cut: cutOf(bytes),
      hasControl: fc.boolean(),
      damaged: fc.boolean(),
      dataOnly: fc.boolean(),
      base: anyU64.map((value) => Math.min(value, Number.MAX_SAFE_INTEGER - bytes)),
      ids,
      above: fc.integer({ min: 0, max: 1000 }),
    })
    .map(({ ids: [firstId, endId], above, ...entry }) => ({
      ...entry,
      firstId,
      endId,
      coversTo: Math.min(entry.number + above, Number.MAX_SAFE_INTEGER),
    })),
)

const anyMap = fc
  .uniqueArray(anyMapEntry, { selector: (entry) => entry.number, maxLength: 6 })
  .map((entries) => entries.toSorted((a, b) => a.number - b.number))

export const anyLink: fc.Arbitrary<Link> = fc
  .record({
    epoch: positive,
    bootId: hex16,
    bootTimeMs: anyU64,
    mode: fc.constantFrom('always', 'interval', 'never'),
    inFlightBytesMax: anyU32,
    base: anyU64,
    predecessor: fc.option(
      fc.record({ number: positive, generation: anyU32, cut: cutOf(2 ** 32 - 4096) }),
    ),
    nextId: positive,
    snapshots: places,
    map: anyMap,
  })
  .map(({ predecessor, ...link }) => (predecessor === null ? link : { ...link, predecessor }))

export const anySegmentMap: fc.Arbitrary<SegmentMap> = fc.record({
  epoch: positive,
  snapshots: places,
  map: anyMap,
})

export const anySeal: fc.Arbitrary<Seal> = fc
  .record({
    ids,
    messages: anyU32,
    controls: anyU32,
    blocks: fc.uniqueArray(fc.tuple(anyU32, positive), { selector: ([offset]) => offset }),
  })
  .map(({ ids: [firstId, endId], messages, controls, blocks }) => ({
    firstId,
    endId,
    messages,
    controls,
    blockFirstIds: Float64Array.from(blocks.map(([, id]) => id)).sort(),
    blockOffsets: Uint32Array.from(blocks.map(([offset]) => offset)).sort(),
  }))

export const anyGap: fc.Arbitrary<GapRecord> = fc
  .record({
    number: positive,
    generation: anyU32,
    reason: fc.constantFrom(...Object.values(GapReason)),
    offset: anyU32,
    bytes: anyU32,
    ids,
  })
  .map(({ ids: [firstId, endId], ...gap }) => ({ ...gap, firstId, endId }))

export const anySnapshotPart: fc.Arbitrary<SnapshotPart> = fc.record({
  lsn: anyU64,
  name,
  bytes: fc.uint8Array({ maxLength: 100 }),
})

export const anySnapshotEnd: fc.Arbitrary<SnapshotEnd> = fc.record({
  parts: fc.array(fc.record({ lsn: anyU64, blockLsn: anyU64, name }), { maxLength: 5 }),
})

export const anyIndex: fc.Arbitrary<IndexFile> = fc.record({
  storeId: hex16,
  sequence: anyU64,
  epoch: positive,
  current: fc.record({
    number: positive,
    generation: anyU32,
    salt1: salt,
    salt2: anyU32,
    durableOffset: cutOf(2 ** 32 - 4096),
  }),
  nextId: positive,
  timeMs: anyU64,
  snapshots: places,
  map: anyMap,
  parts: fc.array(anySnapshotPart, { maxLength: 4 }),
})
