/** SPARSE blocks as merging writes them, against the reader's own conditions. */
import { expect, test } from 'vitest'
import { checkBlock, readBlock } from '../../src/format/block.ts'
import { BlockFlag, BlockType } from '../../src/format/layout.ts'
import { RecordCursor } from '../../src/format/records.ts'
import { SparseBlock } from '../../src/format/sparse.ts'
import { BlockCompressor } from '../../src/log/block-compressor.ts'
import { nativeFreeLz4 } from '../../src/system/native-free-lz4.ts'
import { portableCrc32 } from '../../src/system/real/crc.ts'
import { Random } from '../../src/system/simulated/random.ts'

const KEY = { salt1: 0x1234_5678, salt2: 0x9abc_def0, fileBytes: 1 << 24 }

interface Kept {
  readonly id: number
  readonly timeMs: number
  /** As text, which is compared faster. */
  readonly body: string
}

function textOf(body: Uint8Array): string {
  return Buffer.from(body).toString('latin1')
}

function read(bytes: Uint8Array): Kept[] {
  const cursor = new RecordCursor((stored, length) => nativeFreeLz4.decompress(stored, length))
  cursor.open(bytes, 0)
  const found: Kept[] = []
  while (cursor.next()) {
    found.push({ id: cursor.id, timeMs: cursor.timeMs, body: textOf(cursor.body()) })
  }
  return found
}

test.each([false, true])(
  'what goes in comes out, valid by every condition (packed: %s)',
  (packed) => {
    const random = new Random(5)
    const compressor = new BlockCompressor(nativeFreeLz4)
    const block = new SparseBlock()
    let flags = 0
    for (let round = 0; round < 100; round++) {
      const kept: Kept[] = []
      let id = random.between(1, 1_000_000)
      const aim = random.pick([4_096, 16_384])
      for (;;) {
        const length = random.pick([0, 1, 7, 100, 3_000, 70_000])
        const body = new Uint8Array(length).fill(random.between(0, 255))
        if (!block.takes(length, aim)) break
        const timeMs = random.between(0, 2 ** 40)
        block.add(id, timeMs, body)
        kept.push({ id, timeMs, body: textOf(body) })
        id += random.between(1, 500)
      }
      const isLast = random.chance(0.5)
      const pack = packed
        ? (...payload: Parameters<BlockCompressor['pack']>) => compressor.pack(...payload)
        : undefined
      const bytes = block.take(8_192, isLast, KEY, portableCrc32, pack)
      expect(checkBlock(bytes, 0, 8_192, KEY, portableCrc32)).toBe(0)
      const header = readBlock(bytes, 0)
      expect(header).toMatchObject({
        type: BlockType.DATA,
        firstId: kept[0]?.id,
        groupOffset: 4_096,
      })
      expect((header.flags & BlockFlag.SPARSE) !== 0).toBe(true)
      expect((header.flags & BlockFlag.END) !== 0).toBe(isLast)
      flags |= header.flags
      expect(read(bytes)).toEqual(kept)
      expect(block.isEmpty).toBe(true)
    }
    expect((flags & BlockFlag.COMPRESSED) !== 0).toBe(packed)
  },
)
