/** Merging gives space back and changes nothing of what is live. */
import { expect, test } from 'vitest'
import { dumpLog } from '../../../src/inspect/dump.ts'
import { salvageLog } from '../../../src/inspect/salvage.ts'
import { listSegments } from '../../../src/inspect/segments.ts'
import { verifyLog } from '../../../src/inspect/verify.ts'
import { verifyFile } from '../../../src/inspect/verify-file.ts'
import { openPublicLog } from '../../../src/log/open.ts'
import { openPublicReader } from '../../../src/log/open-reader.ts'
import type { Log } from '../../../src/log/types.ts'
import type { SimulatedDisk } from '../../../src/system/simulated/disk.ts'
import type { System } from '../../../src/system/system.ts'
import { all, fill, hexBody, idsIn, segmentNames, textOf } from './compaction-support.ts'
import { body, encodable, LOG, Owner, passes, simulate } from './support.ts'

const SMALL = { segmentBytesMin: 16_384, segmentBytesMax: 65_536, idleSyncMs: 0 } as const

test('what is live keeps its ids, times and bytes, in fewer files, also after reopening (1)', async () => {
  await simulate(11, async (system) => {
    const log = await openPublicLog(system, LOG, SMALL)
    const live = await fill(log, 300, 10)
    const before = (await all(log)).filter(({ id }) => live.includes(id))
    const segments = log.stats().segments.length
    await log.compact()
    const { merging } = log.stats()
    expect(merging.merges).toBeGreaterThan(0)
    expect(merging.failure).toBeUndefined()
    expect(log.stats().segments.length).toBeLessThan(segments / 3)
    const after = await all(log)
    expect(after.filter(({ id }) => id < 190)).toEqual(before.filter(({ id }) => id < 190))
    expect(await log.get(10)).toEqual(before[0])
    expect(await log.get(11)).toBeUndefined()
    await log.close()

    expect((await verifyLog(system, LOG)).findings).toEqual([])
    const again = await openPublicLog(system, LOG, SMALL)
    expect(await idsIn(again)).toEqual(after.map(({ id }) => id))
    expect(again.stats().gaps).toEqual([])
    expect(await again.get(11)).toBeUndefined()
    expect(textOf(await again.get(20))).toBe(body(20, 1_000))
    await again.close()
    const reader = await openPublicReader(system, LOG)
    expect(await idsIn(reader)).toEqual(after.map(({ id }) => id))
    expect(await reader.get(10)).toEqual(before[0])
    await reader.close()
  })
})

test('a merged segment is merged again, and retires when its last message is discarded', async () => {
  await simulate(12, async (system, simulation) => {
    const first = await openPublicLog(system, LOG, SMALL)
    await fill(first, 60, 10)
    await first.compact()
    await first.close()
    // Which ids a merged segment holds is not known to the next opening before it has read it.
    const log = await openPublicLog(system, LOG, SMALL)
    await fill(log, 40, 10)
    for (const id of [10, 30, 40, 60]) log.discard(id, id + 1)
    await log.compact()
    expect(await idsIn(log)).toEqual(expect.arrayContaining([20, 50, 70, 80]))
    expect(await log.get(30)).toBeUndefined()
    expect(segmentNames(simulation)).toContainEqual(expect.stringMatching(/^2-\d{3,}$/))
    for (const id of await idsIn(log)) if (id <= 90) log.discard(id, id + 1)
    await log.compact()
    expect(log.firstId).toBeGreaterThan(60)
    expect(segmentNames(simulation).some((name) => name.startsWith('2-'))).toBe(false)
    await log.close()
    expect((await verifyLog(system, LOG)).verdict).toBe('fine')
  })
})

test('packed blocks are unpacked and packed anew; without a codec they are stored plain', async () => {
  for (const compression of ['lz4', 'none'] as const) {
    await simulate(13, async (system) => {
      const packed = { ...SMALL, compression: 'lz4' } as const
      const first = await openPublicLog(system, LOG, packed)
      for (let i = 0; i < 60; i++) await first.append(hexBody(first.nextId, 6_000))
      await first.close()
      const log = await openPublicLog(system, LOG, { ...SMALL, compression })
      await log.append('one more')
      for (let id = 1; id <= 60; id++) if (id % 20 > 2) log.discard(id, id + 1)
      await log.compact()
      expect(log.stats().merging.merges).toBe(1)
      const merged: boolean[] = []
      for await (const item of dumpLog(system, LOG)) {
        if (item.kind === 'block' && item.flags.includes('SPARSE')) {
          merged.push(item.flags.includes('COMPRESSED'))
        }
      }
      expect(merged.length).toBeGreaterThan(0)
      expect(merged.some((isPacked) => isPacked)).toBe(compression === 'lz4')
      expect(textOf(await log.get(41))).toBe(hexBody(41, 6_000))
      expect(await idsIn(log)).toEqual([1, 2, 20, 21, 22, 40, 41, 42, 60, 61])
      await log.close()
      expect((await verifyLog(system, LOG)).verdict).toBe('fine')
    })
  }
})

test('the tools know a merged segment: verify, segments, salvage', async () => {
  await simulate(14, async (system, simulation) => {
    const log = await openPublicLog(system, LOG, SMALL)
    const live = await fill(log, 100, 10)
    await log.compact()
    const ids = await idsIn(log)
    await log.close()
    const infos = await listSegments(system, LOG)
    const merged = infos.find(({ coversTo }) => coversTo !== undefined)
    expect(merged).toMatchObject({ state: 'full', damaged: false })
    expect(merged?.messages).toBe(merged?.liveMessages)
    expect(merged?.messages).toBeLessThan(live.length)
    const report = await verifyFile(system, `${LOG}/${merged?.file}`)
    expect(report).toMatchObject({ verdict: 'fine', findings: [], end: merged?.cut })

    const saved = await salvageLog(system, LOG, '/saved')
    expect(saved).toMatchObject({ messages: ids.length, losses: [] })
    const copy = await openPublicLog(system, '/saved', SMALL)
    expect(await idsIn(copy)).toEqual(ids)
    await copy.append('behind it')
    expect(await idsIn(copy)).toEqual([...ids, 101])
    expect(copy.stats().gaps).toEqual([])
    await copy.close()

    simulation.disk.flipBit(`${LOG}/${merged?.file}`, 4_200, 3)
    expect((await verifyFile(system, `${LOG}/${merged?.file}`)).verdict).toBe('rot')
    const rotten = await verifyLog(system, LOG)
    expect(rotten.findings.map(({ row, file }) => [row, file])).toEqual([
      ['rot-below-cut', merged?.file],
    ])
  })
})

test('discards while a merge runs count in the merged segment', async () => {
  await simulate(15, async (system) => {
    const log = await openPublicLog(system, LOG, SMALL)
    const live = await fill(log, 200, 10)
    let isOver = false
    const compacted = log.compact().finally(() => {
      isOver = true
    })
    // At every turn of it another live message goes.
    const gone = [10, 20, 30, 40]
    for (const id of gone) {
      await passes(system, 0.5)
      expect(isOver).toBe(false)
      log.discard(id, id + 1)
    }
    await compacted
    const merged = log.stats().segments.find(({ firstId, endId }) => firstId <= 40 && endId > 40)
    const { firstId = 0, endId = 0, messages = 0, liveMessages = 0 } = merged ?? {}
    expect(merged?.file).not.toMatch(/-00\.qls$/)
    // Some were copied before they went.
    expect(messages).toBeGreaterThan(liveMessages)
    const left = live.filter((id) => id >= firstId && id < endId && !gone.includes(id))
    expect(liveMessages).toBe(left.length)
    for (const id of gone) expect(await log.get(id)).toBeUndefined()
    for (const id of left) log.discard(id, id + 1)
    await log.compact()
    expect(log.firstId).toBeGreaterThanOrEqual(endId)
    await log.close()
  })
})

test('a victim with a bad block is left as it is, marked and reported', async () => {
  await simulate(16, async (system, simulation) => {
    const log = await openPublicLog(system, LOG, SMALL)
    await fill(log, 60, 10)
    await log.close()
    const rotten = (await listSegments(system, LOG)).find(({ firstId = 0, endId = 0 }) => {
      return firstId <= 30 && endId > 30
    })
    const path = `${LOG}/${rotten?.file}`
    simulation.disk.flipBit(path, (rotten?.cut ?? 0) - 600, 2)
    const bytes = Buffer.from(simulation.disk.readFile(path))
    const again = await openPublicLog(system, LOG, SMALL)
    for (let id = 1; id <= 60; id++) if (id % 10 !== 0) again.discard(id, id + 1)
    await again.compact()
    expect(again.stats().merging.merges).toBeGreaterThan(0)
    expect(again.stats().gaps.map(({ file }) => file)).toEqual([rotten?.file])
    expect(Buffer.from(simulation.disk.readFile(path)).equals(bytes)).toBe(true)
    await again.append('goes on')
    await again.compact()
    await again.close()
    const after = (await listSegments(system, LOG)).find(({ file }) => file === rotten?.file)
    expect(after).toMatchObject({ knownDamaged: true, state: 'full' })
    // Known from now on: another opening does not even try.
    const third = await openPublicLog(system, LOG, SMALL)
    await third.compact()
    expect(Buffer.from(simulation.disk.readFile(path)).equals(bytes)).toBe(true)
    expect(third.stats().gaps).toEqual([])
    await third.close()
  })
})

test('readers that are in a victim go on, of this process and of another', async () => {
  await simulate(17, async (system) => {
    const log = await openPublicLog(system, LOG, SMALL)
    const live = await fill(log, 120, 10)
    const plain = await openPublicReader(system, LOG)
    const pinned = await openPublicReader(system, LOG, { pin: true })
    const iterators = [log, plain, pinned].map((reader) => reader.read({ from: 15 }))
    const seen: number[][] = [[], [], []]
    const step = async (row: number): Promise<boolean> => {
      const next = await iterators[row]?.next()
      if (next?.done !== false) return false
      seen[row]?.push(next.value.id)
      expect(textOf(next.value)).toBe(body(next.value.id, 1_000))
      return true
    }
    for (const row of [0, 1, 2]) await step(row)
    await log.compact()
    expect(log.stats().merging.merges).toBeGreaterThan(0)
    for (const row of [0, 1, 2]) {
      while (await step(row));
      const ids = seen[row] ?? []
      expect(ids[0]).toBe(15)
      expect(ids).toEqual([...new Set(ids)].sort((a, b) => a - b))
      expect(ids).toEqual(expect.arrayContaining(live.filter((id) => id > 15)))
    }
    for (const one of [plain, pinned]) expect(one.stats().gaps).toEqual([])
    await plain.close()
    await pinned.close()
    await log.close()
  })
})

test('contract 7: moved messages never appear in read again, and fetch finds them', async () => {
  await simulate(18, async (system) => {
    const owner = new Owner()
    const log = await owner.open(system, SMALL)
    for (let id = 1; id <= 60; id++) {
      log.append({ messages: [encodable(body(id, 1_000))], control: [] })
      await passes(system, 2)
    }
    for (let id = 1; id <= 60; id++) if (id % 10 !== 0) log.discard([[id, id]])
    await log.compact()
    log.append({ messages: [encodable('behind')], control: [] })
    await passes(system, 5)
    const entries: number[] = []
    for await (const batch of log.read({ after: 0 })) {
      for (const { ids } of batch) entries.push(...Array.from(ids))
    }
    expect(entries.length).toBeGreaterThan(0)
    expect(entries[0]).toBeGreaterThan(40)
    const bodies = await log.fetch([10, 11, 30, 50, 20])
    expect(bodies.map((found) => found && new TextDecoder().decode(found))).toEqual(
      [10, 0, 30, 50, 20].map((id) => (id === 0 ? undefined : body(id, 1_000))),
    )
    await log.close()
  })
})

test('segments with control records stay while there is no snapshot', async () => {
  await simulate(19, async (system, simulation) => {
    const owner = new Owner()
    const log = await owner.open(system, SMALL)
    for (let id = 1; id <= 40; id++) {
      log.append({ messages: [encodable(body(id, 1_000))], control: [encodable('ack')] })
      await passes(system, 2)
    }
    const before = segmentNames(simulation)
    log.discard([[1, 39]])
    await log.compact()
    expect(segmentNames(simulation)).toEqual(before)
    await log.close()
  })
})

/** A closed log of 20 messages, as if an owner had ended between the name of what it merged and the map. */
async function withLeftover(system: System, disk: SimulatedDisk): Promise<string> {
  const log = await openPublicLog(system, LOG, SMALL)
  for (let number = 1; number <= 20; number += 1) await log.append(body(number))
  await log.close()
  const stray = `${LOG}/00000000000000000001-01.qls`
  disk.putFile(stray, disk.readFile(`${LOG}/00000000000000000001-00.qls`))
  return stray
}

test.each([
  ['the first append', (log: Log) => log.append(body(99))],
  ['compact()', (log: Log) => log.compact()],
] as const)('a merged segment that no map names goes with the LINK of %s', async (_what, act) => {
  await simulate(61, async (owner, { disk }) => {
    const stray = await withLeftover(owner, disk)
    const idle = await openPublicLog(owner, LOG, SMALL)
    await idle.close()
    expect(disk.exists(stray)).toBe(true)
    const next = await openPublicLog(owner, LOG, SMALL)
    await act(next)
    await passes(owner, 10)
    expect(disk.exists(stray)).toBe(false)
    const ids: number[] = []
    for await (const { id } of next.read({ to: 21 })) ids.push(id)
    expect(ids).toEqual(Array.from({ length: 20 }, (_, at) => at + 1))
    await next.close()
  })
})

test('a merged segment that no map names gives way on a full disk to the segment that a message needs', async () => {
  await simulate(62, async (owner, { disk }) => {
    const stray = await withLeftover(owner, disk)
    const next = await openPublicLog(owner, LOG, SMALL)
    disk.capacityBytes = disk.usedBytes
    expect(await next.append(body(21, 100))).toBe(21)
    expect(disk.exists(stray)).toBe(false)
    await next.close()
  })
})

test.each(['EPERM', 'EIO'])(
  'one that cannot be unlinked on a full disk for %s gives no space, and the log goes on',
  async (error) => {
    await simulate(63, async (owner, simulation) => {
      const { disk } = simulation
      const stray = await withLeftover(owner, disk)
      const next = await openPublicLog(owner, LOG, SMALL)
      disk.capacityBytes = disk.usedBytes
      const fault = simulation.fault({ call: 'unlink', error, path: (path) => path === stray })
      await expect(next.append(body(21))).rejects.toMatchObject({ code: 'QLOG_DISK_FULL' })
      expect([fault.hits, next.status]).toEqual([1, 'open'])
      simulation.clearFaults()
      disk.capacityBytes = Number.POSITIVE_INFINITY
      await passes(owner, 1_000)
      expect(await next.append(body(21))).toBe(21)
      await next.close()
      expect(disk.exists(stray)).toBe(true)
      const last = await openPublicLog(owner, LOG, SMALL)
      await last.append(body(22))
      await passes(owner, 10)
      expect(disk.exists(stray)).toBe(false)
      await last.close()
    })
  },
)
