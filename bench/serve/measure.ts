/** Measures a case: the servers in turns, within the same run, by the same generator. */

import type { Place } from '../../src/measure/place.ts'
import type { ServerProcess } from '../../tools/beanstalkd/server-process.ts'
import { inTurnsOf } from '../store/rates.ts'
import { type Figure, figureOf, medianOf, ratioOf, type StoreResult } from '../store/result.ts'
import { GeneratorProcess } from './generator-process.ts'
import { type Load, type LoadResult, NO_LOAD } from './load.ts'
import { type PeerName, peerNames, withPeers } from './peers.ts'
import type { ServeCase, ServeScale } from './scale.ts'

/** What beanstalkd takes for a job of 100 B; a third of it is asked for. */
const BYTES_A_JOB_MAX = 299 / 3

export interface ServeBench {
  readonly place: Place
  readonly scale: ServeScale
}

export async function measureServe(bench: ServeBench, how: ServeCase): Promise<StoreResult> {
  const generator = new GeneratorProcess()
  try {
    if (how.kind === 'memory') return await measureMemory(bench, how, generator)
    if (how.kind === 'paced') return await measurePaced(bench, how, generator)
    return await measureRates(bench, how, generator)
  } finally {
    generator.end()
  }
}

async function measureRates(
  { place, scale }: ServeBench,
  how: ServeCase,
  generator: GeneratorProcess,
): Promise<StoreResult> {
  const names = peerNames()
  const runs = new Map<PeerName, LoadResult[]>(names.map((name) => [name, []]))
  await withPeers(names, place, async (servers) => {
    const turns = names.map((name) => async () => {
      const result = await generator.run(loadOf(servers, name, how, scale.runSeconds))
      runs.get(name)?.push(result)
    })
    // One that does not count: code gets warm, files get made.
    for (const name of names) await generator.run(loadOf(servers, name, how, scale.runSeconds / 2))
    await inTurnsOf(scale.pairs, turns)
  })
  const rates = new Map(
    [...runs].map(([name, list]) => [name, list.map(({ count, seconds }) => count / seconds)]),
  )
  const figures: Figure[] = [...rates].map(([name, list]) => medianOf(name, 'messages/s', list))
  const own = rates.get('qlog') ?? []
  const [flushed, unlogged] = [rates.get('beanstalkd -f0'), rates.get('beanstalkd without a log')]
  if (flushed) figures.push(ratioOf('to -f0', own, flushed, barOf(how.bar)))
  if (unlogged) figures.push(ratioOf('to no log', own, unlogged, barOf(how.barWithoutLog)))
  for (const [name, list] of runs) {
    const shares = list.map(({ cpuShare }) => cpuShare)
    figures.push(medianOf(`generator's processor, ${name}`, 'share', shares))
  }
  const messages = Math.max(...(runs.get('qlog') ?? []).map(({ count }) => count))
  return { case: how.name, sync: 'always', messages, runs: scale.pairs, figures }
}

function barOf(limit: number | undefined): { readonly atLeast: number } | undefined {
  return limit === undefined ? undefined : { atLeast: limit }
}

function loadOf(
  servers: ReadonlyMap<PeerName, ServerProcess>,
  name: PeerName,
  { kind, connections, isPipelined }: ServeCase,
  seconds: number,
): Load {
  const kindOf = kind === 'cycle' ? 'cycle' : 'put'
  return {
    ...NO_LOAD,
    kind: kindOf,
    port: portOf(servers, name),
    connections,
    isPipelined,
    seconds,
  }
}

function portOf(servers: ReadonlyMap<PeerName, ServerProcess>, name: PeerName): number {
  const server = servers.get(name)
  if (server === undefined) throw new Error(`${name} was not started`)
  return server.port
}

/** How long a put takes at half of what the same connections get through. */
async function measurePaced(
  { place, scale }: ServeBench,
  how: ServeCase,
  generator: GeneratorProcess,
): Promise<StoreResult> {
  const names = peerNames().filter((name) => name !== 'beanstalkd without a log')
  const figures: Figure[] = []
  let messages = 0
  await withPeers(names, place, async (servers) => {
    for (const name of names) {
      await generator.run(loadOf(servers, name, how, scale.runSeconds / 2))
      const full = await generator.run(loadOf(servers, name, how, scale.runSeconds))
      const putsPerSecond = full.count / full.seconds / 2
      const results: LoadResult[] = []
      for (let run = 0; run < scale.pacedRuns; run++) {
        const load = { ...loadOf(servers, name, how, scale.pacedSeconds), putsPerSecond }
        results.push(await generator.run({ ...load, kind: 'paced' }))
      }
      messages = Math.max(messages, ...results.map(({ count }) => count))
      figures.push(figureOf(`${name}, load`, 'messages/s', putsPerSecond))
      const times = (pick: (result: LoadResult) => number): number[] => results.map(pick)
      figures.push(
        medianOf(
          `${name}, p50`,
          'ms',
          times(({ p50Ms }) => p50Ms),
        ),
      )
      figures.push(
        medianOf(
          `${name}, p99`,
          'ms',
          times(({ p99Ms }) => p99Ms),
        ),
      )
    }
  })
  return { case: how.name, sync: 'always', messages, runs: scale.pacedRuns, figures }
}

/** What a job takes that waits: the second half of many, so that what the process takes anyway is not in it. */
async function measureMemory(
  { place, scale }: ServeBench,
  how: ServeCase,
  generator: GeneratorProcess,
): Promise<StoreResult> {
  const names = peerNames().filter((name) => name !== 'beanstalkd -f0')
  const figures: Figure[] = []
  const half = Math.ceil(scale.jobs / 2)
  for (const name of names) {
    await withPeers([name], place, async (servers) => {
      const server = servers.get(name)
      if (server === undefined) throw new Error(`${name} was not started`)
      const before = server.memoryBytes()
      const load: Load = { ...loadOf(servers, name, how, 0), kind: 'fill', isReadBack: false }
      await generator.run({ ...load, puts: half })
      const halfFull = await settled(server, scale)
      await generator.run({ ...load, puts: half })
      const full = await settled(server, scale)
      const limit = name === 'qlog' ? { atMost: BYTES_A_JOB_MAX } : undefined
      figures.push(figureOf(`${name}, a job more`, 'B/message', (full - halfFull) / half, limit))
      figures.push(figureOf(`${name}, all of it`, 'B/message', (full - before) / (2 * half)))
    })
  }
  return { case: how.name, sync: 'always', messages: 2 * half, runs: 1, figures }
}

async function settled(server: ServerProcess, { settleSeconds }: ServeScale): Promise<number> {
  await new Promise((resolve) => setTimeout(resolve, settleSeconds * 1000))
  return server.memoryBytes()
}
