/** Readers that are held ready: those that nobody uses make room, and no others. */
import { expect, onTestFinished, test } from 'vitest'
import { openStore } from '../../../src/index.ts'
import { READERS_ASKED_MAX, READERS_MAX } from '../../../src/protocols/memcache/limits.ts'
import { checkOptions } from '../../../src/protocols/memcache/options.ts'
import { Readers } from '../../../src/protocols/memcache/readers.ts'
import { Tally } from '../../../src/protocols/memcache/tally.ts'

test('a reader that a connection uses is known for as long, however many others are asked for', async () => {
  const store = await openStore(':memory:')
  onTestFinished(() => store.close())
  const readers = new Readers(store, checkOptions({}), new Tally())
  const of = (row: number) => ({ queue: `q${row}`, group: 'child' })
  const [used, unused] = [readers.of(of(0)), readers.of(of(1))]
  used.enter()
  for (let row = 2; row <= READERS_MAX; row += 1) readers.of(of(row))
  expect(readers.known(of(0))).toBe(used)
  expect(readers.known(of(1))).toBe(undefined)
  used.leave()
  for (let row = 0; row < READERS_MAX; row += 1) readers.of({ ...of(row), group: 'other' })
  expect(readers.known(of(0))).toBe(undefined)
  expect(unused.isUsed).toBe(false)
})

test('once fewer are in use, no more than the limit are held', async () => {
  const store = await openStore(':memory:')
  onTestFinished(() => store.close())
  const readers = new Readers(store, checkOptions({}), new Tally())
  const of = (row: number) => ({ queue: `q${row}`, group: 'child' })
  const rows = READERS_MAX + 1_000
  const used = Array.from({ length: rows }, (_, row) => readers.of(of(row)))
  for (const reader of used) reader.enter()
  for (let row = 0; row < 1_000; row += 1) readers.of({ ...of(row), group: 'other' })
  for (const reader of used) reader.leave()
  await new Promise<void>((resolve) => setImmediate(resolve))
  const known = (group: string) =>
    Array.from({ length: rows }, (_, row) => readers.known({ ...of(row), group })).filter(Boolean)
  expect(known('child').length + known('other').length).toBe(READERS_MAX)
})

test('whoever comes when there are too many makes room of several that nobody uses', async () => {
  const store = await openStore(':memory:')
  onTestFinished(() => store.close())
  const readers = new Readers(store, checkOptions({}), new Tally())
  const of = (row: number) => ({ queue: `q${row}`, group: 'child' })
  const usedRows = READERS_MAX - 1_000
  for (let row = 0; row < usedRows; row += 1) readers.of(of(row)).enter()
  // So long those in front are asked in vain, which are in use.
  const rows = READERS_MAX + Math.ceil(usedRows / READERS_ASKED_MAX) + 100
  for (let row = usedRows; row < rows; row += 1) readers.of(of(row))
  const known = Array.from({ length: rows }, (_, row) => readers.known(of(row)))
  expect(known.slice(0, usedRows).every(Boolean)).toBe(true)
  expect(known.filter(Boolean).length).toBe(READERS_MAX)
})
