/**
 * Every cell of a run in which a contender of the same or a stronger durability beats one of qlog's. A loss is
 * one by the medians, however small; a server of qlog's is held against servers, since its time contains the
 * way over a socket as theirs does, and everything else of qlog's against all. Pure.
 */

import {
  CLASS_OF,
  type LossEntries,
  type LossEntry,
  type LossKey,
  type LossWorkload,
} from './losses.ts'
import {
  type BacklogLine,
  type ContenderFacts,
  DURABILITIES,
  durabilityOf,
  FLOOR,
  factsOf,
  groupOf,
  isOurs,
  type LatencyLine,
  MEMORY_NOISE_BYTES,
  type PeersResults,
  type RateLine,
} from './result.ts'
import { bytesText, countText, figureText, millisecondsText, sizeText } from './words.ts'

/** More than ever go together, so that cells are in order by the size of a message first. */
const GROUP_MAX = 1e6

export interface Loss {
  readonly workload: LossWorkload
  /** 'put, 100 B, 1,000 in flight'. */
  readonly cell: string
  readonly ours: string
  readonly peer: string
  /** How many times better the peer is. */
  readonly factor: number
  readonly oursText: string
  readonly peerText: string
  /** Messages that go together, that are offered a second, or that wait. */
  readonly group?: number
  /** By which the cells of a workload are in order. */
  readonly size: number
  /** True where the quartiles of both overlap, or for latencies the rounds; absent where there are none. */
  readonly isWithinSpread?: boolean
}

/** A figure of one contender in one cell, so that all kinds of cells are compared in one way. */
interface Entry {
  readonly contender: string
  readonly workload: LossWorkload
  readonly cell: string
  readonly value: number
  readonly text: string
  readonly size: number
  readonly isLowerBetter?: true
  readonly group?: number
  readonly quartiles?: readonly [number, number]
}

/** Workload by workload, small cells before large ones, and within a cell the largest factor first. */
export function lossesOf(results: PeersResults): Loss[] {
  const entries = entriesOf(results)
  const cells = new Map<string, Entry[]>()
  for (const entry of entries) {
    const key = `${entry.workload} ${entry.cell}`
    const cell = cells.get(key)
    if (cell === undefined) cells.set(key, [entry])
    else cell.push(entry)
  }
  const losses = [...cells.values()].flatMap((cell) => lossesOfCell(results, cell))
  const workloads = [...new Set(entries.map(({ workload }) => workload))]
  const placeOf = ({ workload }: Loss) => workloads.indexOf(workload)
  return losses.sort((a, b) => placeOf(a) - placeOf(b) || a.size - b.size || b.factor - a.factor)
}

/** What people wrote about a loss; undefined where nobody did. */
export function entryOf(loss: Loss, entries: LossEntries): LossEntry | undefined {
  const key = keysOf(loss).find((one) => entries[one] !== undefined)
  return key === undefined ? undefined : entries[key]
}

/** Losses that nobody wrote about, by the key that would say most with one entry. */
export function unexplainedOf(losses: readonly Loss[], entries: LossEntries): Map<LossKey, Loss[]> {
  const silent = new Map<LossKey, Loss[]>()
  for (const loss of losses.filter((one) => entryOf(one, entries) === undefined)) {
    const key: LossKey = `${loss.peer}/${CLASS_OF[loss.workload]}`
    silent.set(key, [...(silent.get(key) ?? []), loss])
  }
  return silent
}

function keysOf({ peer, ours, workload, group }: Loss): LossKey[] {
  return [peer, ours].flatMap((one): LossKey[] => [
    ...(group === undefined ? [] : [`${one}/${workload}/${group}` as const]),
    `${one}/${workload}`,
    `${one}/${CLASS_OF[workload]}`,
  ])
}

function lossesOfCell(results: PeersResults, cell: readonly Entry[]): Loss[] {
  const peers = cell.filter(({ contender }) => !isOurs(contender) && contender !== FLOOR)
  return cell
    .filter(({ contender }) => isOurs(contender))
    .flatMap((ours) => peers.flatMap((peer) => lossOf(results, ours, peer) ?? []))
}

function lossOf(results: PeersResults, ours: Entry, peer: Entry): Loss | undefined {
  const factor = ours.isLowerBetter ? ours.value / peer.value : peer.value / ours.value
  if (!(factor > 1)) return undefined
  const [ourFacts, peerFacts] = [ours, peer].map(({ contender }) => factsOf(results, contender))
  if (!ourFacts || !peerFacts || !isHeldAgainst(ourFacts, peerFacts, ours.workload))
    return undefined
  const { workload, cell, group, size } = ours
  return {
    workload,
    cell,
    ours: ours.contender,
    peer: peer.contender,
    factor,
    size,
    oursText: ours.text,
    peerText: peer.text,
    ...(group !== undefined && { group }),
    ...(ours.quartiles &&
      peer.quartiles && {
        isWithinSpread: ours.isLowerBetter
          ? ours.quartiles[0] <= peer.quartiles[1]
          : ours.quartiles[1] >= peer.quartiles[0],
      }),
  }
}

function isHeldAgainst(
  ours: ContenderFacts,
  peer: ContenderFacts,
  workload: LossWorkload,
): boolean {
  const isOfTakes = CLASS_OF[workload] === 'takes' || workload === 'through-latency'
  const rankOf = (facts: ContenderFacts) => DURABILITIES.indexOf(durabilityOf(facts, isOfTakes))
  return rankOf(peer) <= rankOf(ours) && !(ours.kind === 'server' && peer.kind === 'embedded')
}

function entriesOf({ rates, latencies, backlogs, reopenings }: PeersResults): Entry[] {
  return [
    ...rates.map(ofRate),
    // At shares of their own maxima they have different loads.
    ...latencies.filter(({ share }) => share === undefined).map(ofLatency),
    ...backlogs.flatMap(ofBacklog),
    ...reopenings.map(({ contender, waiting, seconds }): Entry => {
      const cell = `opening after a kill, ${countText(waiting)} waiting`
      const text = `${figureText(seconds)} s`
      const [value, size] = [seconds, waiting]
      const group = waiting
      return { contender, workload: 'reopen', cell, value, text, size, group, isLowerBetter: true }
    }),
  ]
}

function ofRate(line: RateLine): Entry {
  const { contender, workload, bytes, rate, quartiles, inFlight, batch } = line
  const group = groupOf(line)
  const together = inFlight === undefined && batch === undefined ? '' : groupText(line)
  return {
    contender,
    workload,
    cell: `${workload}, ${bytesText(bytes)}${together}`,
    value: rate,
    text: `${figureText(rate)}/s`,
    size: bytes * GROUP_MAX + group,
    group,
    quartiles,
  }
}

function ofLatency({ contender, workload, bytes, p99Ms, p99sMs = [], rate }: LatencyLine): Entry {
  return {
    contender,
    workload: `${workload}-latency`,
    cell: `p99 of ${workload}, ${bytesText(bytes)}, at ${countText(rate)} a second`,
    value: p99Ms,
    text: millisecondsText(p99Ms),
    size: bytes * GROUP_MAX + rate,
    group: rate,
    isLowerBetter: true,
    ...(p99sMs.length > 1 && { quartiles: [Math.min(...p99sMs), Math.max(...p99sMs)] as const }),
  }
}

function ofBacklog(line: BacklogLine): Entry[] {
  const { contender, waiting, putRate, takeRate, memoryBytes, diskBytes } = line
  const of = (workload: LossWorkload, what: string, value: number, text: string) => {
    const cell = `${what}, ${countText(waiting)} waiting`
    return { contender, workload, cell, value, text, size: waiting, group: waiting }
  }
  const isNoise = memoryBytes < MEMORY_NOISE_BYTES
  const memory = isNoise ? MEMORY_NOISE_BYTES : memoryBytes
  const memoryText = `${isNoise ? '< ' : ''}${sizeText(memory)}`
  return [
    of('backlog-put', 'put', putRate, `${figureText(putRate)}/s`),
    of('backlog-take', 'take', takeRate, `${figureText(takeRate)}/s`),
    { ...of('backlog-memory', 'memory', memory, memoryText), isLowerBetter: true },
    { ...of('backlog-disk', 'disk', diskBytes, sizeText(diskBytes)), isLowerBetter: true },
  ]
}

function groupText({ inFlight = 1, batch, batches }: RateLine): string {
  if (batch === undefined) return `, ${countText(inFlight)} in flight`
  const underWay = batches === undefined ? '' : `, ${batches} batches under way`
  return `, ${countText(batch)} at a time${underWay}`
}
