/**
 * `npm run bench -- peers`: qlog beside what people would take instead, each at the durability that it states,
 * in one run. Lines of JSON go to stdout, words to stderr; `peers-page` makes docs/benchmarks.md of the lines.
 */

import { spawnSync } from 'node:child_process'
import { parseArgs } from 'node:util'
import type { Place } from '../../src/measure/place.ts'
import { makeRaw } from '../raw.ts'
import { lookAt } from './contestant.ts'
import {
  measureBacklog,
  measureCell,
  measureLatencies,
  type PeersBench,
  rawLines,
} from './measure.ts'
import { CONTENDERS } from './registry.ts'
import type { ContenderFacts, ResultLine } from './result.ts'
import { PEERS_FULL, PEERS_SMOKE, type PeersScale } from './scale.ts'

export const PEERS_USAGE =
  'peers [--only ID,...] [--parts rates,latencies,backlogs] [--rounds N] [--backlog N] [--no-install]'

const PARTS = ['rates', 'latencies', 'backlogs'] as const
type Part = (typeof PARTS)[number]

interface Wanted {
  readonly ids: readonly string[]
  readonly parts: readonly Part[]
  readonly scale: PeersScale
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
    const ids = CONTENDERS.map(({ id }) => id).join(', ')
    process.stderr.write(`bench: ${wanted}\nusage: npm run bench -- ${PEERS_USAGE}\nIDs: ${ids}\n`)
    return 2
  }
  if (wanted.install) install()
  const place = openPlace()
  const print = (line: unknown): void => console.log(JSON.stringify(line))
  for await (const line of measurePeers(place, headerOf(place), wanted)) print(line)
  return 0
}

/** As little as still goes through every line, with the contenders that need nothing: problems in words. */
export async function peersSmokeProblems(place: Place): Promise<string[]> {
  const ids = CONTENDERS.filter(({ id }) => id.startsWith('qlog')).map(({ id }) => id)
  const lines: ResultLine[] = []
  const wanted = { ids, parts: PARTS, scale: PEERS_SMOKE, install: false }
  for await (const line of measurePeers(place, { bench: 'peers' }, wanted)) {
    if ('kind' in line) lines.push(line as ResultLine)
  }
  const problems: string[] = []
  for (const id of ids) {
    const own = lines.filter((line) => 'contender' in line && line.contender === id)
    if (own.length === 0) problems.push(`peers: nothing was measured of ${id}`)
  }
  for (const line of lines) {
    if (Object.values(line).some((value) => Number.isNaN(value))) {
      problems.push(`peers: not a number in ${JSON.stringify(line)}`)
    }
  }
  return problems
}

async function* measurePeers(
  place: Place,
  facts: Readonly<Record<string, unknown>>,
  { ids, parts, scale }: Wanted,
): AsyncGenerator<object> {
  const contenders: ContenderFacts[] = []
  for (const contender of CONTENDERS) {
    if (!ids.includes(contender.id)) continue
    const found = await lookAt(contender)
    if (found.missing) say(`${found.id} is LEFT OUT: ${found.missing}`)
    contenders.push(found)
  }
  yield { ...facts, rounds: scale.rounds, contenders }
  const able = CONTENDERS.filter(({ id }) =>
    contenders.some((one) => one.id === id && one.missing === undefined),
  )
  const raw = await makeRaw(place.path)
  const bench: PeersBench = { place, raw, scale, contenders: able, say }
  const rawRates = new Map<number, number[]>()
  if (parts.includes('rates')) {
    for (const cell of scale.cells) {
      say(JSON.stringify(cell))
      yield* await measureCell(bench, cell, rawRates)
    }
    yield* rawLines(rawRates)
  }
  for (const { id } of able) {
    if (parts.includes('latencies')) {
      say(`${id}, latencies`)
      yield* await measureLatencies(bench, id)
    }
    if (parts.includes('backlogs')) {
      say(`${id}, backlogs`)
      yield* await measureBacklog(bench, id)
    }
  }
}

function say(line: string): void {
  process.stderr.write(`bench: peers: ${line}\n`)
}

/** What can be installed; each that cannot is left out aloud by the installer, and here. */
function install(): void {
  spawnSync(process.execPath, ['bench/peers/install.mjs'], { stdio: ['ignore', 2, 2] })
}

/** What the command line asks for, or in words why it makes no sense. */
function wantedOf(commandArguments: readonly string[]): Wanted | string {
  try {
    const { values } = parseArgs({
      args: [...commandArguments],
      options: {
        json: { type: 'boolean', default: true },
        only: { type: 'string' },
        parts: { type: 'string', default: PARTS.join() },
        rounds: { type: 'string', default: String(PEERS_FULL.rounds) },
        backlog: { type: 'string', default: String(PEERS_FULL.backlogs.at(-1)) },
        'no-install': { type: 'boolean', default: false },
      },
    })
    const known = CONTENDERS.map(({ id }) => id)
    const ids = values.only?.split(',') ?? known
    const stranger = ids.find((id) => !known.includes(id))
    if (stranger !== undefined) return `there is no contender ${stranger}`
    const asked = values.parts.split(',')
    const parts = PARTS.filter((part) => asked.includes(part))
    if (parts.length < asked.length) return `parts are ${PARTS.join(', ')}`
    const [rounds, most] = [Number(values.rounds), Number(values.backlog)]
    if (![rounds, most].every((count) => Number.isInteger(count) && count > 0)) {
      return 'rounds and backlog are counts'
    }
    const backlogs = PEERS_FULL.backlogs.filter((waiting) => waiting <= most)
    const scale = { ...PEERS_FULL, rounds, backlogs }
    return { ids, parts, scale, install: !values['no-install'] }
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}
