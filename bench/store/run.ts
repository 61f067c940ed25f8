/**
 * `npm run bench -- store [--json] [--only CASE] [--messages N] [--pairs N] [--profile DIR]`: the store
 * beside better-sqlite3, where QLOG_SQLITE_DIR names a folder with it, and beside what the design asks.
 */

import type { Place } from '../../src/measure/place.ts'
import { isCount, readOptions, refuse } from '../command-line.ts'
import { measureBacklog } from './backlog.ts'
import { measureDelayed, measureLatency } from './clocks.ts'
import { describePeer } from './peer.ts'
import { type Bench, measurePriorities, measureRate } from './rates.ts'
import type { StoreResult } from './result.ts'
import {
  STORE_CASES,
  STORE_FULL,
  STORE_SMOKE,
  STORE_SMOKE_CASES,
  type StoreCase,
  type StoreScale,
} from './scale.ts'
import { storeProblems } from './smoke.ts'
import { storeRows } from './table.ts'
import { measureWork } from './work-rates.ts'

export const STORE_USAGE = `store [--json] [--only CASE] [--messages N] [--pairs N] [--profile DIR]`

interface Wanted {
  readonly json: boolean
  readonly profile: string | undefined
  readonly cases: readonly StoreCase[]
  readonly scale: StoreScale
}

/** Measures and prints; the exit code. */
export async function runStore(
  commandArguments: readonly string[],
  openPlace: () => Place,
  headerOf: (place: Place) => Readonly<Record<string, unknown>>,
): Promise<number> {
  const wanted = wantedOf(commandArguments)
  if (typeof wanted === 'string') {
    return refuse(wanted, STORE_USAGE, `cases: ${STORE_CASES.map(({ name }) => name).join(', ')}`)
  }
  const { json, profile, cases, scale } = wanted
  const place = openPlace()
  const peer = describePeer()
  const { pairs, waiting } = scale
  const header = { ...headerOf(place), ...(peer !== undefined && { peer }), pairs, waiting }
  console.log(JSON.stringify(header, undefined, json ? undefined : 2))
  const bench = { place, scale, options: { profile }, hasPeer: peer !== undefined }
  for await (const result of measureStore(bench, cases)) {
    console.log(json ? JSON.stringify(result) : storeRows(result).join('\n'))
  }
  return 0
}

/** What the command line asks for, or in words why it makes no sense. */
function wantedOf(commandArguments: readonly string[]): Wanted | string {
  const options = {
    json: { type: 'boolean', default: false },
    only: { type: 'string', default: '' },
    messages: { type: 'string', default: String(STORE_FULL.waiting) },
    pairs: { type: 'string', default: String(STORE_FULL.pairs) },
    profile: { type: 'string' },
  } as const
  return readOptions(commandArguments, options, ({ json, only, profile, ...counts }) => {
    const cases = STORE_CASES.filter(({ name }) => name.startsWith(only))
    if (cases.length === 0) return `no case begins with ${only}`
    const [waiting, pairs] = [Number(counts.messages), Number(counts.pairs)]
    if (![waiting, pairs].every(isCount)) return 'messages and pairs are counts'
    return { json, profile, cases, scale: { ...STORE_FULL, waiting, pairs } }
  })
}

/** A short run; problems in words, nothing where all is well. */
export async function storeSmokeProblems(place: Place, json: boolean): Promise<string[]> {
  const results: StoreResult[] = []
  const hasPeer = describePeer() !== undefined
  const bench = { place, scale: STORE_SMOKE, options: { profile: undefined }, hasPeer }
  for await (const result of measureStore(bench, STORE_SMOKE_CASES)) {
    results.push(result)
    console.log(json ? JSON.stringify(result) : storeRows(result).join('\n'))
  }
  return storeProblems(STORE_SMOKE_CASES, results)
}

async function* measureStore(
  bench: Bench,
  cases: readonly StoreCase[],
): AsyncGenerator<StoreResult> {
  for (const one of cases) {
    process.stderr.write(`bench: store ${one.name} ...\n`)
    yield await measure(bench, one)
  }
}

function measure(bench: Bench, one: StoreCase): Promise<StoreResult> {
  switch (one.kind) {
    case 'put':
    case 'take':
      return measureRate(bench, one)
    case 'work':
      return measureWork(bench, one)
    case 'priorities':
      return measurePriorities(bench, one)
    case 'latency':
      return measureLatency(bench, one)
    case 'delayed':
      return measureDelayed(bench, one)
    case 'backlog':
      return measureBacklog(bench, one)
  }
}
