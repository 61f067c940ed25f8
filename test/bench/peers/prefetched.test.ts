/** What a take cuts off of deliveries that come ahead, by a server that is a count. */

import { expect, test } from 'vitest'
import { Prefetched } from '../../../bench/peers/prefetched.ts'

test('gives as many as are wanted, in their order, and keeps the others', async () => {
  const held = new Prefetched<number>(async () => 0)
  for (const message of [1, 2, 3]) held.add(message)
  expect(await held.next(2)).toEqual([1, 2])
  expect(await held.next(1)).toEqual([3])
  expect(held.held).toBe(0)
})

test('gives fewer where the server says twice that no more are to come', async () => {
  let asked = 0
  const held = new Prefetched<number>(async () => {
    asked++
    return 0
  })
  held.add(1)
  expect(await held.next(2)).toEqual([1])
  expect(asked).toBe(2)
})

test('waits for what the server says is to come, and does not ask for each', async () => {
  let asked = 0
  const held = new Prefetched<number>(async () => {
    asked++
    return asked === 1 ? 3 : 0
  })
  const taking = held.next(3)
  for (const message of [1, 2, 3]) {
    await new Promise(setImmediate)
    held.add(message)
  }
  expect(await taking).toEqual([1, 2, 3])
  expect(asked).toBe(1)
})

test('does not wait for a message that came before the answer that counted it', async () => {
  const answers = [1, 0, 0]
  const held: Prefetched<number> = new Prefetched(async () => {
    const answer = answers.shift() ?? 0
    if (answer === 1) held.add(1)
    return answer
  })
  expect(await held.next(2)).toEqual([1])
})

test('tells whoever waits that no more can come', async () => {
  const held = new Prefetched<number>(async () => 1)
  const taking = held.next(1)
  await new Promise(setImmediate)
  held.fail(new Error('the connection is closed'))
  await expect(taking).rejects.toThrow('the connection is closed')
  await expect(held.next(1)).rejects.toThrow('the connection is closed')
})

test('does not ask the server for what is known to be there', async () => {
  const held = new Prefetched<number>(async () => {
    throw new Error('the server was asked')
  })
  const taking = held.next(2, true)
  for (const message of [1, 2]) {
    await new Promise(setImmediate)
    held.add(message)
  }
  expect(await taking).toEqual([1, 2])
})
