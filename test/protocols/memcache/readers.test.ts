/** Readers that are held ready: those that nobody uses make room, and no others. */
import { expect, onTestFinished, test } from 'vitest'
import { openStore } from '../../../src/index.ts'
import { READERS_MAX } from '../../../src/protocols/memcache/limits.ts'
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
