/** Measures rates: for every cell all contenders are open at once and take turns, the raw loop among them. */

import { median, quantile, rounded } from '../../src/measure/measures.ts'
import type { Contestant, Run } from './contestant.ts'
import { Field, reasonOf } from './field.ts'
import { RUN_BYTES_MAX } from './loads.ts'
import { inTurns, type PeersBench } from './measure.ts'
import { FLOOR, type RateLine, type ResultLine, underWayOf } from './result.ts'
import { freeBytes, roomProblem } from './room.ts'
import { type RateCell, roundsOf } from './scale.ts'
import { rateWhat } from './what.ts'

/** A loop of this many groups tells how many fit into the time. */
const RAW_PROBE_GROUPS = 8
/** What is put before a run that takes, for as long as nobody knows how much it takes in its time. */
const DRAIN_AT_FIRST = 1000
/** So much more than the last run took: it shall end by its time, and not because nothing is left. */
const DRAIN_AHEAD = 1.5
const DRAIN_MAX = 2_000_000
/**
 * Of what all together would write if each came to the bound of a run: in the cell in which most is written they
 * came to 0.3 of it. And of that what stays in the memory of some servers: there it was 0.1.
 */
const DISK_SHARE = 0.4
const MEMORY_SHARE = 0.2
const FILL_SECONDS_MAX = 45
const WARMUP_RUNS_MAX = 4

/** Who fails is left out of it, aloud. */
export async function measureCell(bench: PeersBench, cell: RateCell): Promise<ResultLine[]> {
  const { scale } = bench
  const groupBytes = cell.bytes * underWayOf(cell)
  const takes = cell.workload === 'drain' || cell.workload === 'steady'
  const field = new Field(bench, rateWhat(cell))
  const reason = refusal(bench, cell)
  if (reason !== undefined) {
    bench.say(`LEFT OUT, ${field.what}: ${reason}`)
    return bench.contenders.map(({ id }) => ({
      kind: 'left-out',
      contender: id,
      what: field.what,
      reason,
    }))
  }
  try {
    await field.open(ableOf(bench, cell).map(({ id }) => id))
    const runs = new Map<string, Run[]>()
    const those = field.those((one) => !takes || one.takes)
    for (const one of those) {
      runs.set(one.id, [])
      await field.attempt(one, async () => {
        await warmUp(one, cell, scale.warmupSeconds)
        await one.settle(scale.pauseSeconds)
      })
    }
    const raws: number[] = []
    const beside = async () => {
      raws.push(await rateBeside(bench, field.what, () => rawRate(bench, groupBytes)))
    }
    const act = async (one: Contestant) => {
      await runOnce(one, cell, scale.leadInSeconds)
      runs.get(one.id)?.push(await runOnce(one, cell, scale.runSeconds))
    }
    await inTurns(bench, field, those, act, { rounds: roundsOf(scale, cell), beside })
    const left = field.those(({ id }) => (runs.get(id)?.length ?? 0) > 0)
    const rates = raws.filter(isMeasured).map(rounded)
    return [
      ...(rates.length > 0 ? [{ kind: 'raw', groupBytes, cell: field.what, rates } as const] : []),
      ...left.map(({ id }) => lineOf(cell, id, runs.get(id) ?? [], raws)),
      ...field.failures,
    ]
  } finally {
    await field.close()
  }
}

/** What says how many puts may wait for their answer has no batches; what keeps nothing is no peer of takers. */
function ableOf({ contenders }: PeersBench, { workload, inFlight = 1 }: RateCell) {
  const isPut = workload === 'put' || workload === 'batch'
  return contenders.filter(
    ({ id, inFlightMax }) =>
      (id !== FLOOR || isPut) &&
      (inFlightMax === undefined || (workload === 'put' && inFlight <= inFlightMax)),
  )
}

/** Why a cell is not tried: all its contenders keep at the same time what nobody takes. */
function refusal({ place, scale, contenders }: PeersBench, cell: RateCell): string | undefined {
  const runs = 1 + roundsOf(scale, cell) * (1 + scale.leadInSeconds / scale.runSeconds)
  const diskBytes = contenders.length * runs * RUN_BYTES_MAX * DISK_SHARE
  return roomProblem({ diskBytes, memoryBytes: diskBytes * MEMORY_SHARE }, freeBytes(place.path))
}

/** Runs that are not counted, until they have lasted so long: the first that takes has little to take. */
async function warmUp(one: Contestant, cell: RateCell, seconds: number): Promise<void> {
  // Whoever only puts keeps all that it is warmed up with.
  const runsMax = cell.workload === 'drain' ? WARMUP_RUNS_MAX : 1
  let worked = 0
  for (let runs = 0; runs < runsMax && worked < seconds; runs++) {
    const { seconds: ran } = await runOnce(one, cell, seconds)
    worked += ran
  }
}

async function runOnce(
  one: Contestant,
  { workload, bytes, inFlight = 1, batch = 1, batches = 1 }: RateCell,
  seconds: number,
): Promise<Run> {
  switch (workload) {
    case 'put':
      return one.run('put', { bytes, inFlight, seconds })
    case 'batch':
      return one.run('batch', { bytes, batch, batches, seconds })
    case 'steady':
      return one.run('steady', { bytes, inFlight, seconds })
    case 'drain': {
      const { takeRate } = one
      const wanted = takeRate === undefined ? DRAIN_AT_FIRST : takeRate * seconds * DRAIN_AHEAD
      const most = Math.min(DRAIN_MAX, RUN_BYTES_MAX / bytes)
      await one.fillUpTo(Math.ceil(Math.min(most, wanted)), bytes, FILL_SECONDS_MAX)
      return one.drainFor(batch, seconds)
    }
  }
}

/** Of one round; no number where the loop failed, which is said aloud and costs no contender its figures. */
export async function rateBeside(
  { say }: Pick<PeersBench, 'say'>,
  what: string,
  loop: () => Promise<number>,
): Promise<number> {
  try {
    return await loop()
  } catch (error) {
    say(`the raw loop FAILED, ${what}: ${reasonOf(error)}`)
    return Number.NaN
  }
}

function isMeasured(rate: number): boolean {
  return !Number.isNaN(rate)
}

/** Groups a second of the loop that only writes and flushes. */
async function rawRate({ place, raw, scale }: PeersBench, groupBytes: number): Promise<number> {
  const file = place.file('raw')
  const probe = await raw.run('prepared', file, groupBytes, RAW_PROBE_GROUPS)
  const groups = Math.max(1, Math.round((scale.rawSeconds * RAW_PROBE_GROUPS) / probe))
  return groups / (await raw.run('prepared', file, groupBytes, groups))
}

/** Share of the raw loop of the same round, the median; undefined where it has failed in all of them. */
export function efficiencyOf(
  rates: readonly number[],
  raws: readonly number[],
  underWay: number,
): number | undefined {
  const shares = rates
    .map((rate, round) => rate / ((raws[round] ?? Number.NaN) * underWay))
    .filter(isMeasured)
  return shares.length === 0 ? undefined : rounded(median(shares))
}

function lineOf(
  { rounds: _, ...cell }: RateCell,
  contender: string,
  runs: readonly Run[],
  raws: readonly number[],
): RateLine {
  const rates = runs.map(({ rate }) => rate)
  // The raw loop writes bodies, which a take does not.
  const isOfBodies = cell.workload === 'put' || cell.workload === 'batch'
  const efficiency = isOfBodies ? efficiencyOf(rates, raws, underWayOf(cell)) : undefined
  return {
    kind: 'rate',
    contender,
    ...cell,
    rate: rounded(median(rates)),
    quartiles: [rounded(quantile(rates, 0.25)), rounded(quantile(rates, 0.75))],
    runs: runs.length,
    rates: rates.map(rounded),
    seconds: runs.map(({ seconds }) => rounded(seconds)),
    cpu: rounded(median(runs.map(({ cpu }) => cpu))),
    ...(efficiency !== undefined && { efficiency }),
  }
}
