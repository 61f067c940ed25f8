/** Processes of the lab that share a trial: every seed is done once, and one that dies is a failure. */
import { fork } from 'node:child_process'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { runInProcesses } from '../../tools/lab/processes.ts'
import type { Trial } from '../../tools/lab/trial.ts'
import { root } from '../real/children.ts'

const CHILD = join(root, 'test/tools/fixtures/share.mjs')
const SEEDS = 200

const TRIAL: Trial = {
  letter: 'A',
  name: 'shared',
  promise: '',
  restsOn: '',
  shownBy: '',
  covers: [],
  seed: async (lab, seed) => lab.count(`seed ${seed}`),
}

/** This process does so many and no more; the others go on until the time is over. */
const PLAN = { seconds: 2, listFrom: undefined, seedFrom: 7, unitsMax: SEEDS }

test('every seed between the first and the last is done, and none twice', async () => {
  const { seeds, counts, failures } = await runInProcesses(TRIAL, PLAN, 3, () =>
    fork(CHILD, ['live']),
  )
  expect(failures).toEqual([])
  expect(seeds?.from).toBe(7)
  const { from = 0, to = 0 } = seeds ?? {}
  expect(to - from).toBeGreaterThan(SEEDS)
  const each = Array.from({ length: to - from }, (_, at) => [`seed ${from + at}`, 1])
  expect(counts).toEqual(Object.fromEntries(each))
})

test('a process that does not come to its end is a failure that says how to repeat it', async () => {
  const { failures } = await runInProcesses(TRIAL, PLAN, 2, () => fork(CHILD, ['die']))
  expect(failures).toHaveLength(1)
  expect(failures[0]).toMatch(
    /ended with 9\nrepeat it with: npm run lab -- --only shared --seed \d+/,
  )
})
