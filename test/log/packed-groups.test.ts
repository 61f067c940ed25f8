/**
 * Goal: a commit group that packs its blocks holds the same records as one that does not, in valid
 * blocks within the limits of the format, and never more bytes than it said. Groups by themselves, in
 * memory.
 */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Block, checkBlock, readBlock } from '../../src/format/block.ts'
import { BlockFlag, RecordKind } from '../../src/format/layout.ts'
import { RecordCursor } from '../../src/format/records.ts'
import { unpackBlock } from '../../src/format/unpack.ts'
import { BlockCompressor } from '../../src/log/block-compressor.ts'
import { CommitGroup } from '../../src/log/group.ts'
import { nativeFreeLz4 } from '../../src/system/native-free-lz4.ts'
import { crc32 } from '../../src/system/real/crc.ts'
import { jsonLines, noise } from '../native-free/samples.ts'

const MIB = 1024 * 1024
const KEY = { salt1: 0x9e3779b9, salt2: 0xc2b2ae35, fileBytes: 64 * MIB }
const DESTINATION = { key: KEY, durableOffset: 4096 }
const AT = 8192

interface Finished {
  readonly blocks: readonly Block[]
  readonly records: readonly string[]
}

function makeGroup(compressor?: BlockCompressor): CommitGroup {
  const group = new CommitGroup(crc32, compressor)
  group.reset(1)
  return group
}

function packing(): BlockCompressor {
  return new BlockCompressor(nativeFreeLz4)
}

/** Finishes the group where it is told to stand, and reads all of it back. */
function finish(group: CommitGroup): Finished {
  group.attach(DESTINATION, AT, AT)
  const said = group.byteLength
  const bytes = group.finish()
  expect(bytes.length).toBeLessThanOrEqual(said)
  const blocks: Block[] = []
  const records: string[] = []
  const cursor = new RecordCursor(nativeFreeLz4.decompress)
  for (let at = 0; at < bytes.length; ) {
    expect(checkBlock(bytes, at, AT + at, KEY, crc32)).toBe(0)
    const block = readBlock(bytes, at)
    expect(group.blockAt(blocks.length)).toEqual({ start: at, firstId: block.firstId })
    if (isPacked(block) && block.recordCount > 1) {
      // Room for the origin that recovery puts in front.
      expect(block.length).toBeLessThanOrEqual(16_384 - 16)
      expect(unpackBlock(bytes, at, nativeFreeLz4.decompress).length).toBeLessThan(65_536)
    }
    blocks.push(block)
    cursor.open(bytes, at)
    while (cursor.next()) {
      if (cursor.kind === RecordKind.BATCH) continue
      records.push(`${cursor.kind}:${cursor.id}:${Buffer.from(cursor.body()).toString('latin1')}`)
    }
    at += block.length
  }
  const ends = blocks.map(({ flags }) => (flags & BlockFlag.END) !== 0)
  expect(ends.lastIndexOf(true)).toBe(blocks.length - 1)
  expect(ends.indexOf(true)).toBe(blocks.length - 1)
  return { blocks, records }
}

function isPacked({ flags }: Block): boolean {
  return (flags & BlockFlag.COMPRESSED) !== 0
}

function lengthOf({ blocks }: Finished): number {
  return blocks.reduce((sum, { length }) => sum + length, 0)
}

describe('a group that packs', () => {
  test('stores lines in a fraction of the bytes, in blocks of up to 16 KiB before they are packed', () => {
    const compressor = packing()
    const [group, plain] = [makeGroup(compressor), makeGroup()]
    for (let i = 0; i < 500; i++) {
      for (const one of [group, plain]) one.addMessage(jsonLines(400, i))
    }
    const packed = finish(group)
    const whole = finish(plain)
    expect(packed.records).toEqual(whole.records)
    expect(packed.blocks.every(isPacked)).toBe(true)
    expect(whole.blocks.some(isPacked)).toBe(false)
    expect(lengthOf(packed) * 2).toBeLessThan(lengthOf(whole))
    expect(packed.blocks.length * 3).toBeLessThan(whole.blocks.length)
    expect(compressor.rawBytes).toBe(500 * 404)
    expect(compressor.storedBytes).toBeLessThan(lengthOf(packed))
  })

  test('stores what does not shrink as it is, and after that in blocks of about 4 KiB', () => {
    const group = makeGroup(packing())
    for (let i = 0; i < 100; i++) group.addMessage(noise(500, i))
    const { blocks } = finish(group)
    expect(blocks.some(isPacked)).toBe(false)
    expect(blocks[0]?.length).toBeGreaterThan(12_000)
    for (const { length } of blocks.slice(1, 16)) expect(length).toBeLessThanOrEqual(4096)
  })

  test('tries again behind a stretch that did not shrink', () => {
    const group = makeGroup(packing())
    for (let i = 0; i < 200; i++) group.addMessage(noise(500, i))
    for (let i = 0; i < 400; i++) group.addMessage(jsonLines(500, i))
    expect(finish(group).blocks.some(isPacked)).toBe(true)
  })

  test.each([
    ['thousands of empty messages', Array.from({ length: 20_000 }, () => 0)],
    ['large messages of zeros', [100_000, 5 * MIB, 16, 70_000]],
    ['one of exactly a block', [16_384 - 48 - 4, 16_384 - 48 - 4 + 1]],
    ['a few bytes', [1]],
  ])('keeps within the limits with %s', (_, lengths) => {
    const [group, plain] = [makeGroup(packing()), makeGroup()]
    for (const length of lengths) {
      for (const one of [group, plain]) one.addMessage(new Uint8Array(length))
    }
    expect(finish(group).records).toEqual(finish(plain).records)
  })

  test('packs a large message of its own, and in a batch only what its limits allow', () => {
    const alone = makeGroup(packing())
    alone.addMessage(jsonLines(300_000))
    expect(finish(alone).blocks.map(isPacked)).toEqual([true])
    const batch = makeGroup(packing())
    batch.beginBatch(3, 0)
    for (const length of [30_000, 40, 300_000]) batch.addBatchBytes(new Uint8Array(length))
    batch.endBatch()
    // BATCH is a record too: with it and more than 64 KiB a block may not be packed.
    expect(finish(batch).blocks.map(isPacked)).toEqual([true, false, false])
    // It may not be longer than 16 KiB either, although it shrinks by half.
    const half = makeGroup(packing())
    half.beginBatch(2, 0)
    for (const seed of [1, 2]) {
      half.addBatchBytes(Buffer.concat([noise(25_000, seed), new Uint8Array(25_000)]))
    }
    half.endBatch()
    expect(finish(half).blocks.map(isPacked)).toEqual([false, false])
  })

  test('leaves nothing of a batch that is taken back, also where its blocks were packed already', () => {
    const body = fc.oneof(
      fc.integer({ min: 0, max: 3000 }).map((length) => jsonLines(length, length)),
      fc.integer({ min: 0, max: 3000 }).map((length) => noise(length, length)),
      fc.integer({ min: 10_000, max: 40_000 }).map((length) => new Uint8Array(length)),
    )
    const step = fc.record({
      bodies: fc.array(body, { minLength: 1, maxLength: 20 }),
      keeps: fc.boolean(),
      attached: fc.boolean(),
    })
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 8 }), (steps) => {
        const [group, plain] = [makeGroup(packing()), makeGroup()]
        for (const { bodies, keeps, attached } of steps) {
          if (attached) group.attach(DESTINATION, AT, AT)
          const mark = group.mark()
          for (const one of keeps ? [group, plain] : [group]) {
            one.beginBatch(bodies.length, 0)
            for (const bytes of bodies) one.addBatchBytes(bytes)
            one.endBatch()
          }
          if (!keeps) group.rollBack(mark)
        }
        if (plain.isEmpty) return
        expect(finish(group).records).toEqual(finish(plain).records)
      }),
      { numRuns: 300 },
    )
  })
})
