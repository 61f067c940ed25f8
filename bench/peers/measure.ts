/**
 * Measures contenders beside each other: for every cell all of them are open at once, in processes of their
 * own, and take turns, every other round backwards, the raw loop among them.
 */

import { median, quantile, rounded } from '../../src/measure/measures.ts'
import type { Place } from '../../src/measure/place.ts'
import type { Raw } from '../raw.ts'
import type { Quantiles } from '../store/clocked.ts'
import { inTurnsOf } from '../store/rates.ts'
import type { Contestant, Run } from './contestant.ts'
import { Field } from './field.ts'
import type {
  BacklogLine,
  FailedLine,
  LatencyLine,
  RateLine,
  RawLine,
  ReopenLine,
} from './result.ts'
import { BACKLOG_BYTES, MANY_IN_FLIGHT, type PeersScale, type RateCell } from './scale.ts'
import type { Lateness } from './verbs.ts'

export interface PeersBench {
  readonly place: Place
  readonly raw: Raw
  readonly scale: PeersScale
  /** Ids of those that are there. */
  readonly contenders: readonly { readonly id: string; readonly inFlightMax?: number | undefined }[]
  say(line: string): void
}

/** Whoever cannot take what waits in this time is not measured further. */
const EMPTY_SECONDS_MAX = 120
/** A loop of this many groups tells how many fit into the time. */
const RAW_PROBE_GROUPS = 8
/** What is put before a run that takes, for as long as nobody knows how much it takes in its time. */
const DRAIN_AT_FIRST = 1000
/** So much more than the last run took: it shall end by its time, and not because nothing is left. */
const DRAIN_AHEAD = 1.5
const DRAIN_MAX = 2_000_000

/** Rates of one cell, and of the raw loop in groups of the same size. Who fails is left out of it, aloud. */
export async function measureCell(
  bench: PeersBench,
  cell: RateCell,
  rawRates: Map<number, number[]>,
): Promise<(RateLine | FailedLine)[]> {
  const { scale } = bench
  const many = cell.inFlight ?? cell.batch ?? 1
  const groupBytes = cell.bytes * many
  // One that is called synchronously has no batches of its own.
  const able = bench.contenders.filter(({ inFlightMax }) =>
    inFlightMax === undefined
      ? true
      : cell.workload === 'put' && (cell.inFlight ?? 1) <= inFlightMax,
  )
  const takes = cell.workload === 'drain' || cell.workload === 'steady'
  const field = new Field(bench, wordsOf(cell))
  try {
    for (const { id } of able) await field.open(id)
    const runs = new Map<string, Run[]>()
    for (const one of field.those((one) => !takes || one.takes)) {
      runs.set(one.id, [])
      await field.attempt(one, () => runOnce(bench, one, cell, scale.warmupSeconds))
    }
    const raws: number[] = []
    const rawTurn = async () => {
      raws.push(await rawRate(bench, groupBytes))
    }
    const turns = field
      .those(({ id }) => runs.has(id))
      .map(
        (one) => () =>
          field.attempt(one, async () => {
            runs.get(one.id)?.push(await runOnce(bench, one, cell, scale.runSeconds))
          }),
      )
    await inTurnsOf(scale.rounds, [rawTurn, ...turns])
    rawRates.set(groupBytes, [...(rawRates.get(groupBytes) ?? []), ...raws])
    const rawMessages = median(raws) * many
    const left = field.those(({ id }) => (runs.get(id)?.length ?? 0) > 0)
    const lines = left.map(({ id }) => lineOf(cell, id, runs.get(id) ?? [], rawMessages))
    return [...lines, ...field.failures]
  } finally {
    await field.close()
  }
}

export function rawLines(rawRates: ReadonlyMap<number, readonly number[]>): RawLine[] {
  return [...rawRates]
    .sort(([a], [b]) => a - b)
    .map(([groupBytes, rates]) => ({ kind: 'raw', groupBytes, rates: rates.map(rounded) }))
}

/** Latencies at shares of each one's own maximum, open loop: nothing waits for an answer before the next. */
export async function measureLatencies(
  bench: PeersBench,
  id: string,
): Promise<(LatencyLine | FailedLine)[]> {
  const lines: (LatencyLine | FailedLine)[] = []
  for (const workload of ['put', 'through'] as const) {
    const found = await alone<LatencyLine>(bench, id, `latency ${workload}`, (one, add) =>
      measureLatency(bench, one, workload, add),
    )
    lines.push(...found)
  }
  return lines
}

async function measureLatency(
  { scale, contenders }: PeersBench,
  one: Contestant,
  workload: 'put' | 'through',
  add: (line: LatencyLine) => void,
): Promise<void> {
  const { latencySeconds: seconds, latencyRounds: runs } = scale
  if (workload === 'through' && !one.takes) return
  const { inFlightMax = MANY_IN_FLIGHT } = contenders.find(({ id }) => id === one.id) ?? {}
  const inFlight = Math.min(MANY_IN_FLIGHT, inFlightMax)
  const most = await maximumOf(scale, one, workload, inFlight)
  for (const share of scale.shares) {
    const rate = most * share
    const found: Lateness[] = []
    for (let run = 0; run < runs; run++) {
      // Whoever is to tell when its own messages come must find no others.
      if (one.takes) await empty(one)
      const how = { bytes: BACKLOG_BYTES, rate, seconds }
      found.push(await one.call(workload === 'put' ? 'pacedPut' : 'pacedThrough', how))
    }
    const place = { contender: one.id, workload, bytes: BACKLOG_BYTES, share }
    const unfinished = found.reduce((sum, run) => sum + run.unfinished, 0)
    const figures = { ...quantilesOfRuns(found), ...(unfinished > 0 && { unfinished }) }
    add({ kind: 'latency', ...place, rate: rounded(rate), ...figures, runs })
  }
}

/** Memory, disk and rates while ever more messages wait, and reopening after a kill with each of these. */
export async function measureBacklog(
  bench: PeersBench,
  id: string,
): Promise<(BacklogLine | ReopenLine | FailedLine)[]> {
  const { scale } = bench
  return alone<BacklogLine | ReopenLine>(bench, id, 'backlog', async (one, add) => {
    if (!one.takes) return
    const how = { bytes: BACKLOG_BYTES, secondsMax: scale.fillSecondsMax }
    // Not counted: code gets warm, and what is resident is so.
    await ratesWith(scale, one)
    const emptyBytes = await one.memoryBytes()
    let waiting = 0
    for (const wanted of scale.backlogs) {
      waiting += await one.call('fill', { ...how, messages: wanted - waiting })
      if (waiting < wanted) {
        throw new Error(`${waiting} of ${wanted} messages in ${scale.fillSecondsMax} s, no further`)
      }
      const [memoryBytes, diskBytes] = [await one.memoryBytes(), one.diskBytes()]
      const rates = await ratesWith(scale, one)
      const figures = { memoryBytes: Math.max(0, memoryBytes - emptyBytes), diskBytes }
      add({ kind: 'backlog', contender: id, waiting: wanted, ...rates, ...figures })
      const seconds = rounded(await one.reopenKilled())
      add({ kind: 'reopen', contender: id, waiting: wanted, seconds, how: 'killed' })
      // One was taken to see that it is open.
      waiting += (await one.call('fill', { ...how, messages: 1 })) - 1
    }
  })
}

async function empty(one: Contestant): Promise<void> {
  const all = { batch: MANY_IN_FLIGHT, messages: Number.MAX_SAFE_INTEGER }
  const { messages } = await one.call('drain', { ...all, secondsMax: EMPTY_SECONDS_MAX })
  if (messages > 0 && (await one.call('drain', { ...all, secondsMax: 1 })).messages > 0) {
    throw new Error(`more waits than is taken in ${EMPTY_SECONDS_MAX} s`)
  }
}

/** Puts, and takes as many again, so that as many wait as before. */
async function ratesWith(
  scale: PeersScale,
  one: Contestant,
): Promise<{ putRate: number; takeRate: number }> {
  const puts: number[] = []
  const takes: number[] = []
  for (let round = 0; round < scale.rounds; round++) {
    const timing = await one.call('put', {
      bytes: BACKLOG_BYTES,
      inFlight: MANY_IN_FLIGHT,
      seconds: scale.runSeconds,
    })
    puts.push(timing.messages / timing.seconds)
    let left = timing.messages
    let seconds = 0
    while (left > 0) {
      const taken = await one.call('drain', {
        batch: MANY_IN_FLIGHT,
        messages: left,
        secondsMax: EMPTY_SECONDS_MAX,
      })
      if (taken.messages === 0) throw new Error(`nothing to take where ${left} wait`)
      left -= taken.messages
      seconds += taken.seconds
    }
    takes.push(timing.messages / seconds)
  }
  return { putRate: rounded(median(puts)), takeRate: rounded(median(takes)) }
}

async function maximumOf(
  scale: PeersScale,
  one: Contestant,
  workload: 'put' | 'through',
  inFlight: number,
): Promise<number> {
  const how = { bytes: BACKLOG_BYTES, inFlight, seconds: scale.runSeconds }
  const rates: number[] = []
  for (let run = 0; run <= scale.latencyRounds; run++) {
    const { rate } = await (workload === 'put'
      ? one.run('put', how)
      : one.run('steady', { ...how, takers: 1 }))
    if (run > 0) rates.push(rate)
  }
  return median(rates)
}

async function runOnce(
  { scale }: PeersBench,
  one: Contestant,
  { workload, bytes, inFlight = 1, batch = 1 }: RateCell,
  seconds: number,
): Promise<Run> {
  switch (workload) {
    case 'put':
      return one.run('put', { bytes, inFlight, seconds })
    case 'batch':
      return one.run('batch', { bytes, batch, seconds })
    case 'steady':
      return one.run('steady', { bytes, inFlight, seconds })
    case 'drain': {
      const wanted = one.takenLast === undefined ? DRAIN_AT_FIRST : one.takenLast * DRAIN_AHEAD
      await one.fillUpTo(Math.min(DRAIN_MAX, Math.ceil(wanted)), bytes, scale.fillSecondsMax)
      return one.drainFor(batch, seconds)
    }
  }
}

/** Groups a second of the loop that only writes and flushes. */
async function rawRate({ place, raw, scale }: PeersBench, groupBytes: number): Promise<number> {
  const file = place.file('raw')
  const probe = await raw.run('prepared', file, groupBytes, RAW_PROBE_GROUPS)
  const groups = Math.max(1, Math.round((scale.rawSeconds * RAW_PROBE_GROUPS) / probe))
  return groups / (await raw.run('prepared', file, groupBytes, groups))
}

function lineOf(
  { workload, bytes, inFlight, batch }: RateCell,
  contender: string,
  runs: readonly Run[],
  rawMessages: number,
): RateLine {
  const rates = runs.map(({ rate }) => rate)
  const rate = median(rates)
  return {
    kind: 'rate',
    contender,
    workload,
    bytes,
    ...(inFlight !== undefined && { inFlight }),
    ...(batch !== undefined && { batch }),
    rate: rounded(rate),
    quartiles: [rounded(quantile(rates, 0.25)), rounded(quantile(rates, 0.75))],
    runs: runs.length,
    cpu: rounded(median(runs.map(({ cpu }) => cpu))),
    // The raw loop writes bodies, which a take does not.
    ...((workload === 'put' || workload === 'batch') && {
      efficiency: rounded(rate / rawMessages),
    }),
  }
}

/** Medians over the runs: one that something else of the machine fell into shall not be the figure. */
function quantilesOfRuns(runs: readonly Quantiles[]): Quantiles {
  const of = (pick: (run: Quantiles) => number): number => rounded(median(runs.map(pick)))
  return {
    p50Ms: of(({ p50Ms }) => p50Ms),
    p99Ms: of(({ p99Ms }) => p99Ms),
    p999Ms: of(({ p999Ms }) => p999Ms),
    // The worst of all of them: a stall in one run is a stall.
    maxMs: rounded(Math.max(...runs.map(({ maxMs }) => maxMs))),
  }
}

/** One contender by itself, from a fresh directory on: what was found until it failed, and that it did. */
async function alone<Line>(
  bench: PeersBench,
  id: string,
  what: string,
  use: (one: Contestant, add: (line: Line) => void) => Promise<void>,
): Promise<(Line | FailedLine)[]> {
  const field = new Field(bench, what)
  const lines: (Line | FailedLine)[] = []
  try {
    await field.open(id)
    for (const one of field.those(() => true)) {
      await field.attempt(one, () => use(one, (line) => lines.push(line)))
    }
    return [...lines, ...field.failures]
  } finally {
    await field.close()
  }
}

function wordsOf({ workload, bytes, inFlight, batch }: RateCell): string {
  const many = inFlight === undefined ? `batches of ${batch}` : `${inFlight} in flight`
  return `${workload}, ${bytes} B, ${many}`
}
