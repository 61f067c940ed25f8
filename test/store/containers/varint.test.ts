/**
 * Varints and the bytes made of them: they come back, and malformed ones are found.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  ByteReader,
  ByteWriter,
  varintBytes,
  writeVarint,
} from '../../../src/store/containers/varint.ts'

const value = fc.oneof(
  fc.maxSafeNat(),
  fc.integer({ min: 0, max: 300 }),
  fc
    .tuple(fc.integer({ min: 0, max: 52 }), fc.integer({ min: -1, max: 1 }))
    .map(([bit, more]) => Math.max(2 ** bit + more, 0)),
  fc.constant(Number.MAX_SAFE_INTEGER),
)

function read(...bytes: number[]): ByteReader {
  return new ByteReader(Uint8Array.from(bytes))
}

describe('a varint', () => {
  it('comes back, and is as long as announced', () => {
    fc.assert(
      fc.property(value, (number) => {
        const bytes = new Uint8Array(10)
        const end = writeVarint(bytes, 1, number)
        expect(end - 1).toBe(varintBytes(number))
        const big = bytes.subarray(1, end).reduceRight((sum, b) => sum * 128n + BigInt(b & 127), 0n)
        expect(big).toBe(BigInt(number))
        const reader = new ByteReader(bytes, 1, end)
        expect(reader.varint()).toBe(number)
        expect(reader.complete).toBe(true)
        const cut = new ByteReader(bytes, 1, end - 1)
        expect(cut.varint()).toBe(0)
        expect(cut.failed).toBe(true)
      }),
      { numRuns: 1_000 },
    )
  })

  it('is malformed where it is too large, endless or longer than it need be', () => {
    const full = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]
    expect(read(...full, 0x0f).varint()).toBe(Number.MAX_SAFE_INTEGER)
    for (const bytes of [[...full, 0x10], [...full, 0x8f, 0x01], [0x80, 0x00], [0x80], []]) {
      const reader = read(...bytes)
      expect(reader.varint()).toBe(0)
      expect(reader.failed).toBe(true)
    }
  })

  it('is written only for what it can hold', () => {
    for (const number of [-1, 0.5, 2 ** 53, Number.NaN]) {
      expect(() => new ByteWriter().varint(number)).toThrow('no varint')
    }
  })
})

describe('bytes in a row', () => {
  it('come back in order', () => {
    const piece = fc.oneof(value, fc.uint8Array({ maxLength: 200 }), fc.string({ unit: 'binary' }))
    fc.assert(
      fc.property(fc.array(piece), (pieces) => {
        const writer = new ByteWriter()
        for (const one of pieces) {
          if (typeof one === 'number') writer.varint(one)
          else if (typeof one === 'string') writer.text(one)
          else writer.bytes(one)
        }
        const length = writer.length
        const reader = new ByteReader()
        reader.reset(writer.finish())
        expect(reader.rest).toBe(length)
        for (const one of pieces) {
          if (typeof one === 'number') expect(reader.varint()).toBe(one)
          else if (typeof one === 'string') expect(reader.text(reader.varint())).toBe(one)
          else expect(reader.bytes(one.length)).toEqual(one)
        }
        expect(reader.complete).toBe(true)
      }),
    )
  })

  it('stay failed after the first piece that does not fit, until they begin anew', () => {
    const reader = read(1, 2, 3)
    expect(reader.bytes(4)).toHaveLength(0)
    expect([reader.varint(), reader.byte(), reader.text(1), reader.failed]).toEqual([
      0,
      0,
      '',
      true,
    ])
    reader.reset(Uint8Array.from([7]))
    expect([reader.varint(), reader.complete]).toEqual([7, true])
  })

  it('hold no text that is not UTF-8', () => {
    const reader = read(0xff)
    expect([reader.text(1), reader.failed]).toEqual(['', true])
    expect(() => new ByteWriter().text('\ud800')).toThrow('lone surrogate')
  })

  it('do not change in a finished piece when the writer goes on', () => {
    const writer = new ByteWriter()
    writer.text('one')
    const one = writer.finish()
    writer.text('two')
    expect(one).toEqual(Uint8Array.from([3, 111, 110, 101]))
    expect(writer.finish()).toEqual(Uint8Array.from([3, 116, 119, 111]))
  })
})
