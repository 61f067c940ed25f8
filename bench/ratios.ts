/**
 * `npm run bench -- ratios`: whether qlog still costs what it cost, in under two minutes, for CI. Only ratios to
 * something that runs beside it in the same seconds, never absolute times; in memory where there is such a file
 * system, so that no disk's mood falls in. A ratio fails only where even the better quarter of its pairs is below
 * the floor: a change that costs half is seen, a busy machine is not.
 */

import { existsSync } from 'node:fs'
import { median, quantile, rounded } from '../src/measure/measures.ts'
import { Place } from '../src/measure/place.ts'
import { measureAppends, type Scale } from './appends.ts'
import { CASES } from './cases.ts'
import { Contestant } from './peers/contestant.ts'
import { makeRaw } from './raw.ts'

/** Files that live in memory: flushing costs a system call, and nothing else. */
const MEMORY_FOLDER = '/dev/shm'
const PAIRS = 9
const UPPER = 0.75
const MIB = 1024 * 1024

const SCALE: Scale = {
  pairs: PAIRS,
  runSeconds: 0.2,
  runBytesMax: 64 * MIB,
  segments: 2,
  segmentGroups: 16,
  segmentBytesMin: MIB,
  replayBytes: 16 * MIB,
}

interface Floor {
  readonly name: string
  /** About 0.6 of the median that a quiet machine gave when it was set. */
  readonly floor: number
}

/** The log beside the prototype without an engine, bench/bare.ts. */
const APPENDS: readonly Floor[] = [
  { name: 'appendSync/100B', floor: 0.17 },
  { name: 'append-1000-in-flight/100B', floor: 0.5 },
  { name: 'appendMany-1000/100B', floor: 0.5 },
  { name: 'appendMany-100/1KiB', floor: 0.44 },
]

/** The store beside the log, each in a process of its own. */
const STORE_PUT: Floor = { name: 'store put, of log append, 1,000 in flight', floor: 0.34 }
const STORE_TAKE: Floor = { name: 'store deliver + ack, of its put', floor: 0.9 }
const IN_FLIGHT = 1000
const BYTES = 100
const RUN_SECONDS = 0.5
const TAKE_SECONDS_MAX = 10

interface Measured extends Floor {
  readonly middle: number
  readonly upper: number
}

export async function runRatios(): Promise<number> {
  if (!existsSync(MEMORY_FOLDER)) {
    process.stderr.write(`bench ratios SKIPPED: there is no ${MEMORY_FOLDER}\n`)
    return 0
  }
  const place = new Place(MEMORY_FOLDER, 'qlog-ratios-')
  const low: string[] = []
  for await (const measured of measureAll(place)) {
    console.log(JSON.stringify(measured))
    if (measured.upper < measured.floor) low.push(measured.name)
  }
  for (const name of low) process.stderr.write(`bench ratios: ${name} is BELOW ITS FLOOR\n`)
  return low.length === 0 ? 0 : 1
}

async function* measureAll(place: Place): AsyncGenerator<Measured> {
  const raw = await makeRaw(place.path)
  for (const floor of APPENDS) {
    const one = CASES.find(({ name }) => name === floor.name)
    if (one?.kind !== 'append') throw new Error(`there is no case ${floor.name}`)
    // The first variant is that within one segment; the others need a disk.
    for await (const { ofBare, ofBareQuartiles } of measureAppends(place, raw, SCALE, one)) {
      yield { ...floor, middle: ofBare, upper: ofBareQuartiles[1] }
      break
    }
  }
  yield* measureStore(place)
}

async function* measureStore(place: Place): AsyncGenerator<Measured> {
  const log = new Contestant(place, 'qlog-log')
  const store = new Contestant(place, 'qlog-store')
  const ofLog: number[] = []
  const ofPut: number[] = []
  try {
    for (const one of [log, store]) await one.open()
    const put = { bytes: BYTES, inFlight: IN_FLIGHT, seconds: RUN_SECONDS }
    // The first one is cold, and does not count.
    for (let pair = 0; pair <= PAIRS; pair++) {
      const append = await log.run('put', put)
      const own = await store.run('put', put)
      const take = await store.drainFor(IN_FLIGHT, TAKE_SECONDS_MAX)
      if (pair === 0) continue
      ofLog.push(own.rate / append.rate)
      ofPut.push(take.rate / own.rate)
    }
  } finally {
    for (const one of [log, store]) await one.end()
  }
  for (const [floor, ratios] of [
    [STORE_PUT, ofLog],
    [STORE_TAKE, ofPut],
  ] as const) {
    const [middle, upper] = [rounded(median(ratios)), rounded(quantile(ratios, UPPER))]
    yield { ...floor, middle, upper }
  }
}
