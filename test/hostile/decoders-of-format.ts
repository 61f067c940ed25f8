/** The decoders of the file format, of packed blocks, and of the lock's file. */

import { compressBlock } from '../../native-free/index.ts'
import { checkBlock, readBlock, type SegmentKey } from '../../src/format/block.ts'
import { getUint32, setUint32 } from '../../src/format/bytes.ts'
import { decodeGap } from '../../src/format/gap.ts'
import { decodeSegmentHeader } from '../../src/format/header.ts'
import {
  BLOCK_CRC_AT,
  BLOCK_CRC_FROM,
  BLOCK_HEADER_BYTES,
  BLOCK_LENGTH_AT,
  BLOCK_MAGIC_AT,
  BLOCK_OFFSET_AT,
  BlockType,
  SEGMENT_HEADER_BYTES,
  segmentFileName,
  UNCOMPRESSED_RATIO_MAX,
} from '../../src/format/layout.ts'
import { decodeLink, decodeMap } from '../../src/format/link.ts'
import { RecordCursor } from '../../src/format/records.ts'
import { decodeSeal } from '../../src/format/seal-record.ts'
import { decodeSnapshotEnd, decodeSnapshotPart } from '../../src/format/snapshot.ts'
import { encodeLockFile, parseLockFile } from '../../src/log/lock/lock-file.ts'
import { keyOf } from '../../src/log/survey.ts'
import { nativeFreeLz4 } from '../../src/system/native-free-lz4.ts'
import { crc32 } from '../../src/system/real/crc.ts'
import { allBlocks } from '../damage/images.ts'
import { DECODERS, type Decoder } from '../format/decoders.ts'
import { goldenFiles } from '../format/golden-files.ts'
import { judgeDecoder } from '../native-free/lz4-judge.ts'
import { jsonLines, noise as lz4Noise } from '../native-free/samples.ts'
import { BrokenPromiseError, expectSame, type HostileDecoder, samplesOf } from './decoder.ts'
import { below, pick, type Random } from './mutate.ts'
import { makeStoreImage } from './store-image.ts'

const SAMPLES = 200
const LARGEST_BYTES = 64 * 1024
const LOCK_OWNER = {
  random: 'ab'.repeat(16),
  epoch: 7,
  pid: 4711,
  host: 'größe',
  bootId: '0f'.repeat(16),
  sinceMs: 1_700_000_000_000,
  state: 'held',
} as const

export async function formatDecoders(): Promise<readonly HostileDecoder[]> {
  const blocks = await someBlocks()
  return [...DECODERS.map(structure), header(), ...blockDecoders(blocks), lz4(), lock()]
}

function structure({ name, decode, encoded, isChecked }: Decoder): HostileDecoder {
  return {
    name,
    valid: samplesOf(encoded, SAMPLES),
    read: (bytes, original) => {
      const found = decode(bytes)
      if (!isChecked || original === undefined || isSame(bytes, original)) return
      expectSame(found, undefined, 'takes bytes that its checksum is not of')
    },
  }
}

function header(): HostileDecoder {
  const [encoded] = DECODERS.filter(({ name }) => name === 'segment header')
  if (encoded === undefined) throw new Error('there is no decoder of headers')
  return {
    name: 'segment header that says the same',
    valid: samplesOf(encoded.encoded, SAMPLES),
    read: (bytes, original) => {
      const found = decodeSegmentHeader(bytes, crc32)
      if (original === undefined || found.kind !== 'valid') return
      const before = decodeSegmentHeader(original, crc32)
      const expected = before.kind === 'valid' ? before.header : undefined
      expectSame(found.header, expected, 'says something else than before')
    },
  }
}

/** Where a block stood, and in which segment. */
interface Place {
  readonly offset: number
  readonly key: SegmentKey
}

/** Every block of the golden files and of a store, by its bytes. */
async function someBlocks(): Promise<ReadonlyMap<Uint8Array, Place>> {
  const golden = goldenFiles(crc32)
  const files = new Map([
    [segmentFileName(1, 0), golden.get('packed.qls') ?? new Uint8Array(0)],
    [segmentFileName(9, 1), golden.get('every-block.qls') ?? new Uint8Array(0)],
  ])
  const blocks = new Map<Uint8Array, Place>()
  for (const image of [files, (await makeStoreImage()).closed]) {
    for (const [file, placed] of await allBlocks(image, LOCK_OWNER.bootId)) {
      const bytes = image.get(file) ?? new Uint8Array(0)
      const decoded = decodeSegmentHeader(bytes.subarray(0, SEGMENT_HEADER_BYTES), crc32)
      if (decoded.kind !== 'valid') throw new Error(`${file} has no header`)
      const key = keyOf(decoded.header)
      for (const { offset, end } of placed) blocks.set(bytes.slice(offset, end), { offset, key })
    }
  }
  return blocks
}

/** Of any header or length that they may have: the file goes on behind them. */
function blockDecoders(blocks: ReadonlyMap<Uint8Array, Place>): readonly HostileDecoder[] {
  const all = [...blocks.keys()]
  const [any] = blocks.values()
  const of = {
    inPlace: true,
    valid: (random: Random): Uint8Array => pick(random, all),
    largestFor: (bytes: number): number => LARGEST_BYTES + bytes * UNCOMPRESSED_RATIO_MAX,
  }
  const placeOf = (original: Uint8Array | undefined): Place => {
    const place = (original && blocks.get(original)) ?? any
    if (place === undefined) throw new Error('there are no blocks')
    return place
  }
  return [
    {
      ...of,
      name: 'block',
      read: (bytes, original) => {
        const { offset, key } = placeOf(original)
        if (checkBlock(bytes, 0, offset, key, crc32) !== 0) return
        if (original === undefined || !isSame(bytes, original)) {
          throw new BrokenPromiseError('takes a block that its checksum is not of')
        }
      },
    },
    {
      ...of,
      name: 'block with its checksum mended',
      read: (bytes, original) => {
        const { offset, key } = placeOf(original)
        const mended = bytes.slice()
        mendBlock(mended, 0, offset, key)
        if (checkBlock(mended, 0, offset, key, crc32) === 0) readRecords(mended)
      },
    },
  ]
}

/**
 * Makes what stands at `at` a block as far as magic, place and checksum go, as long as it says or as there
 * are bytes.
 */
export function mendBlock(
  bytes: Uint8Array,
  at: number,
  offset: number,
  { salt1, salt2 }: SegmentKey,
): void {
  if (bytes.length - at < BLOCK_HEADER_BYTES) return
  setUint32(bytes, at + BLOCK_MAGIC_AT, salt1)
  setUint32(bytes, at + BLOCK_OFFSET_AT, offset)
  const end = Math.min(bytes.length, at + getUint32(bytes, at + BLOCK_LENGTH_AT))
  if (end <= at + BLOCK_HEADER_BYTES - 1) return
  setUint32(bytes, at + BLOCK_CRC_AT, crc32(bytes.subarray(at + BLOCK_CRC_FROM, end), salt2))
}

/** Walks the records of a valid block as every reader does, and decodes what stands in their fields. */
function readRecords(bytes: Uint8Array): void {
  const { type, recordCount } = readBlock(bytes, 0)
  const cursor = new RecordCursor((stored, length) => nativeFreeLz4.decompress(stored, length))
  cursor.open(bytes, 0)
  let count = 0
  while (cursor.next()) {
    count += 1
    const body = cursor.body()
    if (type === BlockType.LINK) decodeLink(body)
    if (type === BlockType.MAP) decodeMap(body)
    if (type === BlockType.SEAL) decodeSeal(body)
    if (type === BlockType.GAP) decodeGap(body)
    if (type === BlockType.SNAPSHOT_PART) decodeSnapshotPart(body)
    if (type === BlockType.SNAPSHOT_END) decodeSnapshotEnd(body)
  }
  expectSame(count, recordCount, 'walks another number of records than the block says')
}

function lz4(): HostileDecoder {
  const lengths = new Map(
    [jsonLines(40), jsonLines(300), new Uint8Array(700), lz4Noise(64)].map((plain) => {
      return [compressBlock(plain), plain.length] as const
    }),
  )
  return {
    name: 'LZ4 block',
    valid: (random) => pick(random, [...lengths.keys()]),
    read: (bytes, original, random) => {
      const length = (original && lengths.get(original)) ?? below(random, 2_000)
      judgeDecoder(bytes, Math.max(0, length + pick(random, [0, 0, 0, 1, -1, 20])))
    },
  }
}

function lock(): HostileDecoder {
  const valid = encodeLockFile(LOCK_OWNER)
  return {
    name: 'LOCK',
    valid: () => valid,
    read: (bytes) => {
      const { owner } = parseLockFile(bytes)
      if (owner) expectSame(encodeLockFile(owner), bytes.slice(), 'takes what no owner writes')
    },
  }
}

function isSame(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0
}
