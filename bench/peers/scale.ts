/** What is measured, how long and how often. */

export interface RateCell {
  readonly workload: 'put' | 'batch' | 'drain' | 'steady'
  readonly bytes: number
  readonly inFlight?: number
  readonly batch?: number
  /** Batches under way at once. Absent: one. */
  readonly batches?: number
}

export interface Backlog {
  readonly waiting: number
  /** A contender that cannot be filled in time, by how long the size before took, is looked at no further. */
  readonly fillSecondsMax: number
}

export interface PeersScale {
  /** Of every cell; the contenders take turns in each. */
  readonly rounds: number
  readonly runSeconds: number
  /** One run that is not counted: code gets warm, files get made. */
  readonly warmupSeconds: number
  /**
   * Before each run of a rate or a latency, not counted: while the others have their turns a process becomes cold, its heap is
   * given back and its code thrown away.
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

export const PEERS_FULL: PeersScale = {
  rounds: 3,
  runSeconds: 0.8,
  warmupSeconds: 0.4,
  leadInSeconds: 0.2,
  cells: [
    { workload: 'put', bytes: 100, inFlight: 1 },
    { workload: 'put', bytes: 100, inFlight: 100 },
    { workload: 'put', bytes: 100, inFlight: 1000 },
    { workload: 'put', bytes: 100, inFlight: 10_000 },
    { workload: 'put', bytes: KIB, inFlight: 1000 },
    { workload: 'put', bytes: 64 * KIB, inFlight: 1 },
    { workload: 'put', bytes: 64 * KIB, inFlight: 100 },
    { workload: 'batch', bytes: 100, batch: 100 },
    { workload: 'batch', bytes: 100, batch: 1000 },
    { workload: 'batch', bytes: 100, batch: 1000, batches: 4 },
    { workload: 'batch', bytes: 100, batch: 10_000 },
    { workload: 'batch', bytes: KIB, batch: 1000 },
    { workload: 'drain', bytes: 100, batch: 1 },
    { workload: 'drain', bytes: 100, batch: 1000 },
    { workload: 'drain', bytes: KIB, batch: 1000 },
    { workload: 'steady', bytes: 100, inFlight: 1000 },
  ],
  offered: [100, 1000, 10_000],
  shares: [0.25, 0.5],
  latencySeconds: 2,
  backlogs: [
    { waiting: 10_000, fillSecondsMax: 45 },
    { waiting: 100_000, fillSecondsMax: 45 },
    { waiting: 1_000_000, fillSecondsMax: 45 },
    { waiting: 10_000_000, fillSecondsMax: 150 },
  ],
  rawSeconds: 0.2,
  pauseSeconds: 0.1,
}

/** A shorter run: where everybody stands, with wide margins. */
export const PEERS_QUICK: PeersScale = {
  ...PEERS_FULL,
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
  backlogs: PEERS_FULL.backlogs.slice(0, 2),
}

/** As little as still goes through every line: no figure of it means anything. */
export const PEERS_SMOKE: PeersScale = {
  rounds: 1,
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
