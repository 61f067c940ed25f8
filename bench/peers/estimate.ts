/** How long a run will take, about: for whoever starts it, and no figure of any contender. Pure. */

import { type PeersScale, type RateCell, roundsOf } from './scale.ts'

export interface Field {
  readonly embedded: number
  readonly servers: number
}

export type Part = 'rates' | 'latencies' | 'backlogs'

/**
 * From trials on two processors, in which 21 contenders took 95 s for a cell of puts: opening and closing, and what
 * a sync and a process around it take.
 */
const OPEN_SECONDS = { embedded: 0.6, server: 2.2 }
const SYNC_SECONDS = 0.02
/** Of the time that they would take one after the other, where several are opened side by side. */
const SIDE_BY_SIDE = 0.6
/** A run that takes has to be filled before, one that is slow at either waits for its last messages. */
const RUN_FACTOR: Readonly<Record<RateCell['workload'], number>> = {
  put: 1,
  batch: 1,
  drain: 2,
  steady: 1.3,
}
/** Messages a second, about, of one that is neither fast nor slow. */
const FILL_RATE = 60_000
/** Messages are taken from so many of the contenders. */
const TAKERS_SHARE = 0.85
/** So many of these are fast enough for a backlog of this size, and so fast. */
const LARGEST = { from: 10_000_000, share: 0.6, fillRate: 400_000 }
/** Messages a second, and which share of the contenders has a maximum that is high enough to be offered so many. */
const REACHED = [
  { from: 400_000, share: 0.1 },
  { from: 100_000, share: 0.25 },
  { from: 10_000, share: 0.85 },
]
/** Takes of what was put in a run, in lengths of that run. */
const TAKE_RUNS = 1.5

export function secondsOf(scale: PeersScale, parts: readonly Part[], field: Field): number {
  const seconds = {
    rates: () => scale.cells.reduce((sum, cell) => sum + ofCell(scale, cell, field), 0),
    latencies: () => ofLatencies(scale, field),
    backlogs: () => ofBacklogs(scale, field),
  }
  return parts.reduce((sum, part) => sum + seconds[part](), 0)
}

function opening({ embedded, servers }: Field): number {
  return embedded * OPEN_SECONDS.embedded + servers * OPEN_SECONDS.server
}

function ofCell(scale: PeersScale, cell: RateCell, field: Field): number {
  const { workload } = cell
  const rounds = roundsOf(scale, cell)
  const { runSeconds, leadInSeconds, warmupSeconds } = scale
  const runs = (warmupSeconds + rounds * (leadInSeconds + runSeconds)) * RUN_FACTOR[workload]
  const all = runs + (rounds + 1) * settling(scale)
  const raws = rounds * 2 * scale.rawSeconds
  const share = workload === 'drain' || workload === 'steady' ? TAKERS_SHARE : 1
  return SIDE_BY_SIDE * opening(field) + raws + share * (field.embedded + field.servers) * all
}

/** Of puts, and of the whole way. */
function ofLatencies(scale: PeersScale, field: Field): number {
  const contenders = field.embedded + field.servers
  const { latencyRounds: rounds, runSeconds, leadInSeconds, warmupSeconds, latencySeconds } = scale
  const runs = warmupSeconds + rounds * (leadInSeconds + runSeconds)
  const maxima = runs + (rounds + 1) * settling(scale)
  const loads = scale.offered.reduce((sum, rate) => sum + reached(rate), scale.shares.length)
  const paced = loads * rounds * (leadInSeconds + latencySeconds + 2 * settling(scale))
  // What puts leave is taken out, about as fast as it was put: all of the maximum, and what a share of it is.
  const shares = scale.shares.reduce((sum, share) => sum + share, 0)
  const emptied = runs + shares * rounds * (leadInSeconds + latencySeconds)
  const both = SIDE_BY_SIDE * opening(field) + contenders * (maxima + paced)
  // Of the whole way nothing is left.
  return (1 + TAKERS_SHARE) * both + TAKERS_SHARE * contenders * emptied
}

function reached(rate: number): number {
  return REACHED.find(({ from }) => rate >= from)?.share ?? 1
}

function ofBacklogs(scale: PeersScale, field: Field): number {
  const contenders = field.embedded + field.servers
  return scale.backlogs.reduce((sum, { waiting, fillSecondsMax }) => {
    const { share, fillRate } =
      waiting >= LARGEST.from ? LARGEST : { share: 1, fillRate: FILL_RATE }
    const filling = Math.min(fillSecondsMax, waiting / fillRate)
    const rates =
      scale.backlogWarmSeconds +
      (scale.backlogRounds + 1) * ((1 + TAKE_RUNS) * scale.runSeconds + 2 * settling(scale))
    // Opened anew after the kill, where much has to be read.
    const each = 2 * opening(field) + contenders * (filling * 1.2 + rates)
    return sum + share * TAKERS_SHARE * each
  }, 0)
}

function settling({ pauseSeconds }: PeersScale): number {
  return pauseSeconds + SYNC_SECONDS
}
