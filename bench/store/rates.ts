/**
 * Measures putting and taking: a store and the peer in turns, each in a process of its own; by priority in
 * turns with a store that has only one.
 */

import { quantile } from '../../src/measure/measures.ts'
import type { Place } from '../../src/measure/place.ts'
import { type ChildOptions, VerbProcess } from '../verb-process.ts'
import { STORE_CHILD } from './child.ts'
import { type Figure, figureOf, medianOf, ratioOf, type StoreResult } from './result.ts'
import { type OtherCase, PLAIN, type RateCase, RESERVE_COUNT, type StoreScale } from './scale.ts'
import type { StoreVerbs } from './verbs.ts'

/** Putting and taking that is not measured goes in batches of so many. */
const QUICK = { way: 'batches', batch: 1000 } as const

export interface Bench {
  readonly place: Place
  readonly scale: StoreScale
  readonly options: ChildOptions
  /** better-sqlite3 is there to be measured beside. */
  readonly hasPeer: boolean
}

export class StoreProcess extends VerbProcess<StoreVerbs> {
  constructor(options: ChildOptions) {
    super(STORE_CHILD, options)
  }
}

/** Runs, in turns; every other time backwards, so that a machine that slows down favours nobody. */
export async function inTurnsOf(
  pairs: number,
  turns: readonly (() => Promise<void>)[],
): Promise<void> {
  for (let pair = 0; pair < pairs; pair++) {
    for (const turn of pair % 2 === 1 ? turns.toReversed() : turns) await turn()
  }
}

/** Processes that are gone when `use` is over, and what they wrote with them. */
export async function withProcesses<T>(
  { place, options }: Bench,
  count: number,
  use: (processes: readonly StoreProcess[], paths: readonly string[]) => Promise<T>,
): Promise<T> {
  const paths = Array.from({ length: count }, () => place.nextLog())
  const processes = paths.map(() => new StoreProcess(options))
  try {
    const result = await use(processes, paths)
    for (const one of processes) await one.end()
    return result
  } finally {
    for (const one of processes) await one.kill()
    for (const path of paths) for (const more of ['', '-wal', '-shm']) place.remove(path + more)
  }
}

export async function measureRate(bench: Bench, how: RateCase): Promise<StoreResult> {
  const { scale } = bench
  const messages = how.way === 'one-by-one' ? scale.oneByOneMessages : scale.roundMessages
  const { hasPeer } = bench
  const rates: number[] = []
  const peerRates: number[] = []
  const latenciesMs: number[] = []
  await withProcesses(bench, hasPeer ? 2 : 1, async ([store, peer], [directory, file]) => {
    if (!store || directory === undefined) throw new Error('there is always one process')
    await store.call('open', { directory, layout: PLAIN })
    if (peer && file !== undefined) await peer.call('peerOpen', { file })
    const own = { way: how.way, batch: how.batch, messages }
    const quick = { ...QUICK, messages }
    const ownTurn = async () => {
      const put = await store.call('put', {
        ...(how.kind === 'put' ? own : quick),
        layout: PLAIN,
      })
      const take = await store.call('take', how.kind === 'take' ? own : quick)
      const { seconds, latenciesMs: some } = how.kind === 'put' ? put : take
      rates.push(messages / seconds)
      for (const latency of some) latenciesMs.push(latency)
    }
    const peerTurn = async () => {
      if (!peer) return
      const batch = how.peerBatch
      const insertBatch = how.kind === 'put' ? batch : QUICK.batch
      const takeBatch = how.kind === 'take' ? batch : QUICK.batch
      const inserted = await peer.call('peerInsert', { messages, batch: insertBatch })
      const taken = await peer.call('peerTake', { messages, batch: takeBatch })
      peerRates.push(messages / (how.kind === 'put' ? inserted : taken))
    }
    await inTurnsOf(scale.pairs, [ownTurn, peerTurn])
  })
  const figures: Figure[] = [
    medianOf('rate', 'messages/s', rates),
    figureOf('p50', 'ms', quantile(latenciesMs, 0.5)),
    figureOf('p99', 'ms', quantile(latenciesMs, 0.99)),
  ]
  if (hasPeer) {
    const bar = how.bar === undefined ? undefined : { atLeast: how.bar }
    figures.push(medianOf('rate of better-sqlite3', 'messages/s', peerRates))
    figures.push(ratioOf('of better-sqlite3', rates, peerRates, bar))
  }
  return { case: how.name, sync: 'always', messages, runs: scale.pairs, figures }
}

export async function measurePriorities(
  bench: Bench,
  { name, layout }: OtherCase,
): Promise<StoreResult> {
  const { scale } = bench
  const messages = scale.roundMessages
  const figures = await withProcesses(bench, 2, async ([mixed, plain], [path, plainPath]) => {
    if (!mixed || !plain || path === undefined || plainPath === undefined) {
      throw new Error('there are two processes')
    }
    await mixed.call('open', { directory: path, layout })
    await plain.call('open', { directory: plainPath, layout: PLAIN })
    const take = { way: 'in-flight', batch: RESERVE_COUNT, messages, inOrder: true } as const
    const turn = (one: StoreProcess, what: typeof layout, into: number[]) => async () => {
      await one.call('put', { ...QUICK, messages, layout: what })
      const { seconds } = await one.call('take', take)
      into.push(messages / seconds)
    }
    const rates: number[] = []
    const plainRates: number[] = []
    await inTurnsOf(scale.pairs, [turn(mixed, layout, rates), turn(plain, PLAIN, plainRates)])
    return [
      medianOf('rate, in order', 'messages/s', rates),
      ratioOf('of one priority', rates, plainRates),
    ]
  })
  return { case: name, sync: 'always', messages, runs: scale.pairs, figures }
}
