/**
 * The benchmarks: `npm run bench -- COMMAND`. Results go to stdout, one JSON object a line or a table; words go to
 * stderr. No speed is judged, but for `ratios`, which judges nothing absolute.
 */

import * as fs from 'node:fs'
import type { Place } from '../src/measure/place.ts'
import { CODECS_USAGE, runCodecs } from './codecs.ts'
import { readOptions, refuse } from './command-line.ts'
import {
  casesText,
  EFFICIENCY_USAGE,
  runEfficiency,
  runSmoke,
  runWriters,
  runZeroing,
  SMOKE_USAGE,
  WRITERS_USAGE,
  ZEROING_USAGE,
} from './efficiency.ts'
import { diskFacts, machineFacts } from './machine.ts'
import { MICRO_USAGE, runMicro } from './micro.ts'
import { PACKING_USAGE, runPacking } from './packing.ts'
import { PEER_CHILD, servePeerVerbs } from './peers/child.ts'
import { PEERS_COMPARE_USAGE, runPeersCompare } from './peers/compare.ts'
import { PEERS_PAGE_USAGE, runPeersPage } from './peers/page.ts'
import { PEERS_USAGE, runPeers } from './peers/run.ts'
import { openPlace } from './place.ts'
import { runRatios } from './ratios.ts'
import { serveGenerator } from './serve/generator.ts'
import { GENERATOR_COMMAND } from './serve/generator-process.ts'
import { runServeTable, SERVE_TABLE_USAGE } from './serve/readme-table.ts'
import { runServe, SERVE_USAGE } from './serve/run.ts'
import { runSpace, SPACE_USAGE } from './space/run.ts'
import { runStart, START_USAGE } from './start.ts'
import { STORE_CHILD, serveStoreVerbs } from './store/child.ts'
import { runStore, STORE_USAGE } from './store/run.ts'
import { tableOf } from './table.ts'

const TABLE_USAGE = 'table FILE'

interface Command {
  /** Absent for what only another benchmark starts. */
  readonly usage?: string
  /** The exit code. */
  readonly run: (words: readonly string[]) => number | Promise<number>
}

const COMMANDS: Readonly<Record<string, Command>> = {
  smoke: { usage: SMOKE_USAGE, run: runSmoke },
  efficiency: { usage: EFFICIENCY_USAGE, run: runEfficiency },
  writers: { usage: WRITERS_USAGE, run: runWriters },
  zeroing: { usage: ZEROING_USAGE, run: runZeroing },
  space: { usage: SPACE_USAGE, run: (words) => runSpace(words, machineFacts()) },
  store: { usage: STORE_USAGE, run: (words) => runStore(words, openPlace, factsFor('store')) },
  serve: { usage: SERVE_USAGE, run: (words) => runServe(words, openPlace, factsFor('serve')) },
  start: { usage: START_USAGE, run: (words) => runStart(words, machineFacts()) },
  peers: { usage: PEERS_USAGE, run: (words) => runPeers(words, openPlace, factsFor('peers')) },
  micro: { usage: MICRO_USAGE, run: (words) => runMicro(words, machineFacts()) },
  ratios: { usage: 'ratios', run: runRatios },
  table: { usage: TABLE_USAGE, run: printTable },
  'serve-table': { usage: SERVE_TABLE_USAGE, run: runServeTable },
  'peers-page': { usage: PEERS_PAGE_USAGE, run: runPeersPage },
  'peers-compare': { usage: PEERS_COMPARE_USAGE, run: runPeersCompare },
  codecs: { usage: CODECS_USAGE, run: (words) => runCodecs(words, machineFacts()) },
  packing: { usage: PACKING_USAGE, run: (words) => runPacking(words, machineFacts()) },
  [STORE_CHILD]: { run: () => serving(serveStoreVerbs) },
  [GENERATOR_COMMAND]: { run: () => serving(serveGenerator) },
  [PEER_CHILD]: { run: () => serving(servePeerVerbs) },
}

const USAGE = `usage: ${Object.values(COMMANDS)
  .flatMap(({ usage }) => (usage === undefined ? [] : [`npm run bench -- ${usage}`]))
  .join('\n       ')}
smoke sees that all of them run; efficiency measures the log, store queues, serve the server, peers what people
would take instead, micro the inner loops; writers compares ways of writing, zeroing of making files, codecs and
packing of compressing; ratios fails where one of a few falls below its floor.
FILE: what efficiency, store or serve printed with --json; serve-table puts a short table into README.md.
peers-page makes docs/benchmarks.md and its pictures of what peers printed; peers-compare fails below its bound.
${casesText()}
CASE may leave out the size: --only appendMany-1000 takes both.
`

function factsFor(bench: string): (place: Place) => Record<string, unknown> {
  return (place) => ({ bench, ...machineFacts(), ...diskFacts(place) })
}

/** What its parent ends. */
function serving(serve: () => void): number {
  serve()
  return 0
}

function printTable(words: readonly string[]): number {
  const wanted = readOptions(words, {}, (_values, [file = '']) => ({ file }), 1)
  if (typeof wanted === 'string') return refuse(wanted, TABLE_USAGE)
  process.stdout.write(tableOf(fs.readFileSync(wanted.file, 'utf8')))
  return 0
}

function usage(stream: NodeJS.WritableStream, code: number): number {
  stream.write(USAGE)
  return code
}

async function main([what = '', ...words]: readonly string[]): Promise<number> {
  if ([what, ...words].some((word) => word === '--help' || word === '-h')) {
    return usage(process.stdout, 0)
  }
  const command = Object.hasOwn(COMMANDS, what) ? COMMANDS[what] : undefined
  return command === undefined ? usage(process.stderr, 2) : command.run(words)
}

process.exitCode = await main(process.argv.slice(2))
