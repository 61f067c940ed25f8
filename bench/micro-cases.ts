/**
 * The inner loops that every message goes through, each on data like that of a busy log: what they cost
 * without a disk. Memory only.
 */
import { type Block, checkBlock, readBlock, type SegmentKey } from '../src/format/block.ts'
import { BLOCK_HEADER_BYTES, SEGMENT_HEADER_BYTES } from '../src/format/layout.ts'
import { RecordCursor } from '../src/format/records.ts'
import { BlockCompressor } from '../src/log/block-compressor.ts'
import { CommitGroup } from '../src/log/group.ts'
import { OffsetSet } from '../src/store/containers/offset-set.ts'
import { RangeList } from '../src/store/containers/range-list.ts'
import { TypedHeap } from '../src/store/containers/typed-heap.ts'
import { crc32 } from '../src/system/real/crc.ts'
import { realLz4 } from '../src/system/real/lz4.ts'
import { jsonBodies } from './json-lines.ts'

export interface MicroCase {
  readonly name: string
  /** What one call works on, for a rate: messages, blocks or entries. */
  readonly items: number
  readonly of: 'message' | 'block' | 'entry'
  /** Bytes that one call goes over, where a rate of bytes means something. */
  readonly bytes?: number
  /** Returns a number that depends on its work, so that the work cannot be left out. */
  run(): number
}

const KEY: SegmentKey = { salt1: 0x9e3779b9, salt2: 0xc2b2ae35, fileBytes: 1 << 28 }
const MESSAGES = 1000
const ENTRIES = 10_000
const BLOCK = 4096

export function microCases(): MicroCase[] {
  return [...groups(), ...blocks(), ...sums(), ...packing(), ...ranges(), ...heaps()]
}

/** Messages into a commit group, sealed: all that the writer does with them but writing. */
function groups(): MicroCase[] {
  return [100, 1024].map((bytes) => {
    const bodies = jsonBodies(MESSAGES, bytes)
    const group = new CommitGroup(crc32)
    const run = (): number => groupOf(group, bodies).length
    return {
      name: `encode, messages of ${bytes} B`,
      items: MESSAGES,
      of: 'message',
      bytes: MESSAGES * bytes,
      run,
    }
  })
}

function groupOf(group: CommitGroup, bodies: readonly Uint8Array[]): Uint8Array {
  group.reset(1)
  group.attach(
    { key: KEY, durableOffset: SEGMENT_HEADER_BYTES },
    SEGMENT_HEADER_BYTES,
    SEGMENT_HEADER_BYTES,
  )
  for (const body of bodies) group.addMessage(body)
  return group.finish()
}

/** Blocks as recovery checks them, and as a reader walks over their messages. */
function blocks(): MicroCase[] {
  return [100, 1024].flatMap((bytes) => {
    const written = groupOf(new CommitGroup(crc32), jsonBodies(MESSAGES, bytes)).slice()
    const places = placesOf(written)
    const check = (): number => {
      let valid = 0
      for (const at of places) {
        if (checkBlock(written, at, SEGMENT_HEADER_BYTES + at, KEY, crc32) === 0) valid += 1
      }
      if (valid !== places.length) throw new Error('a block that was written is valid')
      return valid
    }
    const cursor = new RecordCursor()
    const walk = (): number => {
      let total = 0
      for (const at of places) {
        cursor.open(written, at)
        while (cursor.next()) total += cursor.length
      }
      return total
    }
    const size = { bytes: written.length }
    return [
      {
        name: `check, messages of ${bytes} B`,
        items: places.length,
        of: 'block',
        ...size,
        run: check,
      },
      {
        name: `decode, messages of ${bytes} B`,
        items: MESSAGES,
        of: 'message',
        ...size,
        run: walk,
      },
    ] satisfies MicroCase[]
  })
}

function placesOf(written: Uint8Array): number[] {
  const places: number[] = []
  let block: Block
  for (let at = 0; at + BLOCK_HEADER_BYTES <= written.length; at += block.length) {
    block = readBlock(written, at)
    places.push(at)
  }
  return places
}

function sums(): MicroCase[] {
  return [64, BLOCK, 64 * 1024].map((bytes) => {
    const input = jsonBodies(1, bytes)[0] ?? new Uint8Array()
    return {
      name: `CRC-32 of ${bytes} B`,
      items: 1,
      of: 'block',
      bytes,
      run: () => crc32(input, 1),
    }
  })
}

/** A block's payload packed and unpacked by the codec that this machine has. */
function packing(): MicroCase[] {
  const lz4 = realLz4()
  const bytes = 16 * 1024 - BLOCK_HEADER_BYTES - 8
  const payload = jsonBodies(1, bytes)[0] ?? new Uint8Array()
  const target = new Uint8Array(2 * bytes)
  const compressor = new BlockCompressor(lz4)
  const pack = (): number => {
    target.set(payload)
    return compressor.pack(target, 0, bytes, 100)
  }
  const stored = new Uint8Array(2 * bytes)
  const storedBytes = lz4.compress(payload, 0, bytes, stored, 0, stored.length)
  const block = stored.slice(0, storedBytes)
  const unpack = (): number => lz4.decompress(block, bytes).length
  return [
    { name: 'LZ4, pack 16 KiB', items: 1, of: 'block', bytes, run: pack },
    { name: 'LZ4, unpack 16 KiB', items: 1, of: 'block', bytes, run: unpack },
  ]
}

/** Acknowledged offsets: in order, in a shuffled order, and as a list of ranges with holes. */
function ranges(): MicroCase[] {
  const shuffled = shuffledUpTo(ENTRIES)
  const inOrder = (): number => {
    const set = new OffsetSet()
    for (let offset = 0; offset < ENTRIES; offset++) set.add(offset, offset + 1)
    return set.floor
  }
  const anyOrder = (): number => {
    const set = new OffsetSet()
    for (const offset of shuffled) set.add(offset, offset + 1)
    return set.floor
  }
  const holes = (): number => {
    const list = new RangeList()
    for (let at = 0; at < 1000; at++) list.add(3 * at, 3 * at + 2)
    return list.ranges
  }
  return [
    { name: 'offsets acknowledged in order', items: ENTRIES, of: 'entry', run: inOrder },
    { name: 'offsets acknowledged in any order', items: ENTRIES, of: 'entry', run: anyOrder },
    { name: 'ranges between holes', items: 1000, of: 'entry', run: holes },
  ]
}

/** Due times: each one in, then each one out. */
function heaps(): MicroCase[] {
  return [ENTRIES, 100 * ENTRIES].map((items) => {
    const dues = shuffledUpTo(items)
    const run = (): number => {
      const heap = new TypedHeap()
      for (const due of dues) heap.push(due, 0, due)
      let last = 0
      while (heap.size > 0) {
        last = heap.peekKey1
        heap.pop()
      }
      return last
    }
    return { name: `heap, ${items.toLocaleString('en')} in and out`, items, of: 'entry', run }
  })
}

/** 0 to `count` - 1 in an order that is the same each time. */
function shuffledUpTo(count: number): Uint32Array {
  const values = Uint32Array.from({ length: count }, (_, index) => index)
  let state = 1
  for (let index = count - 1; index > 0; index--) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    const other = state % (index + 1)
    const value = values[index] ?? 0
    values[index] = values[other] ?? 0
    values[other] = value
  }
  return values
}
