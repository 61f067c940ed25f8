/**
 * The crash lab: `npm run lab -- [--minutes N] [--only A,F] [--record]` does what a test run has no time for.
 * Each letter is one kind of trial; the time is shared between those that are asked for. What is recorded
 * adds up in lab/results/, and `--write` puts it into docs/guarantees.md. The exit code is 0 where every
 * promise held; a failure says how to repeat it.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { PAGE, renewed } from './lab/page.ts'
import { runInProcesses, SHARE, share } from './lab/processes.ts'
import { TRIALS, trialsOf } from './lab/registry.ts'
import { type RunResult, readResults, recordRun, type TrialResult, totalOf } from './lab/results.ts'
import type { Outcome, Plan } from './lab/run-trial.ts'
import { sourceState } from './lab/source-state.ts'
import type { Trial } from './lab/trial.ts'

const USAGE = `usage: npm run lab -- [--only TRIAL,...] [--minutes N] [--processes N] [--record] [--write]
       npm run lab -- --only TRIAL (--seed S | --at UNIT) [--units N]
  --only       letters or names: ${TRIALS.map(({ letter, name }) => `${letter} ${name}`).join(', ')}
  --minutes    for all of them together; 1 unless told
  --processes  take seeds side by side, one trial after the other; 1 unless told
  --seed       begins at this seed, without the list
  --at         begins at this unit of the list, without the seeds
  --units      does no more than so many of them
  --record     keeps the result in lab/results/
  --write      renews the table in ${PAGE}; without a trial or a time it does nothing else
`

interface Wanted {
  readonly trials: readonly Trial[]
  readonly minutes: number
  readonly processes: number
  readonly seed: number | undefined
  readonly at: number | undefined
  readonly units: number
  readonly record: boolean
  readonly write: boolean
  readonly runs: boolean
}

async function main(commandArguments: readonly string[]): Promise<number> {
  const [first, name = '', seconds] = commandArguments
  if (first === SHARE) {
    for (const trial of trialsOf(name)) await share(trial, Number(seconds))
    return 0
  }
  const wanted = wantedOf(commandArguments)
  if (typeof wanted === 'string') {
    process.stderr.write(`lab: ${wanted}\n${USAGE}`)
    return 2
  }
  const root = process.cwd()
  const done = wanted.runs ? await runAll(root, wanted) : {}
  if (wanted.record) console.log(`recorded in ${recordRun(root, done)}`)
  if (wanted.write) writePage(root)
  const failures = Object.values(done).reduce((sum, one) => sum + one.failures.length, 0)
  if (failures > 0) console.error(`lab: ${failures} failures`)
  return failures > 0 ? 1 : 0
}

async function runAll(root: string, wanted: Wanted): Promise<Record<string, TrialResult>> {
  const results = readResults(root)
  const able = wanted.trials.filter((trial) => {
    const why = trial.whySkipped?.()
    if (why !== undefined) console.log(`lab ${trial.letter} ${trial.name} SKIPPED: ${why}`)
    return why === undefined
  })
  const states = able.map(({ covers }) => sourceState(root, covers))
  const endMs = performance.now() + wanted.minutes * 60_000
  const done: Record<string, TrialResult> = {}
  for (const [row, trial] of able.entries()) {
    const { letter, name } = trial
    const state = states[row] ?? ''
    // What one of them leaves over, the others get.
    const seconds = Math.max(0, endMs - performance.now()) / 1000 / (able.length - row)
    const plan = planOf(wanted, results, trial, state, seconds)
    console.log(`lab ${letter} ${name}: ${words(plan)}, state ${state}`)
    const outcome = await runInProcesses(trial, plan, wanted.processes)
    done[name] = { letter, state, ...outcome }
    console.log(`lab ${letter} ${name}: ${survived(outcome)}`)
  }
  return done
}

/** Recorded runs go on behind each other; others do the whole list, and seeds that nobody recorded. */
function planOf(
  wanted: Wanted,
  results: readonly RunResult[],
  trial: Trial,
  state: string,
  seconds: number,
): Plan {
  const total = totalOf(results, trial.name, state)
  const { list } = total ?? {}
  const next = wanted.record ? (list?.ended ? undefined : (list?.to ?? 0)) : 0
  const isFree = wanted.seed === undefined && wanted.at === undefined
  return {
    seconds,
    listFrom: trial.list && (isFree ? next : wanted.at),
    seedFrom: trial.seed && (isFree ? (total?.nextSeed ?? 1) : wanted.seed),
    unitsMax: wanted.units,
  }
}

function words({ seconds, listFrom, seedFrom }: Plan): string {
  const list = listFrom === undefined ? 'no list' : `the list from unit ${listFrom}`
  const seeds = seedFrom === undefined ? 'no seeds' : `seeds from ${seedFrom}`
  return `${Math.round(seconds)} s, ${list}, ${seeds}`
}

function survived({ seconds, list, seeds, counts, failures }: Outcome): string {
  const what = Object.entries(counts).map(([name, times]) => `${times} ${name}`)
  return [
    `${seconds} s`,
    ...(list
      ? [`units ${list.from} to ${list.to}${list.ended ? ', the end of the list' : ''}`]
      : []),
    ...(seeds ? [`seeds ${seeds.from} to ${seeds.to - 1}`] : []),
    ...what,
    `${failures.length} failures`,
  ].join(', ')
}

function writePage(root: string): void {
  const path = join(root, PAGE)
  writeFileSync(path, renewed(readFileSync(path, 'utf8'), TRIALS, readResults(root)))
  console.log(`${PAGE} is renewed`)
}

function wantedOf(commandArguments: readonly string[]): Wanted | string {
  try {
    const { values } = parseArgs({
      args: [...commandArguments],
      options: {
        only: { type: 'string' },
        minutes: { type: 'string' },
        processes: { type: 'string' },
        seed: { type: 'string' },
        at: { type: 'string' },
        units: { type: 'string' },
        record: { type: 'boolean', default: false },
        write: { type: 'boolean', default: false },
      },
    })
    const { only, record, write } = values
    const minutes = Number(values.minutes ?? 1)
    const [seed, at] = [wholeOf(values.seed), wholeOf(values.at)]
    const processes = wholeOf(values.processes) ?? 1
    const units = wholeOf(values.units) ?? Number.POSITIVE_INFINITY
    const asked = only?.split(',') ?? TRIALS.map(({ name }) => name)
    const unknown = asked.find((word) => trialsOf(word).length === 0)
    if (unknown !== undefined) return `there is no trial ${unknown}`
    const trials = TRIALS.filter((trial) => asked.some((word) => trialsOf(word).includes(trial)))
    const isPart = [seed, at, values.units].some((one) => one !== undefined)
    if (!(minutes > 0)) return 'minutes are a number above 0'
    if ([seed, at, units].some((one) => Number.isNaN(one))) {
      return 'seed, unit and number of units are whole numbers'
    }
    if (!(processes >= 1)) return 'processes are a whole number above 0'
    if (isPart && processes > 1) return 'what is repeated is repeated in one process'
    if (isPart && record) return 'what is repeated is not recorded: it would count twice'
    const runs = !write || only !== undefined || values.minutes !== undefined || record
    return { trials, minutes, processes, seed, at, units, record, write, runs }
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

/** NaN where the text is no whole number. */
function wholeOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  return /^\d+$/.test(text) ? Number(text) : Number.NaN
}

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  console.error(error instanceof Error ? (error.stack ?? error.message) : error)
  process.exitCode = 1
}
