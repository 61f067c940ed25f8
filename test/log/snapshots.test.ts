/** Snapshots of an owner's state under the simulator: saved, found again, and written no more than needed. */
import { expect, test } from 'vitest'
import type { SegmentLog } from '../../src/log/segment-log.ts'
import { Simulation } from '../../src/system/simulated/simulation.ts'
import type { System } from '../../src/system/system.ts'
import { Keeper } from './keeper.ts'

async function simulate<T>(
  body: (system: System, simulation: Simulation) => Promise<T>,
  seed = 7,
): Promise<T> {
  const simulation = new Simulation({ seed })
  const process = simulation.process('owner')
  const outcome = await simulation.run(() => process.run(() => body(process, simulation)))
  if (outcome.state !== 'done') throw new Error('the process died')
  return outcome.value
}

const appended = (log: SegmentLog): number => log.durableLsn

test('a state that was saved before close is there at the next opening, which replays nothing', async () => {
  await simulate(async (system) => {
    const first = await Keeper.open(system)
    expect(await first.log.snapshot()).toBeUndefined()
    for (let i = 0; i < 20; i++) await first.put(i % 2 ? 'odd' : 'even', `${i}`, 100)
    await first.save()
    await first.log.close()

    const second = await Keeper.open(system)
    expect(second.text).toBe(first.text)
    expect([second.found, second.replayed]).toEqual([['even', 'odd'], 0])
    await second.log.close()
  })
})

test('a snapshot in the log is found after a kill, and what came behind it is replayed', async () => {
  await simulate(async (system, simulation) => {
    const other = simulation.process('killed')
    let text = ''
    await other.run(async () => {
      const first = await Keeper.open(other)
      for (let i = 0; i < 5; i++) await first.put('a', `${i}`)
      await first.put('b', 'only')
      await first.save([], { whole: true })
      await first.put('a', 'behind')
      text = first.text
    })
    simulation.kill(other)
    const second = await Keeper.open(system)
    expect(second.text).toBe(text)
    expect([second.found, second.replayed]).toEqual([['a', 'b'], 1])
    await second.log.close()
  })
})

test('a small state waits for close: nothing of it goes into the log', async () => {
  await simulate(async (system) => {
    const keeper = await Keeper.open(system)
    await keeper.put('a', '1')
    const before = appended(keeper.log)
    for (let i = 0; i < 10; i++) await keeper.save()
    expect(appended(keeper.log)).toBe(before)
    await keeper.log.close()
  })
})
