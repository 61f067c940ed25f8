/**
 * Plants each known mistake in a copy of the source and runs the proof against it until a test fails.
 * A mistake that survives means that the proof is worth less than it says: exit code 1.
 *
 * `npm run planted` runs all of them. `-- --ci` does so with few schedules, within minutes; `-- --seconds N`
 * begins no more of them after that time, and says so. `-- --only WORD` takes those whose name has the word. `-- --write` puts the table into docs/guarantees.md.
 */
import { spawn } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { ALL_FAULTS, newestFirst } from './planted/all.ts'
import type { PlantedFault } from './planted/fault.ts'
import {
  CRASH_POINTS,
  CRASH_POINTS_FLUSH,
  FAILING_CALLS,
  LOG_PROOF,
  SCHEDULE_SHARES,
  SCHEDULES,
  STORE_PROOF,
} from './planted/proofs.ts'

const COPIED = [
  'bench',
  'src',
  'native-free',
  'test',
  'tools',
  'docs',
  'package.json',
  'tsconfig.json',
  'vitest.config.ts',
]
const PARALLEL = 2
const CI_SCHEDULES = 3_000
const BEGIN = '<!-- planted: begin -->'
const END = '<!-- planted: end -->'

interface Caught {
  readonly fault: string
  /** Absent where the fault survived. */
  readonly test?: string
  readonly schedules?: number
  /** What the test said. */
  readonly why?: string
  readonly seconds: number
}

interface Arguments {
  readonly ci: boolean
  readonly write: boolean
  readonly only: string
  /** No fault is begun after this. */
  readonly seconds: number
}

function readArguments(words: readonly string[]): Arguments {
  const only = words.indexOf('--only')
  const seconds = words.indexOf('--seconds')
  for (const [at, word] of words.entries()) {
    if (['--ci', '--write', '--only', '--seconds'].includes(word)) continue
    if (at > 0 && (at === only + 1 || at === seconds + 1)) continue
    throw new Error(`unknown argument ${word}`)
  }
  return {
    ci: words.includes('--ci'),
    write: words.includes('--write'),
    only: only < 0 ? '' : (words[only + 1] ?? ''),
    seconds: seconds < 0 ? Number.POSITIVE_INFINITY : Number(words[seconds + 1]),
  }
}

/** Every text must stand exactly once, or the fault has rotted away with the source. */
function checkFits(root: string, faults: readonly PlantedFault[]): void {
  const misfits: string[] = []
  for (const { name, edits } of faults) {
    for (const { file, find } of edits) {
      const count = readFileSync(join(root, file), 'utf8').split(find).length - 1
      if (count !== 1) misfits.push(`"${name}": its text stands ${count} times in ${file}`)
    }
  }
  if (misfits.length > 0) throw new Error(`faults that do not fit:\n${misfits.join('\n')}`)
}

/** A copy of the repository with the fault in it. */
function plant(root: string, fault: PlantedFault): string {
  const copy = mkdtempSync(join(tmpdir(), 'qlog-planted-'))
  for (const name of COPIED) cpSync(join(root, name), join(copy, name), { recursive: true })
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'))
  for (const { file, find, replace } of fault.edits) {
    const path = join(copy, file)
    const text = readFileSync(path, 'utf8')
    writeFileSync(
      path,
      text.replace(find, () => replace),
    )
  }
  return copy
}

interface TestReport {
  readonly testResults: readonly {
    readonly message: string
    readonly assertionResults: readonly {
      readonly fullName: string
      readonly status: string
      readonly failureMessages: readonly string[]
    }[]
  }[]
}

/** Runs one test file to its first failure; undefined where it passes. */
async function firstFailure(
  copy: string,
  file: string,
  schedules: number,
): Promise<{ name: string; message: string } | undefined> {
  const output = join(copy, 'report.json')
  const vitest = join(copy, 'node_modules', 'vitest', 'vitest.mjs')
  const words = [vitest, 'run', file, '--bail', '1', '--reporter=json', `--outputFile=${output}`]
  const code = await new Promise<number | null>((done, failed) => {
    const child = spawn(process.execPath, words, {
      cwd: copy,
      stdio: 'ignore',
      env: {
        ...process.env,
        QLOG_SCHEDULES: String(schedules),
        QLOG_STORE_SCHEDULES: String(schedules),
        QLOG_CRASH_SEEDS: '2',
        NO_COLOR: '1',
      },
    })
    child.on('error', failed)
    child.on('exit', done)
  })
  if (code === 0) return undefined
  const report = JSON.parse(readFileSync(output, 'utf8')) as TestReport
  for (const { message, assertionResults } of report.testResults) {
    for (const { status, fullName, failureMessages } of assertionResults) {
      if (status === 'failed') return { name: fullName, message: failureMessages.join('\n') }
    }
    if (message !== '') throw new Error(`${file} did not run: ${message}`)
  }
  throw new Error(`${file} ended with code ${code} and no failed test`)
}

async function hunt(root: string, fault: PlantedFault, ci: boolean): Promise<Caught> {
  const started = performance.now()
  const copy = plant(root, fault)
  const first = fault.tests ?? [SCHEDULES]
  const isOfStore = fault.edits.every(({ file }) => file.startsWith('src/store/'))
  const rest = (isOfStore ? STORE_PROOF : LOG_PROOF).filter((one) => !first.includes(one))
  const seconds = (): number => Math.round((performance.now() - started) / 1000)
  try {
    for (const file of [...first, ...rest]) {
      const failure = await firstFailure(copy, file, ci ? CI_SCHEDULES : 20_000)
      if (!failure) continue
      const schedules = /failed after (\d+) schedules/.exec(failure.message)?.[1]
      const test = schedules === undefined ? `${file}: ${failure.name}` : file
      return {
        fault: fault.name,
        test,
        ...(schedules !== undefined && { schedules: Number(schedules) + 1 }),
        why: failure.message.split('\n', 1)[0] ?? '',
        seconds: seconds(),
      }
    }
    return { fault: fault.name, seconds: seconds() }
  } finally {
    rmSync(copy, { recursive: true })
  }
}

function row({ fault, test, schedules }: Caught): string {
  return `| ${fault} | ${test ?? '**survived**'} | ${schedules ?? '-'} |`
}

/** Runs the whole proof without any fault; returns how many runs each part of it made. */
async function countRuns(root: string): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>()
  const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs')
  const files = [...SCHEDULE_SHARES, CRASH_POINTS, CRASH_POINTS_FLUSH, FAILING_CALLS]
  const child = spawn(process.execPath, [vitest, 'run', ...files], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
    // Every call of a trace, where `npm test` takes half of them.
    env: { ...process.env, QLOG_CRASH_SEEDS: '1', NO_COLOR: '1' },
  })
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString()
  })
  const code = await new Promise<number | null>((done) => child.on('exit', done))
  if (code !== 0) throw new Error(`the proof fails without a fault:\n${output}`)
  for (const [, part, runs] of output.matchAll(/^([a-z ]+): .*?: (\d+) runs$/gm)) {
    counts.set(part ?? '', (counts.get(part ?? '') ?? 0) + Number(runs))
  }
  return counts
}

const PARTS: Readonly<Record<string, string>> = {
  'random schedules':
    'random schedules, from openings with random work, crashes, faults and takeovers',
  'crash points': 'scripted traces killed or robbed of power, at every call',
  'failing calls': 'scripted traces with a failing write or flush, every one in three flavours',
  takeovers: 'scripted traces stopped at every call while another takes over, then woken',
}

function countLines(counts: ReadonlyMap<string, number>): string[] {
  return Object.entries(PARTS).map(([part, words]) => {
    const count = counts.get(part)
    if (count === undefined) throw new Error(`no runs were counted for ${part}`)
    return `| ${words} | ${count.toLocaleString('en')} |`
  })
}

async function writeTable(root: string, caught: readonly Caught[]): Promise<void> {
  const path = join(root, 'docs', 'guarantees.md')
  const text = readFileSync(path, 'utf8')
  const [from, to] = [text.indexOf(BEGIN), text.indexOf(END)]
  if (from < 0 || to < from) throw new Error(`${path} has no place for the table`)
  const table = [
    BEGIN,
    '| what | runs |',
    '| --- | --- |',
    ...countLines(await countRuns(root)),
    '',
    '| planted fault | caught by | schedules needed |',
    '| --- | --- | --- |',
    ...caught.map(row),
    '',
  ].join('\n')
  writeFileSync(path, text.slice(0, from) + table + text.slice(to))
}

async function main(): Promise<number> {
  const root = resolve('.')
  const { ci, write, only, seconds } = readArguments(process.argv.slice(2))
  const started = performance.now()
  const hasTime = (): boolean => performance.now() - started < seconds * 1000
  const named = ALL_FAULTS.filter((fault) => fault.name.includes(only))
  // Where time is short: the oldest have been caught the most often.
  const faults = ci ? newestFirst(named) : named
  if (ci) {
    console.log(`planted: few schedules (${CI_SCHEDULES} instead of 20,000) for each fault`)
  }
  checkFits(root, ALL_FAULTS)
  const caught: Caught[] = new Array(faults.length)
  let next = 0
  const work = async (): Promise<void> => {
    for (let at = next++; at < faults.length && hasTime(); at = next++) {
      const fault = faults[at]
      if (!fault) throw new Error('there is no such fault')
      const found = await hunt(root, fault, ci)
      caught[at] = found
      console.log(`${found.test ? 'caught' : 'SURVIVED'} ${row(found)} ${found.seconds} s`)
      if (found.why) console.log(`       ${found.why}`)
    }
  }
  await Promise.all(Array.from({ length: PARALLEL }, work))
  const tried = caught.filter((one) => one !== undefined)
  const survivors = tried.filter(({ test }) => test === undefined)
  console.log(`planted: ${tried.length - survivors.length} of ${tried.length} faults caught`)
  if (tried.length < faults.length) {
    console.log(`planted: SKIPPED ${faults.length - tried.length} faults: ${seconds} s were over`)
  }
  if (write) await writeTable(root, caught)
  return survivors.length > 0 ? 1 : 0
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) process.exitCode = await main()
