/** What a log takes of the disk after merging, and what merging takes of everybody else. */
import { expect, test } from 'vitest'
import { verifyLog } from '../../../src/inspect/verify.ts'
import { openPublicLog } from '../../../src/log/open.ts'
import type { Log } from '../../../src/log/types.ts'
import { Simulation } from '../../../src/system/simulated/simulation.ts'
import type { System } from '../../../src/system/system.ts'
import { boundOf, diskBytes, fill, idsIn, segmentNames, textOf } from './compaction-support.ts'
import { body, LOG, passes, simulate } from './support.ts'

const LARGE = { segmentBytesMin: 65_536, segmentBytesMax: 262_144, idleSyncMs: 0 } as const

/** Appends batches of 100 until `lastId`. */
async function appendTo(log: Log, lastId: number, bytes: number): Promise<void> {
  while (log.nextId <= lastId) {
    const first = log.nextId
    const many = Math.min(100, lastId - first + 1)
    await log.appendMany(Array.from({ length: many }, (_, i) => body(first + i, bytes)))
  }
}

test('one old live message under churn keeps no more than its bytes (15)', async () => {
  await simulate(21, async (system, simulation) => {
    const log = await openPublicLog(system, LOG, LARGE)
    await log.append(body(1, 1_000))
    for (let lastId = 100; lastId <= 3_000; lastId += 100) {
      await appendTo(log, lastId, 1_000)
      log.discard(2, lastId + 1)
    }
    await log.compact()
    expect(diskBytes(simulation)).toBeLessThanOrEqual(boundOf(simulation, [1_000], 262_144))
    expect(textOf(await log.get(1))).toBe(body(1, 1_000))
    expect(log.firstId).toBe(1)
    expect(await idsIn(log)).toEqual(expect.arrayContaining([1]))
    await log.close()
  })
})

test('one live message in 500, scattered: the bound holds, and all of them are there (15)', async () => {
  await simulate(22, async (system, simulation) => {
    const log = await openPublicLog(system, LOG, LARGE)
    const live: number[] = []
    for (let lastId = 500; lastId <= 20_000; lastId += 500) {
      await appendTo(log, lastId, 200)
      log.discard(lastId - 499, lastId)
      live.push(lastId)
    }
    await log.compact()
    const { merging } = log.stats()
    const bound = boundOf(
      simulation,
      live.map(() => 200),
      262_144,
    )
    expect(diskBytes(simulation)).toBeLessThanOrEqual(bound)
    const left = await idsIn(log)
    expect(left.filter((id) => live.includes(id))).toEqual(live)
    // What is not live stands in the segment being written, of which nothing is merged.
    expect(left.length - live.length).toBeLessThan(1_500)
    expect(merging.failure).toBeUndefined()
    await log.close()
    expect((await verifyLog(system, LOG)).verdict).toBe('fine')
  })
})

test('1,000 openings that append one message each take at most 8 MiB after compact() (15)', async () => {
  const simulation = new Simulation({ seed: 23, stepsMax: 10_000_000 })
  const system = simulation.process('owner')
  const mapLengths: number[] = []
  await simulation.run(async () => {
    for (let id = 1; id <= 1_000; id++) {
      const log = await openPublicLog(system, LOG)
      await log.append(`message ${id}`)
      mapLengths.push(log.stats().segments.length)
      await log.close()
    }
    const log = await openPublicLog(system, LOG)
    await log.compact()
    await log.close()
    expect(diskBytes(simulation)).toBeLessThanOrEqual(8 * 1024 * 1024)
    const again = await openPublicLog(system, LOG)
    expect(await idsIn(again)).toEqual(Array.from({ length: 1_000 }, (_, i) => i + 1))
    expect(textOf(await again.get(777))).toBe('message 777')
    await again.close()
    expect((await verifyLog(system, LOG)).verdict).toBe('fine')
  })
  // A long map is made shorter by itself, so that LINKs stay small.
  expect(Math.max(...mapLengths)).toBeLessThan(100)
}, 300_000)

test.each([
  ['close', undefined, true],
  ['close in time', 60_000, true],
  ['close at once', undefined, false],
  ['close at once, in time', 60_000, false],
])(
  'openings that append one message each and %s keep the map short by themselves',
  async (_, timeoutMs, waits) => {
    const simulation = new Simulation({ seed: 29, stepsMax: 10_000_000 })
    const system = simulation.process('owner')
    await simulation.run(async () => {
      for (let id = 1; id <= 200; id++) {
        const log = await openPublicLog(system, LOG)
        const appended = log.append(`message ${id}`)
        if (waits) await appended
        expect(log.stats().segments.length).toBeLessThan(100)
        await log.close(timeoutMs === undefined ? {} : { timeoutMs })
        expect(await appended).toBe(id)
      }
      expect((await verifyLog(system, LOG)).verdict).toBe('fine')
    })
  },
)

test.each([0, 5])(
  'closing within %d ms leaves a log whose merge has no time for it as it was, and the next one merges',
  async (timeoutMs) => {
    const simulation = new Simulation({ seed: 31, stepsMax: 10_000_000 })
    const system = simulation.process('owner')
    await simulation.run(async () => {
      let openings = 0
      const open = async (close: { timeoutMs?: number }) => {
        const log = await openPublicLog(system, LOG)
        expect(await log.append('message')).toBe(++openings)
        const { segments } = log.stats()
        await log.close(close)
        // Nothing is done behind the release of the lock.
        const names = segmentNames(simulation)
        await passes(system, 1_000)
        expect(segmentNames(simulation)).toEqual(names)
        return segments.length
      }
      for (let i = 0; i < 70; i++) await open({ timeoutMs: 0 })
      for (let i = 0; i < 10; i++) await open({ timeoutMs })
      expect((await verifyLog(system, LOG)).verdict).toBe('fine')
      let left = Number.POSITIVE_INFINITY
      for (let i = 0; i < 5; i++) left = Math.min(left, await open({}))
      expect(left).toBeLessThan(70)
      expect((await verifyLog(system, LOG)).verdict).toBe('fine')
      const log = await openPublicLog(system, LOG)
      expect((await idsIn(log)).length).toBe(openings)
      await log.close()
    })
  },
)

test('an opening that appends nothing merges nothing by itself (8)', async () => {
  await simulate(24, async (system, simulation) => {
    const log = await openPublicLog(system, LOG, LARGE)
    await fill(log, 300, 50)
    await log.close()
    const before = segmentNames(simulation)
    const again = await openPublicLog(system, LOG, LARGE)
    for (let id = 1; id <= 300; id++) if (id % 50 !== 0) again.discard(id, id + 1)
    await passes(system, 20_000)
    await again.close()
    // Retiring whole segments is asked for by the discards; merging is not.
    expect(segmentNames(simulation).filter((name) => !name.endsWith('-00'))).toEqual([])
    expect(before.length).toBeGreaterThan(2)
  })
})

// Museum: nats #5702, #5719, #5973, #6352: storms of compaction.
test('in the background no more is rewritten than is appended, until the log is quiet', async () => {
  await simulate(25, async (system) => {
    const log = await openPublicLog(system, LOG, LARGE)
    let mergesUnderWay = 0
    for (let lastId = 100; lastId <= 6_000; lastId += 100) {
      await appendTo(log, lastId, 500)
      log.discard(lastId - 99, lastId)
      await passes(system, 100)
      const { merging, appendedBytes } = log.stats()
      expect(merging.rewrittenBytes).toBeLessThanOrEqual(appendedBytes * 1.2)
      mergesUnderWay = merging.merges
    }
    expect(mergesUnderWay).toBeGreaterThan(0)
    await passes(system, 5_000)
    const full = log.stats().segments.slice(0, -1)
    const dense = full.filter(({ liveBytes, fileBytes }) => liveBytes * 2 > fileBytes)
    expect(full.length - dense.length).toBeLessThanOrEqual(1)
    await log.close()
  })
})

test('a merge lets everybody else have a turn after 64 KiB', async () => {
  const merging = async (system: System): Promise<void> => {
    const log = await openPublicLog(system, LOG, LARGE)
    await appendTo(log, 2_000, 1_000)
    for (let id = 1; id <= 2_000; id++) if (id % 3 !== 0) log.discard(id, id + 1)
    await log.close()

    // Bytes whose checksum was computed since the last turn of the event loop.
    let bytes = 0
    let bytesMax = 0
    let isOver = false
    const counting: System = {
      files: system.files,
      clock: system.clock,
      sockets: system.sockets,
      identity: system.identity,
      lz4: system.lz4,
      random: (target) => system.random(target),
      watchLoop: system.watchLoop,
      warn: system.warn,
      crc32: (source, seed) => {
        bytes += source.length
        bytesMax = Math.max(bytesMax, bytes)
        return system.crc32(source, seed)
      },
    }
    const turn = (): void => {
      bytes = 0
      if (!isOver) setImmediate(turn)
    }
    const again = await openPublicLog(counting, LOG, LARGE)
    for (let id = 1; id <= 2_000; id++) if (id % 3 !== 0) again.discard(id, id + 1)
    bytesMax = 0
    turn()
    let appends = 0
    const appending = (async () => {
      for (; !isOver; appends++) await again.append('meanwhile')
    })()
    await again.compact()
    isOver = true
    await appending
    expect(again.stats().merging.rewrittenBytes).toBeGreaterThan(500_000)
    expect(appends).toBeGreaterThan(20)
    // 64 KiB of messages are read and written, and a window of blocks may be checked ahead of them.
    expect(bytesMax).toBeLessThan(2 * 65_536)
    await again.close()
  }
  await simulate(26, merging, { stepsPerTurn: 1 })
})

test('on a full disk the temporary file goes, and the merge comes later', async () => {
  await simulate(27, async (system, simulation) => {
    const log = await openPublicLog(system, LOG, LARGE)
    const live = await fill(log, 300, 50)
    const fault = simulation.fault({
      call: 'write',
      error: 'ENOSPC',
      times: 1,
      path: (path) => path.endsWith('.tmp'),
    })
    await expect(log.compact()).rejects.toMatchObject({ code: 'QLOG_DISK_FULL' })
    expect(fault.hits).toBe(1)
    expect(simulation.disk.list(LOG).filter((name) => name.endsWith('.tmp'))).toEqual([])
    expect(log.stats().merging.failure).toContain('ENOSPC')
    expect(log.status).toBe('open')
    await log.append('goes on')
    await log.compact()
    expect(log.stats().merging.merges).toBeGreaterThan(0)
    expect(log.stats().merging.failure).toBeUndefined()
    expect(await idsIn(log)).toEqual(expect.arrayContaining(live))
    await log.close()
  })
})

test('close ends a large merge that is under way, and leaves nothing of it', async () => {
  await simulate(28, async (system, simulation) => {
    const log = await openPublicLog(system, LOG, { ...LARGE, segmentBytesMax: 16 * 1024 * 1024 })
    await appendTo(log, 24_000, 1_000)
    for (let id = 1; id <= 24_000; id++) if (id % 3 !== 0) log.discard(id, id + 1)
    const compacted = expect(log.compact()).rejects.toMatchObject({ code: 'QLOG_CLOSED' })
    await passes(system, 40)
    const before = segmentNames(simulation)
    await log.close()
    await compacted
    expect(segmentNames(simulation)).toEqual(before)
    expect(simulation.disk.list(LOG).filter((name) => name.endsWith('.tmp'))).toEqual([])
    const again = await openPublicLog(system, LOG, LARGE)
    expect((await idsIn(again)).length).toBe(24_000)
    await again.close()
  })
})
