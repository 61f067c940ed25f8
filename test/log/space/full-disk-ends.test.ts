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
    flushesLater: false,
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

test('while there is no space nothing is written to find that out', async () => {
  await simulate(1, async (system, simulation) => {
    const log = await openPublicLog(system, LOG, SMALL)
    simulation.disk.capacityBytes = 400 * 1024
    await fill(log)
    const writes = simulation.fault({ call: WRITE_CALLS, error: 'EIO', probability: 0 })
    await passes(system, 60_000)
    expect(writes.matchingCalls).toBe(0)
    simulation.disk.capacityBytes = 700 * 1024
    await passes(system, 1_000)
    expect(await fill(log)).toBeGreaterThan(8)
    await log.close()
  })
})

test('a limit that the file system does not tell of is tried less and less often', async () => {
  await simulate(2, async (system, simulation) => {
    const log = await openPublicLog(system, LOG, SMALL)
    await log.append(body(1))
    await passes(system, 1_000)
    const quota = simulation.fault({
      call: WRITE_CALLS,
      error: 'EDQUOT',
      path: (path) => /reserve-|\.tmp$/.test(path),
    })
    await fill(log)
    await passes(system, 120_000)
    expect(quota.hits).toBeLessThan(60)
    simulation.clearFaults()
    await passes(system, 10_000)
    await log.append(body(1))
    await log.close()
  })
})

test('files that wait to be used again are given up for the reserve', async () => {
  await simulate(3, async (system, { disk }) => {
    const supply = await supplyOf(system, 131_072)
    await supply.prepare(16_384, 'messages')
    await supply.take(16_384)?.handle.close()
    await supply.regain()
    await supply.take(16_384)?.handle.close()
    await addSpare(system, supply, 131_072)
    await addSpare(system, supply, 131_072)
    expect(supply.reserve.take(65_536)).toBeDefined()
    freeze(disk)
    await supply.regain()
    expect(supply.reserve.isShort).toBe(false)
    expect(supply.take(16_384)).toBeDefined()
  })
})

test('discarding gives space back after a clean reopening on a full disk', async () => {
  const simulation = new Simulation({ seed: 4 })
  const { disk } = simulation
  await simulation.run(async () => {
    const system = simulation.process('first')
    const log = await openPublicLog(system, LOG, SMALL)
    disk.capacityBytes = 600 * 1024
    await fill(log)
    await log.close()
  })
  disk.capacityBytes = disk.usedBytes + 4_096
  await simulation.run(async () => {
    const system = simulation.process('second')
    const log = await openPublicLog(system, LOG, SMALL)
    disk.capacityBytes = disk.usedBytes
    await expect(log.append(body(1))).rejects.toMatchObject(FULL)
    log.discard(1, log.nextId - 1)
    await passes(system, 10_000)
    expect(log.firstId).toBeGreaterThan(8)
    await log.append(body(1))
    await log.close()
  })
})

test('discarding first of all gives space back on a full disk', async () => {
  const simulation = new Simulation({ seed: 5 })
  const { disk } = simulation
  await simulation.run(async () => {
    const system = simulation.process('first')
    const log = await openPublicLog(system, LOG, SMALL)
    disk.capacityBytes = 600 * 1024
    await fill(log)
    await log.close()
  })
  disk.capacityBytes = disk.usedBytes + 4_096
  await simulation.run(async () => {
    const system = simulation.process('second')
    const log = await openPublicLog(system, LOG, SMALL)
    disk.capacityBytes = disk.usedBytes
    log.discard(1, log.nextId - 1)
    await passes(system, 10_000)
    expect(log.firstId).toBeGreaterThan(8)
    await log.append(body(1))
    await log.close()
  })
})

test('discarding gives space back after recovery on a full disk and messages up to the brim', async () => {
  const simulation = new Simulation({ seed: 6 })
  const { disk } = simulation
  const first = simulation.process('first')
  await simulation.run(async () => {
    const log = await openPublicLog(first, LOG, SMALL)
    disk.capacityBytes = 600 * 1024
    await fill(log)
  })
  simulation.kill(first)
  disk.capacityBytes = disk.usedBytes + 4_096
  await simulation.run(async () => {
    const system = simulation.process('second')
    const log = await openPublicLog(system, LOG, SMALL)
    disk.capacityBytes = disk.usedBytes
    await fill(log, 400)
    await fill(log, 20)
    log.discard(1, log.nextId - 1)
    await passes(system, 10_000)
    expect(log.firstId).toBeGreaterThan(8)
    await log.append(body(1))
    await log.close()
  })
})

test('where control records find the disk full first, messages do not follow them into the reserve (14)', async () => {
  await simulate(7, async (system, { disk }) => {
    const owner = new Owner()
    const log = await owner.open(system)
    log.append({ messages: [encodable(body(1))], control: [] })
    await passes(system, 1_000)
    freeze(disk)
    // A segment made ahead is used up first.
    let last = 0
    for (let number = 0; !owner.spaces.includes('full') && number < 40; number++) {
      last = log.append({ messages: [], control: [encodable('c'.repeat(2_000))] })
      await passes(system, 20)
    }
    expect(owner.spaces).toEqual(['full'])
    expect(owner.committedUpTo).toBe(last)
    expect(() => log.append({ messages: [encodable(body(2))], control: [] })).toThrow(
      expect.objectContaining(FULL),
    )
    await log.close()
  })
})

test('looking for space while control records go on makes no more of the reserve than there is to be', async () => {
  await simulate(8, async (system, { disk }) => {
    const supply = await supplyOf(system, 16_384)
    await supply.prepare(16_384, 'messages')
    await supply.take(16_384)?.handle.close()
    await Promise.all([supply.regain(), supply.regain(), supply.prepare(16_384, 'messages')])
    expect(disk.list(LOG).filter((name) => name.startsWith('reserve-'))).toHaveLength(2)
  })
})

test('nothing is made any more once the supply is closed', async () => {
  await simulate(9, async (system, simulation) => {
    const supply = await supplyOf(system, 16_384)
    await supply.prepare(16_384, 'messages')
    const looked = supply.regain().catch((error: unknown) => error)
    await supply.close(true)
    const calls = simulation.fault({ call: WRITE_CALLS, error: 'EIO', probability: 0 })
    expect(await looked).toMatchObject({ code: 'QLOG_CLOSED' })
    expect(calls.matchingCalls).toBe(0)
    expect(system.files.openHandles).toBe(0)
  })
})

test('appendSync uses the space of files that do not suit any more', async () => {
  await simulate(10, async (system, { disk }) => {
    const supply = await supplyOf(system, 131_072)
    await supply.prepare(16_384, 'messages')
    const own = supply.take(16_384)
    await supply.regain()
    await supply.take(16_384)?.handle.close()
    // Too small for the next segment.
    await addSpare(system, supply, 65_536)
    await addSpare(system, supply, 65_536)
    freeze(disk)
    const made = supply.makeSync(100_000, own)
    expect(made.fileBytes).toBe(131_072)
  })
})

test('a reserve that fits is made where a large one does not fit', async () => {
  await simulate(11, async (system, { disk }) => {
    const supply = await supplyOf(system, 1_048_576)
    disk.capacityBytes = 600 * 1024
    await supply.reserve.fill(1_048_576, 4_096)
    expect(supply.reserve.isShort).toBe(false)
  })
})

test('the reserve taken while it grows stays whole for its taker', async () => {
  await simulate(12, async (system) => {
    const supply = await supplyOf(system, 65_536)
    await supply.reserve.fill(65_536, 4_096)
    const growing = supply.reserve.fill(1_048_576, 4_096)
    await passes(system, 0.01)
    const source = supply.reserve.take(65_536)
    await growing
    if (source) expect((await system.files.stat(source.path)).size).toBe(source.fileBytes)
  })
})

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

test.each(['full', 'ok'])(
  'an owner that throws when it is told that space is %s stops the log, and hears of it',
  async (thrownAt) => {
    await simulate(11, async (system, { disk }) => {
      const owner = new Owner()
      owner.space = (state) => {
        if (state === thrownAt) throw new Error('not now')
      }
      const log = await owner.open(system)
      const appendOne = async (): Promise<void> => {
        log.append({ messages: [encodable(body(1))], control: [] })
        await passes(system, 10)
      }
      await appendOne()
      disk.capacityBytes = 400 * 1024
      while (log.loop.state === 'open' && !log.loop.admission.isDiskFull) await appendOne()
      disk.capacityBytes = 700 * 1024
      await passes(system, 10_000)
      expect(log.loop.state).toBe('failed')
      expect(owner.failure).toMatchObject({ code: 'QLOG_FAILED', cause: { message: 'not now' } })
      await log.close().catch(() => undefined)
    })
  },
)
