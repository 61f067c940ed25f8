/**
 * The golden files: one of each thing that the format knows, with fixed salts and times. Pure; the
 * committed copies in test/fixtures/format/ are written by `npm run golden` and compared by a test.
 */
import type { Crc32 } from '../../src/format/crc.ts'
import { encodeGap, GapReason } from '../../src/format/gap.ts'
import type { SegmentHeader } from '../../src/format/header.ts'
import { encodeIndex, type IndexFile } from '../../src/format/index-file.ts'
import { BlockFlag, BlockType, RecordKind } from '../../src/format/layout.ts'
import { encodeLink, encodeMap, type Link } from '../../src/format/link.ts'
import type { MapEntry } from '../../src/format/map.ts'
import { encodeSeal } from '../../src/format/seal-record.ts'
import { encodeSnapshotEnd, encodeSnapshotPart } from '../../src/format/snapshot.ts'
import { BlockCompressor } from '../../src/log/block-compressor.ts'
import { CommitGroup } from '../../src/log/group.ts'
import { nativeFreeLz4 } from '../../src/system/native-free-lz4.ts'
import { compressed, concat, record, u32, u64 } from './pieces.ts'
import { SegmentBuilder } from './segment-builder.ts'

const { MESSAGE, CONTROL, BATCH, FIELD } = RecordKind

const STORE_ID = '00112233445566778899aabbccddeeff'
const BOOT_ID = 'f0e1d2c3b4a5968778695a4b3c2d1e0f'
/** 2024-01-01T00:00:00Z. */
const CREATED_MS = 1_704_067_200_000

const EXAMPLE_HEADER: SegmentHeader = {
  formatNumber: 1,
  features: { compatible: 0, readOnlyCompatible: 0, incompatible: 0 },
  storeId: STORE_ID,
  number: 1,
  generation: 0,
  salt1: 0x51a7_0001,
  salt2: 0x51a7_0002,
  blockBytes: 4096,
  fileBytes: 16_384,
  createdMs: CREATED_MS,
}

const HEADER: SegmentHeader = {
  ...EXAMPLE_HEADER,
  number: 9,
  generation: 1,
  salt1: 0x9a11_5a17,
  salt2: 0xfeed_0009,
  fileBytes: 32_768,
}

const FIRST_LINK: Link = {
  epoch: 1,
  bootId: BOOT_ID,
  bootTimeMs: CREATED_MS - 60_000,
  mode: 'always',
  inFlightBytesMax: 1_048_576,
  base: 0,
  nextId: 1,
  snapshots: [0, 0],
  map: [],
}

const MERGED: MapEntry = {
  number: 2,
  generation: 3,
  salt1: 0x1111_1111,
  salt2: 0x2222_2222,
  fileBytes: 65_536,
  cut: 40_960,
  hasControl: false,
  damaged: false,
  dataOnly: true,
  base: 16_384,
  firstId: 4,
  endId: 90,
  coversTo: 7,
}

const PLAIN: MapEntry = {
  number: 8,
  generation: 0,
  salt1: 0x8888_8888,
  salt2: 0x0000_0008,
  fileBytes: 65_536,
  cut: 65_000,
  hasControl: true,
  damaged: true,
  dataOnly: false,
  base: 81_920,
  firstId: 90,
  endId: 100,
  coversTo: 8,
}

/** Every golden file by its name. */
export function goldenFiles(crc32: Crc32): ReadonlyMap<string, Uint8Array> {
  return new Map([
    ['worked-example.qls', workedExample(crc32)],
    ['every-block.qls', everyBlock(crc32)],
    ['packed.qls', packed(crc32)],
    ['index-empty.idx', encodeIndex(emptyIndex(), crc32)],
    ['index-full.idx', encodeIndex(fullIndex(), crc32)],
  ])
}

/** Header, LINK in the same group as a batch of two messages, SYNC: section 7 of docs/format.md. */
function workedExample(crc32: Crc32): Uint8Array {
  const builder = new SegmentBuilder(EXAMPLE_HEADER, 1, crc32)
  builder.pair({ type: BlockType.LINK, body: encodeLink(FIRST_LINK) }, true)
  const batch = concat(
    record(BATCH, u32(2, 0, 0, 0)),
    record(MESSAGE, 'hello'),
    record(MESSAGE, 'world!'),
  )
  builder.block({ type: BlockType.DATA, recordCount: 3 }, batch, 2)
  builder.pair({ type: BlockType.SYNC })
  return builder.file
}

/** What the messages of packed.qls hold: as many lines as fill two blocks, and one large message. */
export const PACKED_BODIES: readonly string[] = [
  ...Array.from({ length: 500 }, (_, i) => `{"id":${i},"level":"info","path":"/items/${i % 7}"}`),
  'large '.repeat(5_000),
]

/** Blocks that the log's own writer packs, in the same group as LINK: batches, and one message. */
function packed(crc32: Crc32): Uint8Array {
  const builder = new SegmentBuilder({ ...EXAMPLE_HEADER, fileBytes: 32_768 }, 1, crc32)
  builder.pair({ type: BlockType.LINK, body: encodeLink(FIRST_LINK) }, true)
  const group = new CommitGroup(crc32, new BlockCompressor(nativeFreeLz4))
  group.reset(1)
  group.timeMs = CREATED_MS + 2
  const bodies = PACKED_BODIES.map((text) => new TextEncoder().encode(text))
  group.beginBatch(bodies.length - 1, 0)
  for (const body of bodies.slice(0, -1)) group.addBatchBytes(body)
  group.endBatch()
  group.addMessage(bodies.at(-1) ?? new Uint8Array(0))
  const key = { ...EXAMPLE_HEADER, fileBytes: 32_768 }
  group.attach({ key, durableOffset: 4096 }, builder.offset, builder.groupOffset)
  builder.group(group.finish(), group.nextId)
  builder.pair({ type: BlockType.SYNC })
  return builder.file
}

/** Every type of block, flag, kind of record, and reason of a gap. */
function everyBlock(crc32: Crc32): Uint8Array {
  const builder = new SegmentBuilder(HEADER, 100, crc32)
  const link: Link = {
    ...FIRST_LINK,
    epoch: 12,
    mode: 'interval',
    base: 147_456,
    predecessor: { number: 8, generation: 0, cut: 65_000 },
    nextId: 100,
    snapshots: [90_000, 85_000],
    map: [MERGED, PLAIN],
  }
  builder.pair({ type: BlockType.LINK, body: encodeLink(link) }, true)
  addData(builder)
  addGaps(builder)
  addSnapshot(builder)
  const map = { epoch: 12, snapshots: [90_000, 85_000] as const, map: [PLAIN] }
  builder.pair({ type: BlockType.MAP, body: encodeMap(map) })
  builder.pair({ type: BlockType.SYNC })
  builder.pair({ type: BlockType.CLEAN })
  const seal = encodeSeal({
    firstId: 100,
    endId: builder.nextId,
    messages: builder.nextId - 100,
    controls: 3,
    blockFirstIds: Float64Array.of(100, 101),
    blockOffsets: Uint32Array.of(8472, 8536),
  })
  builder.block({ type: BlockType.SEAL, recordCount: 1 }, record(FIELD, seal))
  return builder.file
}

function addData(builder: SegmentBuilder): void {
  const type = BlockType.DATA
  builder.block({ type, recordCount: 1 }, record(MESSAGE, 'alone'), 1)
  // A batch of three messages and one control record that reaches into a second block.
  const head = concat(record(BATCH, u32(3, 1, 0, 0)), record(MESSAGE, 'a'), record(MESSAGE, ''))
  const tail = concat(record(BATCH, u32(3, 1, 2, 0)), record(MESSAGE, 'c'), record(CONTROL, 'd'))
  builder.block({ type, recordCount: 3 }, head, 2, true)
  builder.block({ type, recordCount: 3 }, tail, 1)
  const { COPIED, SPARSE, COMPRESSED } = BlockFlag
  const copied = concat(u64(11), record(BATCH, u32(0, 1, 0, 0)), record(CONTROL, 'copied'))
  builder.block({ type, flags: COPIED, recordCount: 2 }, copied)
  const table = u64(200, CREATED_MS - 500, 205, CREATED_MS - 400)
  const sparse = concat(table, record(MESSAGE, 'kept'), record(MESSAGE, 'too'))
  builder.block({ type, flags: SPARSE, recordCount: 2, firstId: 200 }, sparse, 6)
  const plain = concat(record(MESSAGE, 'literals '.repeat(40)), record(CONTROL, 'packed'))
  builder.block({ type, flags: COMPRESSED, recordCount: 2 }, compressed(plain), 1)
  const all = concat(u64(10), u64(300, CREATED_MS), record(MESSAGE, 'all flags'))
  const flags = COPIED | SPARSE | COMPRESSED
  builder.block({ type, flags, recordCount: 1, firstId: 300 }, compressed(all), 1)
}

function addGaps(builder: SegmentBuilder): void {
  const type = BlockType.GAP
  const place = { number: 8, generation: 0, offset: 8192, bytes: 4096, firstId: 92, endId: 95 }
  const { ROT, MISSING_FILE, FOREIGN_FILE, TRUNCATED_FILE } = GapReason
  const [rot, missing, foreign, truncated] = [ROT, MISSING_FILE, FOREIGN_FILE, TRUNCATED_FILE].map(
    (reason) => record(FIELD, encodeGap({ ...place, reason })),
  ) as [Uint8Array, Uint8Array, Uint8Array, Uint8Array]
  builder.block({ type, recordCount: 3 }, concat(rot, missing, foreign))
  const copied = concat(u64(11), truncated)
  builder.block({ type, flags: BlockFlag.COPIED, recordCount: 1 }, copied)
}

function addSnapshot(builder: SegmentBuilder): void {
  const base = 147_456
  const lsn = base + builder.offset
  const bytes = Uint8Array.of(1, 2, 3, 4, 5)
  const plainPart = record(FIELD, encodeSnapshotPart({ lsn, name: 'queues', bytes }))
  const packedPart = record(FIELD, encodeSnapshotPart({ lsn, name: 'größe', bytes }))
  const type = BlockType.SNAPSHOT_PART
  const blockLsns: number[] = []
  blockLsns.push(base + builder.offset)
  builder.block({ type, recordCount: 1 }, plainPart)
  blockLsns.push(base + builder.offset)
  const flags = BlockFlag.COMPRESSED
  builder.block({ type, flags, recordCount: 1 }, compressed(packedPart))
  const parts = ['queues', 'größe'].map((name, i) => ({ lsn, blockLsn: blockLsns[i] ?? 0, name }))
  const end = record(FIELD, encodeSnapshotEnd({ parts }))
  builder.block({ type: BlockType.SNAPSHOT_END, recordCount: 1 }, end)
}

function emptyIndex(): IndexFile {
  const { number, generation, salt1, salt2 } = EXAMPLE_HEADER
  return {
    storeId: STORE_ID,
    sequence: 1,
    epoch: 1,
    current: { number, generation, salt1, salt2, durableOffset: 8432 },
    nextId: 3,
    timeMs: CREATED_MS + 10,
    snapshots: [0, 0],
    map: [],
    parts: [],
  }
}

function fullIndex(): IndexFile {
  const { number, generation, salt1, salt2 } = HEADER
  return {
    ...emptyIndex(),
    sequence: 2,
    epoch: 12,
    current: { number, generation, salt1, salt2, durableOffset: 8536 },
    nextId: 101,
    snapshots: [90_000, 85_000],
    map: [MERGED, PLAIN],
    parts: [
      { lsn: 90_000, name: 'queues', bytes: Uint8Array.of(1, 2, 3) },
      { lsn: 91_000, name: 'größe', bytes: new Uint8Array(0) },
    ],
  }
}
