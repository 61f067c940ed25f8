/** The bytes of a connection before they are taken. */
import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { ByteIntake } from '../../../src/server/listen/intake.ts'

const AT_ONCE = 1_000

function bytesOf(length: number, from = 0): Uint8Array {
  return Uint8Array.from({ length }, (_, row) => (row + from) % 251)
}

describe('an intake', () => {
  test('gives a view of the chunk where the bytes lie in one', () => {
    const intake = new ByteIntake(AT_ONCE)
    const chunk = bytesOf(100)
    intake.add(chunk)
    intake.skip(10)
    const taken = intake.take(20)
    expect(taken).toEqual(chunk.subarray(10, 30))
    expect(taken.buffer).toBe(chunk.buffer)
    expect(intake.length).toBe(70)
  })

  test('copies an expected body once, into one buffer', () => {
    const intake = new ByteIntake(AT_ONCE)
    intake.expect(900)
    for (let at = 0; at < 1_000; at += 100) intake.add(bytesOf(100, at))
    const first = intake.take(450)
    const second = intake.take(450)
    expect(second.buffer).toBe(first.buffer)
    expect(Buffer.concat([first, second])).toEqual(Buffer.from(bytesOf(900)))
    expect(intake.take(100)).toEqual(bytesOf(100, 900))
    expect(intake.expected).toBe(0)
  })

  test.each([900, 20_000])('copies %d bytes once, however often they are expected', (bytes) => {
    const intake = new ByteIntake(AT_ONCE)
    const made = vi.spyOn(Buffer, 'allocUnsafeSlow')
    try {
      for (let at = 0; at < bytes; at += 20) {
        intake.expect(bytes)
        intake.add(bytesOf(20, at))
      }
      // What comes behind it changes nothing.
      for (let at = bytes; at < bytes + 100; at += 20) intake.add(bytesOf(20, at))
      expect(made.mock.calls).toEqual([[bytes]])
    } finally {
      made.mockRestore()
    }
    expect(intake.take(bytes)).toEqual(bytesOf(bytes))
    expect(intake.take(100)).toEqual(bytesOf(100, bytes))
  })

  test('an expected body that came with what stands behind it is copied once', () => {
    const intake = new ByteIntake(AT_ONCE)
    const made = vi.spyOn(Buffer, 'allocUnsafeSlow')
    try {
      intake.add(bytesOf(400))
      intake.expect(2_000)
      intake.add(bytesOf(1_700, 400))
      for (let at = 2_100; at < 2_200; at += 20) intake.add(bytesOf(20, at))
      expect(made.mock.calls).toEqual([[2_000]])
    } finally {
      made.mockRestore()
    }
    expect(intake.take(2_000)).toEqual(bytesOf(2_000))
    expect(intake.take(200)).toEqual(bytesOf(200, 2_000))
  })

  test('an expected body that lies in the chunk already is not copied', () => {
    const intake = new ByteIntake(AT_ONCE)
    const chunk = bytesOf(500)
    intake.add(chunk)
    intake.expect(400)
    expect(intake.take(400).buffer).toBe(chunk.buffer)
  })

  test('a length that was declared costs nothing before its bytes come', () => {
    const intake = new ByteIntake(AT_ONCE)
    const before = process.memoryUsage().arrayBuffers
    intake.expect(2 ** 31)
    intake.add(bytesOf(5_000))
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1_000_000)
    expect(intake.expected).toBe(2 ** 31)
  })

  test('bytes that come one by one are packed', () => {
    const intake = new ByteIntake(AT_ONCE)
    const before = process.memoryUsage().arrayBuffers
    for (let at = 0; at < 100_000; at += 1) intake.add(bytesOf(1, at))
    const taken = intake.take(100_000)
    expect(Buffer.compare(taken, bytesOf(100_000))).toBe(0)
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(30_000_000)
  })

  test('does not look twice where a byte is not, nor miss one that was passed over', () => {
    const intake = new ByteIntake(AT_ONCE)
    intake.add(Uint8Array.from([1, 10, 2, 3]))
    expect(intake.indexOf(10, 2, 100)).toBe(-1)
    expect(intake.indexOf(10, 0, 100)).toBe(1)
    expect(intake.indexOf(10, 2, 100)).toBe(-1)
    intake.add(Uint8Array.from([4, 10]))
    expect(intake.indexOf(10, 2, 100)).toBe(5)
    expect(intake.indexOf(10, 2, 3)).toBe(-1)
    expect(intake.indexOf(10, 2, 100)).toBe(5)
  })

  test('refuses to give what is not there', () => {
    const intake = new ByteIntake(AT_ONCE)
    intake.add(bytesOf(3))
    expect(() => intake.take(4)).toThrow('4 bytes are taken of 3')
    expect(() => intake.skip(4)).toThrow('4 bytes are taken of 3')
    expect(intake.peek(3)).toBe(-1)
  })

  test('holds the same bytes however they come and are taken', () => {
    const action = fc.oneof(
      fc.record({ kind: fc.constant('add' as const), bytes: fc.nat(3_000) }),
      fc.record({ kind: fc.constant('add' as const), bytes: fc.integer({ min: 1, max: 3 }) }),
      fc.record({ kind: fc.constant('take' as const), bytes: fc.nat(2_000) }),
      fc.record({ kind: fc.constant('skip' as const), bytes: fc.nat(500) }),
      fc.record({ kind: fc.constant('expect' as const), bytes: fc.nat(9_000) }),
      fc.record({ kind: fc.constant('index' as const), bytes: fc.nat(300) }),
      fc.record({ kind: fc.constant('peek' as const), bytes: fc.nat(6_000) }),
    )
    fc.assert(
      fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
        const intake = new ByteIntake(AT_ONCE)
        let came = 0
        let gone = 0
        for (const { kind, bytes } of actions) {
          const there = came - gone
          if (kind === 'add') {
            if (bytes > 0) intake.add(bytesOf(bytes, came))
            came += bytes
          } else if (kind === 'take' && bytes <= there) {
            expect(Buffer.compare(intake.take(bytes), bytesOf(bytes, gone))).toBe(0)
            gone += bytes
          } else if (kind === 'skip' && bytes <= there) {
            intake.skip(bytes)
            gone += bytes
          } else if (kind === 'expect') {
            intake.expect(bytes)
          } else if (kind === 'index') {
            const all = bytesOf(there, gone)
            const found = all.subarray(0, bytes + 150).indexOf(7, bytes)
            expect(intake.indexOf(7, bytes, 150)).toBe(found)
          } else if (kind === 'peek') {
            expect(intake.peek(bytes)).toBe(bytes < there ? (gone + bytes) % 251 : -1)
          }
          expect(intake.length).toBe(came - gone)
          expect(intake.takenBytes).toBe(gone)
        }
        expect(Buffer.compare(intake.take(came - gone), bytesOf(came - gone, gone))).toBe(0)
      }),
      { numRuns: 400 },
    )
  })
})
