/**
 * Goal: no block, however damaged, makes the decoder read or write outside its ranges, loop, or return
 * anything but exactly the bytes that the rules give. Method: mutated blocks between guard bytes,
 * judged by a model that knows each rule by name.
 */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { compressBlock, decompressBlock, Lz4Error } from '../../native-free/index.ts'
import { judgeDecoder } from './lz4-judge.ts'
import { unpackByModel } from './lz4-model.ts'
import { fromHex, jsonLines, noise } from './samples.ts'

const ORIGINALS = [
  jsonLines(40),
  jsonLines(300),
  jsonLines(2000),
  noise(64),
  new Uint8Array(700),
  Uint8Array.from({ length: 500 }, (_, i) => i % 3),
].map((input) => ({ block: compressBlock(input), length: input.length }))

interface Mutation {
  readonly place: number
  readonly kind: string
  readonly value: number
}

const mutation: fc.Arbitrary<Mutation> = fc.record({
  place: fc.nat(4000),
  kind: fc.constantFrom('flip', 'set', 'cut', 'repeat', 'remove'),
  value: fc.oneof(fc.nat(255), fc.constantFrom(0, 1, 15, 0x1f, 0xf0, 0xff)),
})

function mutate(block: Uint8Array, { place, kind, value }: Mutation): Uint8Array {
  const bytes = [...block]
  const at = place % Math.max(1, bytes.length)
  const old = bytes[at] ?? 0
  if (kind === 'flip') bytes[at] = old ^ (1 << (value & 7))
  if (kind === 'set') bytes[at] = value
  if (kind === 'cut') bytes.length = at
  if (kind === 'repeat') bytes.splice(at, 0, ...bytes.slice(at, at + (value & 15)))
  if (kind === 'remove') bytes.splice(at, 1 + (value & 3))
  return Uint8Array.from(bytes)
}

test('8,000 damaged blocks give an error or what the rules give, and touch nothing else', () => {
  let accepted = 0
  fc.assert(
    fc.property(
      fc.constantFrom(...ORIGINALS),
      fc.array(mutation, { minLength: 1, maxLength: 4 }),
      fc.constantFrom(0, 0, 0, -1, 1, 20),
      ({ block, length }, mutations, wrong) => {
        if (judgeDecoder(mutations.reduce(mutate, block), length + wrong)) accepted++
      },
    ),
    { numRuns: 8000 },
  )
  // Both must happen, or this test looks at one half of its subject only.
  expect(accepted).toBeGreaterThan(100)
  expect(accepted).toBeLessThan(4000)
})

test('3,000 blocks of noise', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), fc.nat(400), (block, length) => {
      judgeDecoder(block, length)
    }),
    { numRuns: 3000 },
  )
})

test('every bit of a block, turned round', () => {
  const { block, length } = ORIGINALS[1] ?? { block: new Uint8Array(0), length: 0 }
  for (let bit = 0; bit < block.length * 8; bit++) {
    const damaged = block.slice()
    damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7))
    judgeDecoder(damaged, length)
  }
})

test('every beginning of a block, and every other length', () => {
  for (const { block, length } of ORIGINALS) {
    for (let end = 0; end < Math.min(block.length, 300); end++) {
      expect(() => decompressBlock(block.subarray(0, end), length)).toThrow(Lz4Error)
    }
    for (const other of [0, 1, length - 1, length + 1, length * 2]) {
      expect(() => decompressBlock(block, other)).toThrow(Lz4Error)
    }
  }
})

describe('refused', () => {
  test.each([
    ['an empty block', '', 0],
    ['an offset of zero', '1a 61 0000 50 6161616161', 20],
    ['an offset in front of the output', '1a 61 0200 50 6161616161', 20],
    ['no literals at the end', '1a 61 0100', 15],
    ['a match that begins within the last 12 bytes', '10 61 0100 60 616161616161', 11],
    ['a match that reaches into the last 5 bytes', '1b 61 0100 40 61616161', 20],
    ['half an offset', '10 61 01', 20],
    ['literals that leave the block', '50 616161', 5],
    ['a length without an end', `1f 61 0100 ${'ff'.repeat(300)}`, 100_000],
    ['a length of literals without an end', 'f0 ffffff', 1000],
  ])('%s', (_, block, length) => {
    expect(unpackByModel(fromHex(block), length)).toBeTypeOf('string')
    expect(() => decompressBlock(fromHex(block), length)).toThrow(Lz4Error)
  })

  test('a length that no block of this size can have, before memory is taken for it', () => {
    expect(() => decompressBlock(new Uint8Array(100), 2 ** 30)).toThrow(/cannot unpack/)
  })
})
