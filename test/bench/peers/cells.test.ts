/** Cells of rates, as far as no contender has to run for it. */
import { expect, test } from 'vitest'
import { efficiencyOf, rateBeside } from '../../../bench/peers/cells.ts'

test('a raw loop that fails is said aloud, and the round goes on without it', async () => {
  const said: string[] = []
  const bench = { say: (line: string) => said.push(line) }
  const failing = async () => {
    throw new Error('no space left\non the device')
  }
  expect(await rateBeside(bench, 'put, 100 B', failing)).toBeNaN()
  expect(said).toEqual(['the raw loop FAILED, put, 100 B: no space left'])
  expect(await rateBeside(bench, 'put, 100 B', async () => 7)).toBe(7)
  expect(said).toHaveLength(1)
})

test('a share of the raw loop is of the rounds in which that ran', () => {
  expect(efficiencyOf([20, 30, 90], [10, 10, 10], 2)).toBe(1.5)
  expect(efficiencyOf([20, 30, 90], [10, Number.NaN, 10], 2)).toBe(2.75)
  expect(efficiencyOf([20], [Number.NaN], 1)).toBeUndefined()
})
