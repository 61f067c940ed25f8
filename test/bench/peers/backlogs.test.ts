/** Rates with a backlog: as many wait behind them as before, or there are none. */
import { expect, test } from 'vitest'
import { ratesWith } from '../../../bench/peers/backlogs.ts'
import type { Contestant } from '../../../bench/peers/contestant.ts'
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
