/** Rates with a backlog: as many wait behind them as before, or there are none. */
import { expect, test } from 'vitest'
import { ratesWith, warmBytesOf } from '../../../bench/peers/backlogs.ts'
import type { Contestant } from '../../../bench/peers/contestant.ts'
import { roomProblem } from '../../../bench/peers/room.ts'
import { PEERS_SMOKE } from '../../../bench/peers/scale.ts'

/** Puts 100 a run, and takes so many fewer than it is asked for. */
function losing(count: number): Pick<Contestant, 'call' | 'settle'> {
  const call = async (verb: string, argument: object) => {
    const messages = verb === 'put' ? 100 : Number(Reflect.get(argument, 'messages')) - count
    return { messages, seconds: 0.5, cpuSeconds: 0 }
  }
  return { call: call as Contestant['call'], settle: async () => undefined }
}

test('one that does not take again what was put has no rates', async () => {
  const bench = { scale: PEERS_SMOKE }
  expect(await ratesWith(bench, losing(0), 1)).toEqual({ putRate: 200, takeRate: 200 })
  await expect(ratesWith(bench, losing(1), 1)).rejects.toThrow('took 99 of the 100 that were put')
})

test('rounds count once what is warm has put and taken for as long as it takes, and not for ever', async () => {
  const scale = { ...PEERS_SMOKE, backlogWarmSeconds: 1 }
  const putsOf = async (seconds: number) => {
    let puts = 0
    const one = losing(0)
    const call = async (verb: 'put', argument: Parameters<typeof one.call<'put'>>[1]) => {
      if (verb === 'put') puts++
      return { ...(await one.call(verb, argument)), seconds }
    }
    await ratesWith({ scale }, { ...one, call: call as Contestant['call'] }, 3)
    return puts
  }
  expect(await putsOf(0.5)).toBe(1 + 3)
  expect(await putsOf(0.125)).toBe(4 + 3)
  expect(await putsOf(0.001)).toBe(20 + 3)
})

test('the memory of an empty one is looked at behind the same few messages for all', async () => {
  const calls: unknown[] = []
  const one = {
    ...losing(0),
    call: (async (verb: string, argument: object) => {
      calls.push([verb, Reflect.get(argument, 'messages')])
      return 0
    }) as Contestant['call'],
    memoryBytes: async () => 42,
  }
  expect(await warmBytesOf({ scale: PEERS_SMOKE }, one)).toBe(42)
  expect(calls).toEqual([
    ['fill', 5000],
    ['drain', 5000],
  ])
})

test('what has no room is refused, with what is short', () => {
  const needed = { diskBytes: 10, memoryBytes: 5 }
  expect(roomProblem(needed, { diskBytes: 10, memoryBytes: 5 })).toBeUndefined()
  expect(roomProblem(needed, { diskBytes: 9, memoryBytes: 5 })).toContain('disk')
  expect(roomProblem(needed, { diskBytes: 10, memoryBytes: 4 })).toContain('memory')
})
