/**
 * A crash at every call of an owner's life between its first snapshot and its close: whatever is found
 * then, old or new, gives the words that were durable.
 */
import { expect, test } from 'vitest'
import { QlogError } from '../../src/errors.ts'
import { type DiskSnapshot, SimulatedDisk } from '../../src/system/simulated/disk.ts'
import { Simulation } from '../../src/system/simulated/simulation.ts'
import { CrashedLife } from '../simulation/lives.ts'
import { Keeper } from './keeper.ts'
import { historyOf, KEEPER_LIVES, type KnownWords, prepareWords, put } from './keeper-lives.ts'

/** The lab tries the others too, and every state of the disk. */
const WAYS = [
  ['kill', 'after'],
  ['power-cut', 'during'],
] as const

async function prepared(durableWrites: 'dsync' | 'flush'): Promise<[DiskSnapshot, KnownWords]> {
  const simulation = new Simulation({ seed: 1 })
  const process = simulation.process('owner', { durableWrites })
  const known = { durable: '', possible: '' }
  await simulation.run(() => process.run(() => prepareWords(process, known)))
  simulation.kill(process)
  return [simulation.disk.snapshot(), known]
}

for (const durableWrites of ['dsync', 'flush'] as const) {
  test(`${durableWrites}: killed or robbed of power at every call of three saves`, async () => {
    const [life] = KEEPER_LIVES
    if (!life) throw new Error('there is no life')
    const crashed = new CrashedLife(life, durableWrites)
    await crashed.prepare()
    const calls = await crashed.calls()
    expect(calls).toBeGreaterThan(80)
    for (let call = 1; call <= calls; call += 1) await crashed.crash(call, 1, WAYS)
  })
}

test('the log that crashes has given up control records: without its snapshots it would lose words', async () => {
  const [disk, known] = await prepared('dsync')
  const simulation = new Simulation({ seed: 2, disk: new SimulatedDisk(disk) })
  const owner = simulation.process('owner')
  await simulation.run(() =>
    owner.run(async () => {
      const keeper = await Keeper.open(owner)
      expect(keeper.log.firstLsn).toBeGreaterThan(0)
      expect(historyOf(keeper)).toBe(known.durable)
      let control = 0
      for await (const entries of keeper.log.read({ after: 0 })) control += entries.length
      expect(control).toBeLessThan(9)
      await keeper.log.close()
    }),
  )
})

test('a call that fails during a save ends the save with a typed error, and costs no word', async () => {
  const [disk, before] = await prepared('flush')
  let struck = 0
  for (const call of ['write', 'flush', 'read', 'open', 'rename', 'flushDirectory'] as const) {
    for (const error of ['EIO', 'ENOSPC', 'EMFILE'] as const) {
      for (let nth = 1; nth <= 8; nth++) {
        const simulation = new Simulation({ seed: 2, disk: new SimulatedDisk(disk) })
        const known = { ...before }
        const owner = simulation.process('owner', { durableWrites: 'flush' })
        let hits = 0
        await simulation.run(() =>
          owner.run(async () => {
            const keeper = await Keeper.open(owner)
            await put(keeper, known, 'a', '10')
            const fault = simulation.fault({ call, error, nth })
            try {
              await keeper.save([], { whole: true })
              await put(keeper, known, 'b', '11')
              await keeper.log.close()
            } catch (thrown) {
              expect(thrown, `${call} ${nth} ${error}`).toBeInstanceOf(QlogError)
              await keeper.log.close().catch((late: unknown) => {
                expect(late, `${call} ${nth} ${error}`).toBeInstanceOf(QlogError)
              })
            }
            hits = fault.hits
          }),
        )
        simulation.clearFaults()
        if (owner.alive) simulation.kill(owner)
        struck += hits
        const next = simulation.process('next', { durableWrites: 'flush' })
        await simulation.run(() =>
          next.run(async () => {
            const keeper = await Keeper.open(next)
            expect([known.durable, known.possible]).toContain(historyOf(keeper))
            await keeper.log.close()
          }),
        )
      }
    }
  }
  expect(struck).toBeGreaterThan(40)
})
