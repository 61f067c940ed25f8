/**
 * What `npm run bench -- peers` prints: a header, then one JSON object a line. The runner writes these
 * lines; pages, pictures, bars and comparisons read nothing else. Pure.
 */

import { median } from '../../src/measure/measures.ts'
import type { Contender, Durability } from './contract.ts'
import type { MemoryFacts } from './memory.ts'

/** The first line: what the figures depend on. Names neither the host nor a path. */
export interface PeersHeader {
  readonly bench: 'peers'
  /** Of the checkout; absent in older results, and where there was no history. */
  readonly commit?: string
  /** ISO 8601. */
  readonly date: string
  readonly machine: string
  readonly kernel: string
  readonly fileSystem: string
  readonly node: string
  /** Of the machine before the run: over 1, 5 and 15 minutes. */
  readonly load: readonly number[]
  /** Absent where nothing was done about it. */
  readonly memory?: MemoryFacts
  /** Rounds in which the contenders took turns, in an order that this seed gives. */
  readonly rounds: number
  /** Of the cells that have fewer; absent where none has. */
  readonly roundsMin?: number
  /** Of latencies; absent in older results, where they were as many as of rates. */
  readonly latencyRounds?: number
  /** Of the same in front of rates with a backlog; absent in older results, which had little more than a second. */
  readonly backlogWarmSeconds?: number
  readonly seed: number
  /** Of one run of a rate, and of one of a latency. */
  readonly runSeconds: number
  readonly latencySeconds: number
  /** In front of each of them; absent in older results, of which only rates were led in. */
  readonly leadInSeconds?: number
  /** What the loop of the yardstick is written in. */
  readonly rawBy: 'c' | 'node'
  readonly contenders: readonly ContenderFacts[]
}

export interface ContenderFacts
  extends Pick<
    Contender,
    | 'id'
    | 'name'
    | 'durability'
    | 'takeDurability'
    | 'settings'
    | 'notes'
    | 'env'
    | 'source'
    | 'kind'
    | 'shape'
    | 'published'
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
  /** In whose rounds it ran: 'put, 100 B, 10 in flight'. */
  readonly cell: string
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
  /** Batches under way at once. Absent: one. */
  readonly batches?: number
}

export interface RateLine extends Cell {
  readonly kind: 'rate'
  /** Messages a second, the median of the runs. */
  readonly rate: number
  /** First and third quartile. */
  readonly quartiles: readonly [low: number, high: number]
  readonly runs: number
  /** Of each round, in their order. */
  readonly rates?: readonly number[]
  /** That each round lasted, in their order: less than it should where its bytes or its messages ended before. */
  readonly seconds?: readonly number[]
  /** Share of a processor, client and server together. */
  readonly cpu?: number
  /** Of the raw loop with the same bytes a group in the same round, the median. */
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
  /** Of the contender's own maximum: 0.5. Absent where the rate is the same for all, which can be compared. */
  readonly share?: number
  /** Messages a second that were offered. */
  readonly rate: number
  /** Of the messages of all rounds together. */
  readonly p50Ms: number
  readonly p99Ms: number
  /** Absent where there were too few messages to tell. */
  readonly p999Ms?: number
  /** The worst of all rounds. */
  readonly maxMs: number
  readonly runs: number
  /** Messages of all rounds. */
  readonly samples?: number
  /** p99 of each round by itself, in their order. */
  readonly p99sMs?: readonly number[]
  /** Messages that were never done while somebody waited: it does not keep up. Absent where all were. */
  readonly unfinished?: number
}

export interface BacklogLine {
  readonly kind: 'backlog'
  readonly contender: string
  /** Messages that wait, in a directory in which nothing else ever was; the fewest count as an empty store. */
  readonly waiting: number
  /** Messages a second with that many waiting, medians of a few runs of the one store that was filled. */
  readonly putRate: number
  readonly takeRate: number
  /**
   * Of the process that keeps them, with its server, all messages together, beyond what it took when empty: may
   * be less than 0. One sample.
   */
  readonly memoryBytes: number
  /** One sample, before anything was taken. */
  readonly diskBytes: number
  /** Until that many were in. */
  readonly fillSeconds?: number
}

export interface ReopenLine {
  readonly kind: 'reopen'
  readonly contender: string
  readonly waiting: number
  /** Until the first answer. One sample. */
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

/** Something that was not measured, by a rule that is the same for all; no failure. */
export interface LeftOutLine {
  readonly kind: 'left-out'
  readonly contender: string
  readonly what: string
  readonly reason: string
}

/** The last line: without it the run did not come to its end. */
export interface EndLine {
  readonly kind: 'end'
  /** Of the whole run. */
  readonly seconds: number
  /** Of the machine, after it. */
  readonly load: readonly number[]
}

export type ResultLine =
  | RawLine
  | RateLine
  | LatencyLine
  | BacklogLine
  | ReopenLine
  | FailedLine
  | LeftOutLine
  | EndLine

/** One run, read. */
export interface PeersResults {
  readonly header: PeersHeader
  readonly raws: readonly RawLine[]
  readonly rates: readonly RateLine[]
  readonly latencies: readonly LatencyLine[]
  readonly backlogs: readonly BacklogLine[]
  readonly reopenings: readonly ReopenLine[]
  readonly failures: readonly FailedLine[]
  readonly leftOut: readonly LeftOutLine[]
  readonly end?: EndLine
}

/** 'lmdb put 100 B in flight 1000': the same for the same cell of another run. */
export function keyOf({ contender, workload, bytes, inFlight, batch, batches }: Cell): string {
  const many = inFlight === undefined ? '' : ` in flight ${inFlight}`
  const group = batch === undefined ? '' : ` batch ${batch}`
  const underWay = batches === undefined ? '' : ` batches ${batches}`
  return `${contender} ${workload} ${bytes} B${many}${group}${underWay}`
}

/** Messages that are not answered yet at any time: the raw loop writes so many with one flush. */
export function underWayOf({
  inFlight,
  batch,
  batches = 1,
}: Omit<Cell, 'contender' | 'workload' | 'bytes'>): number {
  return batch === undefined ? (inFlight ?? 1) : batch * batches
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
  const rates = raws.flatMap((raw) => (raw.groupBytes === groupBytes ? raw.rates : []))
  return rates.length === 0 ? undefined : median(rates)
}

/** Less than this may be a garbage collection or a page of an allocator: no figure of memory is made of it. */
export const MEMORY_NOISE_BYTES = 8 * 1024 * 1024

/** Keeps nothing: its figures are what the measuring itself costs. No contender, and nobody's peer. */
export const FLOOR = 'no-op'

/** Contenders that ran, the strongest promise first, in the order of the header within one. */
export function ranOf({ header }: PeersResults): ContenderFacts[] {
  const rank = ({ durability }: ContenderFacts) => DURABILITIES.indexOf(durability)
  return header.contenders
    .filter(({ id, missing }) => missing === undefined && id !== FLOOR)
    .sort((a, b) => rank(a) - rank(b))
}

/** The same, and the floor behind them where it was measured. */
export function ranWithFloorOf(results: PeersResults): ContenderFacts[] {
  return [...ranOf(results), ...results.header.contenders.filter(({ id }) => id === FLOOR)]
}

/** What an answered take is worth. */
export function takeDurabilityOf({ durability, takeDurability }: ContenderFacts): Durability {
  return takeDurability ?? durability
}

/** What the answers are worth of which a figure is: puts, or takes and what ends with one. */
export function durabilityOf(facts: ContenderFacts, isOfTakes: boolean): Durability {
  return isOfTakes ? takeDurabilityOf(facts) : facts.durability
}
