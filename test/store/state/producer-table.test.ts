/** Bounds of what is remembered of producers, and its form in a snapshot. */
import { expect, test } from 'vitest'
import { StateHash } from '../../../src/store/containers/state-hash.ts'
import {
  PRODUCERS_MAX,
  ProducerTable,
  SEQUENCE_RANGES_MAX,
} from '../../../src/store/state/producer-table.ts'

function hashOf(table: ProducerTable): string {
  const hash = new StateHash()
  table.hashInto(hash)
  return hash.digest()
}

test('the producer that put least recently is forgotten, whatever it put before', () => {
  const table = new ProducerTable()
  for (let number = 0; number < PRODUCERS_MAX; number++) table.add(`p${number}`, 1)
  table.add('p0', 2)
  table.add('new', 1)
  expect(table.size).toBe(PRODUCERS_MAX)
  expect(table.has('p0', 1)).toBe(true)
  expect(table.has('p1', 1)).toBe(false)
  expect(table.has('p2', 1)).toBe(true)
})

test('of too many ranges the lowest stays and the next one goes', () => {
  const table = new ProducerTable()
  for (let range = 0; range <= SEQUENCE_RANGES_MAX; range++) table.add('p', 2 * range)
  expect(table.has('p', 0)).toBe(true)
  expect(table.has('p', 2)).toBe(false)
  expect(table.has('p', 4)).toBe(true)
  expect(table.has('p', 2 * SEQUENCE_RANGES_MAX)).toBe(true)
  expect(table.has('p', 2 * SEQUENCE_RANGES_MAX - 1)).toBe(false)
})

test('it comes back from its bytes, with the order in which producers put', () => {
  const table = new ProducerTable()
  for (const [producer, sequence] of [
    ['a', 1],
    ['b', 7],
    ['a', 2],
    ['a', 9],
    ['c', 2 ** 53 - 2],
    ['b', 8],
  ] as const)
    table.add(producer, sequence)
  const loaded = new ProducerTable()
  expect(loaded.load(table.encode())).toBe(true)
  expect(hashOf(loaded)).toBe(hashOf(table))
  expect(loaded.encode()).toEqual(table.encode())
  expect(loaded.has('c', 2 ** 53 - 2)).toBe(true)
  expect(new ProducerTable().load(table.encode().subarray(0, 9))).toBe(false)
})
