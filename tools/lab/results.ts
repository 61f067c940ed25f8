/**
 * What runs of the lab have shown: one small file a run in `lab/results/`, and what those of one state of
 * the source come to together. A result names no host and no path.
 */
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statfsSync,
  writeFileSync,
} from 'node:fs'
import { arch, cpus, platform, release, tmpdir } from 'node:os'
import { join } from 'node:path'
import { factsOfFileSystem } from '../../src/inspect/file-systems.ts'
import { commitOf } from '../commit.ts'
import type { Outcome } from './run-trial.ts'

export interface TrialResult extends Outcome {
  readonly letter: string
  /** Of what the trial covers. */
  readonly state: string
}

export interface MachineFacts {
  readonly platform: string
  readonly kernel: string
  readonly node: string
  readonly processors: number
  /** Of temporary files. */
  readonly fileSystem: string
}

export interface RunResult {
  /** When it ended. */
  readonly date: string
  /** Of the repository; undefined where there is none. */
  readonly commit?: string
  readonly machine: MachineFacts
  /** By the name of the trial. */
  readonly trials: Readonly<Record<string, TrialResult>>
}

/** A trial in one state of the source, over all runs. */
export interface Total {
  readonly state: string
  readonly runs: number
  readonly seconds: number
  /** Units of the list, and whether these are all. */
  readonly list: { readonly to: number; readonly ended: boolean } | undefined
  readonly counts: ReadonlyMap<string, number>
  readonly failures: number
  readonly firstDate: string
  readonly lastDate: string
  readonly machines: readonly MachineFacts[]
  /** Behind all seeds that were taken. */
  readonly nextSeed: number
}

const FOLDER = join('lab', 'results')

export function readResults(root: string): RunResult[] {
  const folder = join(root, FOLDER)
  if (!existsSync(folder)) return []
  const names = readdirSync(folder).filter((name) => name.endsWith('.json'))
  const results = names.map(
    (name) => JSON.parse(readFileSync(join(folder, name), 'utf8')) as RunResult,
  )
  return results.sort((left, right) => (left.date < right.date ? -1 : 1))
}

/** Writes a run's file and returns its name. */
export function recordRun(root: string, trials: RunResult['trials']): string {
  const date = new Date().toISOString()
  const commit = commitOf(root)
  const result: RunResult = { date, ...(commit && { commit }), machine: machineFacts(), trials }
  const stamp = date.slice(0, 19).replaceAll(/[-:]/g, '')
  const name = join(FOLDER, `${stamp}-${lettersOf(trials)}.json`)
  mkdirSync(join(root, FOLDER), { recursive: true })
  writeFileSync(join(root, name), `${JSON.stringify(result, null, 2)}\n`, { flag: 'wx' })
  return name
}

function lettersOf(trials: RunResult['trials']): string {
  return [...new Set(Object.values(trials).map(({ letter }) => letter))].sort().join('')
}

/**
 * What is known of a trial: of the state that is asked for, or else of the one that was recorded last.
 * Undefined where nothing is. Throws where two runs have done the same units: they would count twice.
 */
export function totalOf(
  results: readonly RunResult[],
  name: string,
  state = lastStateOf(results, name),
): Total | undefined {
  const runs = results.filter(({ trials }) => trials[name]?.state === state)
  const [first] = runs
  const last = runs.at(-1)
  if (state === undefined || first === undefined || last === undefined) return undefined
  const of = (run: RunResult): TrialResult | undefined => run.trials[name]
  expectApart(
    name,
    'list',
    runs.map((run) => of(run)?.list),
  )
  expectApart(
    name,
    'seeds',
    runs.map((run) => of(run)?.seeds),
  )
  const counts = new Map<string, number>()
  for (const run of runs) {
    for (const [what, times] of Object.entries(of(run)?.counts ?? {})) {
      counts.set(what, (counts.get(what) ?? 0) + times)
    }
  }
  const lists = runs.flatMap((run) => of(run)?.list ?? [])
  const seeds = runs.flatMap((run) => of(run)?.seeds ?? [])
  const machines = new Map(runs.map(({ machine }) => [JSON.stringify(machine), machine]))
  return {
    state,
    runs: runs.length,
    seconds: runs.reduce((sum, run) => sum + (of(run)?.seconds ?? 0), 0),
    list: listOf(lists),
    counts,
    failures: runs.reduce((sum, run) => sum + (of(run)?.failures.length ?? 0), 0),
    firstDate: first.date,
    lastDate: last.date,
    machines: [...machines.values()],
    nextSeed: Math.max(1, ...seeds.map(({ to }) => to)),
  }
}

/** How far the list has been done from its beginning on. */
function listOf(
  lists: readonly { readonly from: number; readonly to: number; readonly ended: boolean }[],
): Total['list'] {
  if (lists.length === 0) return undefined
  const inOrder = [...lists].sort((left, right) => left.from - right.from)
  let to = 0
  let ended = false
  for (const list of inOrder) {
    if (list.from !== to) break
    to = list.to
    ended = list.ended
  }
  return { to, ended }
}

function lastStateOf(results: readonly RunResult[], name: string): string | undefined {
  return results.findLast(({ trials }) => trials[name] !== undefined)?.trials[name]?.state
}

function expectApart(
  name: string,
  what: string,
  ranges: readonly ({ readonly from: number; readonly to: number } | undefined)[],
): void {
  const known = ranges.filter((range) => range !== undefined)
  known.sort((left, right) => left.from - right.from)
  for (const [row, range] of known.entries()) {
    const before = known[row - 1]
    if (before === undefined || before.to <= range.from) continue
    throw new Error(
      `${name}: two runs in ${FOLDER} have done the same of its ${what}, from ${range.from} on: take one away`,
    )
  }
}

function machineFacts(): MachineFacts {
  return {
    platform: `${platform()} ${arch()}`,
    // What stands behind the numbers may name a machine.
    kernel: release().replace(/-.*/, ''),
    node: process.version,
    processors: cpus().length,
    fileSystem: factsOfFileSystem(statfsSync(tmpdir()).type).name,
  }
}
