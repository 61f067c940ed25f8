/**
 * Measures contenders beside each other: for every cell all of them are open at once, in processes of their
 * own, and take turns, every other round backwards; the raw loop runs in each round before them.
 */

import { median, quantile, rounded } from '../../src/measure/measures.ts'
import type { Place } from '../../src/measure/place.ts'
import type { Raw } from '../raw.ts'
import type { Quantiles } from '../store/clocked.ts'
import { inTurnsOf } from '../store/rates.ts'
import { Contestant, type Run } from './contestant.ts'
import type { BacklogLine, LatencyLine, RateLine, RawLine, ReopenLine } from './result.ts'
import { BACKLOG_BYTES, MANY_IN_FLIGHT, type PeersScale, type RateCell } from './scale.ts'

export interface PeersBench {
  readonly place: Place
  readonly raw: Raw
  readonly scale: PeersScale
  /** Ids of those that are there. */
  readonly contenders: readonly { readonly id: string; readonly inFlightMax?: number | undefined }[]
  say(line: string): void
}

/** Waiting for each run that takes: what one of `runSeconds` could take at most is put before. */
const DRAIN_SECONDS_AHEAD = 60
/** A loop of this many groups tells how many fit into the time. */
const RAW_PROBE_GROUPS = 8

/** Rates of one cell, and of the raw loop in groups of the same size. */
export async function measureCell(
  bench: PeersBench,
  cell: RateCell,
  rawRates: Map<number, number[]>,
): Promise<RateLine[]> {
  const { scale } = bench
  const many = cell.inFlight ?? cell.batch ?? 1
  const groupBytes = cell.bytes * many
  const able = bench.contenders.filter(
    ({ inFlightMax }) => (cell.inFlight ?? 1) <= (inFlightMax ?? Number.POSITIVE_INFINITY),
  )
  return withOpen(
    bench,
    able.map(({ id }) => id),
    async (opened) => {
      const takes = cell.workload === 'drain' || cell.workload === 'steady'
      const contestants = opened.filter((one) => !takes || one.takes)
      const runs = new Map<string, Run[]>(contestants.map(({ id }) => [id, []]))
      const raws: number[] = []
      for (const one of contestants) await runOnce(bench, one, cell, scale.warmupSeconds)
      const turns = contestants.map((one) => async () => {
        runs.get(one.id)?.push(await runOnce(bench, one, cell, scale.runSeconds))
      })
      const rawTurn = async () => {
        raws.push(await rawRate(bench, groupBytes))
      }
      await inTurnsOf(scale.rounds, [rawTurn, ...turns])
      rawRates.set(groupBytes, [...(rawRates.get(groupBytes) ?? []), ...raws])
      const rawMessages = median(raws) * many
      return [...runs].map(([id, list]) => lineOf(cell, id, list, rawMessages))
    },
  )
}

export function rawLines(rawRates: ReadonlyMap<number, readonly number[]>): RawLine[] {
  return [...rawRates]
    .sort(([a], [b]) => a - b)
    .map(([groupBytes, rates]) => ({ kind: 'raw', groupBytes, rates: rates.map(rounded) }))
}

/** Latencies at shares of each one's own maximum, open loop: nothing waits for an answer before the next. */
export async function measureLatencies(bench: PeersBench, id: string): Promise<LatencyLine[]> {
  const { scale } = bench
  const { latencySeconds: seconds, latencyRounds: runs } = scale
  return withOpen(bench, [id], async ([one]) => {
    if (one === undefined) throw new Error('one was opened')
    const lines: LatencyLine[] = []
    for (const workload of ['put', 'through'] as const) {
      if (workload === 'through' && !one.takes) continue
      const most = await maximumOf(bench, one, workload)
      for (const share of scale.shares) {
        const rate = most * share
        const found: Quantiles[] = []
        for (let run = 0; run < runs; run++) {
          const how = { bytes: BACKLOG_BYTES, rate, seconds }
          found.push(await one.call(workload === 'put' ? 'pacedPut' : 'pacedThrough', how))
        }
        const figures = quantilesOfRuns(found)
        const place = { contender: id, workload, bytes: BACKLOG_BYTES, share }
        lines.push({ kind: 'latency', ...place, rate: rounded(rate), ...figures, runs })
      }
    }
    return lines
  })
}

/** Rates, memory and disk while ever more messages wait, and reopening after a kill with each of these. */
export async function measureBacklog(
  bench: PeersBench,
  id: string,
): Promise<(BacklogLine | ReopenLine)[]> {
  const { scale } = bench
  return withOpen(bench, [id], async ([one]) => {
    if (one === undefined) throw new Error('one was opened')
    if (!one.takes) return []
    const lines: (BacklogLine | ReopenLine)[] = []
    const emptyBytes = await one.memoryBytes()
    let waiting = 0
    for (const wanted of scale.backlogs) {
      const how = { bytes: BACKLOG_BYTES, secondsMax: scale.fillSecondsMax }
      waiting += await one.call('fill', { ...how, messages: wanted - waiting })
      if (waiting < wanted) {
        bench.say(
          `${id}: ${waiting} of ${wanted} messages in ${scale.fillSecondsMax} s, no further`,
        )
        break
      }
      const [memoryBytes, diskBytes] = [await one.memoryBytes(), one.diskBytes()]
      const rates = await ratesWith(bench, one)
      const figures = { memoryBytes: Math.max(0, memoryBytes - emptyBytes), diskBytes }
      lines.push({ kind: 'backlog', contender: id, waiting: wanted, ...rates, ...figures })
      const seconds = rounded(await one.reopenKilled())
      lines.push({ kind: 'reopen', contender: id, waiting: wanted, seconds, how: 'killed' })
      // One was taken to see that it is open.
      waiting += (await one.call('fill', { ...how, messages: 1 })) - 1
    }
    return lines
  })
}

/** Puts, and takes as many again, so that as many wait as before. */
async function ratesWith(
  { scale }: PeersBench,
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
        secondsMax: DRAIN_SECONDS_AHEAD,
      })
      if (taken.messages === 0) throw new Error(`${one.id}: nothing to take where ${left} wait`)
      left -= taken.messages
      seconds += taken.seconds
    }
    takes.push(timing.messages / seconds)
  }
  return { putRate: rounded(median(puts)), takeRate: rounded(median(takes)) }
}

async function maximumOf(
  { scale }: PeersBench,
  one: Contestant,
  workload: 'put' | 'through',
): Promise<number> {
  const how = { bytes: BACKLOG_BYTES, inFlight: MANY_IN_FLIGHT, seconds: scale.runSeconds }
  const rates: number[] = []
  for (let run = 0; run <= scale.latencyRounds; run++) {
    const { rate } = await one.run(workload === 'put' ? 'put' : 'steady', how)
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
      const messages = Math.max(
        1,
        Math.round(scale.drainMessages * Math.min(1, (batch * batch) / MANY_IN_FLIGHT)),
      )
      await one.call('fill', { bytes, messages, secondsMax: scale.fillSecondsMax })
      return one.run('drain', { batch, messages, secondsMax: scale.drainSecondsMax })
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
    efficiency: rounded(rate / rawMessages),
  }
}

/** Medians over the runs: one that something else of the machine fell into shall not be the figure. */
function quantilesOfRuns(runs: readonly Quantiles[]): Quantiles {
  const of = (pick: (run: Quantiles) => number): number => rounded(median(runs.map(pick)))
  return {
    p50Ms: of(({ p50Ms }) => p50Ms),
    p99Ms: of(({ p99Ms }) => p99Ms),
    p999Ms: of(({ p999Ms }) => p999Ms),
    maxMs: of(({ maxMs }) => maxMs),
  }
}

/** Contenders that are gone when `use` is over, and what they wrote with them. */
async function withOpen<T>(
  { place, say }: PeersBench,
  ids: readonly string[],
  use: (contestants: readonly Contestant[]) => Promise<T>,
): Promise<T> {
  const contestants = ids.map((id) => new Contestant(place, id))
  try {
    for (const one of contestants) await one.open()
    return await use(contestants)
  } finally {
    for (const one of contestants) {
      await one.end().catch((error: unknown) => say(`${one.id} does not end in order: ${error}`))
    }
  }
}
