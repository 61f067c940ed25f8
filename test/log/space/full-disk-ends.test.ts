/** A full disk always ends when there is space, costs nothing while it lasts, and keeps its reserve. */
import { expect, test } from 'vitest'
import { openPublicLog } from '../../../src/log/open.ts'
import { Reserve } from '../../../src/log/space/reserve.ts'
import { SegmentSupply } from '../../../src/log/space/supply.ts'
import type { Log } from '../../../src/log/types.ts'
import { WRITE_CALLS } from '../../../src/system/simulated/calls.ts'
import type { SimulatedDisk } from '../../../src/system/simulated/disk.ts'
import { Simulation } from '../../../src/system/simulated/simulation.ts'
import type { System } from '../../../src/system/system.ts'
import { body, encodable, LOG, Owner, passes, SMALL, simulate } from './support.ts'

const FULL = { code: 'QLOG_DISK_FULL' }
const RETIREABLE = { ...SMALL, segmentBytesMin: 131_072, segmentBytesMax: 131_072 }

async function fill(log: Log, bytes = 3_000): Promise<number> {
  for (let taken = 0; ; taken++) {
    try {
      await log.append(body(log.nextId, bytes))
    } catch (error) {
      expect(error).toMatchObject(FULL)
      return taken
    }
  }
}

async function supplyOf(system: System, bytes: number): Promise<SegmentSupply> {
  await system.files.makeDirectory(LOG)
  return new SegmentSupply(system, {
    directory: LOG,
    storeId: '00'.repeat(16),
    durable: true,
    segmentBytesMin: bytes,
    segmentBytesMax: bytes,
    numberMin: 1,
    reserve: new Reserve(system, LOG, []),
  })
}

/** Puts a retired file of so many bytes among the spares. */
async function addSpare(system: System, supply: SegmentSupply, bytes: number): Promise<void> {
  const path = `${LOG}/retired-${supply.spares.bytes}`
  const handle = await system.files.open(path, { mode: 'create' })
  await handle.write(new Uint8Array(bytes).fill(1), 0)
  await handle.close()
  await supply.spares.keep(path, bytes)
}

function freeze(disk: SimulatedDisk): void {
  disk.capacityBytes = disk.usedBytes
}

test.each(['stat', 'rename', 'unlink', 'flushDirectory'] as const)(
  'of several retired files one whose %s fails does not keep the others (15)',
  async (call) => {
    await simulate(13, async (system, simulation) => {
      const log = await openPublicLog(system, LOG, RETIREABLE)
      while (log.stats().segments.length < 8) await log.append(body(log.nextId))
      await passes(system, 1_000)
      const retired = log.stats().segments.slice(0, -1)
      const isRetired = (path: string): boolean =>
        call === 'flushDirectory' || retired.some(({ file }) => path.includes(file))
      const fault = simulation.fault({ call, error: 'EIO', nth: 1, path: isRetired })
      log.discard(1, log.nextId)
      await passes(system, 1_000)
      expect(fault.hits).toBe(1)
      const names = new Set(simulation.disk.list(LOG))
      expect(retired.filter(({ file }) => names.has(file)).length).toBeLessThanOrEqual(1)
      const spares = [...names].filter((name) => name.startsWith('spare-'))
      expect(spares.length).toBeLessThanOrEqual(2)
      await log.close()
      expect(simulation.disk.list(LOG).filter((name) => name.startsWith('spare-'))).toEqual([])
    })
  },
)

test('a SEAL or an opening group that fails leaks no descriptor', async () => {
  for (let nth = 1; nth <= 40; nth++) {
    await simulate(14, async (system, simulation) => {
      const log = await openPublicLog(system, LOG, SMALL)
      await log.append(body(1))
      simulation.fault({ call: WRITE_CALLS, error: 'ENOSPC', nth })
      for (let count = 0; count < 12; count++) {
        await log.append(body(count)).catch(() => undefined)
      }
      await log.close().catch(() => undefined)
      expect(system.files.openHandles, `nth ${nth}`).toBe(0)
    })
  }
})

test('an index that cannot be written takes no space', async () => {
  await simulate(15, async (system, simulation) => {
    const log = await openPublicLog(system, LOG, SMALL)
    await log.append(body(1))
    simulation.fault({ call: WRITE_CALLS, error: 'ENOSPC', path: (path) => path.includes('index') })
    await log.close()
    expect(simulation.disk.list(LOG).filter((name) => name.endsWith('.tmp'))).toEqual([])
  })
})

test('a log with large segments opens on a full disk, of the space that recovery needs', async () => {
  const simulation = new Simulation({ seed: 16 })
  const { disk } = simulation
  const first = simulation.process('first')
  await simulation.run(async () => {
    const log = await openPublicLog(first, LOG, SMALL)
    await log.append(body(1))
  })
  simulation.kill(first)
  disk.capacityBytes = disk.usedBytes + 40_960
  await simulation.run(async () => {
    const system = simulation.process('second')
    const log = await openPublicLog(system, LOG, { segmentBytesMin: 1_048_576 })
    expect((await log.get(1))?.id).toBe(1)
    await log.close()
  })
})

test('a segment that a dead owner made ahead and never used takes no space in quarantine', async () => {
  const simulation = new Simulation({ seed: 17 })
  const { disk } = simulation
  const first = simulation.process('first')
  await simulation.run(async () => {
    const log = await openPublicLog(first, LOG, SMALL)
    for (let id = 1; id < 4; id++) await log.append(body(id))
    await passes(first, 1_000)
  })
  simulation.kill(first)
  const segments = disk.list(LOG).filter((name) => name.endsWith('.qls'))
  expect(segments.length).toBeGreaterThan(1)
  await simulation.run(async () => {
    const log = await openPublicLog(simulation.process('second'), LOG, SMALL)
    await log.append(body(4))
    await log.close()
  })
  expect(disk.list(LOG)).not.toContain(segments.sort().at(-1))
  expect(disk.list(LOG)).not.toContain('quarantine')
})
