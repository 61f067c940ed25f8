/** What shares a commit group, and what does not. */
import { expect, test } from 'vitest'
import { openPublicLog } from '../../src/log/open.ts'
import type { Log } from '../../src/log/types.ts'
import { SimulatedDisk } from '../../src/system/simulated/disk.ts'
import { Simulation } from '../../src/system/simulated/simulation.ts'

/** Opens a log in a simulated process, with a segment that is begun already. */
async function withLog(
  seed: number,
  act: (log: Log, simulation: Simulation) => Promise<void>,
): Promise<void> {
  const simulation = new Simulation({ seed, disk: new SimulatedDisk() })
  const process = simulation.process('writer')
  await simulation.run(async () => {
    const segmentBytes = 16 * 1024 * 1024
    const log = await openPublicLog(process, '/d/log', {
      segmentBytesMin: segmentBytes,
      segmentBytesMax: segmentBytes,
      idleSyncMs: 0,
    })
    await log.append('begin')
    await act(log, simulation)
    await log.close()
  })
}

test('small appends of one tick share a group', async () => {
  await withLog(1, async (log) => {
    const before = log.stats().flushes
    await Promise.all(Array.from({ length: 50 }, () => log.append(new Uint8Array(100))))
    expect(log.stats().flushes - before).toBe(1)
  })
})

test('so do those of events that came together, each with what follows from it', async () => {
  await withLog(4, async (log) => {
    const before = log.stats().flushes
    const late = async (steps: number): Promise<void> => {
      for (let step = 0; step < steps; step += 1) await undefined
      await log.append(new Uint8Array(100))
    }
    await Promise.all(Array.from({ length: 50 }, (_, steps) => late(steps)))
    expect(log.stats().flushes - before).toBe(1)
  })
})

test('callers whose batches resolved together do not stay in one group', async () => {
  await withLog(2, async (log) => {
    const rounds = 40
    const batch = Array.from({ length: 1_000 }, () => new Uint8Array(100))
    const caller = async (): Promise<void> => {
      for (let round = 0; round < rounds; round += 1) await log.appendMany(batch)
    }
    const before = log.stats().flushes
    await Promise.all([caller(), caller(), caller(), caller()])
    // All four would be one group a round; each can be one of its own but for the first rounds.
    expect(log.stats().flushes - before).toBeGreaterThan(2.5 * rounds)
  })
})

test('a synchronous append is written once, however large it is', async () => {
  await withLog(3, async (log, simulation) => {
    const before = simulation.callCount
    log.appendSync(new Uint8Array(100_000))
    // The write and the look at LOCK.
    expect(simulation.callCount - before).toBe(2)
  })
})
