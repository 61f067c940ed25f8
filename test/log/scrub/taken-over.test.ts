/** Scrubbing by an owner that another process has taken over while it was paused. */
import { expect, test } from 'vitest'
import { openPublicLog } from '../../../src/log/open.ts'
import type { Log } from '../../../src/log/types.ts'
import type { SimulatedProcess } from '../../../src/system/simulated/process.ts'
import { Simulation } from '../../../src/system/simulated/simulation.ts'
import { Listener } from '../../listen.ts'
import { body, LOG, passes, SMALL } from '../space/support.ts'

/** The first pass begins after this. */
const FIRST_MS = 600_000
const SCRUBBED = { ...SMALL, scrub: { everyMs: 3_600_000, bytesPerSecond: 1_000_000_000 } } as const

test('what the new owner gave back is no damage to the old one', async () => {
  const heard = new Listener('qlog:damage')
  const simulation = new Simulation({ seed: 1 })
  const old = simulation.process('old')
  const log = await running(simulation, old, async () => {
    const opened = await openPublicLog(old, LOG, SCRUBBED)
    for (let id = 1; id <= 20; id++) await opened.append(body(id))
    return opened
  })
  await takeOver(simulation)
  const { scrub, gaps } = await running(simulation, old, async () => {
    await passes(old, FIRST_MS + 5_000)
    return log.stats()
  })
  expect(heard.events).toEqual([])
  expect(gaps).toEqual([])
  expect(scrub).toMatchObject({ passes: 0, damages: 0 })
  expect(scrub?.failure).toContain('another process has taken over')

  const { open } = old.files
  let opened = 0
  old.files.open = (...args) => {
    opened++
    return open.apply(old.files, args)
  }
  await running(simulation, old, () => passes(old, 5 * FIRST_MS))
  expect(opened).toBe(0)
})

/** Another process takes the log over, discards all of it, and its old files go. */
async function takeOver(simulation: Simulation): Promise<void> {
  const { disk } = simulation
  const process = simulation.process('new')
  const before = disk.list(LOG).filter((name) => name.endsWith('.qls'))
  await running(simulation, process, async () => {
    for (const name of disk.list(LOG).filter((name) => name.endsWith('.sock'))) {
      await process.files.unlink(`${LOG}/${name}`)
    }
    const log: Log = await openPublicLog(process, LOG, { ...SMALL, breakLock: true })
    log.discard(1, 20)
    for (let id = 21; id <= 26; id++) await log.append(body(id))
    await passes(process, 1_000)
  })
  expect(before.some((name) => !disk.exists(`${LOG}/${name}`))).toBe(true)
}

/** Only this process runs meanwhile. */
async function running<T>(
  simulation: Simulation,
  process: SimulatedProcess,
  work: () => Promise<T>,
): Promise<T> {
  const outcome = await simulation.run(() => process.run(work))
  if (outcome.state !== 'done') throw new Error('the process died')
  return outcome.value
}
