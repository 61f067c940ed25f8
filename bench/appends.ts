/** Measures a case of appending: the raw loop, the prototype and the engine in turns. */

import { drive, makeBodies } from '../src/measure/driver.ts'
import { runEngine } from '../src/measure/engine-run.ts'
import { median, rounded } from '../src/measure/measures.ts'
import type { Place } from '../src/measure/place.ts'
import {
  givingBack,
  type Plan,
  type PlanScale,
  planPrepared,
  planSustained,
} from '../src/measure/plan.ts'
import { BareLog } from './bare.ts'
import type { AppendCase } from './cases.ts'
import type { Raw } from './raw.ts'
import { type Pair, type Result, resultOf } from './result.ts'

const MIB = 1024 * 1024

export interface Scale extends PlanScale {
  readonly pairs: number
  /** Length of the log that is replayed. */
  readonly replayBytes: number
}

export async function* measureAppends(
  place: Place,
  raw: Raw,
  scale: Scale,
  how: AppendCase,
): AsyncGenerator<Result> {
  const bodies = makeBodies(how)
  const prepared = await planPrepared(place, scale, how, bodies)
  const kept = planSustained(scale, how, prepared)
  const givenBack = givingBack(kept, how)
  const bare = new BareLog(place.file('bare'), bareBytes(prepared))
  try {
    yield await measureVariant(place, raw, scale, how, bodies, bare, prepared, 'prepared')
    yield await measureVariant(place, raw, scale, how, bodies, bare, givenBack, 'sustained')
    yield await measureVariant(place, raw, scale, how, bodies, bare, kept, 'sustained')
  } finally {
    bare.close()
    for (const name of ['bare', 'prepared', 'growing']) place.remove(place.file(name))
  }
}

async function measureVariant(
  place: Place,
  raw: Raw,
  scale: Scale,
  how: AppendCase,
  bodies: readonly Uint8Array[],
  bare: BareLog,
  plan: Plan,
  variant: Result['variant'],
): Promise<Result> {
  const messages = plan.calls * how.batch
  const groups = Math.max(1, Math.round(messages / plan.groupMessages))
  const rawMessages = groups * plan.groupMessages
  const pairs: Pair[] = []
  const growing: number[] = []
  const latenciesMs: number[] = []
  const loopDelaysMs: number[] = []
  let segments = 0
  for (let i = 0; i < scale.pairs; i++) {
    let [rate, rawRate, bareRate] = [0, 0, 0]
    const turns = [
      async () => {
        const { groupBytes } = plan
        rawRate =
          rawMessages / (await raw.run('prepared', place.file('prepared'), groupBytes, groups))
        if (variant === 'prepared') return
        growing.push(
          rawMessages / (await raw.run('growing', place.file('growing'), groupBytes, groups)),
        )
      },
      async () => {
        const { call, batch, bareCallers: callers } = how
        const timing = await drive(bare, { call, batch, callers }, bodies, plan.calls)
        bareRate = messages / timing.seconds
      },
      async () => {
        const run = await runEngine(place, how, bodies, plan)
        loopDelaysMs.push(run.loopDelayP99Ms)
        rate = messages / run.seconds
        segments = Math.max(segments, run.segments)
        for (const latency of run.latenciesMs) latenciesMs.push(latency)
      },
    ]
    // Every other round runs backwards, so that a machine that slows down favours nobody.
    if (i % 2 === 1) turns.reverse()
    for (const turn of turns) await turn()
    pairs.push({ rate, rawRate, bareRate })
  }
  const { groupMessages, groupBytes } = plan
  return resultOf(how.name, variant, pairs, latenciesMs, {
    groupMessages,
    groupBytes,
    segments,
    ...(variant === 'sustained' && { space: plan.keptMessages ? 'given back' : 'kept' }),
    // A synchronous append holds the event loop by its nature.
    ...(how.call !== 'sync' && { loopDelayP99Ms: rounded(median(loopDelaysMs)) }),
    ...(growing.length > 0 && { rawGrowingRate: Math.round(median(growing)) }),
  })
}

/** The prototype goes round and round in its file. */
function bareBytes({ calls, groupBytes, groupMessages }: Plan): number {
  return Math.max(
    groupBytes * 2,
    Math.min(256 * MIB, Math.ceil(calls / groupMessages) * groupBytes),
  )
}
