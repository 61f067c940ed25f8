/** The same put twice, the second while the first is on its way: what both suites of duplicates ask of it. */
import type { PutOptions } from '../../store/types/puts.ts'
import { equal, isTrue, Watched } from './checks.ts'
import type { World } from './world.ts'

/** What a duplicate is known by. */
export type Mark = Pick<PutOptions, 'key' | 'producer' | 'sequence'>

/** The second resolves with the number of the first, and not before it. */
export async function resolvesBehindTwin(world: World, mark: Mark): Promise<void> {
  const queue = world.store.queue('q')
  const order: string[] = []
  const first = queue.put('first', mark)
  const second = queue.put('second', mark)
  void first.then(() => order.push('first'))
  void second.then(() => order.push('second'))
  const [a, b] = await Promise.all([first, second])
  equal(order, ['first', 'second'])
  equal(b, { id: a.id, offset: a.offset, duplicate: true })
  equal(await world.ready('q'), ['first'])
}

/** Where the second resolved before a crash, the message is there behind it. */
export async function outlivesCrash(world: World, mark: Mark): Promise<void> {
  for (const [round, ms] of [0, 0.5, 3, 30, 100].entries()) {
    const name = `q${round}`
    const queue = world.store.queue(name)
    const first = new Watched(queue.put('first', mark))
    const second = new Watched(queue.put('second', mark))
    await world.advance(ms)
    await world.crashAndOpen()
    const third = await world.put(name, 'third', mark)
    equal(await world.ready(name), [third.duplicate ? 'first' : 'third'])
    isTrue(third.duplicate || second.state !== 'done', 'the duplicate did not rest on nothing')
    isTrue(first.state === 'done' || second.state !== 'done', 'the first resolves first')
  }
}

/** Where the first is refused the second is too, and what they are known by is free again. */
export async function failsWithTwin(world: World, mark: Mark): Promise<void> {
  const queue = world.store.queue('q')
  const first = new Watched(queue.put('first', mark))
  const second = new Watched(queue.put('second', mark))
  world.setFull(true)
  await world.settle()
  equal(second.state, first.state)
  world.setFull(false)
  await world.settle()
  const third = await queue.put('third', mark)
  equal(third.duplicate, first.state === 'done')
  equal(await world.ready('q'), [first.state === 'done' ? 'first' : 'third'])
}
