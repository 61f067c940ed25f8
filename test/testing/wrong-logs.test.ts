/** The suite notices logs that break the contract, one line each; and passes the same log unbroken. */
import { expect, test } from 'vitest'
import { type LogPower, logConformance } from '../../src/testing/log-suite.ts'
import { WrongFixture, type WrongLog } from './wrong-fixture.ts'
import { WRONG_LOGS } from './wrong-logs.ts'

interface Registered {
  readonly name: string
  readonly body: () => Promise<void>
}

/** What the suite registers, instead of running it. */
function register(wrong: WrongLog): { tests: Registered[]; skipped: string[] } {
  const tests: Registered[] = []
  const skipped: string[] = []
  const it = Object.assign(
    (name: string, body: () => Promise<void>) => tests.push({ name, body }),
    {
      skip: (name: string) => skipped.push(name),
    },
  )
  const lacks: LogPower[] = wrong.slow ? [] : ['failNextCommit', 'setFull']
  logConformance({
    name: 'wrong',
    make: () => new WrongFixture(wrong),
    lacks,
    describe: (_name, body) => body(),
    it,
  })
  return { tests, skipped }
}

async function failuresOf(tests: readonly Registered[]): Promise<string[]> {
  const failures: string[] = []
  for (const { name, body } of tests) await body().catch(() => failures.push(name))
  return failures
}

test.each(Object.entries(WRONG_LOGS))('the suite fails on a log where %s', async (_name, wrong) => {
  const { tests } = register(wrong)
  const meant = tests.filter(({ name }) => name.includes(wrong.failing))
  expect(meant.length).toBeGreaterThan(0)
  expect(await failuresOf(meant)).not.toEqual([])
})

test.each([{ slow: true } as const, {}])(
  'the suite passes on a log that breaks nothing: %o',
  async (kind) => {
    const { tests, skipped } = register({ failing: '', log: () => ({}), ...kind })
    expect(await failuresOf(tests)).toEqual([])
    expect(skipped.every((name) => /lacks (failNextCommit|setFull)/.test(name))).toBe(true)
  },
)
