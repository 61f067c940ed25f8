import fc from 'fast-check'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { FieldWriter } from '../../src/format/fields.ts'
import { decodeGap, encodeGap } from '../../src/format/gap.ts'
import { decodeIndex, encodeIndex } from '../../src/format/index-file.ts'
import { decodeLink, decodeMap, encodeLink, encodeMap } from '../../src/format/link.ts'
import { decodeSeal } from '../../src/format/seal-record.ts'
import {
  decodeSnapshotEnd,
  decodeSnapshotPart,
  encodeSnapshotEnd,
  encodeSnapshotPart,
} from '../../src/format/snapshot.ts'
import { CODECS, DECODERS } from './decoders.ts'
import { concat, u32, u64 } from './pieces.ts'
import { anyGap, anyIndex, anyLink, crc32 } from './samples.ts'

test.each(CODECS)('$name comes back', ({ thereAndBack }) => {
  fc.assert(
    fc.property(thereAndBack, ([value, back]) => {
      expect(back).toEqual(value)
    }),
  )
})

describe('sizes are those of the tables', () => {
  const segmentMap = { epoch: 1, snapshots: [0, 0] as const, map: [] }
  test('in front of the first entry', () => {
    expect(encodeMap(segmentMap)).toHaveLength(32)
    const link = { ...segmentMap, bootId: '0'.repeat(32), bootTimeMs: 0, base: 0, nextId: 1 }
    expect(encodeLink({ ...link, mode: 'always', inFlightBytesMax: 0 })).toHaveLength(96)
    const gap = { number: 1, generation: 0, reason: 1, offset: 0, bytes: 0, firstId: 1, endId: 1 }
    expect(encodeGap({ ...gap, reason: 1 })).toHaveLength(48)
    expect(encodeSnapshotPart({ lsn: 0, name: '', bytes: new Uint8Array(0) })).toHaveLength(16)
    expect(encodeSnapshotEnd({ parts: [{ lsn: 0, blockLsn: 0, name: '' }] })).toHaveLength(28)
  })

  test('a writer keeps to the size it announced', () => {
    expect(() => new FieldWriter(4).uint64(1)).toThrow(/outgrew/)
    expect(() => new FieldWriter(4).finish()).toThrow(/announced/)
    expect(() => new FieldWriter(4).uint32(2 ** 32)).toThrow(/u32/)
  })
})

describe.each(CODECS)('$name', ({ decode, encoded }) => {
  test('is refused at every other length', () => {
    fc.assert(
      fc.property(encoded, fc.nat(), (bytes, random) => {
        expect(decode(bytes.subarray(0, random % bytes.length))).toBeUndefined()
        expect(decode(concat(bytes, Uint8Array.of(0)))).toBeUndefined()
      }),
    )
  })
})

describe.each(DECODERS)('$name', ({ decode, encoded }) => {
  test('stands arbitrary bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        decode(bytes)
        expect(decode(bytes)).toEqual(decode(bytes.slice()))
      }),
    )
  })

  test('stands its own bytes with some changed, and changes none', () => {
    const anyChanges = fc.array(fc.tuple(fc.nat(), fc.constantFrom(0, 1, 0x7f, 0x80, 0xff)), {
      minLength: 1,
      maxLength: 4,
    })
    fc.assert(
      fc.property(encoded, anyChanges, (bytes, changes) => {
        for (const [at, value] of changes) bytes[at % bytes.length] = value
        const before = bytes.slice()
        decode(bytes)
        expect(bytes).toEqual(before)
      }),
      { numRuns: 300 },
    )
  })
})

describe('lying counts', () => {
  afterEach(() => {
    vi.unstubAllGlobals()
  })

  const huge = 0xffff_ffff
  test.each<[string, () => unknown]>([
    ['LINK', () => decodeLink(concat(new Uint8Array(88), u32(huge, 0)))],
    ['MAP', () => decodeMap(concat(u64(1, 0, 0), u32(huge, 0)))],
    ['SEAL', () => decodeSeal(concat(u64(1, 2), u32(1, 0, huge, 0)))],
    ['SNAPSHOT_PART name', () => decodeSnapshotPart(concat(u64(1), u32(huge, 0)))],
    ['SNAPSHOT_PART bytes', () => decodeSnapshotPart(concat(u64(1), u32(0, huge)))],
    ['SNAPSHOT_END', () => decodeSnapshotEnd(u32(huge, 0))],
    ['SNAPSHOT_END name', () => decodeSnapshotEnd(concat(u32(1, 0), u64(1, 1), u32(huge)))],
  ])('of %s allocate nothing', (_name, decode) => {
    let largest = 0
    const watched = <T extends object>(type: T): T =>
      new Proxy(type, {
        construct: (target, parameters) => {
          const [length] = parameters
          if (typeof length === 'number') largest = Math.max(largest, length)
          return Reflect.construct(target as never, parameters)
        },
      })
    vi.stubGlobal('Float64Array', watched(Float64Array))
    vi.stubGlobal('Uint32Array', watched(Uint32Array))
    vi.stubGlobal('Uint8Array', watched(Uint8Array))
    vi.stubGlobal('Array', watched(Array))
    expect(decode()).toBeUndefined()
    expect(largest).toBeLessThan(200)
  })
})

describe('what no decoder lets through', () => {
  const entry = {
    number: 3,
    generation: 0,
    salt1: 1,
    salt2: 2,
    fileBytes: 16_384,
    cut: 8192,
    hasControl: true,
    damaged: false,
    dataOnly: false,
    base: 0,
    firstId: 1,
    endId: 5,
    coversTo: 3,
  }

  test('a map that is not in order of numbers', () => {
    const later = { ...entry, number: 9, coversTo: 9 }
    const bytes = encodeMap({ epoch: 1, snapshots: [0, 0], map: [entry, later] })
    expect(decodeMap(bytes)?.map).toEqual([entry, later])
    const swapped = concat(bytes.subarray(0, 32), bytes.subarray(96), bytes.subarray(32, 96))
    expect(decodeMap(swapped)).toBeUndefined()
    const twice = concat(bytes.subarray(0, 96), bytes.subarray(32, 96))
    expect(decodeMap(twice)).toBeUndefined()
    expect(() => encodeMap({ epoch: 1, snapshots: [0, 0], map: [later, entry] })).toThrow(/order/)
  })

  test.each([
    { number: 0 },
    { salt1: 0 },
    { fileBytes: 12_288 },
    { cut: 8193 },
    { cut: 4088 },
    { cut: 16_392 },
    { firstId: 0 },
    { endId: 0 },
    { coversTo: 2 },
    { base: 2 ** 53 - 100 },
  ])('a map entry with %j, neither written nor read', (change) => {
    const wrong = { ...entry, ...change }
    const map = [wrong]
    expect(() => encodeMap({ epoch: 1, snapshots: [0, 0], map })).toThrow(/limits|order/)
    const bytes = encodeMap({ epoch: 1, snapshots: [0, 0], map: [entry] })
    expect(decodeMap(bytes)?.map).toEqual([entry])
    const { number, generation, salt1, salt2, fileBytes, cut, base } = wrong
    const words = u32(generation, salt1, salt2, fileBytes, cut, 1)
    const ids = u64(base, wrong.firstId, wrong.endId, wrong.coversTo)
    bytes.set(concat(u64(number), words, ids), 32)
    expect(decodeMap(bytes)).toBeUndefined()
  })

  test('unknown flags of a map entry, unknown modes, unknown reasons', () => {
    const map = encodeMap({ epoch: 1, snapshots: [0, 0], map: [entry] })
    map[32 + 28] = 8
    expect(decodeMap(map)).toBeUndefined()
    const [link] = fc.sample(anyLink, { numRuns: 1, seed: 1 })
    if (link === undefined) throw new Error('no sample')
    const linkBytes = encodeLink(link)
    linkBytes[32] = 3
    expect(decodeLink(linkBytes)).toBeUndefined()
    const [gap] = fc.sample(anyGap, { numRuns: 1, seed: 1 })
    if (gap === undefined) throw new Error('no sample')
    const gapBytes = encodeGap(gap)
    gapBytes[12] = 5
    expect(decodeGap(gapBytes)).toBeUndefined()
  })

  test('a LINK without predecessor that names its generation or cut', () => {
    const link = { epoch: 1, bootId: '0'.repeat(32), bootTimeMs: 0, base: 0, nextId: 1, map: [] }
    const snapshots = [0, 0] as const
    const bytes = encodeLink({ ...link, snapshots, mode: 'never', inFlightBytesMax: 0 })
    expect(decodeLink(bytes)).not.toHaveProperty('predecessor')
    for (const at of [56, 60]) {
      const wrong = bytes.slice()
      wrong[at] = 1
      expect(decodeLink(wrong)).toBeUndefined()
    }
  })

  test('a SEAL whose offsets or ids fall, a gap whose ids do', () => {
    const entries = (...words: readonly number[]) =>
      concat(u64(1, 9), u32(8, 0, words.length / 2, 0), ...pairsOf(words))
    const pairsOf = (words: readonly number[]) =>
      words.flatMap((word, i) => (i % 2 === 0 ? [u64(word)] : [u32(word, 0)]))
    expect(decodeSeal(entries(1, 4096, 1, 4200, 5, 4300))).toBeDefined()
    expect(decodeSeal(entries(2, 4096, 1, 4200))).toBeUndefined()
    expect(decodeSeal(entries(1, 4096, 2, 4096))).toBeUndefined()
    expect(decodeSeal(entries(0, 4096))).toBeUndefined()
    const gap = (firstId: number, endId: number) =>
      decodeGap(concat(u64(1), u32(0, 1), u64(4096, 8, firstId, endId)))
    expect(gap(4, 4)).toMatchObject({ firstId: 4, endId: 4 })
    expect(gap(5, 4)).toBeUndefined()
    expect(gap(0, 4)).toBeUndefined()
  })

  test('an index whose length is not the length of its file', () => {
    const [index] = fc.sample(anyIndex, { numRuns: 1, seed: 7 })
    if (index === undefined) throw new Error('no sample')
    const bytes = encodeIndex(index, crc32)
    bytes.set(u32(bytes.length + 1), 12)
    bytes.set(u32(crc32(bytes.subarray(0, bytes.length - 4), 0)), bytes.length - 4)
    expect(decodeIndex(bytes, crc32)).toBeUndefined()
  })

  test('names that are not UTF-8 or would not come back', () => {
    const bytes = encodeSnapshotPart({ lsn: 1, name: '\ufeffä', bytes: new Uint8Array(2) })
    expect(decodeSnapshotPart(bytes)?.name).toBe('\ufeffä')
    bytes[16] = 0xff
    expect(decodeSnapshotPart(bytes)).toBeUndefined()
    const lone = { lsn: 1, name: '\ud800', bytes: new Uint8Array(2) }
    expect(() => encodeSnapshotPart(lone)).toThrow(/surrogate/)
  })

  test('any single flipped bit of an index file', () => {
    const [index] = fc.sample(anyIndex, { numRuns: 1, seed: 5 })
    if (index === undefined) throw new Error('no sample')
    const bytes = encodeIndex(index, crc32)
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      expect(decodeIndex(bytes, crc32), `bit ${bit}`).toBeUndefined()
      bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7))
    }
  })
})
