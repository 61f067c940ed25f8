/**
 * `npm run bench -- serve [--json] [--only CASE] [--pairs N] [--jobs N]`: `qlog serve` beside Debian's
 * beanstalkd, where that is installed.
 */

import type { Place } from '../../src/measure/place.ts'
import { isCount, readOptions, refuse } from '../command-line.ts'
import type { StoreResult } from '../store/result.ts'
import { storeProblems } from '../store/smoke.ts'
import { storeRows } from '../store/table.ts'
import { measureServe } from './measure.ts'
import { describeServers } from './peers.ts'
import {
  SERVE_CASES,
  SERVE_FULL,
  SERVE_SMOKE,
  SERVE_SMOKE_CASES,
  type ServeCase,
  type ServeScale,
} from './scale.ts'

export const SERVE_USAGE = 'serve [--json] [--only CASE] [--pairs N] [--jobs N]'

interface Wanted {
  readonly json: boolean
  readonly cases: readonly ServeCase[]
  readonly scale: ServeScale
}

/** Measures and prints; the exit code. */
export async function runServe(
  commandArguments: readonly string[],
  openPlace: () => Place,
  headerOf: (place: Place) => Readonly<Record<string, unknown>>,
): Promise<number> {
  const wanted = wantedOf(commandArguments)
  if (typeof wanted === 'string') {
    return refuse(wanted, SERVE_USAGE, `cases: ${SERVE_CASES.map(({ name }) => name).join(', ')}`)
  }
  const { json, cases, scale } = wanted
  const place = openPlace()
  const peer = describeServers()
  const { pairs, jobs } = scale
  const header = { ...headerOf(place), ...(peer !== undefined && { peer }), pairs, jobs }
  console.log(JSON.stringify(header, undefined, json ? undefined : 2))
  for (const one of cases) await measureAndPrint(place, scale, one, json)
  return 0
}

/** What the command line asks for, or in words why it makes no sense. */
function wantedOf(commandArguments: readonly string[]): Wanted | string {
  const options = {
    json: { type: 'boolean', default: false },
    only: { type: 'string', default: '' },
    pairs: { type: 'string', default: String(SERVE_FULL.pairs) },
    jobs: { type: 'string', default: String(SERVE_FULL.jobs) },
  } as const
  return readOptions(commandArguments, options, ({ json, only, ...counts }) => {
    const cases = SERVE_CASES.filter(({ name }) => name.startsWith(only))
    if (cases.length === 0) return `no case begins with ${only}`
    const [pairs, jobs] = [Number(counts.pairs), Number(counts.jobs)]
    if (![pairs, jobs].every(isCount)) return 'pairs and jobs are counts'
    return { json, cases, scale: { ...SERVE_FULL, pairs, jobs } }
  })
}

/** A short run; problems in words, nothing where all is well. */
export async function serveSmokeProblems(place: Place, json: boolean): Promise<string[]> {
  describeServers()
  const results: StoreResult[] = []
  for (const one of SERVE_SMOKE_CASES) {
    results.push(await measureAndPrint(place, SERVE_SMOKE, one, json))
  }
  return storeProblems(SERVE_SMOKE_CASES, results)
}

async function measureAndPrint(
  place: Place,
  scale: ServeScale,
  one: ServeCase,
  json: boolean,
): Promise<StoreResult> {
  process.stderr.write(`bench: serve ${one.name} ...\n`)
  const result = await measureServe({ place, scale }, one)
  console.log(json ? JSON.stringify(result) : storeRows(result).join('\n'))
  return result
}
