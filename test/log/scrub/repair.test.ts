/** Mending: what comes back, what it leaves alone, and that nobody loses a message by it. */
import { describe, expect, test } from 'vitest'
import { DamagedError } from '../../../src/errors.ts'
import { parseSegmentFileName } from '../../../src/format/layout.ts'
import { scrubLog } from '../../../src/inspect/scrub.ts'
import { listSegments } from '../../../src/inspect/segments.ts'
import { openPublicLog } from '../../../src/log/open.ts'
import { openPublicReader } from '../../../src/log/open-reader.ts'
import type { Log, LogReader } from '../../../src/log/types.ts'
import { type DiskSnapshot, SimulatedDisk } from '../../../src/system/simulated/disk.ts'
import { Simulation } from '../../../src/system/simulated/simulation.ts'
import type { System } from '../../../src/system/system.ts'
import { Listener } from '../../listen.ts'
import { body, encodable, LOG, Owner, passes, SMALL, simulate } from '../space/support.ts'

const HOUR_MS = 3_600_000
const MENDING = {
  ...SMALL,
  scrub: { everyMs: HOUR_MS, bytesPerSecond: 1_000_000_000, repair: true },
} as const
/** The first pass begins after this. */
const FIRST_MS = 600_000
const ALL = Array.from({ length: 20 }, (_, index) => index + 1)

async function filled(system: System, bytes?: number): Promise<Log> {
  const log = await openPublicLog(system, LOG, MENDING)
  for (const id of ALL) await log.append(body(id, bytes))
  return log
}

async function passed(system: System, log: Log, delayMs: number): Promise<void> {
  const passes0 = log.stats().scrub?.passes ?? 0
  await passes(system, delayMs)
  while (log.stats().scrub?.passes === passes0) await passes(system, 10)
}

function fullFiles(log: Log): string[] {
  return log
    .stats()
    .segments.slice(0, -1)
    .map(({ file }) => file)
}

/** The file among these that has the number of this one and a higher generation. */
function copyOf(file: string, names: readonly string[]): string {
  const number = file.slice(0, file.indexOf('-'))
  return names.find((name) => name.startsWith(number) && name !== file) ?? `no copy of ${file}`
}

async function idsOf(log: LogReader): Promise<number[]> {
  const ids: number[] = []
  for await (const { id, body: bytes } of log.read()) {
    expect(new TextDecoder().decode(bytes)).toBe(body(id))
    ids.push(id)
  }
  return ids
}

interface Place {
  readonly file: string
  readonly path: string
  readonly at: number
}

/** Where the body of a message stands. */
function placeOf(disk: SimulatedDisk, id: number): Place {
  const needle = Buffer.from(body(id).slice(0, 100))
  for (const file of disk.list(LOG)) {
    if (!file.endsWith('.qls')) continue
    const path = `${LOG}/${file}`
    const at = Buffer.from(disk.readFile(path)).indexOf(needle)
    if (at > 0) return { file, path, at: at + 100 }
  }
  throw new Error(`message ${id} stands nowhere`)
}

/** Flips one bit in the body of a message. */
function flip(disk: SimulatedDisk, id: number, bit = 3): Place {
  const place = placeOf(disk, id)
  disk.flipBit(place.path, place.at, bit)
  return place
}

describe('a block that one flipped bit has damaged', () => {
  test('is there again, in a new generation, and stays after reopening', async () => {
    const scrubbed = new Listener('qlog:scrubbed')
    const places: Place[] = []
    await simulate(1, async (system, { disk }) => {
      const log = await filled(system)
      const first = flip(disk, 2)
      const second = flip(disk, 9, 7)
      places.push(first, second)
      await expect(idsOf(log)).rejects.toThrow(DamagedError)
      expect(log.stats().gaps).toHaveLength(1)
      await passed(system, log, FIRST_MS)
      expect(await idsOf(log)).toEqual(ALL)
      expect(log.stats().gaps).toEqual([])
      expect(log.stats().scrub).toMatchObject({ damages: 2, mendedBlocks: 2 })
      const mended = fullFiles(log).filter((file) => !file.endsWith('-00.qls'))
      expect(mended).toEqual([copyOf(first.file, mended), copyOf(second.file, mended)])
      expect(disk.list(`${LOG}/quarantine`)).toEqual([first.file, second.file])
      expect(disk.list(LOG).filter((name) => name.endsWith('.tmp'))).toEqual([])
      await passed(system, log, HOUR_MS)
      expect(log.stats().scrub).toMatchObject({ damages: 0, mendedBlocks: 2 })
      await log.close()
      const again = await openPublicLog(system, LOG, SMALL)
      expect(await idsOf(again)).toEqual(ALL)
      expect(again.stats().gaps).toEqual([])
      await again.close()
    })
    const [told] = scrubbed.events
    expect(told?.mended).toMatchObject([
      { byteOffset: places[0]?.at, bit: 3, firstId: 2, endId: 3 },
      { byteOffset: places[1]?.at, bit: 7, firstId: 9, endId: 10 },
    ])
    expect(told?.findings.map((one) => [one.firstId, one.endId])).toEqual(
      told?.mended.map((one) => [one.firstId, one.endId]),
    )
  })

  test('differs from what it was in this bit and in its header alone', async () => {
    await simulate(2, async (system, { disk }) => {
      const log = await filled(system)
      const { path } = placeOf(disk, 2)
      const before = disk.readFile(path).slice()
      flip(disk, 2)
      await passed(system, log, FIRST_MS)
      const copy = copyOf(
        path,
        disk.list(LOG).map((name) => `${LOG}/${name}`),
      )
      const after = disk.readFile(copy)
      expect(after.subarray(4_096)).toEqual(before.subarray(4_096))
      const generations = [48, 3_584 + 48].map((at) =>
        new DataView(after.buffer, after.byteOffset).getUint32(at, true),
      )
      const named = parseSegmentFileName(copy.slice(LOG.length + 1))?.generation ?? 0
      expect(named).toBeGreaterThan(0)
      expect(generations).toEqual([named, named])
      await log.close()
    })
  })

  test('beside one that more bits have damaged: that one stays lost, and is told of', async () => {
    await simulate(3, async (system, { disk }) => {
      const log = await filled(system, 1_500)
      const wounded = placeOf(disk, 2)
      disk.zeroSector(wounded.path, wounded.at + 512)
      expect(flip(disk, 4).file).toBe(wounded.file)
      await passed(system, log, FIRST_MS)
      expect(log.stats().scrub).toMatchObject({ damages: 2, mendedBlocks: 1 })
      const ids: number[] = []
      for await (const { id } of log.read({ onGap: () => undefined })) ids.push(id)
      expect(ids).toEqual(ALL.filter((id) => id !== 2))
      const file = copyOf(wounded.file, disk.list(LOG))
      expect(log.stats().gaps).toMatchObject([{ file, firstId: 2, endId: 3 }])
      await log.close()
    })
  })

  test('behind one that more bits have damaged is there again too', async () => {
    await simulate(14, async (system, { disk }) => {
      const log = await filled(system, 1_500)
      const wounded = placeOf(disk, 2)
      disk.zeroSector(wounded.path, wounded.at + 512)
      expect(flip(disk, 3).file).toBe(wounded.file)
      await passed(system, log, FIRST_MS)
      expect(log.stats().scrub).toMatchObject({ damages: 1, mendedBlocks: 1 })
      const ids: number[] = []
      for await (const { id } of log.read({ onGap: () => undefined })) ids.push(id)
      expect(ids).toEqual(ALL.filter((id) => id !== 2))
      const file = copyOf(wounded.file, disk.list(LOG))
      expect(log.stats().gaps).toMatchObject([{ file, firstId: 2, endId: 3 }])
      await log.close()
    })
  })

  test.each([
    ['its magic', 0],
    ['its checksum', 4],
    ['its length', 8],
    ['the offset it names', 12],
    ['its first id', 32],
  ])('in %s, behind one that more bits have damaged, is there again too', async (_, byte) => {
    await simulate(15, async (system, { disk }) => {
      const log = await filled(system, 1_500)
      const wounded = placeOf(disk, 2)
      const next = placeOf(disk, 3)
      disk.zeroSector(wounded.path, wounded.at + 512)
      const bytes = Buffer.from(disk.readFile(next.path))
      const magic = bytes.subarray(4_096, 4_100)
      disk.flipBit(next.path, bytes.lastIndexOf(magic, next.at) + byte, 5)
      await passed(system, log, FIRST_MS)
      expect(log.stats().scrub).toMatchObject({ mendedBlocks: 1 })
      expect(log.stats().gaps).toMatchObject([{ firstId: 2, endId: 3 }])
      await log.close()
    })
  })

  test('is not counted as lost where the block behind it stays damaged', async () => {
    await simulate(16, async (system, { disk }) => {
      const log = await filled(system, 1_500)
      await log.close()
      const { file } = flip(disk, 2)
      const wounded = placeOf(disk, 3)
      disk.zeroSector(wounded.path, wounded.at + 512)
      expect(wounded.file).toBe(file)
      const report = await scrubLog(system, LOG, { repair: true })
      expect(report.repair?.blocks).toMatchObject([{ file, firstId: 2, endId: 3 }])
      expect(report).toMatchObject({ verdict: 'rot', lostMessages: 1, damages: 1 })
      expect(report.findings).toMatchObject([
        { file: copyOf(file, disk.list(LOG)), firstId: 3, endId: 4 },
      ])
      expect(report.findings[0]).not.toHaveProperty('mendable')
      expect(await scrubLog(system, LOG)).toMatchObject({ lostMessages: 1 })
    })
  })

  test('is set aside only once a durable map names the copy in its place', async () => {
    const left: DiskSnapshot[] = []
    const file = await simulate(8, async (system, { disk }) => {
      const log = await filled(system)
      const place = flip(disk, 2)
      const rename = system.files.rename.bind(system.files)
      system.files.rename = (from, to) => {
        if (to.includes('/quarantine/')) left.push(disk.snapshot())
        return rename(from, to)
      }
      await passed(system, log, FIRST_MS)
      await log.close()
      return place.file
    })
    expect(left).toHaveLength(1)
    for (const snapshot of left) {
      const named = await namedAfterPowerCut(new SimulatedDisk(snapshot))
      expect(named).toContain(copyOf(file, named))
      expect(named).not.toContain(file)
    }
  })

  test('is left alone unless asked for', async () => {
    await simulate(4, async (system, { disk }) => {
      const log = await filled(system)
      await log.close()
      const { repair: _, ...scrub } = MENDING.scrub
      const again = await openPublicLog(system, LOG, { ...SMALL, scrub })
      const names = disk.list(LOG).filter((name) => name.endsWith('.qls'))
      disk.flipBit(`${LOG}/${names[0]}`, 11_000, 3)
      await passed(system, again, FIRST_MS)
      expect(again.stats().scrub).not.toHaveProperty('mendedBlocks')
      expect(disk.list(LOG).filter((name) => name.endsWith('.qls'))).toEqual(names)
      await again.close()
    })
  })
})

describe('a copy that is not what it should be', () => {
  test('is given up, and the segment stays as it is', async () => {
    await simulate(5, async (system, simulation) => {
      const { disk } = simulation
      const log = await filled(system)
      const files = fullFiles(log)
      flip(disk, 2)
      const isCopy = (path: string): boolean => path.endsWith('.tmp')
      // By then the next segment has been made ahead.
      await passes(system, FIRST_MS - 1_000)
      simulation.fault({ call: 'write', error: 'ENOSPC', nth: 1, path: isCopy })
      await passed(system, log, 1_000)
      expect(fullFiles(log)).toEqual(files)
      expect(log.stats().scrub).toMatchObject({ damages: 1, mendedBlocks: 0 })
      expect(disk.list(LOG).filter((name) => name.endsWith('.tmp'))).toEqual([])
      await passed(system, log, HOUR_MS)
      expect(await idsOf(log)).toEqual(ALL)
      await log.close()
    })
  })

  test.each([
    { call: 'flushDirectory', error: 'EMFILE' },
    { call: 'close', error: 'EIO' },
  ] as const)(
    'because of $error at $call behind its last byte does not stay beside the next',
    async (fault) => {
      await simulate(5, async (system, simulation) => {
        const { disk } = simulation
        const log = await filled(system)
        const { file } = flip(disk, 2)
        await passes(system, FIRST_MS - 1_000)
        const isOfCopy = (path: string): boolean => fault.call !== 'close' || path.endsWith('.tmp')
        simulation.fault({ ...fault, path: isOfCopy })
        const ofSegment = () => disk.list(LOG).filter((name) => name.startsWith(file.slice(0, 21)))
        for (const delayMs of [1_000, HOUR_MS]) {
          await passed(system, log, delayMs)
          expect(ofSegment()).toEqual([file])
        }
        simulation.clearFaults()
        await passed(system, log, HOUR_MS)
        expect(log.stats().scrub).toMatchObject({ mendedBlocks: 1 })
        expect(await idsOf(log)).toEqual(ALL)
        await log.close()
      })
    },
  )

  test("because a flush of the directory failed, somebody else's too, takes no place", async () => {
    await simulate(12, async (system, simulation) => {
      const log = await new Owner().open(system)
      for (const id of ALL) {
        log.append({ messages: [encodable(body(id))], control: [] })
        while (log.loop.bytesWaiting > 0) await passes(system, 1)
      }
      const { file } = flip(simulation.disk, 2)
      simulation.fault({ call: 'flushDirectory', error: 'EIO', nth: 1 })
      await expect(log.supply.names.flush()).rejects.toThrow('in doubt')
      // The next one would succeed, and prove nothing of names that the system has forgotten.
      const { repair } = await log.mendNow({ keepsAlive: true })
      expect(repair).toMatchObject({ blocks: [], notMended: [{ file }] })
      expect(log.loop.map.some(({ generation }) => generation > 0)).toBe(false)
      await log.close().catch(() => undefined)
    })
  })

  test("because somebody else's flush of the directory fails behind its link takes no place", async () => {
    await simulate(12, async (system, simulation) => {
      const log = await new Owner().open(system)
      for (const id of ALL) {
        log.append({ messages: [encodable(body(id))], control: [] })
        while (log.loop.bytesWaiting > 0) await passes(system, 1)
      }
      const { file } = flip(simulation.disk, 2)
      const link = system.files.link.bind(system.files)
      system.files.link = async (from, to) => {
        await link(from, to)
        if (to.endsWith('-00.qls')) return
        simulation.fault({ call: 'flushDirectory', error: 'EIO', nth: 1 })
        await expect(log.supply.names.flush()).rejects.toThrow('in doubt')
      }
      const { repair } = await log.mendNow({ keepsAlive: true })
      system.files.link = link
      expect(repair).toMatchObject({ blocks: [], notMended: [{ file }] })
      await log.close().catch(() => undefined)
    })
  })

  test('because the disk flips a bit of it too is found before it counts', async () => {
    await simulate(6, async (system, { disk }) => {
      const log = await filled(system)
      const files = fullFiles(log)
      flip(disk, 2)
      const restore = rotOnFlush(system, disk)
      await passed(system, log, FIRST_MS)
      restore()
      expect(fullFiles(log)).toEqual(files)
      expect(log.stats().scrub).toMatchObject({ mendedBlocks: 0 })
      await log.close()
    })
  })
})

describe('beside a mended segment', () => {
  test('the newest may be lost: nothing of the mended one is', async () => {
    for (const id of [2, 9, 18]) {
      await simulate(10 + id, async (system, { disk }) => {
        const log = await filled(system)
        flip(disk, id)
        await passed(system, log, FIRST_MS)
        expect(log.stats().scrub).toMatchObject({ mendedBlocks: 1 })
        const newest = log.stats().segments.at(-1)
        await log.close()
        disk.removeFile(`${LOG}/${newest?.file}`)
        for (const name of ['index.a', 'index.b']) {
          if (disk.exists(`${LOG}/${name}`)) disk.removeFile(`${LOG}/${name}`)
        }
        const again = await openPublicLog(system, LOG, { ...SMALL, onDamage: 'quarantine' })
        const gaps = again.stats().gaps.filter((gap) => gap.firstId < (newest?.firstId ?? 0))
        expect(gaps).toEqual([])
        const ids: number[] = []
        for await (const { id } of again.read({ onGap: () => undefined })) ids.push(id)
        expect(ids).toEqual(ALL.filter((id) => id < (newest?.firstId ?? 0)))
        await again.close()
      })
    }
  })

  test('readers that are in the middle of it miss nothing and get nothing twice', async () => {
    await simulate(7, async (system, { disk }) => {
      const log = await filled(system)
      const inside = log.readBatches({ to: 21 })[Symbol.asyncIterator]()
      const beside = await openPublicReader(system, LOG)
      const outside = beside.readBatches({ to: 21 })[Symbol.asyncIterator]()
      const got: number[][] = [[], []]
      const step = async (): Promise<boolean> => {
        let more = false
        for (const [row, reader] of [inside, outside].entries()) {
          const { value, done } = await reader.next()
          if (!done) got[row]?.push(...value.map(({ id }) => id))
          more ||= !done
        }
        return more
      }
      await step()
      flip(disk, 2)
      flip(disk, 9)
      await passed(system, log, FIRST_MS)
      expect(log.stats().scrub).toMatchObject({ mendedBlocks: 2 })
      while (await step());
      expect(got).toEqual([ALL, ALL])
      await beside.close()
      await log.close()
    })
  })
})

describe('an owner that reads its entries', () => {
  test('goes on at the same place in the copy', async () => {
    await simulate(9, async (system, { disk }) => {
      const log = await new Owner().open(system)
      for (const id of ALL) {
        log.append({ messages: [encodable(body(id, 1_500))], control: [] })
        while (log.loop.bytesWaiting > 0) await passes(system, 1)
      }
      flip(disk, 3)
      const ids: number[] = []
      for await (const entries of log.read({ after: 0, bytesMax: 1 })) {
        for (const entry of entries) ids.push(...Array.from(entry.ids))
        if (ids.at(-1) !== 2) continue
        const { repair } = await log.mendNow({ keepsAlive: true })
        expect(repair?.blocks).toMatchObject([{ firstId: 3 }])
      }
      expect(ids).toEqual(ALL)
      await log.close()
    })
  })
})

/** The full segments of the log as a power cut leaves it now. */
async function namedAfterPowerCut(disk: SimulatedDisk): Promise<string[]> {
  const machine = new Simulation({ seed: 1, disk })
  machine.powerCut()
  const reader = machine.process('reader')
  const outcome = await machine.run(() => reader.run(() => listSegments(reader, LOG)))
  if (outcome.state !== 'done') throw new Error('the reader died')
  return outcome.value.filter(({ state }) => state === 'full').map(({ file }) => file)
}

/** From now on a bit of every temporary file flips once it is flushed; returns how to end that. */
function rotOnFlush(system: System, disk: SimulatedDisk): () => void {
  const files = system.files
  const open = files.open.bind(files)
  files.open = async (path, options) => {
    if (path.endsWith('.tmp') && options.mode === 'read') disk.flipBit(path, 9_000, 2)
    return open(path, options)
  }
  return () => {
    files.open = open
  }
}
