/** Measures workers and consuming loops, each case in a process of its own. */

import { type Bench, inTurnsOf, withProcesses } from './rates.ts'
import { medianOf, type StoreResult } from './result.ts'
import { PLAIN, type WorkCase } from './scale.ts'

export async function measureWork(bench: Bench, how: WorkCase): Promise<StoreResult> {
  const { scale } = bench
  const { way, concurrency, codec, bar } = how
  const messages = way === 'work' ? scale.roundMessages : scale.oneByOneMessages
  const rates: number[] = []
  await withProcesses(bench, 1, async ([store], [directory]) => {
    if (!store || directory === undefined) throw new Error('there is one process')
    await store.call('open', { directory, layout: PLAIN })
    const turn = async (): Promise<void> => {
      const { seconds } = await store.call('work', { way, concurrency, codec, messages })
      rates.push(messages / seconds)
    }
    await inTurnsOf(scale.pairs, [turn])
  })
  const limit = bar === undefined ? undefined : { atLeast: bar }
  const figures = [medianOf('rate', 'messages/s', rates, limit)]
  return { case: how.name, sync: 'always', messages, runs: scale.pairs, figures }
}
