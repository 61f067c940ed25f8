/** Runs a share of the random schedules and says what they reached. */
import { VERDICT_ROWS } from '../../src/format/verdict.ts'
import { Report } from '../../src/system/simulated/report.ts'
import { FALSE_ALARM, Schedule } from './schedule.ts'

export const SCHEDULES = Number(process.env['QLOG_SCHEDULES'] ?? 50_000)
export const ONLY_SEED = process.env['QLOG_SEED']

/** The first two files do so many between them, as planted faults are tried; two more do the rest. */
export const FIRST_SCHEDULES = 20_000

/** Fewer schedules than these may miss the rarest rows of the table by chance. */
export const reachesAllRows = ONLY_SEED === undefined && SCHEDULES >= 10_000

/**
 * Rows that no schedule reaches: they need a file that was removed, exchanged or cut short, which no
 * crash and no flipped bit does, or more bytes in flight than these small segments hold. The tests of
 * the verdicts and of damaged files reach them.
 */
export const ROWS_BY_OTHER_TESTS: readonly string[] = [
  'rot-in-flight',
  'rot-short-file',
  'rot-missing',
  'rot-foreign',
  'rot-below-cut',
  'rot-newest-missing',
  'rot-lost-link',
  'rot-header',
]

export async function runSchedule(
  seed: number,
  report: Report,
  schedule = new Schedule(seed, report),
): Promise<void> {
  const unhandled: unknown[] = []
  const listen = (reason: unknown): void => {
    unhandled.push(reason)
  }
  process.on('unhandledRejection', listen)
  try {
    await schedule.run()
    await new Promise((resolve) => setImmediate(resolve))
    if (unhandled.length > 0)
      throw new Error('a promise was rejected and nobody heard', { cause: unhandled[0] })
  } finally {
    process.off('unhandledRejection', listen)
  }
}

/** Every `shares`th seed from `share` on up to `to`, or the one that was asked for. */
export async function runShare(
  share: number,
  shares: number,
  to = Math.min(SCHEDULES, FIRST_SCHEDULES),
): Promise<Report> {
  const report = new Report()
  const seeds: number[] = []
  if (ONLY_SEED !== undefined) seeds.push(Number(ONLY_SEED))
  else for (let seed = share; seed <= to; seed += shares) seeds.push(seed)
  const started = performance.now()
  let done = 0
  for (const seed of seeds) {
    try {
      await runSchedule(seed, report)
      done += 1
    } catch (cause) {
      const what = cause instanceof Error ? cause.message : String(cause)
      throw new Error(
        `seed ${seed} failed after ${done} schedules: ${what}\n` +
          `repeat it with: QLOG_SEED=${seed} npx vitest run test/simulation/schedules-1.test.ts`,
        { cause },
      )
    }
  }
  const seconds = Math.round((performance.now() - started) / 1000)
  console.log(`${report.lines().join('\n')}\n${seconds} s`)
  console.log(`random schedules: share ${share}: ${done} runs`)
  return report
}

/** Torn blocks that looked like rot by chance; docs/guarantees.md says how many there may be. */
export function falseAlarms(report: Report): number {
  return report.notes.get(FALSE_ALARM) ?? 0
}

export function rowsNeverReached(report: Report): string[] {
  const reachable = Object.keys(VERDICT_ROWS).filter((row) => !ROWS_BY_OTHER_TESTS.includes(row))
  return report.missingNotes(reachable)
}
