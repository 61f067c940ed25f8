/**
 * Goal: blocks go to and fro between this codec and the package `lz4`, and each judges damage as it
 * does. Blocks that the package once made stand here as bytes; the rest runs where the package loads
 * (see tools/native-lz4.ts) and says aloud where it does not.
 */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { compressBlock, compressBound, decompressBlock, Lz4Error } from '../../native-free/index.ts'
import { loadNativeLz4, type NativeLz4 } from '../../tools/native-lz4.ts'
import { fromHex, hex, jsonLines, noise } from './samples.ts'

const lz4 = loadNativeLz4()
if (typeof lz4 === 'string') {
  process.stderr.write(`SKIPPED: tests against the package lz4, which does not load: ${lz4}\n`)
}

/** The package refuses to decode into nothing, so at least one byte stands there. */
const inputs = fc.oneof(
  fc.uint8Array({ minLength: 1, maxLength: 200 }),
  fc.tuple(fc.integer({ min: 1, max: 70_000 }), fc.nat()).map(([n, seed]) => jsonLines(n, seed)),
  fc.tuple(fc.integer({ min: 1, max: 70_000 }), fc.nat(9)).map(([n, seed]) => noise(n, seed)),
  fc
    .tuple(fc.integer({ min: 1, max: 9000 }), fc.integer({ min: 1, max: 40 }))
    .map(([n, period]) => {
      return Uint8Array.from({ length: n }, (_, i) => (i % period) * 7)
    }),
)

function encode(native: NativeLz4, input: Uint8Array): Uint8Array {
  const target = Buffer.alloc(compressBound(input.length))
  return target.subarray(0, native.encodeBlock(Buffer.from(input), target))
}

/** What the package unpacks, undefined where it refuses. */
function decode(native: NativeLz4, block: Uint8Array, length: number): Uint8Array | undefined {
  const target = Buffer.alloc(length)
  const found = native.decodeBlock(Buffer.from(block), target)
  return found === length ? target : undefined
}

const LINES = [
  '{"id":1,"level":"info","message":"started"}\n',
  '{"id":2,"level":"info","message":"stopped"}\n',
  '{"id":3,"level":"info","message":"started"}\n',
].join('')
const LINES_BEGIN =
  'f21d 7b226964223a312c226c6576656c223a22696e666f222c226d657373616765223a2273746172746564227d0a'

test.each([
  ['lines', LINES, `${LINES_BEGIN} 2c00 1f322c000a 376f70702c00 1f332c000a 80 6172746564227d0a`],
  [
    'lines, by the slow encoder',
    LINES,
    `${LINES_BEGIN} 2c00 1f322c000a 376f70702c00 1f3358000d 50 6564227d0a`,
  ],
  ['pairs', 'ab'.repeat(500), '2f 6162 0200 ffffffd1 50 6261626162'],
  ['what does not repeat', 'nothing repeats', 'f000 6e6f7468696e672072657065617473'],
])('golden: blocks that the package made unpack here: %s', (_, text, block) => {
  const unpacked = decompressBlock(fromHex(block), text.length)
  expect(new TextDecoder().decode(unpacked)).toBe(text)
})

test.skipIf(typeof lz4 === 'string')('our blocks unpack there, its blocks here', () => {
  if (typeof lz4 === 'string') return
  fc.assert(
    fc.property(inputs, (input) => {
      const there = decode(lz4, compressBlock(input), input.length)
      expect(there === undefined ? 'refused' : hex(there)).toBe(hex(input))
      expect(hex(decompressBlock(encode(lz4, input), input.length))).toBe(hex(input))
    }),
    { numRuns: 800 },
  )
})

test.skipIf(typeof lz4 === 'string')('what is accepted here is accepted there, as the same', () => {
  if (typeof lz4 === 'string') return
  const block = compressBlock(jsonLines(1500))
  const places = fc.array(fc.tuple(fc.nat(block.length - 1), fc.nat(255)), { minLength: 1 })
  fc.assert(
    fc.property(places, (changes) => {
      const damaged = block.slice()
      for (const [at, value] of changes) damaged[at] = value
      let here: Uint8Array
      try {
        here = decompressBlock(damaged, 1500)
      } catch (error) {
        expect(error).toBeInstanceOf(Lz4Error)
        return
      }
      const there = decode(lz4, damaged, 1500)
      expect(there === undefined ? 'refused' : hex(there)).toBe(hex(here))
    }),
    { numRuns: 3000 },
  )
})
