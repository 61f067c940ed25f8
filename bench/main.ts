/**
 * The benchmarks: `npm run bench -- smoke [--json]` sees that they run and print what they should,
 * `npm run bench -- efficiency [--json] [--pairs N] [--only CASE]` measures, `writers [--pairs N]`
 * compares ways of writing, `zeroing` of making files, `codecs` and `packing` of compressing; `micro` times the
 * inner loops; `store` measures
 * queues, `serve` the server, `peers` what people would take instead. Results go to stdout, one JSON object a line or
 * a table; words go to stderr. No speed is judged, but for `ratios`, which judges nothing absolute.
 */

import * as fs from 'node:fs'
import * as os from 'node:os'
import { parseArgs } from 'node:util'
import { factsOfFileSystem } from '../src/inspect/file-systems.ts'
import { rounded } from '../src/measure/measures.ts'
import type { Place } from '../src/measure/place.ts'
import { measureAppends, type Scale } from './appends.ts'
import { CASES, type Case } from './cases.ts'
import { codecProblems, runCodecs } from './codecs.ts'
import { measureFollow } from './follows.ts'
import { microProblems, runMicro } from './micro.ts'
import { packingProblems, runPacking } from './packing.ts'
import { PEER_CHILD, servePeerVerbs } from './peers/child.ts'
import { PEERS_COMPARE_USAGE, runPeersCompare } from './peers/compare.ts'
import { PEERS_PAGE_USAGE, runPeersPage } from './peers/page.ts'
import { PEERS_USAGE, peersSmokeProblems, runPeers } from './peers/run.ts'
import { openPlace } from './place.ts'
import { runRatios } from './ratios.ts'
import { makeRaw, type Raw } from './raw.ts'
import { measureReplay } from './replays.ts'
import { type Result, tableHead, tableRow } from './result.ts'
import { serveGenerator } from './serve/generator.ts'
import { GENERATOR_COMMAND } from './serve/generator-process.ts'
import { SERVE_TABLE_USAGE, writeServeTable } from './serve/readme-table.ts'
import { runServe, SERVE_USAGE, serveSmokeProblems } from './serve/run.ts'
import { problemsOf } from './smoke.ts'
import { runSpace, SPACE_USAGE } from './space/run.ts'
import { runStart, START_USAGE } from './start.ts'
import { STORE_CHILD, serveStoreVerbs } from './store/child.ts'
import { runStore, STORE_USAGE, storeSmokeProblems } from './store/run.ts'
import { tableOf } from './table.ts'
import { measureWriters } from './writers.ts'
import { measureZeroing } from './zeroing.ts'

const USAGE = `usage: npm run bench -- smoke [--json]
       npm run bench -- efficiency [--json] [--pairs N] [--only CASE]
       npm run bench -- writers [--pairs N]
       npm run bench -- zeroing [--pairs N]
       npm run bench -- ${SPACE_USAGE}
       npm run bench -- ${STORE_USAGE}
       npm run bench -- ${SERVE_USAGE}
       npm run bench -- ${START_USAGE}
       npm run bench -- ${PEERS_USAGE}
       npm run bench -- micro [--json] [--only NAME]
       npm run bench -- ratios
       npm run bench -- table FILE
       npm run bench -- ${SERVE_TABLE_USAGE}
       npm run bench -- ${PEERS_PAGE_USAGE}
       npm run bench -- ${PEERS_COMPARE_USAGE}
       npm run bench -- codecs|packing [--json] [--write]
FILE: what efficiency, store or serve printed with --json; serve-table puts a short table into README.md.
peers-page makes docs/benchmarks.md and its pictures of what peers printed; peers-compare fails below its bound.
cases: ${CASES.map(({ name }) => name).join(', ')}
CASE may leave out the size: --only appendMany-1000 takes both.
`
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
  readonly bench: 'smoke' | 'efficiency' | 'writers' | 'zeroing'
  readonly json: boolean
  readonly scale: Scale
  readonly cases: readonly Case[]
}

/** What the command line asks for; undefined where it makes no sense. */
function wantedOf(commandArguments: readonly string[]): Wanted | undefined {
  const { values, positionals } = parseArgs({
    args: [...commandArguments],
    allowPositionals: true,
    options: {
      json: { type: 'boolean', default: false },
      pairs: { type: 'string', default: String(PAIRS) },
      only: { type: 'string' },
    },
  })
  const [what, ...more] = positionals
  const pairs = Number(values.pairs)
  const cases = CASES.filter(({ name }) => isWanted(name, values.only))
  if (more.length > 0 || cases.length === 0 || !Number.isInteger(pairs) || pairs < 1)
    return undefined
  const { json } = values
  if (what === 'smoke') return { bench: what, json, scale: SMOKE, cases }
  if (what !== 'efficiency' && what !== 'writers' && what !== 'zeroing') return undefined
  return { bench: what, json, scale: { ...EFFICIENCY, pairs }, cases }
}

function isWanted(name: string, only: string | undefined): boolean {
  return only === undefined || name === only || name.startsWith(`${only}/`)
}

async function main(commandArguments: readonly string[]): Promise<number> {
  const [what, ...more] = commandArguments
  if (what === 'table' && more[0] !== undefined) {
    process.stdout.write(tableOf(fs.readFileSync(more[0], 'utf8')))
    return 0
  }
  if (what === 'serve-table' && more[0] !== undefined) {
    writeServeTable(more[0])
    return 0
  }
  if (what === 'peers-page') return runPeersPage(more)
  if (what === 'peers-compare') return runPeersCompare(more)
  if (what === STORE_CHILD) {
    serveStoreVerbs()
    return 0
  }
  if (what === 'store') {
    return runStore(more, openPlace, (place) => ({
      bench: what,
      ...machineFacts(),
      ...diskFacts(place),
    }))
  }
  if (what === GENERATOR_COMMAND) {
    serveGenerator()
    return 0
  }
  if (what === 'serve') {
    return runServe(more, openPlace, (place) => ({
      bench: what,
      ...machineFacts(),
      ...diskFacts(place),
    }))
  }
  if (what === PEER_CHILD) {
    servePeerVerbs()
    return 0
  }
  if (what === 'peers') {
    return runPeers(more, openPlace, (place) => ({
      bench: what,
      ...machineFacts(),
      ...diskFacts(place),
    }))
  }
  if (what === 'ratios') return runRatios()
  if (what === 'micro') return runMicro(more, machineFacts())
  if (what === 'codecs') return runCodecs(more, machineFacts())
  if (what === 'packing') return runPacking(more, machineFacts())
  if (what === 'start') return runStart(more, machineFacts())
  if (what === 'space') return runSpace(more, machineFacts())
  const wanted = readArguments(commandArguments)
  if (wanted === undefined) {
    process.stderr.write(USAGE)
    return 2
  }
  const place = openPlace()
  const raw = await makeRaw(place.path)
  const header = headerOf(wanted, place, raw)
  if (wanted.bench === 'writers') {
    console.log(JSON.stringify(header))
    for await (const result of measureWriters(place, raw, wanted.scale.pairs)) {
      console.log(JSON.stringify(result))
    }
    return 0
  }
  if (wanted.bench === 'zeroing') {
    console.log(JSON.stringify(header))
    for await (const result of measureZeroing(place, wanted.scale.pairs)) {
      console.log(JSON.stringify(result))
    }
    return 0
  }
  if (wanted.json) console.log(JSON.stringify(header))
  else console.log(`${JSON.stringify(header, undefined, 2)}\n\n${tableHead()}`)
  const results: Result[] = []
  for (const one of wanted.cases) {
    process.stderr.write(`bench: ${one.name} ...\n`)
    for await (const result of measure(place, raw, wanted.scale, one)) {
      results.push(result)
      console.log(wanted.json ? JSON.stringify(result) : tableRow(result))
    }
  }
  return wanted.bench === 'smoke' ? concludeSmoke(wanted, place, results) : 0
}

function readArguments(commandArguments: readonly string[]): Wanted | undefined {
  try {
    return wantedOf(commandArguments)
  } catch (error) {
    process.stderr.write(`bench: ${error instanceof Error ? error.message : String(error)}\n`)
    return undefined
  }
}

async function* measure(place: Place, raw: Raw, scale: Scale, one: Case): AsyncGenerator<Result> {
  if (one.kind === 'append') yield* measureAppends(place, raw, scale, one)
  else if (one.kind === 'follow') yield await measureFollow(place, raw, scale, one)
  else yield await measureReplay(place, raw, scale, one)
}

/** What the figures depend on. Names neither the host nor a path. */
function headerOf(wanted: Wanted, place: Place, raw: Raw): Record<string, unknown> {
  return {
    bench: wanted.bench,
    ...machineFacts(),
    ...diskFacts(place),
    raw: raw.by === 'c' ? 'C, pwrite + fdatasync' : 'Node, writeSync + fdatasyncSync',
    pairs: wanted.scale.pairs,
  }
}

function diskFacts(place: Place): Record<string, unknown> {
  return { fileSystem: factsOfFileSystem(fs.statfsSync(place.path).type).name }
}

function machineFacts(): Record<string, unknown> {
  const cpus = os.cpus()
  return {
    machine: `${cpus.length} x ${cpus[0]?.model ?? 'unknown'}, ${Math.round(os.totalmem() / 2 ** 30)} GiB`,
    kernel: `${os.type()} ${os.release()}`,
    node: process.version,
    load: os.loadavg().map(rounded),
    date: new Date().toISOString(),
  }
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

process.exitCode = await main(process.argv.slice(2))
