/** The counter of promises under way: how many there may be, who is woken, and what a message costs. */
import { expect, test, vi } from 'vitest'
import { UnderWay } from '../../../bench/peers/under-way.ts'

function settled() {
  const calls: (() => void)[] = []
  const failures: ((error: Error) => void)[] = []
  const make = () =>
    new Promise<void>((resolve, reject) => {
      calls.push(resolve)
      failures.push(reject)
    })
  return { calls, failures, make }
}

async function turns(): Promise<void> {
  await new Promise(setImmediate)
}

test('there is room again as soon as one is done, and all are waited for', async () => {
  const { calls, make } = settled()
  const puts = new UnderWay(3)
  let seen = ''
  for (let i = 0; i < 3; i++) {
    expect(puts.isFull).toBe(false)
    puts.add(make())
  }
  expect(puts.isFull).toBe(true)
  const room = puts.room().then(() => {
    seen += 'room '
  })
  await turns()
  expect(seen).toBe('')
  calls[1]?.()
  await room
  expect(puts.isFull).toBe(false)
  const all = puts.all().then(() => {
    seen += 'all'
  })
  calls[0]?.()
  await turns()
  expect(seen).toBe('room ')
  calls[2]?.()
  await all
  await puts.all()
})

test('one that fails is told to whoever waits, and to whoever comes later', async () => {
  const { calls, failures, make } = settled()
  const puts = new UnderWay(2)
  puts.add(make())
  puts.add(make())
  const room = expect(puts.room()).rejects.toThrow('made up')
  failures[0]?.(new Error('made up'))
  await room
  calls[1]?.()
  await expect(puts.all()).rejects.toThrow('made up')
})

test('a message costs the loop no clock and no function of its own', async () => {
  const clock = vi.spyOn(performance, 'now')
  const puts = new UnderWay(1000)
  const promises = Array.from({ length: 100 }, () => Promise.resolve())
  const thens = promises.map((promise) => vi.spyOn(promise, 'then'))
  for (const promise of promises) puts.add(promise)
  const given = new Set(thens.flatMap(({ mock }) => mock.calls.flat()))
  await puts.all()
  expect(given.size).toBe(2)
  expect(clock).not.toHaveBeenCalled()
  clock.mockRestore()
})
