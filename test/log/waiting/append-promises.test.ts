/** Promises of appends: each is told once, in order, what became of its group, whatever becomes of others. */
import { expect, test } from 'vitest'
import { AppendPromises } from '../../../src/log/waiting/append-promises.ts'

/** Groups of two appends each, the tickets and ids from 1 on, and what each append was told. */
function appends(groups: number): { promises: AppendPromises; told: string[] } {
  const promises = new AppendPromises()
  const told: string[] = []
  for (let ticket = 1; ticket <= 2 * groups; ticket++) {
    const outcome = promises.outcomeOf(ticket - ((ticket - 1) % 2), ticket)
    outcome.one().then(
      (id) => told.push(`${ticket} is ${id}`),
      (error) => told.push(`${ticket}: ${'code' in error ? error.code : error.message}`),
    )
  }
  return { promises, told }
}

/** Until all that is to be told has been. */
function turn(): Promise<void> {
  return new Promise(setImmediate)
}

test('they resolve in their order', async () => {
  const { promises, told } = appends(3)
  promises.committed(2)
  await turn()
  expect(told).toEqual(['1 is 1', '2 is 2'])
  promises.committed(6)
  await turn()
  expect(told.slice(2)).toEqual(['3 is 3', '4 is 4', '5 is 5', '6 is 6'])
})

test('those that are refused are told so, once, and those around them go on', async () => {
  const { promises, told } = appends(4)
  promises.refused(3, 4, new Error('full'))
  promises.committed(6)
  await turn()
  promises.refused(7, 8, new Error('full'))
  await turn()
  expect(told.toSorted()).toEqual([
    '1 is 1',
    '2 is 2',
    '3: full',
    '4: full',
    '5 is 5',
    '6 is 6',
    '7: full',
    '8: full',
  ])
})

test('where the log stops each is told what is known of it, and nothing behind that', async () => {
  const { promises, told } = appends(3)
  promises.committed(2)
  promises.failed(5, 'rejected', new Error('stopped'))
  promises.failed(3, 'indeterminate', new Error('stopped'))
  promises.failed(7, 'rejected', new Error('stopped'))
  promises.committed(6)
  await turn()
  expect(told.toSorted()).toEqual([
    '1 is 1',
    '2 is 2',
    '3: QLOG_INDETERMINATE',
    '4: QLOG_INDETERMINATE',
    '5: QLOG_REJECTED',
    '6: QLOG_REJECTED',
  ])
})

test('one by one, batches and those with a promise of their own get the ids in the order of one group', async () => {
  const promises = new AppendPromises()
  const outcome = promises.outcomeOf(1, 10)
  const told: unknown[] = []
  const tell = (what: unknown) => told.push(what)
  const all = [
    outcome.one().then(tell),
    outcome.batch(3).then(tell),
    new Promise((resolve, reject) => outcome.settleOne({ resolve, reject })).then(tell),
  ]
  outcome.sync(tell)
  all.push(
    new Promise((resolve, reject) => outcome.settleBatch(2, { resolve, reject })).then(tell),
    outcome.one().then(tell),
  )
  promises.committed(6)
  await Promise.all(all)
  expect(told).toEqual([10, { firstId: 11, endId: 14 }, 14, { firstId: 16, endId: 18 }, 18])
})

test('a group is refused with all that is in it, each once', async () => {
  const promises = new AppendPromises()
  const outcome = promises.outcomeOf(1, 1)
  const told: string[] = []
  const own = (settle: 'one' | 'batch') =>
    new Promise((resolve, reject) => {
      if (settle === 'one') outcome.settleOne({ resolve, reject })
      else outcome.settleBatch(2, { resolve, reject })
    })
  const all = [outcome.one(), outcome.batch(2), own('one'), own('batch')].map((promise, row) =>
    promise.catch((error) => told.push(`${row}: ${error.message}`)),
  )
  outcome.sync(({ message }) => told.push(`sync: ${message}`))
  promises.refused(1, 5, new Error('full'))
  promises.committed(5)
  await Promise.all(all)
  expect(told).toEqual(['sync: full', '0: full', '1: full', '2: full', '3: full'])
})

test('half a group is never settled, and no id is passed on to another append', () => {
  const { promises } = appends(2)
  expect(() => promises.committed(3)).toThrow('as a whole')
  expect(() => promises.refused(2, 2, new Error('full'))).toThrow('as a whole')
  expect(() => promises.failed(4, 'rejected', new Error('stopped'))).toThrow('as a whole')
  expect(() => promises.outcomeOf(3, 6)).toThrow('id 5 of a group has no promise')
})

test('whoever waits for no promise is told of a failure at once, and only once', async () => {
  const promises = new AppendPromises()
  const told: string[] = []
  promises.outcomeOf(1, 1).sync(({ message }) => told.push(message))
  promises.refused(1, 1, new Error('full'))
  expect(told).toEqual(['full'])
  await turn()
  promises.failed(1, 'rejected', new Error('stopped'))
  expect(told).toEqual(['full'])
})
