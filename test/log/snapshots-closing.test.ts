/**
 * Goal: two snapshots stand whenever control records have left the log, also where closing overtakes a third save.
 * Method: the log is closed at many moments of the save, with appends and discards behind it; the indexes are taken
 * away, and what stands in the log is read.
 */
import { expect, test } from 'vitest'
import { entryOfNewest } from '../../src/log/recover.ts'
import { findState, readWhole, unlessDamaged } from '../../src/log/snapshot/find-state.ts'
import { PartReader } from '../../src/log/snapshot/part-reader.ts'
import { sealedSegment } from '../../src/log/view.ts'
import type { SimulatedDisk } from '../../src/system/simulated/disk.ts'
import { Simulation } from '../../src/system/simulated/simulation.ts'
import { assessDisk, diskReader } from '../simulation/disk-reader.ts'
import { encodable, Keeper } from './keeper.ts'

const LOG = '/log'
const SEEDS = 80
const WORDS = 8
const WORD_BYTES = 2_500
const MESSAGE_BYTES = 9_000

/** Closes at a moment of the third save; true where the save was given up for it. */
async function closedWhileSaving(simulation: Simulation, moment: number): Promise<boolean> {
  const owner = simulation.process('owner')
  let isGivenUp = false
  await simulation.run(() =>
    owner.run(async () => {
      const passes = (ms: number) => new Promise<void>((done) => owner.clock.after(ms, done, true))
      const keeper = await Keeper.open(owner)
      for (const part of ['a', 'b']) {
        for (let word = 0; word < WORDS; word++) await keeper.put(part, `${word}`, WORD_BYTES)
        await keeper.save([], { whole: true })
      }
      for (let word = 0; word < WORDS; word++) await keeper.put('c', `${word}`, WORD_BYTES)
      keeper.discardAll()
      await passes(20)
      const saving = keeper.save([], { whole: true }).catch(() => {
        isGivenUp = true
      })
      await passes(moment / 10)
      const messages = [encodable('m'.repeat(MESSAGE_BYTES))]
      for (let count = 0; count < 2; count++) keeper.log.append({ messages, control: [] })
      keeper.discardAll()
      await keeper.log.close()
      await saving
    }),
  )
  return isGivenUp
}

async function snapshotsThatRead(disk: SimulatedDisk): Promise<number> {
  const system = diskReader(disk)
  const assessment = await assessDisk(disk, LOG)
  const { newest, map } = assessment
  if (!newest) throw new Error('there is no segment')
  const { snapshots } = await findState(system, assessment)
  const segments = [...map, entryOfNewest(newest)].map((entry) =>
    sealedSegment(entry, undefined, undefined),
  )
  const reader = new PartReader(system, LOG, () => segments)
  let whole = 0
  for (const snapshot of snapshots) {
    if (await unlessDamaged(readWhole(reader, snapshot))) whole += 1
  }
  return whole
}

test('closing while a state is saved leaves two snapshots in the log', async () => {
  let givenUp = 0
  for (let seed = 1; seed <= SEEDS; seed++) {
    const simulation = new Simulation({ seed })
    if (await closedWhileSaving(simulation, seed % 40)) givenUp += 1
    const { disk } = simulation
    for (const name of ['index.a', 'index.b']) {
      if (disk.exists(`${LOG}/${name}`)) disk.removeFile(`${LOG}/${name}`)
    }
    expect([seed, await snapshotsThatRead(disk)]).toEqual([seed, 2])
  }
  // Else it would try nothing.
  expect(givenUp).toBeGreaterThan(SEEDS / 8)
})
