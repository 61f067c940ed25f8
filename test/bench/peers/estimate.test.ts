/** How long a whole run takes is told before, and short enough that somebody starts it. */
import { expect, test } from 'vitest'
import { secondsOf } from '../../../bench/peers/estimate.ts'
import { CONTENDERS, contenderOf } from '../../../bench/peers/registry.ts'
import { FLOOR } from '../../../bench/peers/result.ts'
import { PEERS_FULL } from '../../../bench/peers/scale.ts'

const MINUTES_MAX = 80
/** Of a run of seven such cells with 21 contenders. */
const PUT_CELL_SECONDS = 95

const all = [...CONTENDERS, contenderOf(FLOOR)]
const embedded = all.filter(({ kind }) => kind === 'embedded').length
const field = { embedded, servers: all.length - embedded }

test('a whole run of all contenders is over within eighty minutes', () => {
  const seconds = secondsOf(PEERS_FULL, ['rates', 'latencies', 'backlogs'], field)
  expect(seconds).toBeLessThanOrEqual(MINUTES_MAX * 60)
})

test('a cell of puts is estimated as long as it was', () => {
  const cells = PEERS_FULL.cells.filter(({ workload }) => workload === 'put')
  const seconds = secondsOf({ ...PEERS_FULL, cells }, ['rates'], field) / cells.length
  expect(Math.abs(seconds / PUT_CELL_SECONDS - 1)).toBeLessThan(0.1)
})
