/**
 * Goal: the package `lz4` is used exactly where it is there, native and right; anything else means our
 * own codec, without a word and without an error. Method: fakes that fail in every way an addon can,
 * and the package itself where it loads (see tools/native-lz4.ts).
 */
import { expect, test } from 'vitest'
import { compressBlockInto, decompressBlockInto } from '../../native-free/index.ts'
import { nativeFreeLz4 } from '../../src/system/native-free-lz4.ts'
import { chooseLz4, realLz4 } from '../../src/system/real/lz4.ts'
import { loadNativeLz4 } from '../../tools/native-lz4.ts'
import { jsonLines, noise } from '../native-free/samples.ts'

const encodeBlock = (source: Buffer, target: Buffer): number =>
  compressBlockInto(source, 0, source.length, target, 0, target.length)

/** As the addon: negative where the block is malformed. */
const decodeBlock = (source: Buffer, target: Buffer): number => {
  try {
    decompressBlockInto(source, 0, source.length, target, 0, target.length)
    return target.length
  } catch {
    return -1
  }
}

/** Bound functions say of themselves that they are native code, as those of an addon do. */
function native<T extends object>(functions: T): T {
  return Object.fromEntries(
    Object.entries(functions).map(([name, one]) => [name, one.bind(undefined)]),
  ) as T
}

function failing(code: string): () => never {
  return () => {
    throw Object.assign(new Error(`fake: ${code}`), { code })
  }
}

test.each<[string, () => unknown]>([
  ['it is not installed', failing('MODULE_NOT_FOUND')],
  ['it was never compiled, or for another Node', failing('ERR_DLOPEN_FAILED')],
  [
    'it throws something that is no error',
    () => {
      const thrown: unknown = 'no error'
      throw thrown
    },
  ],
  ['it is empty', () => undefined],
  ['it is something else', () => ({ encodeBlock: 1, decodeBlock: 2 })],
  ['it is its JavaScript variant', () => ({ encodeBlock, decodeBlock })],
  ['only half of it is native', () => ({ ...native({ encodeBlock }), decodeBlock })],
])('our own codec is used where %s', (_, load) => {
  expect(chooseLz4(load)).toBe(nativeFreeLz4)
})

test.each<[string, { encodeBlock?: typeof encodeBlock; decodeBlock?: typeof decodeBlock }]>([
  ['compresses nothing', { encodeBlock: () => 0 }],
  ['fails to compress', { encodeBlock: () => -1 }],
  ['claims to compress', { encodeBlock: () => 100 }],
  ['writes beyond what fits', { encodeBlock: (source) => Math.min(source.length, 100) }],
  ['unpacks nothing', { decodeBlock: () => -1 }],
  ['unpacks to something else', { decodeBlock: (_, target) => target.fill(1).length }],
  [
    'accepts what is cut off',
    {
      decodeBlock: (source, target) => {
        const length = decodeBlock(source, target)
        return length < 0 ? target.length : length
      },
    },
  ],
  ['throws', { decodeBlock: failing('ERR_BUFFER_OUT_OF_BOUNDS') }],
])('our own codec is used where a native one %s', (_, wrong) => {
  expect(chooseLz4(() => native({ encodeBlock, decodeBlock, ...wrong }))).toBe(nativeFreeLz4)
})

test('a native codec that works is used, and its refusal is an error', () => {
  const lz4 = chooseLz4(() => native({ encodeBlock, decodeBlock }))
  expect(lz4.codec).toBe('lz4')
  const text = jsonLines(5000)
  const around = new Uint8Array(8000).fill(7)
  const length = lz4.compress(text, 100, 4900, around, 50, 6000)
  expect(around.subarray(0, 50).every((byte) => byte === 7)).toBe(true)
  const block = around.subarray(50, 50 + length)
  expect(lz4.decompress(block, 4800)).toEqual(text.subarray(100, 4900))
  expect(() => lz4.decompress(block, 4799)).toThrow(/expected/)
  expect(lz4.compress(noise(1000), 0, 1000, around, 0, 500)).toBe(0)
})

test('the codec of this process is one of the two, and always the same', () => {
  expect(['lz4', 'native-free']).toContain(realLz4().codec)
  expect(realLz4()).toBe(realLz4())
})

const addon = loadNativeLz4()
if (typeof addon === 'string') {
  process.stderr.write(`SKIPPED: the package lz4 as a codec of the log: ${addon}\n`)
}

test.skipIf(typeof addon === 'string')('the package itself is used where it loads', () => {
  const lz4 = chooseLz4(() => addon)
  expect(lz4.codec).toBe('lz4')
  const text = jsonLines(16_000)
  const target = new Uint8Array(16_000)
  const length = lz4.compress(text, 0, text.length, target, 0, 14_000)
  expect(nativeFreeLz4.decompress(target.subarray(0, length), text.length)).toEqual(text)
})
