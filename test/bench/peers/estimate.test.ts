/** How long a whole run takes is told before, and short enough that somebody starts it. */
import { expect, test } from 'vitest'
import { secondsOf } from '../../../bench/peers/estimate.ts'
import { CONTENDERS, contenderOf } from '../../../bench/peers/registry.ts'
import { FLOOR } from '../../../bench/peers/result.ts'
import { PEERS_FULL, roundsOf } from '../../../bench/peers/scale.ts'

const MINUTES_MAX = 100
/** Of a run of seven such cells of three rounds with 21 contenders. */
const PUT_CELL_SECONDS = 95

const all = [...CONTENDERS, contenderOf(FLOOR)]
const embedded = all.filter(({ kind }) => kind === 'embedded').length
const field = { embedded, servers: all.length - embedded }

test('a whole run of all contenders is over within a hundred minutes', () => {
  const seconds = secondsOf(PEERS_FULL, ['rates', 'latencies', 'backlogs'], field)
  expect(seconds).toBeLessThanOrEqual(MINUTES_MAX * 60)
})

test('a cell of puts is estimated as long as it was', () => {
  const cells = PEERS_FULL.cells.filter(({ workload }) => workload === 'put')
  const seconds = secondsOf({ ...PEERS_FULL, rounds: 3, cells }, ['rates'], field) / cells.length
  expect(Math.abs(seconds / PUT_CELL_SECONDS - 1)).toBeLessThan(0.1)
})

test('the cells that bars are about have all rounds, and a cell with fewer takes less time', () => {
  const secondsWith = (rounds?: number) => {
    const cell = { workload: 'put', bytes: 1, ...(rounds !== undefined && { rounds }) } as const
    return secondsOf({ ...PEERS_FULL, cells: [cell] }, ['rates'], field)
  }
  expect(secondsWith(3)).toBeLessThan(0.8 * secondsWith())
  // Never more than all others.
  expect(secondsWith(99)).toBe(secondsWith())
  const whole = PEERS_FULL.cells.filter((cell) => roundsOf(PEERS_FULL, cell) === PEERS_FULL.rounds)
  expect(PEERS_FULL.rounds).toBe(5)
  expect(whole).toEqual([
    { workload: 'put', bytes: 100, inFlight: 1 },
    { workload: 'put', bytes: 100, inFlight: 1000 },
    { workload: 'batch', bytes: 100, batch: 1000 },
    { workload: 'batch', bytes: 100, batch: 10_000 },
    { workload: 'drain', bytes: 100, batch: 1000 },
  ])
})
