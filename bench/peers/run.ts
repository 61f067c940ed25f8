/**
 * `npm run bench -- peers`: qlog beside what people would take instead, each at the durability that it states,
 * in one run. Lines of JSON go to stdout, words to stderr; `peers-page` makes docs/benchmarks.md of the lines.
 */

import { spawnSync } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { loadavg } from 'node:os'
import { seededRandom } from '../../src/cli/prove-random.ts'
import { rounded } from '../../src/measure/measures.ts'
import type { Place } from '../../src/measure/place.ts'
import { isCount, readOptions, refuse } from '../command-line.ts'
import { makeRaw } from '../raw.ts'
import { measureBacklogs } from './backlogs.ts'
import { measureCell } from './cells.ts'
import { lookAt } from './contestant.ts'
import { type Part, secondsOf } from './estimate.ts'
import { measureLatencies } from './latencies.ts'
import type { PeersBench } from './measure.ts'
import { GIVEN_BACK, touchMemory } from './memory.ts'
import { type Step, withPatience } from './patience.ts'
import { CONTENDERS, contenderOf } from './registry.ts'
import { type ContenderFacts, FLOOR, type ResultLine } from './result.ts'
import { PEERS_FULL, PEERS_QUICK, PEERS_SMOKE, type PeersScale, roundsOf } from './scale.ts'
import { latencyWhat, rateWhat } from './what.ts'

export const PEERS_USAGE =
  'peers [--quick] [--only ID,...] [--parts rates,latencies,backlogs] [--rounds N] [--backlog N] [--seed N] [--no-install]'

const PARTS: readonly Part[] = ['rates', 'latencies', 'backlogs']
const SEED_END = 2 ** 32

interface Wanted {
  readonly ids: readonly string[]
  readonly parts: readonly Part[]
  readonly scale: PeersScale
  readonly seed: number
  readonly install: boolean
}

/** Measures and prints; the exit code. */
export async function runPeers(
  commandArguments: readonly string[],
  openPlace: () => Place,
  headerOf: (place: Place) => Readonly<Record<string, unknown>>,
): Promise<number> {
  const wanted = wantedOf(commandArguments)
  if (typeof wanted === 'string') {
    return refuse(wanted, PEERS_USAGE, `IDs: ${CONTENDERS.map(({ id }) => id).join(', ')}`)
  }
  if (wanted.install) install()
  const place = openPlace()
  process.stderr.write('bench: peers: touching the memory that is free, which may take a minute\n')
  const facts = { ...headerOf(place), memory: touchMemory() }
  if (facts.memory.isGivenBack) process.stderr.write(`bench: peers: ${GIVEN_BACK}\n`)
  const failures: string[] = []
  for await (const line of measurePeers(place, facts, wanted)) {
    // Written at once: a run that is stopped leaves all cells that it came to.
    console.log(JSON.stringify(line))
    if (line.kind === 'failed') failures.push(`${line.contender}, ${line.what}`)
  }
  for (const failure of failures) process.stderr.write(`bench: peers: FAILED: ${failure}\n`)
  return failures.length > 0 ? 1 : 0
}

/** As little as still goes through every line, with the contenders that need nothing: problems in words. */
export async function peersSmokeProblems(place: Place): Promise<string[]> {
  const ids = CONTENDERS.filter(({ id }) => id.startsWith('qlog')).map(({ id }) => id)
  const lines: ResultLine[] = []
  const wanted = { ids, parts: PARTS, scale: PEERS_SMOKE, seed: 1, install: false }
  for await (const line of measurePeers(place, { bench: 'peers' }, wanted)) {
    if (line.kind !== undefined) lines.push(line)
  }
  const problems: string[] = []
  for (const id of ids) {
    const own = lines.filter((line) => 'contender' in line && line.contender === id)
    if (own.length === 0) problems.push(`peers: nothing was measured of ${id}`)
  }
  for (const line of lines) {
    if (line.kind === 'failed') problems.push(`peers: ${JSON.stringify(line)}`)
    if (Object.values(line).some((value) => Number.isNaN(value))) {
      problems.push(`peers: not a number in ${JSON.stringify(line)}`)
    }
  }
  return problems
}

async function* measurePeers(
  place: Place,
  facts: Readonly<Record<string, unknown>>,
  { ids, parts, scale, seed }: Wanted,
): AsyncGenerator<ResultLine | (Readonly<Record<string, unknown>> & { kind?: never })> {
  const say = sayer()
  const contenders: ContenderFacts[] = []
  for (const id of ids) {
    const found = await lookAt(contenderOf(id))
    if (found.missing) say(`${found.id} is LEFT OUT: ${found.missing}`)
    contenders.push(found)
  }
  const raw = await makeRaw(place.path)
  const { rounds, latencyRounds, runSeconds, latencySeconds, leadInSeconds, backlogWarmSeconds } =
    scale
  const roundsMin = Math.min(...scale.cells.map((cell) => roundsOf(scale, cell)))
  const how = {
    rounds,
    ...(roundsMin < rounds && { roundsMin }),
    latencyRounds,
    backlogWarmSeconds,
    runSeconds,
    latencySeconds,
    leadInSeconds,
    seed,
    rawBy: raw.by,
  }
  yield { ...facts, ...how, contenders }
  const there = contenders.filter(({ missing }) => missing === undefined)
  const embedded = there.filter(({ kind }) => kind === 'embedded').length
  const estimate = secondsOf(scale, parts, { embedded, servers: there.length - embedded })
  say(`${there.length} contenders, about ${Math.ceil(estimate / 60)} minutes; seed ${seed}`)
  const common = { place, raw, scale, random: seededRandom(seed), say }
  const started = performance.now()
  const bench = { ...common, contenders: there.map(({ id }) => contenderOf(id)) }
  for (const part of parts) yield* withPatience(bench, stepsOf(scale, there)[part])
  const seconds = Math.round((performance.now() - started) / 1000)
  yield { kind: 'end', seconds, load: loadavg().map(rounded) }
}

/** In the order in which they are measured; each gives its lines once it is over. */
function stepsOf(
  scale: PeersScale,
  there: readonly ContenderFacts[],
): Readonly<Record<Part, readonly Step<PeersBench>[]>> {
  const whole = (
    what: string,
    measure: (bench: PeersBench) => Promise<ResultLine[]>,
  ): Step<PeersBench> => ({
    what,
    async *measure(bench) {
      yield* await measure(bench)
    },
  })
  return {
    rates: scale.cells.map((cell) => whole(rateWhat(cell), (bench) => measureCell(bench, cell))),
    latencies: (['put', 'through'] as const).map((workload) =>
      whole(latencyWhat(workload), (bench) => measureLatencies(bench, workload)),
    ),
    backlogs: there.map(({ id }) => ({
      what: 'backlogs',
      only: id,
      measure: (bench) => measureBacklogs(bench, id),
    })),
  }
}

/** Says how far a run is, after so many minutes and seconds of it. */
function sayer(): (line: string) => void {
  const started = performance.now()
  return (line) => {
    const seconds = Math.floor((performance.now() - started) / 1000)
    const clock = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`
    process.stderr.write(`bench: peers ${clock}: ${line}\n`)
  }
}

/** What can be installed; each that cannot is left out aloud by the installer, and here. */
function install(): void {
  spawnSync(process.execPath, ['bench/peers/install.mjs'], { stdio: ['ignore', 2, 2] })
}

/** What the command line asks for, or in words why it makes no sense. */
function wantedOf(commandArguments: readonly string[]): Wanted | string {
  const options = {
    only: { type: 'string' },
    parts: { type: 'string', default: PARTS.join() },
    quick: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    backlog: { type: 'string' },
    seed: { type: 'string' },
    'no-install': { type: 'boolean', default: false },
  } as const
  return readOptions(commandArguments, options, (values) => {
    const known = CONTENDERS.map(({ id }) => id)
    const asked = values.only?.split(',') ?? known
    const stranger = asked.find((id) => !known.includes(id))
    if (stranger !== undefined) return `there is no contender ${stranger}`
    const askedParts = values.parts.split(',')
    const parts = PARTS.filter((part) => askedParts.includes(part))
    if (parts.length < askedParts.length) return `parts are ${PARTS.join(', ')}`
    const whole = values.quick ? PEERS_QUICK : PEERS_FULL
    const rounds = Number(values.rounds ?? whole.rounds)
    const most = Number(values.backlog ?? whole.backlogs.at(-1)?.waiting)
    if (![rounds, most].every(isCount)) return 'rounds and backlog are counts'
    const seed = Number(values.seed ?? randomInt(SEED_END))
    if (!Number.isInteger(seed) || seed < 0 || seed >= SEED_END) return 'a seed is of 32 bits'
    const backlogs = whole.backlogs.filter(({ waiting }) => waiting <= most)
    const all = { rounds, latencyRounds: rounds, backlogRounds: rounds }
    const scale = { ...whole, ...(values.rounds !== undefined && all), backlogs }
    // In the order of the registry, and the one that keeps nothing behind them.
    const ids = [...known.filter((id) => asked.includes(id)), FLOOR]
    return { ids, parts, scale, seed, install: !values['no-install'] }
  })
}
