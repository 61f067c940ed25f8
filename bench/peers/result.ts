/**
 * What `npm run bench -- peers --json` prints: a header, then one JSON object a line. The runner writes these
 * lines; pages, pictures, bars and comparisons read nothing else. Pure.
 */

import { median } from '../../src/measure/measures.ts'
import type { Contender, Durability } from './contract.ts'

/** The first line: what the figures depend on. Names neither the host nor a path. */
export interface PeersHeader {
  readonly bench: 'peers'
  /** ISO 8601. */
  readonly date: string
  readonly machine: string
  readonly kernel: string
  readonly fileSystem: string
  readonly node: string
  /** Of the machine before the run: over 1, 5 and 15 minutes. */
  readonly load: readonly number[]
  /** Rounds in which the contenders took turns. */
  readonly rounds: number
  readonly contenders: readonly ContenderFacts[]
}

export interface ContenderFacts
  extends Pick<
    Contender,
    'id' | 'name' | 'durability' | 'settings' | 'source' | 'kind' | 'shape' | 'published'
  > {
  /** Of the package and, where there is one, of the server; empty where it is missing. */
  readonly version: string
  /** Why it was left out. */
  readonly missing?: string
}

/** The yardstick: a loop in C that writes and flushes groups of this size, in the same run. */
export interface RawLine {
  readonly kind: 'raw'
  readonly groupBytes: number
  /** Groups a second, one figure a round. */
  readonly rates: readonly number[]
}

export type RateWorkload =
  /** One message, one promise, `inFlight` of them at once. */
  | 'put'
  /** `batch` messages, one promise. */
  | 'batch'
  /** Taking and acknowledging what waits, `batch` at a time. */
  | 'drain'
  /** Producing and consuming at once. */
  | 'steady'

/** What a rate or a latency is of: cells of two runs are the same where all of this is. */
export interface Cell {
  readonly contender: string
  readonly workload: RateWorkload
  /** Of one message. */
  readonly bytes: number
  readonly inFlight?: number
  readonly batch?: number
}

export interface RateLine extends Cell {
  readonly kind: 'rate'
  /** Messages a second, the median of the runs. */
  readonly rate: number
  /** First and third quartile. */
  readonly quartiles: readonly [low: number, high: number]
  readonly runs: number
  /** Share of a processor, client and server together. */
  readonly cpu?: number
  /** Of the raw loop with the same bytes a group. */
  readonly efficiency?: number
}

export type LatencyWorkload =
  /** From when a put was due until it is answered. */
  | 'put'
  /** From when a put was due until the message is taken. */
  | 'through'

export interface LatencyLine {
  readonly kind: 'latency'
  readonly contender: string
  readonly workload: LatencyWorkload
  readonly bytes: number
  /** Of the contender's own maximum: 0.25, 0.5, 0.75. */
  readonly share: number
  /** Messages a second that were offered. */
  readonly rate: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly p999Ms: number
  readonly maxMs: number
  readonly runs: number
  /** Messages that were never done while somebody waited: it does not keep up. Absent where all were. */
  readonly unfinished?: number
}

export interface BacklogLine {
  readonly kind: 'backlog'
  readonly contender: string
  /** Messages that wait; the fewest count as an empty store. */
  readonly waiting: number
  /** Messages a second with that many waiting. */
  readonly putRate: number
  readonly takeRate: number
  /** Of the process that keeps them, with its server, all messages together. */
  readonly memoryBytes: number
  readonly diskBytes: number
}

export interface ReopenLine {
  readonly kind: 'reopen'
  readonly contender: string
  readonly waiting: number
  /** Until the first answer. */
  readonly seconds: number
  readonly how: 'killed'
}

/** Something that a contender could not do: it is left out there, and the page says so. */
export interface FailedLine {
  readonly kind: 'failed'
  readonly contender: string
  /** What was being measured. */
  readonly what: string
  readonly reason: string
}

export type ResultLine = RawLine | RateLine | LatencyLine | BacklogLine | ReopenLine | FailedLine

/** One run, read. */
export interface PeersResults {
  readonly header: PeersHeader
  readonly raws: readonly RawLine[]
  readonly rates: readonly RateLine[]
  readonly latencies: readonly LatencyLine[]
  readonly backlogs: readonly BacklogLine[]
  readonly reopenings: readonly ReopenLine[]
  readonly failures: readonly FailedLine[]
}

const KINDS: readonly ResultLine['kind'][] = [
  'raw',
  'rate',
  'latency',
  'backlog',
  'reopen',
  'failed',
]

/** The run in these JSON lines. Lines of two runs, and two lines about the same thing, are a mistake. */
export function resultsOf(jsonLines: string): PeersResults {
  const [header, ...lines] = jsonLines
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line): unknown => JSON.parse(line))
  if (!isHeader(header)) throw new Error('this does not begin with what a run of peers prints')
  const known = new Set(header.contenders.map(({ id }) => id))
  const seen = new Set<string>()
  for (const line of lines) {
    if (!isLine(line)) throw new Error(`no result of peers: ${JSON.stringify(line).slice(0, 120)}`)
    if ('contender' in line && !known.has(line.contender))
      throw new Error(`the header does not name ${line.contender}`)
    const identity = identityOf(line)
    if (seen.has(identity)) throw new Error(`there twice: ${identity}`)
    seen.add(identity)
  }
  const results = lines as ResultLine[]
  return {
    header,
    raws: results.filter((line) => line.kind === 'raw'),
    rates: results.filter((line) => line.kind === 'rate'),
    latencies: results.filter((line) => line.kind === 'latency'),
    backlogs: results.filter((line) => line.kind === 'backlog'),
    reopenings: results.filter((line) => line.kind === 'reopen'),
    failures: results.filter((line) => line.kind === 'failed'),
  }
}

function isHeader(line: unknown): line is PeersHeader {
  const fields = Object(line)
  return (
    Reflect.get(fields, 'bench') === 'peers' && Array.isArray(Reflect.get(fields, 'contenders'))
  )
}

function isLine(line: unknown): line is ResultLine {
  const kind: unknown = Reflect.get(Object(line), 'kind')
  return KINDS.some((known) => known === kind)
}

function identityOf(line: ResultLine): string {
  if (line.kind === 'raw') return `raw ${line.groupBytes}`
  if (line.kind === 'rate') return keyOf(line)
  if (line.kind === 'latency')
    return `latency ${line.contender} ${line.workload} ${line.bytes} ${line.share}`
  if (line.kind === 'failed') return `failed ${line.contender} ${line.what}`
  return `${line.kind} ${line.contender} ${line.waiting}`
}

/** 'lmdb put 100 B in flight 1000': the same for the same cell of another run. */
export function keyOf({ contender, workload, bytes, inFlight, batch }: Cell): string {
  const many = inFlight === undefined ? '' : ` in flight ${inFlight}`
  const group = batch === undefined ? '' : ` batch ${batch}`
  return `${contender} ${workload} ${bytes} B${many}${group}`
}

/** How many messages go together: what two contenders have to have in common to be compared. */
export function groupOf({ inFlight, batch }: Cell): number {
  return batch ?? inFlight ?? 1
}

export function isOurs(contender: string): boolean {
  return contender.startsWith('qlog')
}

/** From what survives most to what survives least. */
export const DURABILITIES: readonly Durability[] = ['flushed', 'flushed later', 'kernel', 'memory']

export function factsOf({ header }: PeersResults, contender: string): ContenderFacts {
  const facts = header.contenders.find(({ id }) => id === contender)
  if (facts === undefined) throw new Error(`the header does not name ${contender}`)
  return facts
}

/** Groups a second of the raw loop, median; undefined where no group of that size was measured. */
export function rawRateOf({ raws }: PeersResults, groupBytes: number): number | undefined {
  const line = raws.find((raw) => raw.groupBytes === groupBytes)
  return line && median(line.rates)
}

/** Contenders that ran, the strongest promise first, in the order of the header within one. */
export function ranOf({ header }: PeersResults): ContenderFacts[] {
  const rank = ({ durability }: ContenderFacts) => DURABILITIES.indexOf(durability)
  return header.contenders
    .filter(({ missing }) => missing === undefined)
    .sort((a, b) => rank(a) - rank(b))
}
