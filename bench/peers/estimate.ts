/** How long a run will take, about: for whoever starts it, and no figure of any contender. Pure. */

import type { PeersScale, RateCell } from './scale.ts'

export interface Field {
  readonly embedded: number
  readonly servers: number
}

export type Part = 'rates' | 'latencies' | 'backlogs'

/** From trials on two processors: opening and closing, and what a sync and a process around it take. */
const OPEN_SECONDS = { embedded: 0.6, server: 2.2 }
const SYNC_SECONDS = 0.05
/** A run that takes has to be filled before, one that is slow at either waits for its last messages. */
const RUN_FACTOR: Readonly<Record<RateCell['workload'], number>> = {
  put: 1.1,
  batch: 1.1,
  drain: 2,
  steady: 1.3,
}
/** Messages a second, about, of one that is neither fast nor slow. */
const FILL_RATE = 60_000
/** Of the contenders, those that are fast enough for the largest backlog. */
const LARGEST_SHARE = 0.5
/** Filling up to here is quick enough for nearly all. */
const LARGEST_FROM = 10_000_000

export function secondsOf(scale: PeersScale, parts: readonly Part[], field: Field): number {
  const seconds = {
    rates: () => scale.cells.reduce((sum, cell) => sum + ofCell(scale, cell, field), 0),
    latencies: () => 2 * ofLatencies(scale, field),
    backlogs: () => ofBacklogs(scale, field),
  }
  return parts.reduce((sum, part) => sum + seconds[part](), 0)
}

function opening({ embedded, servers }: Field): number {
  return embedded * OPEN_SECONDS.embedded + servers * OPEN_SECONDS.server
}

function ofCell(scale: PeersScale, { workload }: RateCell, field: Field): number {
  const { rounds, runSeconds, warmupSeconds } = scale
  const runs = (warmupSeconds + rounds * runSeconds) * RUN_FACTOR[workload]
  const all = runs + (rounds + 1) * settling(scale)
  return opening(field) + rounds * 2 * scale.rawSeconds + (field.embedded + field.servers) * all
}

function ofLatencies(scale: PeersScale, field: Field): number {
  const { rounds, runSeconds, warmupSeconds, latencySeconds } = scale
  const maxima = warmupSeconds + rounds * runSeconds + (rounds + 1) * settling(scale)
  const loads = scale.offered.length + scale.shares.length
  const paced = loads * rounds * (latencySeconds + settling(scale))
  return opening(field) + (field.embedded + field.servers) * (maxima + paced)
}

function ofBacklogs(scale: PeersScale, field: Field): number {
  const contenders = field.embedded + field.servers
  return scale.backlogs.reduce((sum, { waiting, fillSecondsMax }) => {
    const share = waiting >= LARGEST_FROM ? LARGEST_SHARE : 1
    const filling = Math.min(fillSecondsMax, waiting / FILL_RATE)
    const rates = (scale.rounds + 1) * (2.5 * scale.runSeconds + 2 * settling(scale))
    // Opened anew after the kill, where much has to be read.
    return sum + share * (2 * opening(field) + contenders * (filling * 1.2 + rates))
  }, 0)
}

function settling({ pauseSeconds }: PeersScale): number {
  return pauseSeconds + SYNC_SECONDS
}
