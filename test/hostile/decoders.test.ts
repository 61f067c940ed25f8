/** A sample of the lab's trial `decoders`; more of it: `npm run lab -- --only decoders`. */
import { expect, test } from 'vitest'
import { seededRandom } from '../../src/cli/prove-random.ts'
import { BrokenPromiseError, type HostileDecoder } from './decoder.ts'
import { feed, hostileDecoders } from './decoders.ts'

const FEEDS = 60

test('no decoder throws what is not typed, or takes memory that was merely promised', async () => {
  const decoders = await hostileDecoders()
  expect(decoders.length).toBeGreaterThan(20)
  for (const [row, decoder] of decoders.entries()) {
    const random = seededRandom(row + 1)
    for (let i = 0; i < FEEDS; i += 1) await feed(decoder, random)
  }
})

test('every decoder takes something: it is not all refused before it is looked at', async () => {
  const refusing: string[] = []
  for (const [row, { name, valid, read }] of (await hostileDecoders()).entries()) {
    const random = seededRandom(row + 1)
    let isTaken = false
    for (let i = 0; i < FEEDS && !isTaken; i += 1) {
      const bytes = valid(random)
      const reading = (async () => read(bytes, bytes, random))()
      isTaken = await reading.then(
        () => true,
        () => false,
      )
    }
    if (!isTaken) refusing.push(name)
  }
  expect(refusing).toEqual([])
})

test.each<[string, HostileDecoder['read'], RegExp]>([
  ['throws', () => Buffer.alloc(1).readUInt32LE(), /wrong: throws RangeError/],
  ['allocates', () => new Uint8Array(2 ** 24), /wrong: asks for 16777216 bytes at once/],
  ['allocates a Buffer', () => Buffer.allocUnsafe(2 ** 24), /wrong: asks for 16777216/],
  [
    'allocates again and again',
    () => Array.from({ length: 2_000 }, () => new Float64Array(8_000)),
    /wrong: asks for \d+ bytes in all/,
  ],
  [
    'takes',
    () => {
      throw new BrokenPromiseError('takes anything')
    },
    /wrong: takes anything/,
  ],
])('one that %s is found out', async (_what, read, message) => {
  const decoder: HostileDecoder = { name: 'wrong', valid: () => new Uint8Array(8), read }
  await expect(feed(decoder, seededRandom(1))).rejects.toThrow(message)
})
