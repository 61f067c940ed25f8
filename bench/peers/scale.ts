/** What is measured, how long and how often. */

export interface RateCell {
  readonly workload: 'put' | 'batch' | 'drain' | 'steady'
  readonly bytes: number
  readonly inFlight?: number
  readonly batch?: number
}

export interface PeersScale {
  /** Of every cell; the contenders take turns in each. */
  readonly rounds: number
  readonly runSeconds: number
  /** One run that is not counted: code gets warm, files get made. */
  readonly warmupSeconds: number
  readonly cells: readonly RateCell[]
  /** Shares of a contender's own maximum at which latency is measured, and how long. */
  readonly shares: readonly number[]
  readonly latencyRounds: number
  readonly latencySeconds: number
  /** Waiting messages at which a backlog is looked at, fewest first. */
  readonly backlogs: readonly number[]
  /** A contender that cannot be filled to the next of these in time is looked at no further. */
  readonly fillSecondsMax: number
  readonly rawSeconds: number
}

const KIB = 1024

export const BACKLOG_BYTES = 100
/** Puts under way where a maximum is looked for, and where latency is a share of it. */
export const MANY_IN_FLIGHT = 1000

export const PEERS_FULL: PeersScale = {
  rounds: 5,
  runSeconds: 1,
  warmupSeconds: 0.5,
  cells: [
    { workload: 'put', bytes: 100, inFlight: 1 },
    { workload: 'put', bytes: 100, inFlight: 100 },
    { workload: 'put', bytes: 100, inFlight: 1000 },
    { workload: 'put', bytes: 100, inFlight: 10_000 },
    { workload: 'put', bytes: KIB, inFlight: 1 },
    { workload: 'put', bytes: KIB, inFlight: 1000 },
    { workload: 'put', bytes: 64 * KIB, inFlight: 1 },
    { workload: 'put', bytes: 64 * KIB, inFlight: 100 },
    { workload: 'batch', bytes: 100, batch: 100 },
    { workload: 'batch', bytes: 100, batch: 1000 },
    { workload: 'batch', bytes: 100, batch: 10_000 },
    { workload: 'batch', bytes: KIB, batch: 1000 },
    { workload: 'drain', bytes: 100, batch: 1 },
    { workload: 'drain', bytes: 100, batch: 1000 },
    { workload: 'drain', bytes: KIB, batch: 1000 },
    { workload: 'steady', bytes: 100, inFlight: 1000 },
    { workload: 'steady', bytes: KIB, inFlight: 1000 },
  ],
  shares: [0.25, 0.5, 0.75],
  latencyRounds: 3,
  latencySeconds: 3,
  backlogs: [10_000, 100_000, 1_000_000, 10_000_000],
  fillSecondsMax: 180,
  rawSeconds: 0.3,
}

/** A shorter run: where everybody stands, with wide margins. */
export const PEERS_QUICK: PeersScale = {
  ...PEERS_FULL,
  rounds: 3,
  runSeconds: 0.5,
  warmupSeconds: 0.3,
  cells: [
    { workload: 'put', bytes: 100, inFlight: 1 },
    { workload: 'put', bytes: 100, inFlight: 1000 },
    { workload: 'batch', bytes: 100, batch: 1000 },
    { workload: 'drain', bytes: 100, batch: 1000 },
    { workload: 'steady', bytes: 100, inFlight: 1000 },
  ],
  shares: [0.5],
  latencySeconds: 1,
  backlogs: [10_000, 100_000],
}

/** As little as still goes through every line: no figure of it means anything. */
export const PEERS_SMOKE: PeersScale = {
  rounds: 1,
  runSeconds: 0.02,
  warmupSeconds: 0.01,
  cells: [
    { workload: 'put', bytes: 100, inFlight: 10 },
    { workload: 'batch', bytes: 100, batch: 10 },
    { workload: 'drain', bytes: 100, batch: 10 },
    { workload: 'steady', bytes: 100, inFlight: 10 },
  ],
  shares: [0.5],
  latencyRounds: 1,
  latencySeconds: 0.05,
  backlogs: [100, 200],
  fillSecondsMax: 5,
  rawSeconds: 0.01,
}
