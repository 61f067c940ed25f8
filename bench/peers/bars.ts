/** The bars of the comparison: what qlog is to reach beside a peer, computed from one run. Pure. */

import type { PeersResults, RateLine, RateWorkload } from './result.ts'
import { groupOf } from './result.ts'
import { MESSAGE_BYTES } from './scale.ts'

export interface BarState {
  readonly title: string
  /** The ratio that is asked for. */
  readonly atLeast: number
  /** Of the medians; absent where something was not measured. */
  readonly ratio?: number
  /** Against whom. */
  readonly peer?: string
  /** The ratios of the quartiles that lie farthest apart and nearest together. */
  readonly range?: readonly [low: number, high: number]
  /** By the ratio of the medians alone. */
  readonly outcome: 'met' | 'missed' | 'not measured'
  /** True where the bar is met and the range begins below it; absent where it does not. */
  readonly isByMedianOnly?: true
}

interface Against {
  readonly title: string
  readonly ours: string
  /** The better of them counts. */
  readonly peers: readonly string[]
  readonly workload: RateWorkload
  /** Messages that go together; absent: what both have, `PREFERRED` if that is among it. */
  readonly group?: number
  readonly atLeast: number
}

const PREFERRED = 1000
const MANY_WAITING = 10_000_000
/** A store with no more than this counts as empty: a take needs something to take. */
const EMPTY_MAX = 10_000
const WITH_BACKLOG = 0.8

/** Both with synchronous=FULL: as its calls are, and with a transaction for all that are under way. */
const FLUSHED_SQLITE = ['sqlite-full', 'sqlite-grouped']

const AGAINST: readonly Against[] = [
  {
    title: 'one promise a message, 1,000 in flight: `qlog-log` to `lmdb`',
    ours: 'qlog-log',
    peers: ['lmdb'],
    workload: 'put',
    group: 1000,
    atLeast: 2,
  },
  {
    title: 'batches of 1,000: `qlog-log` to `lmdb`',
    ours: 'qlog-log',
    peers: ['lmdb'],
    workload: 'batch',
    group: 1000,
    atLeast: 3,
  },
  {
    title: 'batches of 1,000: `qlog-log` to the better `better-sqlite3`, flushed',
    ours: 'qlog-log',
    peers: FLUSHED_SQLITE,
    workload: 'batch',
    group: 1000,
    atLeast: 4,
  },
  {
    title: 'batches of 10,000: `qlog-log` to `lmdb`',
    ours: 'qlog-log',
    peers: ['lmdb'],
    workload: 'batch',
    group: 10_000,
    atLeast: 4,
  },
  {
    title: 'deliver and acknowledge: `qlog-store` to the better `better-sqlite3`, flushed',
    ours: 'qlog-store',
    peers: FLUSHED_SQLITE,
    workload: 'drain',
    atLeast: 2,
  },
  {
    title:
      'one at a time through `appendSync`: `qlog-sync` to the better `better-sqlite3`, flushed',
    ours: 'qlog-sync',
    peers: FLUSHED_SQLITE,
    workload: 'put',
    group: 1,
    atLeast: 1.1,
  },
]

export function barsOf(results: PeersResults): BarState[] {
  return [...AGAINST.map((bar) => stateOf(results, bar)), ...backlogBarsOf(results)]
}

function stateOf(results: PeersResults, bar: Against): BarState {
  const { title, atLeast } = bar
  const pair = pairOf(results, bar)
  if (pair === undefined) return { title, atLeast, outcome: 'not measured' }
  const [ours, peer] = pair
  const ratio = ours.rate / peer.rate
  const low = ours.quartiles[0] / peer.quartiles[1]
  return {
    title,
    atLeast,
    ratio,
    peer: peer.contender,
    range: [low, ours.quartiles[1] / peer.quartiles[0]],
    outcome: ratio >= atLeast ? 'met' : 'missed',
    ...(ratio >= atLeast && low < atLeast && { isByMedianOnly: true }),
  }
}

function pairOf({ rates }: PeersResults, bar: Against): [RateLine, RateLine] | undefined {
  const linesOf = (contender: string) =>
    rates.filter(
      (line) =>
        line.contender === contender &&
        line.workload === bar.workload &&
        line.bytes === MESSAGE_BYTES &&
        line.batches === undefined &&
        (bar.group === undefined || groupOf(line) === bar.group),
    )
  const peers = new Map<number, RateLine>()
  for (const line of bar.peers.flatMap(linesOf)) {
    const best = peers.get(groupOf(line))
    if (best === undefined || line.rate > best.rate) peers.set(groupOf(line), line)
  }
  const pairs = linesOf(bar.ours).flatMap((ours): [RateLine, RateLine][] => {
    const peer = peers.get(groupOf(ours))
    return peer === undefined ? [] : [[ours, peer]]
  })
  const preferred = pairs.find(([ours]) => groupOf(ours) === PREFERRED)
  return preferred ?? pairs.sort(([a], [b]) => groupOf(b) - groupOf(a))[0]
}

function backlogBarsOf({ backlogs }: PeersResults): BarState[] {
  const ours = backlogs.filter(({ contender }) => contender === 'qlog-store')
  const [empty] = ours
    .filter(({ waiting }) => waiting <= EMPTY_MAX)
    .sort((a, b) => a.waiting - b.waiting)
  const full = ours.find(({ waiting }) => waiting === MANY_WAITING)
  return (['put', 'take'] as const).map((verb): BarState => {
    const title = `${verb} with 10 million waiting: \`qlog-store\` to itself with ${empty?.waiting.toLocaleString('en-US') ?? 'next to none'}`
    if (empty === undefined || full === undefined)
      return { title, atLeast: WITH_BACKLOG, outcome: 'not measured' }
    const ratio = verb === 'put' ? full.putRate / empty.putRate : full.takeRate / empty.takeRate
    const outcome = ratio >= WITH_BACKLOG ? 'met' : 'missed'
    return { title, atLeast: WITH_BACKLOG, ratio, outcome }
  })
}
