/**
 * The hash over states: the same for the same values, another for any other.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { StateHash } from '../../../src/store/containers/state-hash.ts'

type Value = number | string | Uint8Array

function digest(values: readonly Value[]): string {
  const hash = new StateHash()
  for (const value of values) {
    if (typeof value === 'number') hash.number(value)
    else if (typeof value === 'string') hash.text(value)
    else hash.bytes(value)
  }
  return hash.digest()
}

const value = fc.oneof(
  fc.maxSafeNat(),
  fc.integer(),
  fc.double({ noNaN: true }),
  fc.string({ unit: 'binary' }),
  fc.uint8Array(),
)

describe('a hash over a state', () => {
  it('is a function of the values and their order', () => {
    fc.assert(
      fc.property(fc.array(value), fc.array(value), (one, other) => {
        const same = one.length === other.length && one.every((v, i) => isSame(v, other[i]))
        expect(digest(one) === digest(other)).toBe(same)
        expect(digest([...one])).toBe(digest(one))
        expect(digest(one)).toMatch(/^[0-9a-f]{16}$/)
      }),
    )
  })

  it('tells apart what is easily taken for the same', () => {
    const all: Value[][] = [
      [],
      [0],
      [0, 0],
      [1, 0],
      [0, 1],
      [2 ** 32],
      [1],
      [-1],
      [0.5],
      [''],
      ['a'],
      ['a', ''],
      ['', 'a'],
      ['ab'],
      ['a', 'b'],
      [97],
      [Uint8Array.from([97])],
      [Uint8Array.from([97, 0])],
      [Uint8Array.from([])],
      [Number.POSITIVE_INFINITY],
    ]
    expect(new Set(all.map(digest)).size).toBe(all.length)
  })

  it('has no two alike among many neighbours', () => {
    const digests = new Set<string>()
    for (let number = 0; number < 20_000; number++) digests.add(digest([number * 65_536, number]))
    expect(digests.size).toBe(20_000)
  })

  it('goes on after a digest', () => {
    const hash = new StateHash()
    hash.number(1)
    hash.digest()
    hash.text('two')
    expect(hash.digest()).toBe(digest([1, 'two']))
  })
})

function isSame(one: Value, other: Value | undefined): boolean {
  if (one instanceof Uint8Array && other instanceof Uint8Array) {
    return Buffer.compare(one, other) === 0
  }
  return one === other
}
