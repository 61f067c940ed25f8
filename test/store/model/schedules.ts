/** Runs a share of the random lives of stores on one kind of log, and says what they reached. */
import { Report } from '../../../src/system/simulated/report.ts'
import { KINDS, textOf } from './commands.ts'
import { Schedule } from './schedule.ts'
import type { WorldKind } from './worlds.ts'

/** Schedules of all kinds together. */
const SCHEDULES = Number(process.env['QLOG_STORE_SCHEDULES'] ?? 10_000)
const ONLY_SEED = process.env['QLOG_STORE_SEED']
/** Of a hundred schedules: a simulated disk takes the longest, and finds other things. */
const SHARES: Readonly<Record<WorldKind, number>> = { segments: 25, memory: 45, slow: 30 }

/** A seed that is asked for runs in the first share. */
export const isFirstAlone = ONLY_SEED !== undefined

export function countOf(kind: WorldKind): number {
  return Math.ceil((SCHEDULES * SHARES[kind]) / 100)
}

/** Seeds `share`, `share + shares`, ... of all schedules of the kind. */
export async function runShare(kind: WorldKind, share: number, shares: number): Promise<Report> {
  const report = new Report()
  const seeds: number[] = []
  if (ONLY_SEED !== undefined) seeds.push(Number(ONLY_SEED))
  else for (let seed = share; seed <= countOf(kind); seed += shares) seeds.push(seed)
  const started = performance.now()
  for (const seed of seeds) await runSeed(kind, seed, report)
  const seconds = Math.round((performance.now() - started) / 1000)
  console.log(`${report.lines().join('\n')}`)
  console.log(`store schedules on ${kind}, share ${share}: ${seeds.length} in ${seconds} s`)
  return report
}

/** Throws with the seed and the command that repeats it. */
export async function runSeed(kind: WorldKind, seed: number, report: Report): Promise<void> {
  const schedule = new Schedule({ kind, seed, report })
  try {
    await runWatched(schedule)
  } catch (cause) {
    const what = cause instanceof Error ? cause.message : String(cause)
    const taken = textOf(schedule.commands.slice(0, schedule.position))
    const history = schedule.driver.reference.history.slice(-40).join('\n  ')
    throw new Error(
      `seed ${seed} failed at command ${schedule.position}: ${what}\n` +
        `repeat it with: QLOG_STORE_SEED=${seed} npx vitest run test/store/model/${kind}-1.test.ts\n` +
        `what was done last:\n  ${history}\ncommands: ${taken}`,
      { cause },
    )
  }
}

/** A rejection that nobody hears is a failure of its own. */
export async function runWatched(schedule: Schedule): Promise<void> {
  const unhandled: unknown[] = []
  const listen = (reason: unknown): void => {
    unhandled.push(reason)
  }
  process.on('unhandledRejection', listen)
  try {
    await schedule.run()
    await new Promise((resolve) => setImmediate(resolve))
    if (unhandled.length > 0) {
      throw new Error(`a promise was rejected and nobody heard: ${String(unhandled[0])}`, {
        cause: unhandled[0],
      })
    }
  } finally {
    process.off('unhandledRejection', listen)
  }
}

/** What a run of many schedules has to have done at least once; the names of what it never did. */
export function neverReached(report: Report, kind: WorldKind): readonly string[] {
  const wanted = [
    ...KINDS.filter((one) => one !== 'reopen' && one !== 'crash').map((one) => `command ${one}`),
    'replayed',
    'replayed from the first entry on',
    'hash as before the crash',
    'a queue was full',
    'an idle group was removed',
    'a queue was removed',
    'a queue in use stayed',
    'a release buried',
    'something in flight was there after a crash',
    ...(kind === 'memory' ? [] : ['something in flight was gone after a crash']),
  ]
  return ONLY_SEED === undefined && SCHEDULES >= 10_000 ? report.missingNotes(wanted) : []
}
