/** What a log says about its space and its speed, to its owner and to whoever looks without the lock. */
import { expect, test } from 'vitest'
import { factsOfFileSystem } from '../../../src/inspect/file-systems.ts'
import { openPublicLog } from '../../../src/log/open.ts'
import { openPublicReader } from '../../../src/log/open-reader.ts'
import { WriterStats } from '../../../src/log/writer-stats.ts'
import { copiesOnWrite } from '../../../src/system/real/files.ts'
import { body, LOG, passes, SMALL, simulate } from './support.ts'

test('live and dead bytes follow what is discarded, by segment and in sum', async () => {
  await simulate(1, async (system) => {
    const log = await openPublicLog(system, LOG, SMALL)
    for (let id = 1; id <= 12; id++) await log.append(body(id))
    const before = log.stats()
    expect(before.deadBytes).toBe(0)
    expect(before.liveBytes).toBe(before.segments.reduce((sum, one) => sum + one.usedBytes, 0))
    log.discard(2, 3)
    log.discard(2, 3)
    const after = log.stats()
    const [first] = after.segments
    const messages = (first?.endId ?? 0) - (first?.firstId ?? 0)
    expect(first?.liveMessages).toBe(messages - 1)
    expect(after.deadBytes).toBe((first?.usedBytes ?? 0) - (first?.liveBytes ?? 0))
    expect(after.deadBytes).toBeGreaterThan(1_000)
    await log.close()
  })
})

test('a reader without the lock has the figures that the writer left in the index', async () => {
  await simulate(2, async (system) => {
    const log = await openPublicLog(system, LOG, { ...SMALL, compression: 'lz4' })
    for (let id = 1; id <= 60; id++) await log.append(body(id))
    await passes(system, 2_000)
    log.discard(2, 3)
    const { appendedMessages, flushes, deadBytes, reserve, messagesPerSecond } = log.stats()
    expect(messagesPerSecond).toBeGreaterThan(0)
    expect(reserve.state).toBe('whole')
    await log.close()
    const reader = await openPublicReader(system, LOG)
    const seen = reader.stats()
    expect(seen).toMatchObject({ appendedMessages, deadBytes, reserve, messagesPerSecond })
    expect(seen).toMatchObject({ compression: 'lz4', codec: 'native-free' })
    expect(seen.storedBytes).toBeLessThan(seen.rawBytes / 2)
    // Closing wrote one more group.
    expect(seen.flushes).toBe(flushes + 1)
    expect(seen.reportedMs).toBeGreaterThan(0)
    await reader.close()
  })
})

test('a reader of a log without an index says that it has no figures of the writer', async () => {
  await simulate(3, async (system, { disk }) => {
    const log = await openPublicLog(system, LOG, SMALL)
    await log.append(body(1))
    await log.close()
    for (const name of disk.list(LOG))
      if (name.startsWith('index')) disk.removeFile(`${LOG}/${name}`)
    const reader = await openPublicReader(system, LOG)
    const { reportedMs, flushes, liveBytes, reserve } = reader.stats()
    expect({ reportedMs, flushes }).toEqual({ reportedMs: undefined, flushes: 0 })
    expect(liveBytes).toBeGreaterThan(3_000)
    expect(reserve).toEqual({ bytes: 0, state: 'none' })
    await reader.close()
  })
})

test('rates are averages over the seconds that have passed, and fall to nothing', () => {
  const stats = new WriterStats()
  for (let ms = 0; ms < 10_000; ms += 100) stats.settled(5, 500, 1, ms)
  expect(stats.ratesAt(10_000)).toEqual({ messagesPerSecond: 50, bytesPerSecond: 5_000 })
  expect(stats.ratesAt(15_500)).toEqual({ messagesPerSecond: 25, bytesPerSecond: 2_500 })
  expect(stats.ratesAt(40_000)).toEqual({ messagesPerSecond: 0, bytesPerSecond: 0 })
  stats.settled(10, 100, 1, 41_000)
  expect(stats.ratesAt(42_000)).toEqual({ messagesPerSecond: 1, bytesPerSecond: 10 })
})

test('doctor and the reserve mean the same file systems by copy on write', () => {
  for (const type of [0xef53, 0x58465342, 0x9123683e, 0x2fc12fc1, 0xca451a4e, 0xf2f52010, 0x3434]) {
    const isSaid = factsOfFileSystem(type).sentence.startsWith('Copy-on-write')
    expect(copiesOnWrite(type), factsOfFileSystem(type).name).toBe(isSaid)
  }
  // As a platform hands it out that takes the number for a signed one.
  expect(copiesOnWrite(0x9123683e | 0)).toBe(true)
})

test('on a file system that copies on write the reserve is best effort', async () => {
  await simulate(4, async (system) => {
    const { files } = system
    const space = files.space.bind(files)
    files.space = async (path) => ({ ...(await space(path)), copiesOnWrite: true })
    const log = await openPublicLog(system, LOG, SMALL)
    for (let id = 1; id <= 6; id++) await log.append(body(id))
    await passes(system, 100)
    expect(log.stats().reserve.state).toBe('best effort')
    await log.close()
  })
})

test('one append to a new log leaves less than 1 MiB', async () => {
  await simulate(5, async (system, { disk }) => {
    const log = await openPublicLog(system, LOG)
    await log.append('one')
    await passes(system, 10_000)
    await log.close()
    expect(disk.usedBytes).toBeLessThanOrEqual(1024 * 1024)
    expect(disk.usedBytes).toBeLessThanOrEqual(256 * 1024)
  })
})

test('segments grow while they fill within seconds, and shrink again when they do not', async () => {
  await simulate(6, async (system) => {
    const sizes = { segmentBytesMin: 16_384, segmentBytesMax: 131_072, idleSyncMs: 0 }
    const log = await openPublicLog(system, LOG, sizes)
    const newest = (): number => log.stats().segments.at(-1)?.fileBytes ?? 0
    while (newest() < 131_072) await log.append(body(log.nextId))
    for (let count = 0; count < 150; count++) {
      const id = await log.append(body(log.nextId))
      // LINK names all segments that are left: many of them would need larger ones.
      log.discard(1, id)
      await passes(system, 20_000)
    }
    expect(newest()).toBe(16_384)
    await log.close()
  })
})
