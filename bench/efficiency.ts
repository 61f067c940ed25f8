/**
 * `npm run bench -- smoke [--json]` sees that all benchmarks run and print what they should, `efficiency` measures
 * the log beside a loop that only writes and flushes, `writers` compares ways of writing, `zeroing` of making files.
 */

import type { Place } from '../src/measure/place.ts'
import { measureAppends, type Scale } from './appends.ts'
import { CASES, type Case } from './cases.ts'
import { codecProblems } from './codecs.ts'
import { isCount, readOptions, refuse } from './command-line.ts'
import { measureFollow } from './follows.ts'
import { diskFacts, machineFacts } from './machine.ts'
import { microProblems } from './micro.ts'
import { packingProblems } from './packing.ts'
import { peersSmokeProblems } from './peers/run.ts'
import { openPlace } from './place.ts'
import { makeRaw, type Raw } from './raw.ts'
import { measureReplay } from './replays.ts'
import { type Result, tableHead, tableRow } from './result.ts'
import { serveSmokeProblems } from './serve/run.ts'
import { problemsOf } from './smoke.ts'
import { storeSmokeProblems } from './store/run.ts'
import { measureWriters } from './writers.ts'
import { measureZeroing } from './zeroing.ts'

export const EFFICIENCY_USAGE = 'efficiency [--json] [--pairs N] [--only CASE]'
export const SMOKE_USAGE = 'smoke [--json]'
export const WRITERS_USAGE = 'writers [--pairs N]'
export const ZEROING_USAGE = 'zeroing [--pairs N]'

const KIB = 1024
const MIB = 1024 * KIB
const PAIRS = 9

const EFFICIENCY: Omit<Scale, 'pairs'> = {
  runSeconds: 0.4,
  runBytesMax: 128 * MIB,
  segments: 16,
  segmentGroups: 48,
  segmentBytesMin: 64 * KIB,
  replayBytes: 64 * MIB,
}

/** As little as still goes through every line: no figure of it means anything. */
const SMOKE: Scale = {
  pairs: 1,
  runSeconds: 0.01,
  runBytesMax: 2 * MIB,
  segments: 2,
  segmentGroups: 1,
  segmentBytesMin: 16 * KIB,
  replayBytes: 2 * MIB,
}

interface Wanted {
  readonly json: boolean
  readonly pairs: number
  readonly cases: readonly Case[]
}

/** The exit code, of each of these. */
export async function runEfficiency(words: readonly string[]): Promise<number> {
  const wanted = wantedOf(words)
  if (typeof wanted === 'string') return refuse(wanted, EFFICIENCY_USAGE, casesText())
  await measureAll('efficiency', { ...EFFICIENCY, pairs: wanted.pairs }, wanted)
  return 0
}

export async function runSmoke(words: readonly string[]): Promise<number> {
  const wanted = wantedOf(words)
  if (typeof wanted === 'string') return refuse(wanted, SMOKE_USAGE)
  const { place, results } = await measureAll('smoke', SMOKE, wanted)
  return concludeSmoke(wanted, place, results)
}

export async function runWriters(words: readonly string[]): Promise<number> {
  const wanted = wantedOf(words)
  if (typeof wanted === 'string') return refuse(wanted, WRITERS_USAGE)
  const { place, raw, header } = await prepare('writers', wanted.pairs)
  await printLines(header, measureWriters(place, raw, wanted.pairs))
  return 0
}

export async function runZeroing(words: readonly string[]): Promise<number> {
  const wanted = wantedOf(words)
  if (typeof wanted === 'string') return refuse(wanted, ZEROING_USAGE)
  const { place, header } = await prepare('zeroing', wanted.pairs)
  await printLines(header, measureZeroing(place, wanted.pairs))
  return 0
}

/** By which they are told apart in `--only`. */
export function casesText(): string {
  return `cases: ${CASES.map(({ name }) => name).join(', ')}`
}

function wantedOf(words: readonly string[]): Wanted | string {
  const options = {
    json: { type: 'boolean', default: false },
    pairs: { type: 'string', default: String(PAIRS) },
    only: { type: 'string' },
  } as const
  return readOptions(words, options, ({ json, pairs: text, only }) => {
    const pairs = Number(text)
    if (!isCount(pairs)) return 'pairs are a count'
    const cases = CASES.filter(({ name }) => isWanted(name, only))
    return cases.length === 0 ? `there is no case ${only}` : { json, pairs, cases }
  })
}

function isWanted(name: string, only: string | undefined): boolean {
  return only === undefined || name === only || name.startsWith(`${only}/`)
}

async function prepare(bench: string, pairs: number) {
  const place = openPlace()
  const raw = await makeRaw(place.path)
  const by = raw.by === 'c' ? 'C, pwrite + fdatasync' : 'Node, writeSync + fdatasyncSync'
  const header = { bench, ...machineFacts(), ...diskFacts(place), raw: by, pairs }
  return { place, raw, header }
}

async function printLines(header: object, results: AsyncIterable<object>): Promise<void> {
  console.log(JSON.stringify(header))
  for await (const result of results) console.log(JSON.stringify(result))
}

/** Measures and prints. */
async function measureAll(bench: string, scale: Scale, { json, cases }: Wanted) {
  const { place, raw, header } = await prepare(bench, scale.pairs)
  if (json) console.log(JSON.stringify(header))
  else console.log(`${JSON.stringify(header, undefined, 2)}\n\n${tableHead()}`)
  const results: Result[] = []
  for (const one of cases) {
    process.stderr.write(`bench: ${one.name} ...\n`)
    for await (const result of measure(place, raw, scale, one)) {
      results.push(result)
      console.log(json ? JSON.stringify(result) : tableRow(result))
    }
  }
  return { place, results }
}

async function* measure(place: Place, raw: Raw, scale: Scale, one: Case): AsyncGenerator<Result> {
  if (one.kind === 'append') yield* measureAppends(place, raw, scale, one)
  else if (one.kind === 'follow') yield await measureFollow(place, raw, scale, one)
  else yield await measureReplay(place, raw, scale, one)
}

async function concludeSmoke(
  { cases, json }: Wanted,
  place: Place,
  results: readonly Result[],
): Promise<number> {
  const packing = await packingProblems()
  const micro = await microProblems()
  const store = await storeSmokeProblems(place, json)
  const serve = await serveSmokeProblems(place, json)
  const peers = await peersSmokeProblems(place)
  const more = [...codecProblems(), ...packing, ...micro, ...store, ...serve, ...peers]
  const problems = [...problemsOf(cases, results), ...more]
  for (const problem of problems) process.stderr.write(`bench smoke: ${problem}\n`)
  const outcome = problems.length === 0 ? 'passed' : 'FAILED'
  process.stderr.write(`bench smoke: ${outcome}, ${results.length} results\n`)
  return problems.length === 0 ? 0 : 1
}
