import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  decodeSegmentHeader,
  encodeSegmentHeader,
  type SegmentHeader,
} from '../../src/format/header.ts'
import { anyHeader, crc32 } from './samples.ts'

const HEADER: SegmentHeader = {
  formatNumber: 1,
  features: { compatible: 0, readOnlyCompatible: 0, incompatible: 0 },
  storeId: '00112233445566778899aabbccddeeff',
  number: 7,
  generation: 2,
  salt1: 0xffff_fffe,
  salt2: 5,
  blockBytes: 4096,
  fileBytes: 65_536,
  createdMs: 1_700_000_000_000,
}

/** Changes bytes of one copy and mends its checksum. */
function patchCopy(bytes: Uint8Array, copyAt: number, at: number, values: readonly number[]): void {
  bytes.set(values, copyAt + at)
  const crc = crc32(bytes.subarray(copyAt, copyAt + 508), 0)
  new DataView(bytes.buffer).setUint32(copyAt + 508, crc, true)
}

function patched(at: number, ...values: readonly number[]): Uint8Array {
  const bytes = encodeSegmentHeader(HEADER, crc32)
  patchCopy(bytes, 0, at, values)
  patchCopy(bytes, 3584, at, values)
  return bytes
}

describe('segment header', () => {
  test('comes back', () => {
    fc.assert(
      fc.property(anyHeader, (header) => {
        const bytes = encodeSegmentHeader(header, crc32)
        expect(bytes.length).toBe(4096)
        const readOnly = header.features.readOnlyCompatible !== 0
        expect(decodeSegmentHeader(bytes, crc32)).toEqual({ kind: 'valid', header, readOnly })
      }),
    )
  })

  test('survives any single bit, and says where it was', () => {
    const bytes = encodeSegmentHeader(HEADER, crc32)
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const at = bit >> 3
      // Between the copies every bit is alike.
      if (at >= 600 && at < 3500) continue
      bytes[at] = (bytes[at] ?? 0) ^ (1 << (bit & 7))
      const decoded = decodeSegmentHeader(bytes, crc32)
      const damagedCopy = at < 512 ? 'first' : at < 3584 ? 'between' : 'last'
      expect(decoded).toEqual({ kind: 'valid', header: HEADER, readOnly: false, damagedCopy })
      bytes[at] = (bytes[at] ?? 0) ^ (1 << (bit & 7))
    }
  })

  test('is read from the first copy where the file is cut off behind it', () => {
    const bytes = encodeSegmentHeader(HEADER, crc32).subarray(0, 700)
    expect(decodeSegmentHeader(bytes, crc32)).toMatchObject({
      kind: 'valid',
      header: HEADER,
      damagedCopy: 'last',
    })
  })

  test('is damaged where both copies are, or where they contradict each other', () => {
    const bothBroken = encodeSegmentHeader(HEADER, crc32)
    bothBroken[100] = 1
    bothBroken[3700] = 1
    expect(decodeSegmentHeader(bothBroken, crc32).kind).toBe('damaged')
    const contradiction = encodeSegmentHeader(HEADER, crc32)
    patchCopy(contradiction, 3584, 40, [8])
    expect(decodeSegmentHeader(contradiction, crc32)).toEqual({
      kind: 'damaged',
      why: 'the two copies of the header differ',
    })
    const short = encodeSegmentHeader(HEADER, crc32).subarray(0, 511)
    expect(decodeSegmentHeader(short, crc32).kind).toBe('damaged')
  })

  test.each([
    ['H3: a byte that must be zero', patched(80, 1)],
    ['H3: the last byte that must be zero', patched(507, 1)],
    ['H4: number 0', patched(40, 0)],
    ['H4: first salt 0', patched(52, 0, 0, 0, 0)],
    ['H4: block bytes not a multiple of 8', patched(60, 1)],
    ['H4: file size not a multiple of 4,096', patched(64, 8)],
    ['H4: file size below 16 KiB', patched(64, 0, 0x30, 0)],
    ['H4: file size 2^32', patched(64, 0, 0, 0, 0, 1)],
    ['H4: creation time 2^53', patched(78, 0x20)],
  ])('%s is damage', (_name, bytes) => {
    expect(decodeSegmentHeader(bytes, crc32).kind).toBe('damaged')
  })

  test('invariant 17: unknown format or incompatible feature is newer, not damaged', () => {
    expect(decodeSegmentHeader(patched(8, 9), crc32)).toMatchObject({
      kind: 'newer',
      formatNumber: 9,
    })
    expect(decodeSegmentHeader(patched(8, 0), crc32)).toMatchObject({
      kind: 'newer',
      why: expect.stringContaining('draft'),
    })
    // A newer format may use bytes that are zero in this one.
    const newer = patched(8, 9)
    patchCopy(newer, 0, 80, [1])
    patchCopy(newer, 3584, 80, [1])
    expect(decodeSegmentHeader(newer, crc32).kind).toBe('newer')
    newer[3] = 0
    expect(decodeSegmentHeader(newer, crc32).kind).toBe('newer')
    expect(decodeSegmentHeader(patched(20, 4), crc32)).toMatchObject({
      kind: 'newer',
      formatNumber: 1,
    })
  })

  test('invariant 17: unknown read-only compatible features allow reading only', () => {
    expect(decodeSegmentHeader(patched(16, 1), crc32)).toMatchObject({
      kind: 'valid',
      readOnly: true,
    })
    expect(decodeSegmentHeader(patched(12, 1), crc32)).toMatchObject({
      kind: 'valid',
      readOnly: false,
    })
  })

  test('of somebody else is foreign', () => {
    expect(decodeSegmentHeader(new Uint8Array(4096), crc32).kind).toBe('foreign')
    expect(decodeSegmentHeader(new Uint8Array(0), crc32).kind).toBe('foreign')
    const text = new TextEncoder().encode('#!/bin/sh\n'.repeat(500))
    expect(decodeSegmentHeader(text, crc32).kind).toBe('foreign')
  })

  test('is not written out of limits', () => {
    const illegal: readonly Partial<SegmentHeader>[] = [
      { salt1: 0 },
      { number: 0 },
      { fileBytes: 4096 },
      { blockBytes: 0 },
      { generation: 2 ** 32 },
      { storeId: 'short' },
    ]
    for (const change of illegal) {
      expect(() => encodeSegmentHeader({ ...HEADER, ...change }, crc32)).toThrow()
    }
  })
})
