/**
 * The contract of the seam as tests: whoever writes a log runs them over it. No test runner is imported;
 * `describe` and `it` are handed in.
 */
import type { LogOwner, OwnedLog } from '../log/seam.ts'
import type { Clock } from '../system/system.ts'
import { byteCases } from './log-suite/byte-cases.ts'
import { closeCases } from './log-suite/close-cases.ts'
import { commitCases } from './log-suite/commit-cases.ts'
import { fetchCases } from './log-suite/fetch-cases.ts'
import { figureCases } from './log-suite/figure-cases.ts'
import { LogBench } from './log-suite/log-bench.ts'
import { readCases } from './log-suite/read-cases.ts'
import { snapshotCases } from './log-suite/snapshot-cases.ts'
import { troubleCases } from './log-suite/trouble-cases.ts'

/**
 * What a log, or the harness around it, may be unable to do. Tests that need it are skipped aloud.
 *
 * - `takeOver`, `failNextCommit`, `setFull`: the fixture has that method
 * - `snapshots`: `saveSnapshot` and `snapshot`
 * - `compaction`: `compact`
 * - `fetchBudget`: `bytesMax` of `fetch`
 */
export type LogPower =
  | 'takeOver'
  | 'failNextCommit'
  | 'setFull'
  | 'snapshots'
  | 'compaction'
  | 'fetchBudget'

/**
 * One log, empty at first, that the suite opens, crashes and opens again. Give it small limits (64 KiB in
 * flight, say): the suite goes up to them.
 */
export interface LogFixture {
  /** By this clock the suite lets time pass, and gives up after 10 s. Asked for anew after each crash. */
  readonly clock: Pick<Clock, 'after'>
  open(owner: LogOwner, options?: { readonly signal?: AbortSignal }): Promise<OwnedLog>
  /**
   * Ends the process that has the log open, without `close`. What it had not acknowledged may be there
   * afterwards or not; the suite awaits nothing of that instance any more.
   */
  crash(): Promise<void>
  /** Opens the log elsewhere while it is open here, so that the instance here is fenced. */
  takeOver?(owner: LogOwner): Promise<OwnedLog>
  /** The next write that a commit needs fails, once, in a way that the log cannot mend. */
  failNextCommit?(): void
  /** No space from now on, or space again. The log may notice only when it needs some. */
  setFull?(full: boolean): void
  /** Runs a test, where the machine that the log lives in has to be driven meanwhile. */
  run?(body: () => Promise<void>): Promise<void>
  /** Called after each test. */
  dispose?(): Promise<void>
}

/** Registers a test; `skip` registers one that is shown as skipped. `it` of vitest and node:test fit. */
export interface RegisterTest {
  (name: string, body: () => Promise<void>): unknown
  skip(name: string, body: () => Promise<void>): unknown
}

/** What {@link logConformance} is told. */
export interface LogConformance {
  /** Names the log in the titles. */
  readonly name: string
  /** Makes a fixture for one test. */
  readonly make: () => LogFixture | Promise<LogFixture>
  /** What cannot be tested here; nothing unless told. */
  readonly lacks?: readonly LogPower[]
  readonly describe: (name: string, body: () => void) => unknown
  readonly it: RegisterTest
}

/** One test of the suite. */
export interface LogCase {
  /** Begins with the number of the contract's line, where it shows one. */
  readonly name: string
  readonly needs?: readonly LogPower[]
  readonly run: (bench: LogBench) => Promise<void>
}

const CASES: readonly LogCase[] = [
  ...commitCases,
  ...troubleCases,
  ...readCases,
  ...fetchCases,
  ...snapshotCases,
  ...byteCases,
  ...figureCases,
  ...closeCases,
]

/**
 * Registers the tests that every log behind the seam has to pass:
 *
 * ```ts
 * import { describe, it } from 'node:test'
 * import { logConformance } from 'qlog/testing'
 *
 * logConformance({ name: 'my log', make: () => new MyFixture(), describe, it })
 * ```
 */
export function logConformance(suite: LogConformance): void {
  const { name, make, lacks = [], describe, it } = suite
  describe(`${name}: the contract of the seam`, () => {
    for (const one of CASES) {
      const missing = (one.needs ?? []).filter((power) => lacks.includes(power))
      const body = (): Promise<void> => runCase(one, make)
      if (missing.length === 0) it(one.name, body)
      else it.skip(`${one.name} (lacks ${missing.join(', ')})`, body)
    }
  })
}

async function runCase(one: LogCase, make: LogConformance['make']): Promise<void> {
  const fixture = await make()
  const bench = new LogBench(fixture)
  const body = async (): Promise<void> => {
    await one.run(bench)
    bench.assertLawful()
    await bench.closeAll()
  }
  try {
    await (fixture.run ? fixture.run(body) : body())
  } finally {
    await fixture.dispose?.()
  }
}
