/** A sample of the lab's trial `streams`; more of it: `npm run lab -- --only streams`. */
import { expect, test } from 'vitest'
import { seededRandom } from '../../src/cli/prove-random.ts'
import { tryFigures } from './figures.ts'
import { tryStreams } from './streams.ts'

const SEEDS = 12

test('hostile clients of every protocol hurt neither the server nor its other clients', async () => {
  const counts = new Map<string, number>()
  const count = (what: string, times = 1): void => {
    counts.set(what, (counts.get(what) ?? 0) + times)
  }
  for (let seed = 1; seed <= SEEDS; seed += 1) await tryStreams(seededRandom(seed), count)
  for (const name of ['beanstalkd', 'memcache', 'door']) {
    expect(counts.get(`${name} bytes`)).toBeGreaterThan(0)
  }
})

test('hostile requests to the metrics leave it to answer the next one', async () => {
  await tryFigures(seededRandom(1), () => undefined)
})
