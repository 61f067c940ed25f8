/** Promises of appends: each is told once, in the order of the tickets, whatever becomes of others. */
import { expect, test } from 'vitest'
import { AppendPromises } from '../../../src/log/waiting/append-promises.ts'

/** So many appends that got the tickets from 1 on, and what each was told. */
function appends(count: number): { promises: AppendPromises; told: string[] } {
  const promises = new AppendPromises()
  const told: string[] = []
  for (let ticket = 1; ticket <= count; ticket++) {
    promises.addSettling(ticket, {
      resolve: (value: unknown) => told.push(`${ticket} is ${value}`),
      reject: (error) => told.push(`${ticket}: ${'code' in error ? error.code : error.message}`),
    })
  }
  return { promises, told }
}

test('they resolve in their order', () => {
  const { promises, told } = appends(4)
  promises.committed(1)
  promises.committed(3)
  expect(told).toEqual(['1 is 1', '2 is 2', '3 is 3'])
})

test('those that are refused are told so, once, and those around them go on', () => {
  const { promises, told } = appends(6)
  promises.refused(2, 3, new Error('full'))
  promises.committed(4)
  promises.refused(5, 5, new Error('full'))
  promises.committed(6)
  expect(told).toEqual(['2: full', '3: full', '1 is 1', '4 is 4', '5: full', '6 is 6'])
})

test('where the log stops each is told what is known of it, and nothing behind that', () => {
  const { promises, told } = appends(5)
  promises.committed(1)
  promises.failed(4, 'rejected', new Error('stopped'))
  promises.failed(2, 'indeterminate', new Error('stopped'))
  promises.failed(6, 'rejected', new Error('stopped'))
  promises.committed(5)
  expect(told).toEqual([
    '1 is 1',
    '4: QLOG_REJECTED',
    '5: QLOG_REJECTED',
    '2: QLOG_INDETERMINATE',
    '3: QLOG_INDETERMINATE',
  ])
})

test('an append that waits for nothing else has its promise at once', async () => {
  const promises = new AppendPromises()
  const [first, second] = [promises.add('first'), promises.add('second')]
  promises.committed(1)
  promises.refused(2, 2, new Error('full'))
  expect(await first).toBe('first')
  await expect(second).rejects.toThrow('full')
})
