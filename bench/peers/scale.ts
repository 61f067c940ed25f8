/** What is measured, how long and how often. */

export interface RateCell {
  readonly workload: 'put' | 'batch' | 'drain' | 'steady'
  readonly bytes: number
  readonly inFlight?: number
  readonly batch?: number
  /** Batches under way at once. Absent: one. */
  readonly batches?: number
  /** Fewer than of the others, where no bar depends on it. Absent: as many. */
  readonly rounds?: number
}

export interface Backlog {
  readonly waiting: number
  /** A contender that cannot be filled in time, by how long the size before took, is looked at no further. */
  readonly fillSecondsMax: number
}

export interface PeersScale {
  /** Of every cell of rates; the contenders take turns in each. */
  readonly rounds: number
  /** Of every load of latencies, each of which is longer. */
  readonly latencyRounds: number
  /** Of the rates with a backlog, of one contender by itself. */
  readonly backlogRounds: number
  /**
   * Of puts and takes with a backlog, not counted: their process has just been started, and does nothing to warm
   * up but these. After a second the store was at half of what it came to after five, with whatever backlog
   * (docs/decisions/0015-the-comparison.md).
   */
  readonly backlogWarmSeconds: number
  readonly runSeconds: number
  /** One run that is not counted: code gets warm, files get made. */
  readonly warmupSeconds: number
  /**
   * Before each run of a rate or a latency, not counted, and at the rate of that run: while the others have their
   * turns a process becomes cold, its heap is given back and its code thrown away.
   */
  readonly leadInSeconds: number
  readonly cells: readonly RateCell[]
  /** Messages a second at which latency is measured, the same for all that reach it with room. */
  readonly offered: readonly number[]
  /** Shares of a contender's own maximum at which it is measured besides. */
  readonly shares: readonly number[]
  readonly latencySeconds: number
  /** Waiting messages at which a backlog is looked at, fewest first. */
  readonly backlogs: readonly Backlog[]
  readonly rawSeconds: number
  /** After each run, behind a sync of the file system. */
  readonly pauseSeconds: number
}

const KIB = 1024
/** Of cells that no bar is about. */
const ROUNDS_FEWER = 3

/** Of the messages that bars, the first table and the picture of efficiency are about. */
export const MESSAGE_BYTES = 100

export const BACKLOG_BYTES = 100
/** Puts under way where a maximum is looked for, and where latency is a share of it. */
export const MANY_IN_FLIGHT = 1000
/**
 * Messages a take while puts go on beside it: a taker waits for so many. Otherwise one whose calls are
 * synchronous would take each message by itself as soon as it is there, and pay a flush for it.
 */
export const STEADY_TAKE = 100
/** Times the puts under way: while more wait to be taken, a producer waits. */
export const STEADY_AHEAD = 4
/** A contender whose maximum is nearer to the offered rate does not answer it, it queues. */
export const LATENCY_ROOM = 1.3
/** What is put and taken before the memory of an empty one is looked at. */
export const WARM_MESSAGES = 5000

/** Of one cell: never more than of the others. */
export function roundsOf({ rounds }: PeersScale, cell: RateCell): number {
  return Math.min(rounds, cell.rounds ?? rounds)
}

export const PEERS_FULL: PeersScale = {
  rounds: 5,
  latencyRounds: 3,
  backlogRounds: 3,
  backlogWarmSeconds: 6,
  runSeconds: 0.8,
  warmupSeconds: 0.4,
  leadInSeconds: 0.2,
  cells: [
    { workload: 'put', bytes: 100, inFlight: 1 },
    { workload: 'put', bytes: 100, inFlight: 100, rounds: ROUNDS_FEWER },
    { workload: 'put', bytes: 100, inFlight: 1000 },
    { workload: 'put', bytes: 100, inFlight: 10_000, rounds: ROUNDS_FEWER },
    { workload: 'put', bytes: KIB, inFlight: 1, rounds: ROUNDS_FEWER },
    { workload: 'put', bytes: KIB, inFlight: 100, rounds: ROUNDS_FEWER },
    { workload: 'put', bytes: KIB, inFlight: 1000, rounds: ROUNDS_FEWER },
    { workload: 'put', bytes: KIB, inFlight: 10_000, rounds: ROUNDS_FEWER },
    { workload: 'put', bytes: 64 * KIB, inFlight: 1, rounds: ROUNDS_FEWER },
    { workload: 'put', bytes: 64 * KIB, inFlight: 100, rounds: ROUNDS_FEWER },
    { workload: 'batch', bytes: 100, batch: 100, rounds: ROUNDS_FEWER },
    { workload: 'batch', bytes: 100, batch: 1000 },
    { workload: 'batch', bytes: 100, batch: 1000, batches: 4, rounds: ROUNDS_FEWER },
    { workload: 'batch', bytes: 100, batch: 10_000 },
    { workload: 'batch', bytes: KIB, batch: 1000, rounds: ROUNDS_FEWER },
    { workload: 'drain', bytes: 100, batch: 1, rounds: ROUNDS_FEWER },
    { workload: 'drain', bytes: 100, batch: 1000 },
    { workload: 'drain', bytes: KIB, batch: 1000, rounds: ROUNDS_FEWER },
    { workload: 'drain', bytes: 64 * KIB, batch: 10, rounds: ROUNDS_FEWER },
    { workload: 'steady', bytes: 100, inFlight: 1000, rounds: ROUNDS_FEWER },
    { workload: 'steady', bytes: KIB, inFlight: 100, rounds: ROUNDS_FEWER },
  ],
  offered: [100, 1000, 10_000, 100_000, 400_000],
  shares: [0.5],
  latencySeconds: 2,
  backlogs: [
    { waiting: 10_000, fillSecondsMax: 45 },
    { waiting: 100_000, fillSecondsMax: 45 },
    { waiting: 1_000_000, fillSecondsMax: 75 },
    { waiting: 10_000_000, fillSecondsMax: 150 },
  ],
  rawSeconds: 0.2,
  pauseSeconds: 0.1,
}

/** A shorter run: where everybody stands, with wide margins. */
export const PEERS_QUICK: PeersScale = {
  ...PEERS_FULL,
  rounds: 3,
  runSeconds: 0.5,
  cells: [
    { workload: 'put', bytes: 100, inFlight: 1 },
    { workload: 'put', bytes: 100, inFlight: 1000 },
    { workload: 'batch', bytes: 100, batch: 1000 },
    { workload: 'drain', bytes: 100, batch: 1000 },
    { workload: 'steady', bytes: 100, inFlight: 1000 },
  ],
  offered: [1000],
  latencySeconds: 1,
  backlogWarmSeconds: 2,
  backlogs: PEERS_FULL.backlogs.slice(0, 2),
}

/** As little as still goes through every line: no figure of it means anything. */
export const PEERS_SMOKE: PeersScale = {
  rounds: 1,
  latencyRounds: 1,
  backlogRounds: 1,
  backlogWarmSeconds: 0.03,
  runSeconds: 0.02,
  warmupSeconds: 0.01,
  leadInSeconds: 0.01,
  cells: [
    { workload: 'put', bytes: 100, inFlight: 10 },
    { workload: 'batch', bytes: 100, batch: 10 },
    { workload: 'batch', bytes: 100, batch: 10, batches: 2 },
    { workload: 'drain', bytes: 100, batch: 10 },
    { workload: 'steady', bytes: 100, inFlight: 10 },
  ],
  offered: [100],
  shares: [0.25, 0.5],
  latencySeconds: 0.05,
  backlogs: [
    { waiting: 100, fillSecondsMax: 5 },
    { waiting: 200, fillSecondsMax: 5 },
  ],
  rawSeconds: 0.01,
  pauseSeconds: 0,
}
