/** What a log tells on its channels, and when it warns. */
import { describe, expect, test } from 'vitest'
import { openPublicLog } from '../../src/log/open.ts'
import type { LogOptions } from '../../src/log/types.ts'
import type { SimulatedProcess } from '../../src/system/simulated/process.ts'
import type { FileHandle, FileSystem, System } from '../../src/system/system.ts'
import { Listener } from '../listen.ts'
import { fill } from './space/compaction-support.ts'
import { body, LOG, passes, SMALL, simulate } from './space/support.ts'

test('each group is told once it has resolved', async () => {
  const heard = new Listener('qlog:flush')
  await simulate(1, async (system) => {
    const log = await openPublicLog(system, LOG, SMALL)
    await log.append(body(1, 100))
    await log.appendMany([body(2, 100), body(3, 100)])
    await log.close()
    expect(heard.events).toHaveLength(log.stats().flushes)
  })
  expect(heard.events.map(({ messages }) => messages).filter((count) => count > 0)).toEqual([1, 2])
  for (const { directory, tookMs, bytes } of heard.events) {
    expect(directory).toBe(LOG)
    expect(tookMs).toBeGreaterThan(0)
    expect(bytes).toBeGreaterThan(0)
  }
})

test('whoever listens may append', async () => {
  await simulate(2, async (system) => {
    const log = await openPublicLog(system, LOG, SMALL)
    const appended: Promise<number>[] = []
    const heard = new Listener('qlog:flush', () => {
      if (appended.length < 5) appended.push(log.append('from within'))
    })
    await log.append('first')
    while (appended.length < 5) await passes(system, 1)
    expect(await Promise.all(appended)).toEqual([2, 3, 4, 5, 6])
    heard.stop()
    await log.close()
  })
})

describe('a flush of over a second', () => {
  test('is told each time, and warned of at once, and then once a minute', async () => {
    const heard = new Listener('qlog:slow-flush')
    await simulate(3, async (process) => {
      const slow = new SlowFiles(process, ['write', 'writeMany'])
      const log = await openPublicLog(slow.system, LOG, SMALL)
      const appendSlowly = async (): Promise<void> => {
        slow.delayMs = 1_500
        await log.append('slow')
        slow.delayMs = 0
      }
      await log.append('fast')
      expect([heard.events, process.warnings]).toEqual([[], []])
      await appendSlowly()
      await appendSlowly()
      expect(heard.events).toHaveLength(2)
      expect(heard.events[0]?.directory).toBe(LOG)
      expect(heard.events[0]?.tookMs).toBeGreaterThan(1_500)
      expect(process.warnings).toHaveLength(1)
      expect(process.warnings[0]?.code).toBe('QLOG_SLOW_FLUSH')
      expect(process.warnings[0]?.message).toMatch(/^a flush of the log \/log took 1\.\d s$/)
      await passes(process, 60_000)
      await appendSlowly()
      expect(process.warnings).toHaveLength(2)
      const { flushCounts, flushMaxMs } = log.stats()
      // Up to 2,048 ms.
      expect(flushCounts[11]).toBe(3)
      expect(flushMaxMs).toBeGreaterThan(1_500)
      await log.close()
    })
  })

  test('is warned of where nobody listens', async () => {
    await simulate(4, async (process) => {
      const slow = new SlowFiles(process, ['write', 'writeMany'])
      const log = await openPublicLog(slow.system, LOG, SMALL)
      slow.delayMs = 1_500
      await log.append('slow')
      expect(process.warnings).toHaveLength(1)
      slow.delayMs = 0
      await log.close()
    })
  })

  test('is told in the mode interval too, where no append waits for it', async () => {
    const heard = new Listener('qlog:slow-flush')
    await simulate(5, async (process) => {
      const slow = new SlowFiles(process, ['flush'])
      const options: LogOptions = { ...SMALL, sync: { intervalMs: 100 } }
      const log = await openPublicLog(slow.system, LOG, options)
      slow.delayMs = 1_500
      await log.append('written')
      expect(heard.events).toEqual([])
      await passes(process, 3_000)
      expect(heard.events).toHaveLength(1)
      expect(process.warnings).toHaveLength(1)
      slow.delayMs = 0
      await log.close()
    })
  })
})

test('segments are told when they are full, merged, and gone', async () => {
  const heard = new Listener('qlog:segment')
  await simulate(6, async (system) => {
    const log = await openPublicLog(system, LOG, SMALL)
    await fill(log, 120, 10)
    const full = log.stats().segments.map(({ file }) => file)
    await log.compact()
    const { segments, merging } = log.stats()
    await log.close()
    const filesOf = (change: string): string[] =>
      heard.events.filter((event) => event.change === change).map(({ file }) => file)
    // Compaction itself takes some segments: the new maps have to stand somewhere.
    expect(filesOf('full').slice(0, full.length - 1)).toEqual(full.slice(0, -1))
    expect(filesOf('merged')).toHaveLength(merging.merges)
    const left = new Set([...filesOf('full'), ...filesOf('merged')])
    for (const file of filesOf('retired')) expect(left.delete(file), file).toBe(true)
    expect([...left].sort()).toEqual(segments.map(({ file }) => file).slice(0, -1))
    expect(new Set(heard.events.map(({ directory }) => directory))).toEqual(new Set([LOG]))
    for (const { bytes } of heard.events) expect(bytes).toBeGreaterThan(4_096)
  })
})

test('damage is told once, by opening or by reading', async () => {
  const heard = new Listener('qlog:damage')
  await simulate(7, async (system, { disk }) => {
    const log = await openPublicLog(system, LOG, SMALL)
    for (let id = 1; id <= 20; id++) await log.append(body(id))
    const [first] = log.stats().segments
    await log.close()
    disk.flipBit(`${LOG}/${first?.file}`, 11_000, 3)
    const again = await openPublicLog(system, LOG, { ...SMALL, onDamage: 'quarantine' })
    for (let round = 0; round < 2; round++) {
      for await (const _ of again.read()) {
        // Everything is read.
      }
    }
    expect(heard.events).toEqual(again.stats().gaps.map((gap) => ({ directory: LOG, gap })))
    expect(heard.events).toHaveLength(1)
    await again.close()
  })
})

test('a full disk is told, and its end', async () => {
  const heard = new Listener('qlog:space')
  await simulate(8, async (system, { disk }) => {
    const log = await openPublicLog(system, LOG, SMALL)
    disk.capacityBytes = 400 * 1024
    let isFull = false
    while (!isFull) {
      await log.append(body(log.nextId)).catch(() => {
        isFull = true
      })
    }
    expect(heard.events).toEqual([{ directory: LOG, state: 'full' }])
    disk.capacityBytes = Number.POSITIVE_INFINITY
    await passes(system, 1_000)
    expect(heard.events.map(({ state }) => state)).toEqual(['full', 'ok'])
    await log.close()
  })
})

test('a log that stops tells why, once', async () => {
  const heard = new Listener('qlog:log-failed')
  await simulate(9, async (system, simulation) => {
    const log = await openPublicLog(system, LOG, SMALL)
    await log.append('fine')
    const isSegment = (path: string): boolean => path.endsWith('.qls')
    simulation.fault({ call: ['write', 'writeMany'], error: 'EIO', nth: 1, path: isSegment })
    await expect(log.append('fails')).rejects.toMatchObject({ code: 'QLOG_INDETERMINATE' })
    await expect(log.append('late')).rejects.toMatchObject({ code: 'QLOG_FAILED' })
    await log.close().catch(() => undefined)
  })
  expect(heard.events).toHaveLength(1)
  expect(heard.events[0]).toMatchObject({ directory: LOG, error: { code: 'QLOG_FAILED' } })
})

/** A process whose segment files take longer for some calls. */
class SlowFiles {
  readonly system: System
  delayMs = 0
  readonly #process: SimulatedProcess
  readonly #calls: readonly Exclude<keyof FileHandle, 'isDirect'>[]

  constructor(process: SimulatedProcess, calls: readonly Exclude<keyof FileHandle, 'isDirect'>[]) {
    this.#process = process
    this.#calls = calls
    const { clock, sockets, identity, crc32, lz4, random, watchLoop, warn } = process
    const files = over(process.files, { open: (path, options) => this.#open(path, options) })
    this.system = { files, clock, sockets, identity, crc32, lz4, random, watchLoop, warn }
  }

  async #open(...[path, options]: Parameters<FileSystem['open']>): Promise<FileHandle> {
    const handle = await this.#process.files.open(path, options)
    if (!path.endsWith('.qls')) return handle
    const slow: Record<string, unknown> = {}
    for (const call of this.#calls) {
      slow[call] = async (...values: readonly unknown[]) => {
        const result: unknown = await Reflect.apply(handle[call], handle, values)
        if (this.delayMs > 0) await passes(this.#process, this.delayMs)
        return result
      }
    }
    return over(handle, slow)
  }
}

/** The good one, with some members replaced. */
function over<T extends object>(good: T, members: Partial<T>): T {
  return new Proxy(good, {
    get: (_, name) => {
      if (Object.hasOwn(members, name)) return Reflect.get(members, name)
      const value: unknown = Reflect.get(good, name, good)
      return typeof value === 'function' ? value.bind(good) : value
    },
  })
}
