/**
 * Measures latencies, open loop: messages come by the clock, at rates that are the same for all and at shares of
 * each one's own maximum; the contenders take turns as for rates.
 */

import { median, rounded } from '../../src/measure/measures.ts'
import type { Contestant } from './contestant.ts'
import { Field } from './field.ts'
import { latenessFiguresOf } from './lateness.ts'
import { empty, inTurns, type PeersBench } from './measure.ts'
import { FLOOR, type LatencyWorkload, type LeftOutLine, type ResultLine } from './result.ts'
import { BACKLOG_BYTES, LATENCY_ROOM, MANY_IN_FLIGHT } from './scale.ts'
import type { Lateness } from './verbs.ts'
import { latencyWhat, loadWhat, offeredText, shareText } from './what.ts'

/** A load that is offered. */
interface Load {
  readonly words: string
  readonly share?: number
  /** Messages a second, for one whose maximum is so much. */
  rateFor(maximum: number): number
}

export async function measureLatencies(
  bench: PeersBench,
  workload: LatencyWorkload,
): Promise<ResultLine[]> {
  const field = new Field(bench, latencyWhat(workload))
  const lines: ResultLine[] = []
  try {
    await field.open(bench.contenders.map(({ id }) => id))
    const those = field.those((one) => workload === 'put' || one.takes)
    const maxima = await maximaOf(bench, field, those, workload)
    for (const load of loadsOf(bench)) {
      const able: Contestant[] = []
      for (const one of those.filter((one) => field.has(one))) {
        // A share of what nothing takes is no load of anybody.
        if (one.id === FLOOR && load.share !== undefined) continue
        const maximum = maxima.get(one.id)
        if (maximum === undefined) continue
        const slow = tooSlow(load, workload, one.id, maximum)
        if (slow === undefined) able.push(one)
        else lines.push(slow)
        if (slow !== undefined) bench.say(`${one.id} is LEFT OUT, ${slow.what}: ${slow.reason}`)
      }
      field.what = loadWhat(workload, load.words)
      lines.push(...(await measureLoad(bench, field, able, workload, load, maxima)))
    }
    return [...lines, ...field.failures]
  } finally {
    await field.close()
  }
}

function loadsOf({ scale }: PeersBench): Load[] {
  return [
    ...scale.offered.map((rate) => ({ words: offeredText(rate), rateFor: () => rate })),
    ...scale.shares.map((share) => ({
      words: shareText(share),
      share,
      rateFor: (maximum: number) => maximum * share,
    })),
  ]
}

function tooSlow(
  load: Load,
  workload: LatencyWorkload,
  contender: string,
  maximum: number,
): LeftOutLine | undefined {
  if (maximum >= LATENCY_ROOM * load.rateFor(maximum)) return undefined
  const what = loadWhat(workload, load.words)
  const takers = workload === 'through' ? ' with one taker' : ''
  const reason = `its maximum${takers} is ${rounded(maximum)} a second`
  return { kind: 'left-out', contender, what, reason }
}

async function maximaOf(
  bench: PeersBench,
  field: Field,
  those: readonly Contestant[],
  workload: LatencyWorkload,
): Promise<ReadonlyMap<string, number>> {
  const { scale } = bench
  const rates = new Map<string, number[]>()
  const act = async (one: Contestant, round: number) => {
    // The first is not counted: code gets warm.
    if (round > 1) await flatOut(bench, one, workload, scale.leadInSeconds)
    const seconds = round === 1 ? scale.warmupSeconds : scale.runSeconds
    const rate = await flatOut(bench, one, workload, seconds)
    if (round > 1) rates.set(one.id, [...(rates.get(one.id) ?? []), rate])
  }
  await inTurns(bench, field, those, act, { rounds: scale.latencyRounds + 1 })
  return new Map([...rates].map(([id, some]) => [id, median(some)]))
}

/** As many a second as it can, driven as the load is, with as many under way as it may have. */
async function flatOut(
  { contenders }: PeersBench,
  one: Contestant,
  workload: LatencyWorkload,
  seconds: number,
): Promise<number> {
  const { inFlightMax = MANY_IN_FLIGHT } = contenders.find(({ id }) => id === one.id) ?? {}
  const how = { bytes: BACKLOG_BYTES, inFlight: Math.min(MANY_IN_FLIGHT, inFlightMax), seconds }
  const { rate } = await one.run(workload === 'put' ? 'flatOutPut' : 'flatOutThrough', how)
  return rate
}

async function measureLoad(
  bench: PeersBench,
  field: Field,
  able: readonly Contestant[],
  workload: LatencyWorkload,
  load: Load,
  maxima: ReadonlyMap<string, number>,
): Promise<ResultLine[]> {
  const found = new Map<string, Lateness[]>()
  const rateOf = (one: Contestant) => load.rateFor(maxima.get(one.id) ?? 0)
  const { leadInSeconds, latencySeconds, latencyRounds, pauseSeconds } = bench.scale
  const act = async (one: Contestant) => {
    const paced = (seconds: number) => {
      const how = { bytes: BACKLOG_BYTES, rate: rateOf(one), seconds }
      return one.call(workload === 'put' ? 'pacedPut' : 'pacedThrough', how)
    }
    // Nobody works on a backlog that is only as large as it is fast.
    if (one.takes) {
      await empty(one)
      await one.settle(pauseSeconds)
    }
    // Whoever waited for its turn is cold. No faster than the load: what that leaves to be done is none of the load's.
    await paced(leadInSeconds)
    // Whoever is to tell when its own messages come must find no others, such as came too late just now.
    if (workload === 'through') await empty(one)
    found.set(one.id, [...(found.get(one.id) ?? []), await paced(latencySeconds)])
  }
  await inTurns(bench, field, able, act, { rounds: latencyRounds })
  return able
    .filter((one) => field.has(one))
    .map((one) => ({
      kind: 'latency',
      contender: one.id,
      workload,
      bytes: BACKLOG_BYTES,
      ...(load.share !== undefined && { share: load.share }),
      rate: rounded(rateOf(one)),
      ...latenessFiguresOf(found.get(one.id) ?? []),
    }))
}
