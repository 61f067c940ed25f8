import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { type Block, checkBlock, readBlock } from '../../src/format/block.ts'
import { decodeGap, GapReason } from '../../src/format/gap.ts'
import { decodeSegmentHeader, type SegmentHeader } from '../../src/format/header.ts'
import { decodeIndex } from '../../src/format/index-file.ts'
import { BlockFlag, BlockType, RecordKind } from '../../src/format/layout.ts'
import { decodeLink, decodeMap } from '../../src/format/link.ts'
import { RecordCursor } from '../../src/format/records.ts'
import { decodeSeal } from '../../src/format/seal-record.ts'
import { decodeSnapshotEnd, decodeSnapshotPart } from '../../src/format/snapshot.ts'
import { nativeFreeLz4 } from '../../src/system/native-free-lz4.ts'
import { goldenFiles, PACKED_BODIES } from './golden-files.ts'
import { unpackLiterals } from './pieces.ts'
import { crc32 } from './samples.ts'

/**
 * What the files of format 1 hold, for good (SHA-256). A new format or feature adds files; where one of
 * these changes, logs that people have can no longer be read.
 */
const FROZEN = {
  'every-block.qls': 'fa4bdb2d10f827d2eaf7a520dad523e448f8e4a9dfee8494d29ea1302e4832a0',
  'index-empty.idx': 'de3a55a7ed51db4270cff6249cc93e9b867d37d38b38ff60553034e6b3663375',
  'index-full.idx': '80763bb7841070cd99205aa340dc2f085f3eac14cbe3d00f41be64c8f583ebd7',
  'packed.qls': '080be482a5f74e9804b64729a88ba771a14a1626c8df8b394ae3b6853e1f0e21',
  'worked-example.qls': '72b7077ab2c49ea32f0caa948bc919a0d83cdb1654d4e9eef05ab5cfbc419d25',
} as const

const FIXTURES = new URL('../fixtures/format/', import.meta.url)

function committed(name: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(name, FIXTURES)))
}

function headerOf(file: Uint8Array): SegmentHeader {
  const decoded = decodeSegmentHeader(file, crc32)
  if (decoded.kind !== 'valid') throw new Error(decoded.why)
  expect(decoded.damagedCopy).toBeUndefined()
  return decoded.header
}

/** All blocks from the header to the first zero. */
function blocksOf(file: Uint8Array): readonly Block[] {
  const header = headerOf(file)
  const blocks: Block[] = []
  let at = 4096
  while (checkBlock(file, at, at, header, crc32) === 0) {
    const block = readBlock(file, at)
    blocks.push(block)
    at += block.length
  }
  expect(file.subarray(at).every((byte) => byte === 0)).toBe(true)
  return blocks
}

const FIELD_DECODERS: Readonly<Record<number, (body: Uint8Array) => unknown>> = {
  [BlockType.LINK]: decodeLink,
  [BlockType.MAP]: decodeMap,
  [BlockType.SNAPSHOT_PART]: decodeSnapshotPart,
  [BlockType.SNAPSHOT_END]: decodeSnapshotEnd,
  [BlockType.GAP]: decodeGap,
  [BlockType.SEAL]: decodeSeal,
}

describe('golden files', () => {
  const files = goldenFiles(crc32)

  test('are those that are committed', () => {
    expect(readdirSync(FIXTURES).toSorted()).toEqual([...files.keys()].toSorted())
  })

  test.each([...files])('%s is still written byte for byte', (name, bytes) => {
    expect(Buffer.compare(committed(name), bytes)).toBe(0)
  })

  test.each(Object.entries(FROZEN))(
    '%s of format 1 is what it was when 1 was fixed',
    (name, hash) => {
      expect(createHash('sha256').update(committed(name)).digest('hex')).toBe(hash)
    },
  )

  test('every-block.qls holds every type, flag, kind and reason, and all of it decodes', () => {
    const file = committed('every-block.qls')
    const seen = { types: new Set(), flags: 0, kinds: new Set(), reasons: new Set() }
    const cursor = new RecordCursor(unpackLiterals)
    for (const block of blocksOf(file)) {
      seen.types.add(block.type)
      seen.flags |= block.flags
      cursor.open(file, block.offset)
      while (cursor.next()) {
        seen.kinds.add(cursor.kind)
        if (cursor.kind !== RecordKind.FIELD) continue
        const value = FIELD_DECODERS[block.type]?.(cursor.body())
        expect(value, `record of type ${block.type}`).toBeDefined()
        if (block.type === BlockType.GAP) seen.reasons.add(decodeGap(cursor.body())?.reason)
      }
    }
    const all = (values: object) => new Set<unknown>(Object.values(values))
    expect(seen.types).toEqual(all(BlockType))
    expect(seen.kinds).toEqual(all(RecordKind))
    expect(seen.reasons).toEqual(all(GapReason))
    expect(seen.flags).toBe(Object.values(BlockFlag).reduce((sum, flag) => sum | flag, 0))
  })

  test('every-block.qls: groups are contiguous, and their blocks name the first', () => {
    let group = 4096
    for (const block of blocksOf(committed('every-block.qls'))) {
      expect(block.groupOffset).toBe(group)
      if ((block.flags & BlockFlag.END) !== 0) group = block.offset + block.length
    }
  })

  test('every-block.qls: SEAL and SNAPSHOT_END point at blocks that are there', () => {
    const file = committed('every-block.qls')
    const blocks = blocksOf(file)
    const cursor = new RecordCursor()
    const bodyOf = (type: number) => {
      const block = blocks.find((candidate) => candidate.type === type)
      cursor.open(file, block?.offset ?? 0)
      cursor.next()
      return cursor.body()
    }
    const dataOffsets = blocks.filter(({ type }) => type === BlockType.DATA).slice(0, 2)
    const seal = decodeSeal(bodyOf(BlockType.SEAL))
    expect([...(seal?.blockOffsets ?? [])]).toEqual(dataOffsets.map(({ offset }) => offset))
    expect([...(seal?.blockFirstIds ?? [])]).toEqual(dataOffsets.map(({ firstId }) => firstId))
    const base = decodeLink(bodyOf(BlockType.LINK))?.base ?? 0
    const parts = blocks.filter(({ type }) => type === BlockType.SNAPSHOT_PART)
    const end = decodeSnapshotEnd(bodyOf(BlockType.SNAPSHOT_END))
    expect(end?.parts.map(({ blockLsn }) => blockLsn - base)).toEqual(
      parts.map(({ offset }) => offset),
    )
  })

  test('packed.qls: what the writer packed unpacks to what was appended', () => {
    const file = committed('packed.qls')
    const cursor = new RecordCursor(nativeFreeLz4.decompress)
    const bodies: string[] = []
    let packedBlocks = 0
    for (const { flags, offset } of blocksOf(file)) {
      if ((flags & BlockFlag.COMPRESSED) !== 0) packedBlocks++
      cursor.open(file, offset)
      while (cursor.next()) {
        if (cursor.kind === RecordKind.MESSAGE) bodies.push(new TextDecoder().decode(cursor.body()))
      }
    }
    expect(packedBlocks).toBeGreaterThanOrEqual(3)
    expect(bodies).toEqual(PACKED_BODIES)
  })

  test('the index files decode, and the fuller one is the later', () => {
    const empty = decodeIndex(committed('index-empty.idx'), crc32)
    const full = decodeIndex(committed('index-full.idx'), crc32)
    expect(empty).toMatchObject({ sequence: 1, map: [], parts: [] })
    expect(full?.sequence).toBe(2)
    expect(full?.map).toHaveLength(2)
    expect(full?.parts.map(({ name }) => name)).toEqual(['queues', 'größe'])
  })
})
