/** A snapshot that finds no segment fails by itself: what was appended meanwhile and fits the current one is taken. */
import { expect, test } from 'vitest'
import { Simulation } from '../../src/system/simulated/simulation.ts'
import { Keeper } from './keeper.ts'

const OPTIONS = { segmentBytesMin: 65_536, segmentBytesMax: 262_144 }
const SEEDS = Array.from({ length: 20 }, (_, row) => row + 1)

test.each([
  { error: 'EMFILE', messageBytes: 0 },
  { error: 'EMFILE', messageBytes: 50 },
  { error: 'ENOSPC', messageBytes: 0 },
])('$error for a part, beside messages of $messageBytes bytes', async ({ error, messageBytes }) => {
  for (const seed of SEEDS) {
    const simulation = new Simulation({ seed })
    const owner = simulation.process('owner')
    await simulation.run(() =>
      owner.run(async () => {
        const keeper = await Keeper.open(owner, OPTIONS)
        for (const name of ['one', 'two', 'three']) await keeper.put(name, 'w'.repeat(200_000))
        await keeper.put('odd', 'w')
        const isNew = (path: string): boolean => /segment-|spare-|reserve/.test(path)
        const fault = simulation.fault({ call: ['open', 'write', 'rename'], error, path: isNew })
        const code = error === 'ENOSPC' ? 'QLOG_DISK_FULL' : 'QLOG_IO'
        const saving = expect(keeper.save([], { whole: true })).rejects.toMatchObject({ code })
        for (let word = 0; word < 40; word++) await keeper.put('odd', `${word}`, messageBytes)
        await saving
        expect(fault.hits).toBeGreaterThan(0)
        simulation.clearFaults()
        await keeper.put('odd', 'end')
        await keeper.log.close()
      }),
    )
  }
})
