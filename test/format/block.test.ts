import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  checkBlock,
  explainCondition,
  NEEDS_MORE,
  readBlock,
  sealBlock,
} from '../../src/format/block.ts'
import { BlockFlag, BlockType, RecordKind } from '../../src/format/layout.ts'
import { concat, record, u64 } from './pieces.ts'
import { crc32, FILE_BYTES, fileWithBlock, KEY } from './samples.ts'

const AT = 8192
const PAYLOAD = record(RecordKind.MESSAGE, 'a message')

/** The block of {@link PAYLOAD} with `change` made to it and its checksum made right again. */
function changed(change: (view: DataView, block: number) => void, at = AT): Uint8Array {
  const { file, block } = fileWithBlock(PAYLOAD, { offset: at })
  expect(checkBlock(file, at, at, KEY, crc32)).toBe(0)
  const view = new DataView(file.buffer)
  change(view, at)
  const length = view.getUint32(at + 8, true)
  const end = length >= 48 && at + length <= FILE_BYTES ? at + length : at + block.length
  view.setUint32(at + 4, crc32(file.subarray(at + 8, end), KEY.salt2), true)
  return file
}

function condition(file: Uint8Array, at = AT): number {
  return checkBlock(file, at, at, KEY, crc32)
}

/** Sets a u32 of the block header. */
function word(field: number, value: number): (view: DataView, at: number) => void {
  return (view, at) => view.setUint32(at + field, value, true)
}

function byte(field: number, value: number): (view: DataView, at: number) => void {
  return (view, at) => view.setUint8(at + field, value)
}

describe('a block that was sealed', () => {
  test('is valid, and reads back as it was written', () => {
    const { file, block } = fileWithBlock(PAYLOAD, { durableOffset: 8000, groupOffset: 8184 })
    expect(condition(file)).toBe(0)
    expect(readBlock(file, AT)).toEqual(block)
  })

  test('stands anywhere in a buffer', () => {
    const { file, block } = fileWithBlock(PAYLOAD)
    const buffer = concat(new Uint8Array(3), file.subarray(AT, AT + block.length))
    expect(checkBlock(buffer, 3, AT, KEY, crc32)).toBe(0)
    expect(readBlock(buffer, 3)).toEqual(block)
  })

  test('is refused by the writer where the reader would refuse it', () => {
    const { block } = fileWithBlock(PAYLOAD)
    const illegal = [
      { offset: 8193 },
      { offset: 0 },
      { length: 44 },
      { length: FILE_BYTES },
      { groupOffset: AT + 8 },
      { groupOffset: 2 ** 32 + 4096 },
      { durableOffset: 2 ** 32 + 4096 },
      { durableOffset: 4104 },
      { type: 0 },
      { type: 10 },
      { flags: 16 },
      { flags: 256 },
      { recordCount: 65_536 },
      { firstId: 0 },
      { timeMs: 2 ** 53 },
    ]
    for (const change of illegal) {
      const target = new Uint8Array(FILE_BYTES)
      const write = () => sealBlock(target, AT, { ...block, ...change }, KEY, crc32)
      expect(write, JSON.stringify(change)).toThrow()
    }
    const small = new Uint8Array(block.length - 1)
    expect(() => sealBlock(small, 0, block, KEY, crc32)).toThrow(/buffer/)
  })
})

describe('each condition is the only one that fails', () => {
  test('1: the place', () => {
    const { file } = fileWithBlock(PAYLOAD)
    expect(checkBlock(file, AT, 4088, KEY, crc32)).toBe(1)
    expect(checkBlock(file, AT, FILE_BYTES - 40, KEY, crc32)).toBe(1)
    expect(checkBlock(changed(word(12, 8196)), AT, 8196, KEY, crc32)).toBe(1)
    expect(checkBlock(file.subarray(0, 10), 0, 4088, KEY, crc32)).toBe(1)
    expect(condition(fileWithBlock(new Uint8Array(0), lastPlace()).file, FILE_BYTES - 48)).toBe(0)
  })

  test('2: the magic', () => {
    expect(condition(changed(word(0, KEY.salt1 ^ 1)))).toBe(2)
  })

  test('3: the own offset', () => {
    expect(condition(changed(word(12, 8200)))).toBe(3)
  })

  test('4: the length', () => {
    expect(condition(changed(word(8, 68)))).toBe(4)
    expect(condition(changed(word(8, 40)))).toBe(4)
    expect(condition(changed(word(8, 0xffff_fff8)))).toBe(4)
    expect(condition(changed(word(8, FILE_BYTES - AT + 8)))).toBe(4)
    // The longest that fits is legal, so far as condition 4 goes.
    expect(condition(changed(word(8, FILE_BYTES - AT)))).toBe(0)
  })

  test('5: the offset of the group', () => {
    expect(condition(changed(word(20, 4100)))).toBe(5)
    expect(condition(changed(word(20, 4088)))).toBe(5)
    expect(condition(changed(word(20, AT + 8)))).toBe(5)
    expect(condition(changed(word(20, AT)))).toBe(0)
  })

  test('6: the durable mark', () => {
    expect(condition(changed(word(16, 4097)))).toBe(6)
    expect(condition(changed(word(16, 0)))).toBe(6)
    expect(condition(changed(word(16, 4104)))).toBe(6)
  })

  test('7: type and flags', () => {
    for (const type of [0, 10, 255]) expect(condition(changed(byte(24, type)))).toBe(7)
    for (const flags of [16, 128]) expect(condition(changed(byte(25, flags)))).toBe(7)
    const only: readonly [number, readonly number[]][] = [
      [BlockFlag.SPARSE, [BlockType.DATA]],
      [BlockFlag.COMPRESSED, [BlockType.DATA, BlockType.SNAPSHOT_PART]],
      [BlockFlag.COPIED, [BlockType.DATA, BlockType.GAP]],
    ]
    for (const [flag, types] of only) {
      for (const type of Object.values(BlockType)) {
        const file = changed((view, at) => {
          byte(24, type)(view, at)
          byte(25, flag)(view, at)
        })
        expect(condition(file) === 7, `flag ${flag} on type ${type}`).toBe(!types.includes(type))
      }
    }
  })

  test('8: the zero field', () => {
    expect(condition(changed(word(28, 1)))).toBe(8)
    expect(condition(changed(word(28, 0x8000_0000)))).toBe(8)
  })

  test('9: the checksum', () => {
    const { file } = fileWithBlock(PAYLOAD)
    file[AT + 4] = (file[AT + 4] ?? 0) ^ 1
    expect(condition(file)).toBe(9)
  })

  test('10: first id and time', () => {
    const set = (field: number, value: bigint) => (view: DataView, at: number) =>
      view.setBigUint64(at + field, value, true)
    expect(condition(changed(set(32, 0n)))).toBe(10)
    expect(condition(changed(set(32, 2n ** 53n)))).toBe(10)
    expect(condition(changed(set(40, 2n ** 53n)))).toBe(10)
    expect(condition(changed(set(32, 2n ** 53n - 1n)))).toBe(0)
  })

  test('11: the payload', () => {
    const records = (count: number) => (view: DataView, at: number) =>
      view.setUint16(at + 26, count, true)
    expect(condition(changed(records(2)))).toBe(11)
    expect(condition(changed(records(0)))).toBe(11)
    expect(condition(changed(byte(48, 8)))).toBe(11)
    expect(condition(changed(byte(48, 13)))).toBe(11)
    expect(condition(changed(byte(48 + 13, 1)))).toBe(11)
    expect(condition(changed(byte(24, BlockType.LINK)))).toBe(11)
  })

  test('each has words', () => {
    const words = Array.from({ length: 12 }, (_, n) => explainCondition(n))
    expect(new Set(words).size).toBe(12)
    expect(explainCondition(9)).toMatch(/checksum/)
    expect(explainCondition(NEEDS_MORE)).toMatch(/bytes/)
    expect(explainCondition(12)).toMatch(/unpacks/)
    expect(() => explainCondition(13)).toThrow()
  })
})

function lastPlace() {
  return { offset: FILE_BYTES - 48, type: BlockType.SYNC, recordCount: 0 }
}

describe('a block whose bytes end too early', () => {
  test('needs more, at every length', () => {
    const { file, block } = fileWithBlock(PAYLOAD)
    for (let length = 0; length < block.length; length++) {
      expect(checkBlock(file.subarray(0, AT + length), AT, AT, KEY, crc32)).toBe(NEEDS_MORE)
    }
    expect(checkBlock(file.subarray(0, AT + block.length), AT, AT, KEY, crc32)).toBe(0)
  })

  test('is refused at once where its header shows that it cannot be valid', () => {
    const cut = (file: Uint8Array) => file.subarray(0, AT + 48)
    expect(condition(cut(changed(word(0, 1))))).toBe(2)
    expect(condition(cut(changed(word(28, 1))))).toBe(8)
    expect(condition(cut(changed(word(36, 0xffff_ffff))))).toBe(10)
  })
})

describe('damage', () => {
  test('of any single bit is found', () => {
    const { file, block } = fileWithBlock(PAYLOAD)
    for (let bit = AT * 8; bit < (AT + block.length) * 8; bit++) {
      file[bit >> 3] = (file[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      expect(condition(file), `bit ${bit}`).toBeGreaterThan(0)
      file[bit >> 3] = (file[bit >> 3] ?? 0) ^ (1 << (bit & 7))
    }
    expect(condition(file)).toBe(0)
  })

  test('of any run of bytes is found', () => {
    const anyRun = fc.uint8Array({ minLength: 1, maxLength: 24 })
    fc.assert(
      fc.property(anyRun, fc.nat(63), (run, shift) => {
        const { file } = fileWithBlock(PAYLOAD)
        const before = file.slice()
        file.set(run, AT + Math.min(shift, 64 - run.length))
        fc.pre(file.some((value, i) => value !== before[i]))
        expect(condition(file)).toBeGreaterThan(0)
      }),
    )
  })

  test('invariant 10: a block of another segment is refused by either salt', () => {
    const { file } = fileWithBlock(PAYLOAD)
    expect(checkBlock(file, AT, AT, { ...KEY, salt1: KEY.salt1 + 1 }, crc32)).toBe(2)
    expect(checkBlock(file, AT, AT, { ...KEY, salt2: KEY.salt2 + 1 }, crc32)).toBe(9)
  })

  test('invariant 10: a block moved within its segment is refused', () => {
    const { file, block } = fileWithBlock(PAYLOAD)
    file.copyWithin(AT + 512, AT, AT + block.length)
    expect(condition(file, AT + 512)).toBe(3)
  })

  test('the checksum covers the length: a shorter length does not pass', () => {
    const payload = concat(PAYLOAD, new Uint8Array(16))
    const { file } = fileWithBlock(payload)
    new DataView(file.buffer).setUint32(AT + 8, 64, true)
    expect(condition(file)).toBe(9)
  })
})

describe('arbitrary bytes', () => {
  test('behind a right magic and offset are judged without a throw', () => {
    const anyTail = fc.uint8Array({ minLength: 0, maxLength: 200 })
    fc.assert(
      fc.property(anyTail, (tail) => {
        const bytes = concat(u64(KEY.salt1), tail)
        if (bytes.length >= 16) new DataView(bytes.buffer).setUint32(12, AT, true)
        const result = checkBlock(bytes, 0, AT, KEY, crc32)
        expect(result).not.toBe(0)
        expect(result).toBeGreaterThanOrEqual(NEEDS_MORE)
        expect(result).toBeLessThanOrEqual(11)
      }),
    )
  })
})
