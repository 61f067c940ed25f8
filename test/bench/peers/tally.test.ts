/** What waits in a contender by what it answered: nobody takes more than was put. */
import { expect, test } from 'vitest'
import { Tally } from '../../../bench/peers/tally.ts'

const timing = (messages: number) => ({ messages, seconds: 1, cpuSeconds: 1 })
const lateness = (messages: number, unfinished: number) => ({
  lateMs: new Float64Array(messages),
  unfinished,
})

test('puts of every kind wait until they are taken', () => {
  const tally = new Tally()
  tally.note('fill', 1)
  tally.note('put', timing(2))
  tally.note('batch', timing(4))
  tally.note('steady', timing(1000))
  tally.note('pacedPut', lateness(8, 0))
  tally.note('pacedThrough', lateness(1000, 16))
  tally.note('memory', { pid: 1 })
  expect(tally.waiting).toBe(31)
  tally.note('drain', timing(31))
  expect(tally.waiting).toBe(0)
})

test('one that gives more than was put has failed', () => {
  const tally = new Tally()
  tally.note('put', timing(500))
  tally.note('drain', timing(499))
  expect(() => tally.note('drain', timing(3))).toThrow('took 2 more than was put')
})
