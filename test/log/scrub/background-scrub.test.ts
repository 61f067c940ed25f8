/** Scrubbing by itself: when it begins, how fast it reads, what it tells, and that it ends with its log. */
import { describe, expect, test } from 'vitest'
import { openPublicLog } from '../../../src/log/open.ts'
import type { Log, LogOptions } from '../../../src/log/types.ts'
import type { SimulatedProcess } from '../../../src/system/simulated/process.ts'
import { Simulation } from '../../../src/system/simulated/simulation.ts'
import type { System } from '../../../src/system/system.ts'
import { Listener } from '../../listen.ts'
import { body, LOG, passes, SMALL, simulate } from '../space/support.ts'

const HOUR_MS = 3_600_000
const SCRUBBED = { ...SMALL, scrub: { everyMs: HOUR_MS, bytesPerSecond: 1_000_000_000 } } as const
/** The first pass begins after this. */
const FIRST_MS = 600_000

async function filled(system: System, options: LogOptions): Promise<Log> {
  const log = await openPublicLog(system, LOG, options)
  for (let id = 1; id <= 20; id++) await log.append(body(id))
  return log
}

/** Waits for the pass that begins so long from now, and for its end. */
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

describe('passes', () => {
  test('the first begins ten minutes after opening, the next so long after it as was asked', async () => {
    const heard = new Listener('qlog:scrubbed')
    await simulate(1, async (system) => {
      const log = await filled(system, SCRUBBED)
      const openedMs = system.clock.monotonicMs()
      expect(log.stats().scrub).toEqual({ passes: 0, bytes: 0, damages: 0 })
      await passes(system, FIRST_MS - 1_000)
      expect(log.stats().scrub?.passes).toBe(0)
      await passed(system, log, 1_000)
      const firstMs = system.clock.monotonicMs()
      expect(firstMs - openedMs).toBeLessThan(FIRST_MS + 1_000)
      await passes(system, HOUR_MS - 2_000)
      expect(log.stats().scrub?.passes).toBe(1)
      await passed(system, log, 2_000)
      const { passes: count, bytes, damages, ageMs, fromDisk } = log.stats().scrub ?? {}
      expect([count, damages, fromDisk]).toEqual([2, 0, true])
      expect(ageMs).toBeLessThan(1_000)
      expect(bytes).toBe(2 * (heard.events[0]?.bytes ?? 0))
      await log.close()
    })
    expect(heard.events).toHaveLength(2)
    expect(heard.events[0]).toMatchObject({ directory: LOG, damages: 0, findings: [] })
    expect(heard.events[0]?.segments).toBeGreaterThan(3)
  })

  test('one that finds the disk unreadable for want of descriptors is tried again', async () => {
    await simulate(2, async (system, simulation) => {
      const log = await filled(system, SCRUBBED)
      const first = `${LOG}/${fullFiles(log)[0]}`
      simulation.fault({ call: 'open', error: 'EMFILE', nth: 1, path: (path) => path === first })
      await passes(system, FIRST_MS + 1_000)
      expect(log.stats().scrub).toMatchObject({ passes: 0 })
      expect(log.stats().scrub?.failure).toContain('open')
      await passed(system, log, FIRST_MS)
      expect(log.stats().scrub).not.toHaveProperty('failure')
      await log.close()
    })
  })

  test.each(['EIO', 'ENODATA', 'EILSEQ'] as const)(
    'a segment of which the medium gives nothing (%s) is damage, and those behind it are read',
    async (error) => {
      await simulate(2, async (system, simulation) => {
        const log = await filled(system, SCRUBBED)
        const [, second] = fullFiles(log)
        simulation.fault({ call: 'read', error, path: (path) => path === `${LOG}/${second}` })
        await passed(system, log, FIRST_MS + 1_000)
        expect(log.stats().scrub).toMatchObject({ passes: 1, damages: 1 })
        expect(log.stats().scrub).not.toHaveProperty('failure')
        simulation.clearFaults()
        await log.close()
      })
    },
  )

  test('a log that is not told to reads nothing', async () => {
    await simulate(3, async (system) => {
      for (const options of [SMALL, { ...SMALL, scrub: false } as const]) {
        const log = await filled(system, options)
        await passes(system, 30 * 24 * HOUR_MS)
        expect(log.stats()).not.toHaveProperty('scrub')
        await log.close()
      }
    })
  })

  test('closing breaks one off, and leaves no file open and no timer', async () => {
    await simulate(4, async (system) => {
      const scrub = { everyMs: 1_000, bytesPerSecond: 4_096 }
      const log = await filled(system, { ...SMALL, scrub })
      await passes(system, 3_000)
      expect(log.stats().scrub?.passes).toBe(0)
      const closing = system.clock.monotonicMs()
      await log.close()
      expect(system.clock.monotonicMs() - closing).toBeLessThan(1_000)
      expect(system.files.openHandles).toBe(0)
    })
  })

  test.each([
    [{ everyMs: 10 }, 'scrub.everyMs'],
    [{ bytesPerSecond: 1 }, 'scrub.bytesPerSecond'],
    [{ rate: 1 }, 'unknown option "rate"'],
    [true, 'or false'],
  ])('%j is refused', async (scrub, words) => {
    await simulate(5, async (system) => {
      const opening = openPublicLog(system, LOG, { scrub } as unknown as LogOptions)
      await expect(opening).rejects.toThrow(words)
    })
  })
})

describe('the rate', () => {
  test.each([16_384, 100_000])('is kept to: %i bytes a second', async (bytesPerSecond) => {
    await simulate(6, async (system) => {
      const scrub = { everyMs: 1_000, bytesPerSecond }
      const log = await filled(system, { ...SMALL, scrub })
      const startedMs = system.clock.monotonicMs()
      await passed(system, log, 1_000)
      const tookMs = system.clock.monotonicMs() - startedMs - 1_000
      const bytes = log.stats().scrub?.bytes ?? 0
      expect(bytes).toBeGreaterThan(40_000)
      // What was read last is paid for by nobody; a segment is the least that is.
      expect(tookMs).toBeGreaterThan(((bytes - 16_384) * 1000) / bytesPerSecond)
      expect(tookMs).toBeLessThan((bytes * 1500) / bytesPerSecond + 1_000)
      await log.close()
    })
  })

  test('no more than one read is under way', async () => {
    await simulate(7, async (system) => {
      let [under, most] = [0, 0]
      const watched = watchDirectReads(system, {
        begin: () => {
          under++
          most = Math.max(most, under)
        },
        end: () => under--,
      })
      const log = await filled(watched, SCRUBBED)
      await passed(system, log, FIRST_MS)
      await log.close()
      expect(most).toBe(1)
    })
  })
})

describe('damage', () => {
  test('is told with its bytes and ids, noted once, and messages beside it are read', async () => {
    const scrubbed = new Listener('qlog:scrubbed')
    const damage = new Listener('qlog:damage')
    await simulate(8, async (system, { disk }) => {
      const log = await filled(system, SCRUBBED)
      const [first, second] = fullFiles(log)
      disk.flipBit(`${LOG}/${first}`, 11_000, 3)
      disk.zeroSector(`${LOG}/${second}`, 13_000)
      await passed(system, log, FIRST_MS)
      await passed(system, log, HOUR_MS)
      expect(log.stats().scrub).toMatchObject({ passes: 2, damages: 2 })
      expect(log.stats().gaps).toMatchObject([{ file: first }, { file: second }])
      await log.close()
    })
    expect(damage.events).toHaveLength(2)
    const [found, again] = scrubbed.events
    expect(found?.findings).toMatchObject([
      { row: 'rot-below-cut', mendable: 1 },
      { row: 'rot-below-cut', mendable: 0 },
    ])
    expect(again?.findings).toEqual(found?.findings)
    expect(found?.findings[0]?.why).toContain('bit 3 of byte 11000')
    expect(damage.events.map(({ gap }) => gap.offset)).toEqual(
      found?.findings.map(({ offset }) => offset),
    )
    for (const { firstId, endId } of found?.findings ?? []) expect(endId).toBeGreaterThan(firstId)
  })

  test('that the page cache hides is found on the disk, while reading still gives what was there', async () => {
    await simulate(9, async (system, { disk }) => {
      const log = await filled(system, SCRUBBED)
      const [first] = fullFiles(log)
      disk.flipBit(`${LOG}/${first}`, 11_000, 3, true)
      const ids: number[] = []
      for await (const { id } of log.read()) ids.push(id)
      expect(ids).toHaveLength(20)
      await passed(system, log, FIRST_MS)
      expect(log.stats().scrub).toMatchObject({ damages: 1, fromDisk: true })
      await log.close()
    })
  })

  test('that the page cache hides stays hidden where there is no other way, and that is said', async () => {
    const heard = new Listener('qlog:scrubbed')
    const simulation = new Simulation({ seed: 10 })
    const owner = simulation.process('owner', { hasDirect: false })
    await simulation.run(() => owner.run(() => scrubHidden(owner, simulation)))
    expect(heard.events).toMatchObject([{ damages: 0, fromDisk: false }])
  })

  test('of a file that is gone, and of one copy of a header', async () => {
    const heard = new Listener('qlog:scrubbed')
    await simulate(11, async (system, { disk }) => {
      const log = await filled(system, SCRUBBED)
      const [first, second, third] = fullFiles(log)
      disk.removeFile(`${LOG}/${first}`)
      disk.flipBit(`${LOG}/${second}`, 3_600, 0)
      disk.flipBit(`${LOG}/${third}`, 40, 0)
      disk.flipBit(`${LOG}/${third}`, 3_600, 0)
      await passed(system, log, FIRST_MS)
      // Half a header costs nothing, and keeps nothing from being merged.
      expect(log.stats().gaps).toMatchObject([{ file: first }, { file: third }])
      await log.close()
    })
    expect(heard.events[0]?.findings).toMatchObject([
      { row: 'rot-missing', offset: 0, bytes: 0 },
      { row: 'header-copy', offset: 3584, bytes: 512 },
      { row: 'rot-header' },
    ])
  })

  test('that one read finds and the next one does not is none', async () => {
    await simulate(15, async (system) => {
      const log = await filled(system, SCRUBBED)
      misread(system, `${LOG}/${fullFiles(log)[1]}`, [11_000])
      await passed(system, log, FIRST_MS)
      expect(log.stats().scrub).toMatchObject({ passes: 1, damages: 0 })
      expect(log.stats().gaps).toEqual([])
      await log.close()
    })
  })

  test('that each read finds elsewhere is told', async () => {
    await simulate(16, async (system) => {
      const log = await filled(system, SCRUBBED)
      const path = `${LOG}/${fullFiles(log)[1]}`
      misread(system, path, [5_000, 7_000, 9_000, 11_000, 13_000])
      await passed(system, log, FIRST_MS)
      expect(log.stats().scrub).toMatchObject({ passes: 1, damages: 1 })
      await log.close()
    })
  })

  test('of a segment that has left meanwhile is none', async () => {
    const heard = new Listener('qlog:scrubbed')
    await simulate(12, async (system) => {
      const scrub = { everyMs: 1_000, bytesPerSecond: 16_384 }
      const log = await filled(system, { ...SMALL, scrub })
      await passes(system, 1_500)
      // Its files are used again at once, while the pass is still at the first of them.
      log.discard(1, 18)
      for (let id = 21; id <= 40; id++) await log.append(body(id))
      await passed(system, log, 0)
      expect(log.stats().gaps).toEqual([])
      await log.close()
    })
    expect(heard.events[0]).toMatchObject({ damages: 0 })
  })
})

async function scrubHidden(system: SimulatedProcess, { disk }: Simulation): Promise<void> {
  const log = await filled(system, SCRUBBED)
  disk.flipBit(`${LOG}/${fullFiles(log)[0]}`, 11_000, 3, true)
  await passed(system, log, FIRST_MS)
  await log.close()
}

/** The same system, whose direct reads are told of. */
function watchDirectReads(
  system: SimulatedProcess,
  told: { readonly begin: () => void; readonly end: () => void },
): System {
  const { files, clock, sockets, identity, crc32, lz4, random, watchLoop, warn } = system
  const watched = new Proxy(files, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name, target)
      if (typeof value !== 'function') return value
      if (name !== 'open') return value.bind(target)
      const open: typeof files.open = async (path, how) => {
        const handle = await target.open(path, how)
        const read = handle.read.bind(handle)
        if (how.direct === true) {
          handle.read = async (bytes, position) => {
            told.begin()
            return read(bytes, position).finally(told.end)
          }
        }
        return handle
      }
      return open
    },
  })
  return { files: watched, clock, sockets, identity, crc32, lz4, random, watchLoop, warn }
}

/** The first opening for scrubbing reads the first of these bytes wrong, the next one the second, and so on. */
function misread(system: System, path: string, places: readonly number[]): void {
  const { files } = system
  const open = files.open.bind(files)
  const left = [...places]
  files.open = async (name, options) => {
    const handle = await open(name, options)
    const at = name === path && options.direct ? left.shift() : undefined
    if (at === undefined) return handle
    const read = handle.read.bind(handle)
    handle.read = async (target, position) => {
      const got = await read(target, position)
      const place = at - position
      if (place >= 0 && place < got) target[place] = (target[place] ?? 0) ^ 0x18
      return got
    }
    return handle
  }
}
