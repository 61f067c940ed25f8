/** How a log gives space back: discarding, retention, files that are used again. */
import { expect, test } from 'vitest'
import { BLOCK_TYPE_AT, BlockType } from '../../../src/format/layout.ts'
import { verifyLog } from '../../../src/inspect/verify.ts'
import { openPublicLog } from '../../../src/log/open.ts'
import { openPublicReader } from '../../../src/log/open-reader.ts'
import { bindPin } from '../../../src/log/pins.ts'
import type { Log } from '../../../src/log/types.ts'
import { Simulation } from '../../../src/system/simulated/simulation.ts'
import type { FileHandle, OpenOptions, System } from '../../../src/system/system.ts'
import { overlay } from '../../overlay.ts'
import { body, LOG, passes, reusedSegments, SMALL, simulate } from './support.ts'

async function idsOf(log: Log): Promise<number[]> {
  const ids: number[] = []
  for await (const { id, body: found } of log.read()) {
    expect(new TextDecoder().decode(found)).toBe(body(id))
    ids.push(id)
  }
  return ids
}

/** Appends messages until `lastId`, each discarded when `lag` newer ones stand behind it. */
async function churn(system: System, log: Log, lastId: number, lag: number): Promise<void> {
  while (log.nextId <= lastId) {
    const id = await log.append(body(log.nextId))
    if (id > lag) log.discard(1, id - lag + 1)
    await passes(system, 1)
  }
}

/** A system on which a SEAL takes until it is let go. */
class HeldSeals {
  readonly system: System
  /** Of the segments whose SEAL was to be written, in order. */
  readonly paths: string[] = []
  readonly #going: Promise<void>
  #go: () => void = () => undefined

  constructor(system: System) {
    this.#going = new Promise((resolve) => {
      this.#go = resolve
    })
    const { files } = system
    const open = async (path: string, options: OpenOptions) =>
      this.#held(path, await files.open(path, options))
    const openSync = (path: string, options: OpenOptions) =>
      this.#held(path, files.openSync(path, options))
    this.system = overlay(system, { files: overlay(files, { open, openSync }) })
  }

  letGo(): void {
    this.#go()
  }

  #held(path: string, handle: FileHandle): FileHandle {
    const write: FileHandle['write'] = async (bytes, at) => {
      if (bytes[BLOCK_TYPE_AT] === BlockType.SEAL) {
        this.paths.push(path)
        await this.#going
      }
      return handle.write(bytes, at)
    }
    return overlay(handle, { write })
  }
}

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, i) => first + i)
}

test('files of retired segments are used again, and the log reads and verifies as ever (1, 4)', async () => {
  await simulate(3, async (system, simulation) => {
    const log = await openPublicLog(system, LOG, SMALL)
    await churn(system, log, 60, 6)
    expect(reusedSegments(simulation).length).toBeGreaterThan(1)
    expect(simulation.disk.list(LOG).some((name) => name.startsWith('spare-'))).toBe(true)
    await passes(system, 50)
    const { firstId } = log
    expect(firstId).toBeGreaterThan(45)
    expect(await idsOf(log)).toEqual(range(firstId, 60))
    await log.close()
    expect(simulation.disk.list(LOG).filter((name) => name.startsWith('spare-'))).toEqual([])
    expect((await verifyLog(system, LOG)).verdict).toBe('fine')
    const again = await openPublicLog(system, LOG, SMALL)
    expect(again.firstId).toBeGreaterThanOrEqual(firstId)
    expect(await idsOf(again)).toEqual(range(again.firstId, 60))
    await again.close()
  })
})

test('a segment in a file that is used again survives a kill like any other (1)', async () => {
  const simulation = new Simulation({ seed: 5 })
  const owner = simulation.process('owner')
  const last = await simulation.run(async () => {
    const log = await openPublicLog(owner, LOG, SMALL)
    await churn(owner, log, 40, 6)
    return log.nextId - 1
  })
  expect(reusedSegments(simulation).length).toBeGreaterThan(0)
  simulation.kill(owner)
  const heir = simulation.process('heir')
  await simulation.run(async () => {
    const log = await openPublicLog(heir, LOG, SMALL)
    expect(await idsOf(log)).toEqual(range(log.firstId, last))
    expect(log.firstId).toBeGreaterThan(20)
    expect(simulation.disk.list(LOG).filter((name) => name.startsWith('spare-'))).toEqual([])
    await log.close()
  })
})

test('no file leaves or is used again while its SEAL is being written (1)', async () => {
  await simulate(9, async (system, simulation) => {
    const held = new HeldSeals(system)
    const log = await openPublicLog(held.system, LOG, SMALL)
    await churn(system, log, 40, 6)
    // Full segments that have left the log, but for the files of those that are written to.
    const [first] = held.paths
    expect(first).toBeDefined()
    expect(log.firstId).toBeGreaterThan(20)
    expect(simulation.disk.list(LOG)).toContain(first?.slice(LOG.length + 1))
    held.letGo()
    await passes(system, 50)
    expect(simulation.disk.list(LOG)).not.toContain(first?.slice(LOG.length + 1))
    await log.close()
    expect((await verifyLog(system, LOG)).verdict).toBe('fine')
  })
})

test('while a reader of another process holds a pin no file is used again', async () => {
  await simulate(7, async (system, simulation) => {
    const reader = simulation.process('reader')
    const pin = await bindPin(reader, LOG).catch(() => undefined)
    expect(pin).toBeUndefined()
    const log = await openPublicLog(system, LOG, SMALL)
    const held = await bindPin(reader, LOG)
    await churn(system, log, 40, 6)
    expect(log.firstId).toBeGreaterThan(20)
    expect(reusedSegments(simulation)).toEqual([])
    await held.close()
    await churn(system, log, 80, 6)
    expect(reusedSegments(simulation).length).toBeGreaterThan(0)
    await log.close()
  })
})

test('the pin of a dead reader holds nothing back', async () => {
  const simulation = new Simulation({ seed: 9 })
  const owner = simulation.process('owner')
  const reader = simulation.process('reader')
  await simulation.run(async () => {
    const log = await openPublicLog(owner, LOG, SMALL)
    await bindPin(reader, LOG)
    simulation.kill(reader)
    expect(simulation.disk.list(LOG).some((name) => name.startsWith('pin-'))).toBe(true)
    await churn(owner, log, 40, 6)
    expect(reusedSegments(simulation).length).toBeGreaterThan(0)
    expect(simulation.disk.list(LOG).some((name) => name.startsWith('pin-'))).toBe(false)
    await log.close()
  })
})

test('an id that is discarded twice counts once: its neighbours stay (1)', async () => {
  await simulate(11, async (system) => {
    const log = await openPublicLog(system, LOG, SMALL)
    for (let id = 1; id <= 12; id++) await log.append(body(id))
    const [first] = log.stats().segments
    for (let times = 0; times < 10; times++) log.discard(1, 2)
    await log.append(body(13))
    await passes(system, 5)
    expect(log.stats().segments[0]).toMatchObject({ file: first?.file })
    expect((await log.get(2))?.id).toBe(2)
    expect(await log.get(1)).toBeUndefined()
    await log.close()
  })
})

test('a discard takes effect behind everything appended before it, whenever the process dies', async () => {
  let survivals = 0
  for (let at = 1; at < 60; at++) {
    const simulation = new Simulation({ seed: 13 })
    const owner = simulation.process('owner')
    const endId = await simulation.run(async () => {
      const log = await openPublicLog(owner, LOG, SMALL)
      for (let id = 1; id <= 12; id++) await log.append(body(id))
      return log.stats().segments[0]?.endId ?? 0
    })
    simulation.kill(owner)
    const finisher = simulation.process('finisher')
    await simulation.run(() =>
      finisher.run(async () => {
        const log = await openPublicLog(finisher, LOG, SMALL)
        await log.append(body(13))
        simulation.crashAt(simulation.callCount + at, 'power-cut', 'during')
        void log.append('finished').catch(() => undefined)
        log.discard(1, endId)
        await passes(finisher, 50)
        await log.close()
      }),
    )
    simulation.clearPlans()
    const heir = simulation.process('heir')
    await simulation.run(async () => {
      const log = await openPublicLog(heir, LOG, SMALL)
      if (log.firstId > 1) {
        survivals++
        expect((await log.get(14))?.body.length).toBe('finished'.length)
      }
      await log.close()
    })
  }
  expect(survivals).toBeGreaterThan(5)
})

test('retention by count keeps as many of the newest as it says, and whole segments go', async () => {
  await simulate(15, async (system) => {
    const log = await openPublicLog(system, LOG, { ...SMALL, retention: { messages: 10 } })
    for (let id = 1; id <= 50; id++) {
      await log.append(body(id))
      await passes(system, 1)
      expect(log.nextId - log.firstId).toBeGreaterThanOrEqual(Math.min(10, id))
    }
    // What is kept beyond the limit is at most the rest of one segment, and the one being written.
    expect(log.nextId - log.firstId).toBeLessThanOrEqual(10 + 4 + 4)
    await log.close()
  })
})

test('retention by bytes keeps as many bytes of segments as it says', async () => {
  await simulate(17, async (system) => {
    const log = await openPublicLog(system, LOG, { ...SMALL, retention: { bytes: 40_000 } })
    for (let id = 1; id <= 50; id++) {
      await log.append(body(id))
      await passes(system, 1)
    }
    const full = log.stats().segments.slice(0, -1)
    expect(full.length * 16_384).toBeGreaterThan(30_000)
    expect(full.length * 16_384).toBeLessThan(75_000)
    await log.close()
  })
})

test('retention by age lets segments go when their last message is that old, also after reopening', async () => {
  await simulate(19, async (system) => {
    const options = { ...SMALL, retention: { ageMs: 10_000 } }
    const log = await openPublicLog(system, LOG, options)
    for (let id = 1; id <= 20; id++) await log.append(body(id))
    await passes(system, 9_000)
    expect(log.firstId).toBe(1)
    for (let id = 21; id <= 24; id++) await log.append(body(id))
    await passes(system, 500)
    expect(log.firstId).toBe(1)
    await passes(system, 1_000)
    expect(log.firstId).toBeGreaterThan(12)
    expect(log.firstId).toBeLessThan(21)
    await log.close()

    const again = await openPublicLog(system, LOG, options)
    await again.append(body(25))
    await passes(system, 20_000)
    for (let id = 26; id <= 32; id++) await again.append(body(id))
    await passes(system, 20_000)
    expect(again.firstId).toBeGreaterThan(25)
    await again.close()
  })
})

test('a reader without the lock passes over a file that is used again under its eyes, and tells no damage', async () => {
  // Larger than what a reader has read ahead.
  const size = 768 * 1024
  const sizes = { segmentBytesMin: size, segmentBytesMax: size, idleSyncMs: 0 }
  const bodyBytes = 9_000
  await simulate(23, async (system, simulation) => {
    const other = simulation.process('reader')
    const log = await openPublicLog(system, LOG, sizes)
    const append = () => log.append(body(log.nextId, bodyBytes))
    while (log.stats().segments.length < 2) await append()
    const reader = await openPublicReader(other, LOG)
    const ids: number[] = []
    for await (const batch of reader.readBatches()) {
      for (const { id, body: found } of batch) {
        expect(new TextDecoder().decode(found)).toBe(body(id, bodyBytes))
        ids.push(id)
      }
      while (reusedSegments(simulation).length < 1 || log.nextId < 400) {
        log.discard(1, await append())
        await passes(system, 1)
      }
    }
    const last = ids.at(-1) ?? 0
    expect(ids.length).toBeLessThan(last)
    expect(last).toBeGreaterThan(150)
    expect(reader.stats().gaps).toEqual([])
    await reader.close()
    await log.close()
  })
})

test('a reader that asks for it holds a pin until it is closed, and none where opening fails', async () => {
  await simulate(29, async (system, simulation) => {
    const other = simulation.process('reader')
    const pins = () => simulation.disk.list(LOG).filter((name) => name.startsWith('pin-'))
    await system.files.makeDirectory(LOG)
    await expect(openPublicReader(other, LOG, { pin: true })).rejects.toMatchObject({
      code: 'QLOG_NOT_A_LOG',
    })
    expect(pins()).toEqual([])
    const log = await openPublicLog(system, LOG, SMALL)
    await log.append(body(1))
    const reader = await openPublicReader(other, LOG, { pin: true })
    expect(pins().length).toBe(1)
    await reader.close()
    expect(pins()).toEqual([])
    await log.close()
  })
})

test.each([150, 300])(
  'where a map of %i messages leaves a small segment no room for another, it comes to rest (15)',
  async (count) => {
    await simulate(31, async (system, { disk }) => {
      const log = await openPublicLog(system, LOG, SMALL)
      for (const id of range(1, count)) await log.append(body(id))
      log.discard(1, 4)
      await passes(system, 10_000)
      const atRest = (): unknown => log.stats().segments.map(({ file }) => file)
      const files = atRest()
      await passes(system, 10_000)
      expect(atRest()).toEqual(files)
      await log.compact()
      const compacted = disk.list(LOG).length
      for (let again = 0; again < 5; again++) await log.compact()
      expect(disk.list(LOG).length).toBeLessThanOrEqual(compacted)
      expect(await idsOf(log)).toEqual(range(4, count))
      await log.close()
    })
  },
)
