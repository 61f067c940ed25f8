/**
 * Every cell of a run in which a contender of the same or a stronger durability beats one of qlog's. A loss is
 * one by the medians, however small, and so is a cell in which one of qlog's failed or was left out and such a
 * contender was not; a server of qlog's is held against servers, since its time contains the way over a socket as
 * theirs does, and everything else of qlog's against all. Pure.
 */

import {
  CLASS_OF,
  type LossClass,
  type LossEntries,
  type LossEntry,
  type LossKey,
  type LossSize,
  type LossWorkload,
} from './losses.ts'
import {
  type BacklogLine,
  type ContenderFacts,
  DURABILITIES,
  durabilityOf,
  type FailedLine,
  FLOOR,
  factsOf,
  groupOf,
  isOurs,
  type LatencyLine,
  type LeftOutLine,
  MEMORY_NOISE_BYTES,
  type PeersResults,
  type RateLine,
  ranOf,
} from './result.ts'
import {
  backlogOf,
  backlogWhat,
  isPartOf,
  loadWhat,
  offeredText,
  rateWhat,
  reopenWhat,
} from './what.ts'
import { bytesText, countText, figureText, millisecondsText, sizeText } from './words.ts'

/** More than ever go together, so that cells are in order by the size of a message first. */
const GROUP_MAX = 1e6
const OF_BACKLOGS: ReadonlySet<LossWorkload> = new Set([
  'backlog-put',
  'backlog-take',
  'backlog-memory',
  'backlog-disk',
  'reopen',
])

export interface Loss {
  readonly workload: LossWorkload
  /** 'put, 100 B, 1,000 in flight'. */
  readonly cell: string
  readonly ours: string
  readonly peer: string
  /** How many times better the peer is; absent where ours has no figure. */
  readonly factor?: number
  readonly oursText: string
  readonly peerText: string
  /** By which the cell is told from others of its workload in keys of `LossEntries`. */
  readonly size: LossSize
  /** By which the cells of a workload stand one below the other. */
  readonly order: number
  /** Why ours has no figure. */
  readonly failure?: FailedLine | LeftOutLine
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
  readonly size: LossSize
  readonly order: number
  /** Words of a failure there. */
  readonly what: string
  readonly isLowerBetter?: true
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
  const whats = new Set(entries.map(({ what }) => what))
  const losses = [...cells.values()].flatMap((cell) => [
    ...lossesOfCell(results, cell),
    ...failuresOfCell(results, cell, whats),
  ])
  const workloads = [...new Set(entries.map(({ workload }) => workload))]
  const placeOf = ({ workload }: Loss) => workloads.indexOf(workload)
  return losses.sort((a, b) => placeOf(a) - placeOf(b) || a.order - b.order || byFactor(a, b))
}

/** The largest first, and before it what has none. */
function byFactor({ factor: a }: Loss, { factor: b }: Loss): number {
  if (a === undefined || b === undefined) return Number(b === undefined) - Number(a === undefined)
  return b - a
}

/** Failures of qlog's that are in no cell that somebody else has a figure for, such as those of a share. */
export function failuresBeside(results: PeersResults, losses: readonly Loss[]): FailedLine[] {
  return results.failures.filter(
    (line) =>
      isOurs(line.contender) &&
      !losses.some(({ ours, failure }) => ours === line.contender && failure === line),
  )
}

/** At shares of their own maxima, the worst p99 of qlog's and the best of a peer held against it at that share. */
export function worstShareOf(
  results: PeersResults,
): { readonly ours: LatencyLine; readonly peer?: LatencyLine } | undefined {
  const byP99 = (a: LatencyLine, b: LatencyLine) => a.p99Ms - b.p99Ms
  const shares = results.latencies.filter(({ share }) => share !== undefined).toSorted(byP99)
  const ours = shares.findLast(({ contender }) => isOurs(contender))
  if (ours === undefined) return undefined
  const peer = shares.find(
    ({ contender, workload, share }) =>
      workload === ours.workload &&
      share === ours.share &&
      isPeerOf(results, ours.contender, {
        contender,
        workload: `${workload}-latency`,
      }),
  )
  return { ours, ...(peer !== undefined && { peer }) }
}

/** What people wrote about a loss; undefined where nobody did. */
export function entryOf(loss: Loss, entries: LossEntries): LossEntry | undefined {
  const key = keysOf(loss).find((one) => entries[one] !== undefined)
  return key === undefined ? undefined : entries[key]
}

/** Keys under which people wrote about what is no loss of this run, or is said better elsewhere. */
export function staleOf(losses: readonly Loss[], entries: LossEntries): LossKey[] {
  const used = new Set(losses.map((loss) => keysOf(loss).find((one) => entries[one] !== undefined)))
  return (Object.keys(entries) as LossKey[]).filter((key) => !used.has(key))
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

function keysOf({ peer, ours, workload, size }: Loss): LossKey[] {
  const keysAt = (words: `${LossWorkload}/${LossSize}` | LossWorkload | LossClass): LossKey[] => [
    `${peer}/${words}`,
    `${ours}/${words}`,
  ]
  return [...keysAt(`${workload}/${size}`), ...keysAt(workload), ...keysAt(CLASS_OF[workload])]
}

/** Of each of qlog's that has no figure here but a line that says why, beside the best that has one. */
function failuresOfCell(
  results: PeersResults,
  cell: readonly Entry[],
  whats: ReadonlySet<string>,
): Loss[] {
  const here = new Set(cell.map(({ contender }) => contender))
  return ranOf(results)
    .filter(({ id }) => isOurs(id) && !here.has(id))
    .flatMap((ours): Loss[] => {
      const best = bestOf(cell.filter((peer) => isPeerOf(results, ours.id, peer)))
      if (best === undefined || !canDo(ours, best)) return []
      const line = [...results.failures, ...results.leftOut].find(
        ({ contender, what }) => contender === ours.id && isIn(best, what, whats),
      )
      if (line === undefined) return []
      const oursText = `${line.kind === 'failed' ? 'failed' : 'left out'}: ${line.reason}`
      return [
        {
          workload: best.workload,
          cell: best.cell,
          size: best.size,
          order: best.order,
          ours: ours.id,
          peer: best.contender,
          oursText,
          peerText: best.text,
          failure: line,
        },
      ]
    })
}

/** From a log nothing is taken, whatever a line says that is about all contenders. */
function canDo({ shape }: ContenderFacts, { workload }: Entry): boolean {
  return shape !== 'log' || !(isOfTakes({ workload }) || OF_BACKLOGS.has(workload))
}

/** What says exactly this is of no other cell; of a backlog none is larger that was not asked for any more. */
function isIn(entry: Entry, what: string, whats: ReadonlySet<string>): boolean {
  const waiting = backlogOf(what)
  if (waiting !== undefined) return OF_BACKLOGS.has(entry.workload) && entry.order >= waiting
  return entry.what === what || (!whats.has(what) && isPartOf(what, entry.what))
}

/** True of who promises the same or more, of servers beside servers. */
export function isPeerOf(
  results: PeersResults,
  ours: string,
  { contender, workload }: Pick<Entry, 'contender' | 'workload'>,
): boolean {
  return (
    !isOurs(contender) &&
    contender !== FLOOR &&
    isHeldAgainst(factsOf(results, ours), factsOf(results, contender), workload)
  )
}

function bestOf(entries: readonly Entry[]): Entry | undefined {
  const [first, ...others] = entries
  return others.reduce(
    (best, one) =>
      best !== undefined && (one.isLowerBetter ? one.value < best.value : one.value > best.value)
        ? one
        : best,
    first,
  )
}

function lossesOfCell(results: PeersResults, cell: readonly Entry[]): Loss[] {
  return cell
    .filter(({ contender }) => isOurs(contender))
    .flatMap((ours) => {
      const peers = cell.filter((peer) => isPeerOf(results, ours.contender, peer))
      return peers.flatMap((peer) => lossOf(ours, peer) ?? [])
    })
}

function lossOf(ours: Entry, peer: Entry): Loss | undefined {
  const factor = ours.isLowerBetter ? ours.value / peer.value : peer.value / ours.value
  if (!(factor > 1)) return undefined
  const { workload, cell, size, order } = ours
  return {
    workload,
    cell,
    ours: ours.contender,
    peer: peer.contender,
    factor,
    size,
    order,
    oursText: ours.text,
    peerText: peer.text,
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
  const rankOf = (facts: ContenderFacts) =>
    DURABILITIES.indexOf(durabilityOf(facts, isOfTakes({ workload })))
  return rankOf(peer) <= rankOf(ours) && !(ours.kind === 'server' && peer.kind === 'embedded')
}

function isOfTakes({ workload }: Pick<Entry, 'workload'>): boolean {
  return CLASS_OF[workload] === 'takes' || workload === 'through-latency'
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
      const place = { size: waiting, order: waiting, what: reopenWhat(waiting) } as const
      return {
        contender,
        workload: 'reopen',
        cell,
        value: seconds,
        text,
        ...place,
        isLowerBetter: true,
      }
    }),
  ]
}

function ofRate(line: RateLine): Entry {
  const { contender, workload, bytes, rate, quartiles, inFlight, batch, batches } = line
  const group = groupOf(line)
  const together = inFlight === undefined && batch === undefined ? '' : groupText(line)
  return {
    contender,
    workload,
    cell: `${workload}, ${bytesText(bytes)}${together}`,
    value: rate,
    text: `${figureText(rate)}/s`,
    size: batches === undefined ? `${bytes}x${group}` : `${bytes}x${group}x${batches}`,
    order: bytes * GROUP_MAX + group,
    what: rateWhat(line),
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
    size: `${bytes}x${rate}`,
    order: bytes * GROUP_MAX + rate,
    what: loadWhat(workload, offeredText(rate)),
    isLowerBetter: true,
    ...(p99sMs.length > 1 && { quartiles: [Math.min(...p99sMs), Math.max(...p99sMs)] as const }),
  }
}

function ofBacklog(line: BacklogLine): Entry[] {
  const { contender, waiting, putRate, takeRate, memoryBytes, diskBytes } = line
  const of = (workload: LossWorkload, what: string, value: number, text: string) => {
    const cell = `${what}, ${countText(waiting)} waiting`
    const place = { size: waiting, order: waiting, what: backlogWhat(waiting) } as const
    return { contender, workload, cell, value, text, ...place }
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
