/**
 * Goal: whatever is compressed comes back, and every block obeys the rules of its format.
 * Method: special lengths, repetitions of every period and random inputs, judged by a model.
 */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  compressBlock,
  compressBlockInto,
  compressBound,
  DOES_NOT_FIT,
  decompressBlock,
  decompressBlockInto,
} from '../../native-free/index.ts'
import { unpackByModel } from './lz4-model.ts'
import { fromHex, hex, jsonLines, noise } from './samples.ts'

const LENGTHS = [...Array(71).keys(), 254, 255, 256, 270, 271, 4095, 4096, 16_384, 65_535, 65_536]

/** Through a block and back, by the codec and by the model. */
function expectRoundTrip(input: Uint8Array): Uint8Array {
  const block = compressBlock(input)
  expect(block.length).toBeLessThanOrEqual(compressBound(input.length))
  const model = unpackByModel(block, input.length)
  if (typeof model === 'string') throw new Error(`the block breaks a rule: ${model}`)
  expect(hex(model.bytes)).toBe(hex(input))
  expect(hex(decompressBlock(block, input.length))).toBe(hex(input))
  return block
}

describe('what is compressed comes back', () => {
  test.each([...LENGTHS, 65_537, 70_000, 200_000])('at a length of %i', (length) => {
    expectRoundTrip(jsonLines(length))
    expectRoundTrip(noise(length))
    expectRoundTrip(new Uint8Array(length))
  })

  test.each([...Array(40).keys()].map((i) => i + 1))('with a period of %i bytes', (period) => {
    const start = noise(period)
    for (const length of [16, 31, 64, 100, 1000]) {
      const input = Uint8Array.from({ length }, (_, i) => start[i % period] ?? 0)
      const block = expectRoundTrip(input)
      // Two repetitions and the last literals are enough to find the period.
      if (length > 2 * period + 20) expect(block.length).toBeLessThan(period + 20)
    }
  })

  test('for any input', () => {
    const repeated = fc
      .tuple(fc.nat(255), fc.integer({ min: 1, max: 400 }))
      .map(([byte, length]) => new Uint8Array(length).fill(byte))
    const piece = fc.oneof(fc.uint8Array({ minLength: 1, maxLength: 40 }), repeated)
    const pieces = fc.array(piece, { minLength: 1, maxLength: 6 })
    const input = fc
      .tuple(pieces, fc.array(fc.nat(5), { maxLength: 30 }))
      .map(([some, order]) => Buffer.concat(order.map((i) => some[i % some.length] ?? noise(0))))
    fc.assert(
      fc.property(input, (bytes) => void expectRoundTrip(bytes)),
      { numRuns: 1500 },
    )
  })

  test('where a match lies exactly 65,535 bytes back, and none one byte further', () => {
    const pattern = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16)
    for (const distance of [65_535, 65_536]) {
      const input = new Uint8Array(distance + 40)
      input.set(pattern)
      input.set(pattern, distance)
      const model = unpackByModel(expectRoundTrip(input), input.length)
      if (typeof model === 'string') throw new Error(model)
      const offsets = model.sequences.map(({ match }) => match?.offset)
      expect(offsets.includes(distance)).toBe(distance === 65_535)
    }
  })

  test('one call after another, of any length, without a trace of the one before', () => {
    const inputs = [jsonLines(70_000), jsonLines(300, 2), jsonLines(70_000, 3), jsonLines(13, 4)]
    const first = inputs.map((input) => hex(compressBlock(input)))
    for (const round of [1, 2, 3]) {
      expect(
        inputs.map((input) => hex(compressBlock(input))),
        `round ${round}`,
      ).toEqual(first)
    }
  })
})

test('the table that is never cleared is, before its positions overflow', () => {
  const inputs = [jsonLines(1 << 20), jsonLines(1 << 20, 2)]
  const blocks = inputs.map((input) => hex(compressBlock(input)))
  // More than 64 MiB; with the two inputs in turn, a stale position would point at other bytes.
  for (let call = 0; call < 80; call++) {
    expect(hex(compressBlock(inputs[call & 1] ?? noise(0))) === blocks[call & 1]).toBe(true)
  }
})

describe('the format', () => {
  test.each([
    ['nothing', '', '00'],
    ['one byte', '61', '1061'],
    ['twelve of a kind have no room for a match', '61'.repeat(12), `c0${'61'.repeat(12)}`],
    ['thirteen have', '61'.repeat(13), `13 61 0100 50 ${'61'.repeat(5)}`],
    ['a match of 18', '61'.repeat(24), `1e 61 0100 50 ${'61'.repeat(5)}`],
    ['a match of 19 takes a byte more', '61'.repeat(25), `1f 61 0100 00 50 ${'61'.repeat(5)}`],
    ['a match of 274', '61'.repeat(280), `1f 61 0100 ff 00 50 ${'61'.repeat(5)}`],
    ['no match', '000102030405060708090a0b0c0d0e', 'f000000102030405060708090a0b0c0d0e'],
  ])('golden: %s', (_, input, block) => {
    expect(hex(compressBlock(fromHex(input)))).toBe(hex(fromHex(block)))
    expect(hex(decompressBlock(fromHex(block), fromHex(input).length))).toBe(hex(fromHex(input)))
  })

  test('the bound is reached by noise and by nothing', () => {
    expect(compressBound(0)).toBe(16)
    for (const length of [0, 1, 14, 15, 16, 269, 270, 271, 65_536]) {
      const block = compressBlock(noise(length))
      expect(block.length).toBe(
        length + 1 + (length < 15 ? 0 : Math.floor((length - 15) / 255) + 1),
      )
    }
  })
})

describe('ranges', () => {
  test('bytes around the source are not compressed, bytes around the target stay', () => {
    const text = jsonLines(3000)
    const source = new Uint8Array(3200).fill(0x31)
    source.set(text, 100)
    const target = new Uint8Array(4000).fill(0xa5)
    const length = compressBlockInto(source, 100, 3100, target, 50, 3500)
    expect(hex(target.subarray(50, 50 + length))).toBe(hex(compressBlock(text)))
    expect(target.subarray(0, 50).every((byte) => byte === 0xa5)).toBe(true)
    const unpacked = new Uint8Array(3100).fill(0x5a)
    decompressBlockInto(target, 50, 50 + length, unpacked, 40, 3040)
    expect(hex(unpacked.subarray(40, 3040))).toBe(hex(text))
    expect(unpacked.subarray(0, 40).every((byte) => byte === 0x5a)).toBe(true)
    expect(unpacked.subarray(3040).every((byte) => byte === 0x5a)).toBe(true)
  })

  test.each([jsonLines(700), noise(700), new Uint8Array(700)])(
    'a target that is too small for sample %# is said to be so, and nothing behind it written',
    (input) => {
      const whole = compressBlock(input)
      for (let room = 0; room <= whole.length; room++) {
        const target = new Uint8Array(whole.length + 8).fill(0xa5)
        const length = compressBlockInto(input, 0, input.length, target, 0, room)
        expect(length).toBe(room < whole.length ? DOES_NOT_FIT : whole.length)
        expect(target.subarray(room).every((byte) => byte === 0xa5)).toBe(true)
      }
    },
  )

  test('a view into a larger buffer, also a shared one, is its own world', () => {
    const shared = new Uint8Array(new SharedArrayBuffer(9000))
    shared.set(jsonLines(2000), 1000)
    const source = shared.subarray(1000, 3000)
    const target = shared.subarray(4000, 7000)
    const length = compressBlockInto(source, 0, 2000, target, 0, 3000)
    decompressBlockInto(target, 0, length, shared, 7000, 9000)
    expect(hex(shared.subarray(7000))).toBe(hex(source))
  })

  test.each([
    [-1, 5],
    [5, 4],
    [0, 11],
    [0.5, 3],
    [0, Number.NaN],
  ])('a range %d to %d of ten bytes is refused', (start, end) => {
    const bytes = new Uint8Array(10)
    const other = new Uint8Array(100)
    expect(() => compressBlockInto(bytes, start, end, other, 0, 100)).toThrow(RangeError)
    expect(() => compressBlockInto(other, 0, 100, bytes, start, end)).toThrow(RangeError)
    expect(() => decompressBlockInto(bytes, start, end, other, 0, 100)).toThrow(RangeError)
    expect(() => decompressBlockInto(other, 0, 100, bytes, start, end)).toThrow(RangeError)
  })

  test.each([-1, 0.5, Number.NaN, 2 ** 30 + 1])('a length of %d is refused', (length) => {
    expect(() => compressBound(length)).toThrow(RangeError)
    expect(() => decompressBlock(new Uint8Array(10), length)).toThrow(RangeError)
  })
})
