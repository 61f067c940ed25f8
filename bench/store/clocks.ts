/** Measures latency from end to end at half of what the machine can do, and how exactly delays end. */

import { median } from '../../src/measure/measures.ts'
import type { Latencies, Quantiles } from './clocked.ts'
import { type Bench, withProcesses } from './rates.ts'
import { type Figure, figureOf, medianOf, type StoreResult } from './result.ts'
import { type OtherCase, PLAIN } from './scale.ts'

/** The share of the highest rate at which latency is measured. */
const LOAD_SHARE = 0.5

export async function measureLatency(bench: Bench, { name }: OtherCase): Promise<StoreResult> {
  const { scale } = bench
  return withProcesses(bench, 1, async ([store], [directory]) => {
    if (!store || directory === undefined) throw new Error('there is one process')
    await store.call('open', { directory, layout: PLAIN })
    const rates: number[] = []
    for (let run = 0; run < scale.clockRuns; run++) {
      rates.push(await store.call('through', { messages: scale.roundMessages }))
    }
    const rate = median(rates) * LOAD_SHARE
    const messages = Math.max(100, Math.round(rate * scale.latencySeconds))
    const runs: Latencies[] = []
    for (let run = 0; run < scale.clockRuns; run++) {
      runs.push(await store.call('paced', { rate, messages }))
    }
    const reached = runs.map((one) => one.rate)
    const figures = [
      medianOf('highest rate', 'messages/s', rates),
      figureOf('rate wanted', 'messages/s', rate),
      medianOf('rate reached', 'messages/s', reached),
      ...figuresOf(
        'until delivered',
        runs.map(({ delivered }) => delivered),
      ),
      ...figuresOf(
        'until ack durable',
        runs.map(({ finished }) => finished),
      ),
      ...figuresOf(
        'producer late',
        runs.map(({ putLate }) => putLate),
      ),
    ]
    return { case: name, sync: 'always', messages, runs: scale.clockRuns, figures }
  })
}

export async function measureDelayed(bench: Bench, { name }: OtherCase): Promise<StoreResult> {
  const { scale } = bench
  const { delayedMessages: messages, delayedBeginMs: beginMs, delayedSpreadMs: spreadMs } = scale
  return withProcesses(bench, 1, async ([store], [directory]) => {
    if (!store || directory === undefined) throw new Error('there is one process')
    await store.call('open', { directory, layout: PLAIN })
    // The first run warms up the compiler and is not counted.
    const runs: Quantiles[] = []
    for (let run = 0; run <= scale.clockRuns; run++) {
      const late = await store.call('delayed', { messages, beginMs, spreadMs })
      if (run > 0) runs.push(late)
    }
    const figures = figuresOf('late', runs)
    return { case: name, sync: 'always', messages, runs: scale.clockRuns, figures }
  })
}

/** Medians over the runs: one that something else of the machine fell into shall not be the figure. */
function figuresOf(what: string, runs: readonly Quantiles[]): Figure[] {
  const figure = (name: string, of: (run: Quantiles) => number): Figure =>
    medianOf(`${what} ${name}`, 'ms', runs.map(of))
  return [
    figure('p50', ({ p50Ms }) => p50Ms),
    figure('p99', ({ p99Ms }) => p99Ms),
    figure('p99.9', ({ p999Ms }) => p999Ms),
    figure('max', ({ maxMs }) => maxMs),
  ]
}
