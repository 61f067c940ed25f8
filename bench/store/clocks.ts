/** Measures latency from end to end at half of what the machine can do, and how exactly delays end. */

import { median } from '../../src/measure/measures.ts'
import type { Quantiles } from './clocked.ts'
import { type Bench, withProcesses } from './rates.ts'
import { type Figure, figureOf, medianOf, type StoreResult } from './result.ts'
import { type OtherCase, PLAIN } from './scale.ts'

/** The share of the highest rate at which latency is measured. */
const LOAD_SHARE = 0.5
/** Runs that find the highest rate; the first warms up and counts like the others. */
const RATE_RUNS = 5

export async function measureLatency(bench: Bench, { name }: OtherCase): Promise<StoreResult> {
  const { scale } = bench
  return withProcesses(bench, 1, async ([store], [directory]) => {
    if (!store || directory === undefined) throw new Error('there is one process')
    await store.call('open', { directory, layout: PLAIN })
    const rates: number[] = []
    for (let run = 0; run < RATE_RUNS; run++) {
      rates.push(await store.call('through', { messages: scale.roundMessages }))
    }
    const rate = median(rates) * LOAD_SHARE
    const messages = Math.max(100, Math.round(rate * scale.latencySeconds))
    const paced = await store.call('paced', { rate, messages })
    const figures = [
      medianOf('highest rate', 'messages/s', rates),
      figureOf('rate wanted', 'messages/s', rate),
      figureOf('rate reached', 'messages/s', paced.rate),
      ...figuresOf('until delivered', paced.delivered),
      ...figuresOf('until ack durable', paced.finished),
      ...figuresOf('producer late', paced.putLate),
    ]
    return { case: name, sync: 'always', messages, runs: 1, figures }
  })
}

export async function measureDelayed(bench: Bench, { name }: OtherCase): Promise<StoreResult> {
  const { scale } = bench
  const { delayedMessages: messages, delayedBeginMs: beginMs, delayedSpreadMs: spreadMs } = scale
  return withProcesses(bench, 1, async ([store], [directory]) => {
    if (!store || directory === undefined) throw new Error('there is one process')
    await store.call('open', { directory, layout: PLAIN })
    const late = await store.call('delayed', { messages, beginMs, spreadMs })
    return { case: name, sync: 'always', messages, runs: 1, figures: figuresOf('late', late) }
  })
}

function figuresOf(what: string, { p50Ms, p99Ms, p999Ms, maxMs }: Quantiles): Figure[] {
  return [
    figureOf(`${what} p50`, 'ms', p50Ms),
    figureOf(`${what} p99`, 'ms', p99Ms),
    figureOf(`${what} p99.9`, 'ms', p999Ms),
    figureOf(`${what} max`, 'ms', maxMs),
  ]
}
