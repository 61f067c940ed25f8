/** The store suite notices each planted mistake, by the test that is there for it. */
import { expect, test } from 'vitest'
import type { StoreFactory } from '../../src/testing/store-suite/factory.ts'
import { storeConformance } from '../../src/testing/store-suite.ts'
import { MemoryWorld } from './store-worlds.ts'
import { WRONG_STORES, wrongWorld } from './wrong-stores.ts'

/** The names of the tests of one subject that fail. */
async function failures(subject: string, make: () => StoreFactory): Promise<string[]> {
  const tests: [name: string, body: () => Promise<void>][] = []
  let isMeant = false
  storeConformance({
    name: 'wrong',
    make: async () => make(),
    describe: (name, body) => {
      isMeant = name === `wrong: ${subject}`
      body()
    },
    it: Object.assign(
      (name: string, body: () => Promise<void>) => isMeant && tests.push([name, body]),
      { skip: () => undefined },
    ),
    without: ['setFull', 'failNextWrite'],
  })
  expect(tests.length, `tests of ${subject}`).toBeGreaterThan(0)
  const failed: string[] = []
  for (const [name, body] of tests) {
    await body().catch(() => failed.push(name))
  }
  return failed
}

for (const wrong of WRONG_STORES) {
  test(`a store that ${wrong.name} is noticed`, async () => {
    const failed = await failures(wrong.subject, () => wrongWorld(wrong))
    expect(failed).toContain(wrong.caughtBy)
  })
}

test('a good store behind the same wrapping fails nowhere', async () => {
  const name = 'is good'
  const good = () => wrongWorld({ name, subject: '', caughtBy: '', make: () => ({}) })
  for (const subject of new Set(WRONG_STORES.map((wrong) => wrong.subject))) {
    expect(await failures(subject, good), subject).toEqual([])
    expect(await failures(subject, () => new MemoryWorld(6)), subject).toEqual([])
  }
})
