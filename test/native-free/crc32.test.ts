/** Goal: the same number as zlib and the package `crc-32` for every length, place and seed. */
import * as zlib from 'node:zlib'
import portable from 'crc-32'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { crc32 } from '../../native-free/index.ts'
import { noise } from './samples.ts'

/** Absent in Node before 20.15. */
const native: unknown = Reflect.get(zlib, 'crc32')

function others(bytes: Uint8Array, seed: number): number[] {
  const found = [portable.buf(bytes, seed) >>> 0]
  if (typeof native === 'function') found.push(native(bytes, seed) as number)
  return found
}

function expectSame(bytes: Uint8Array, seed: number): void {
  for (const other of others(bytes, seed)) {
    if (crc32(bytes, seed) !== other) expect(crc32(bytes, seed)).toBe(other)
  }
}

describe('CRC-32', () => {
  test('of the nine digits, and of nothing', () => {
    expect(crc32(new TextEncoder().encode('123456789'))).toBe(0xcbf43926)
    expect(crc32(new Uint8Array(0))).toBe(0)
    expect(crc32(new Uint8Array(0), 0xdeadbeef)).toBe(0xdeadbeef)
  })

  test('at every length up to 600, from every place, with seeds', () => {
    const bytes = noise(700)
    for (let length = 0; length <= 600; length++) {
      for (const seed of [0, 1, 0x7fffffff, 0x80000000, 0xffffffff]) {
        expectSame(bytes.subarray(length % 17, (length % 17) + length), seed)
      }
    }
  })

  test('of larger inputs and any seed', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 5000 }), fc.nat(0xffffffff), (bytes, seed) =>
        expectSame(bytes, seed),
      ),
    )
    expectSame(noise(1 << 20), 7)
  })

  test('of two pieces is that of both together', () => {
    const bytes = noise(1000)
    for (let at = 0; at <= 1000; at += 13) {
      expect(crc32(bytes.subarray(at), crc32(bytes.subarray(0, at)))).toBe(crc32(bytes))
    }
  })
})
