/** What a reader of the public log is given, batch by batch, under the simulator. */
import { expect, test } from 'vitest'
import { DamagedError, type Gap } from '../../src/errors.ts'
import { openPublicLog } from '../../src/log/open.ts'
import { openPublicReader } from '../../src/log/open-reader.ts'
import { Simulation } from '../../src/system/simulated/simulation.ts'
import type { System } from '../../src/system/system.ts'
import { overlay } from '../overlay.ts'

async function simulate<T>(
  body: (system: System, simulation: Simulation) => Promise<T>,
): Promise<T> {
  const simulation = new Simulation({ seed: 11 })
  const process = simulation.process('owner')
  const outcome = await simulation.run(() => process.run(() => body(process, simulation)))
  if (outcome.state !== 'done') throw new Error('the process died')
  return outcome.value
}

const SMALL = { segmentBytesMin: 16_384, segmentBytesMax: 32_768 }

test('a batch holds about 64 KiB, also of messages that do not fit into a chunk together', async () => {
  await simulate(async (system) => {
    const log = await openPublicLog(system, '/log')
    const body = new Uint8Array(40 * 1024)
    await log.appendMany(Array.from({ length: 50 }, () => body))
    let count = 0
    for await (const batch of log.readBatches()) {
      const bytes = batch.reduce((sum, message) => sum + message.body.length, 0)
      expect(bytes).toBeLessThanOrEqual(2 * 64 * 1024)
      count += batch.length
    }
    expect(count).toBe(50)
    await log.close()
  })
})

test('a turn of appends that outgrows its segment goes to the next one whole', async () => {
  await simulate(async (system) => {
    const log = await openPublicLog(system, '/log', SMALL)
    await log.append('first')
    const all = Array.from({ length: 400 }, (_, i) => log.append(`${i}`.padStart(300, '.')))
    await Promise.all(all)
    const ids: number[] = []
    for await (const { id } of log.read()) ids.push(id)
    expect(ids).toEqual(Array.from({ length: 401 }, (_, i) => i + 1))
    expect(log.stats().segments.length).toBeGreaterThan(1)
    await log.close()
  })
})

test('segments grow under appendSync too', async () => {
  await simulate(async (system) => {
    const log = await openPublicLog(system, '/log', { segmentBytesMin: 16_384 })
    for (let i = 0; i < 100; i++) log.appendSync(new Uint8Array(1000))
    const sizes = log.stats().segments.map((segment) => segment.fileBytes)
    expect(Math.max(...sizes)).toBeGreaterThanOrEqual(4 * 16_384)
    await log.close()
  })
})

test('what stands in front of a gap is delivered before the gap is told, then reading goes on (4, 6)', async () => {
  await simulate(async (system, simulation) => {
    const log = await openPublicLog(system, '/log', SMALL)
    for (let i = 1; i <= 40; i++) await log.append(`${i}`.padStart(900, '.'))
    const first = log.stats().segments[0]
    await log.close()
    if (!first) throw new Error('a log has a segment')
    // Blocks of one message each: this bit stands in the body of one of them, in the full segment.
    simulation.disk.flipBit(`/log/${first.file}`, 11_000, 3)

    const reader = await openPublicReader(system, '/log')
    const told: (number | Gap)[] = []
    for await (const { id } of reader.read({ onGap: (gap) => told.push(gap) })) told.push(id)
    const at = told.findIndex((one) => typeof one !== 'number')
    const gap = told[at] as Gap
    expect(gap.endId - gap.firstId).toBe(1)
    const ids = told.filter((one): one is number => typeof one === 'number')
    expect(told[at - 1]).toBe(gap.firstId - 1)
    expect(told[at + 1]).toBe(gap.endId)
    expect(ids.length).toBe(39)

    const seen: number[] = []
    const strict = (async () => {
      for await (const { id } of reader.read()) seen.push(id)
    })()
    await expect(strict).rejects.toThrow(DamagedError)
    expect(seen.at(-1)).toBe(gap.firstId - 1)
    await reader.close()
  })
})

test('follow ends with the abort, and a waiting reader sees what is appended later', async () => {
  await simulate(async (system) => {
    const log = await openPublicLog(system, '/log')
    const controller = new AbortController()
    const seen: number[] = []
    const following = (async () => {
      for await (const { id } of log.read({ follow: true, signal: controller.signal })) {
        seen.push(id)
        if (id === 3) controller.abort()
      }
    })()
    await log.append('1')
    await log.append('2')
    await log.append('3')
    await expect(following).rejects.toMatchObject({ name: 'AbortError', code: 'QLOG_ABORTED' })
    expect(seen).toEqual([1, 2, 3])
    await log.close()
  })
})

test('a reader beside which an owner came and went meanwhile tells of no damage (6)', async () => {
  await simulate(async (system) => {
    const log = await openPublicLog(system, '/log', SMALL)
    for (let i = 0; i < 60; i++) await log.append(new Uint8Array(1000))
    await log.close()
    let lists = 0
    const list: System['files']['list'] = async (path) => {
      const names = await system.files.list(path)
      lists += 1
      // The first one only sees that the directory is there.
      if (lists === 2) {
        const owner = await openPublicLog(system, '/log', SMALL)
        await owner.append('new')
        owner.discard(1, 55)
        await owner.compact()
        await owner.close()
      }
      return names
    }
    const late = overlay(system, { files: overlay(system.files, { list }) })
    const reader = await openPublicReader(late, '/log')
    const gaps: Gap[] = []
    const ids: number[] = []
    for await (const { id } of reader.read({ onGap: (gap) => void gaps.push(gap) })) ids.push(id)
    await reader.close()
    expect(lists).toBeGreaterThan(2)
    expect(gaps).toEqual([])
    expect(ids.slice(-7)).toEqual([55, 56, 57, 58, 59, 60, 61])
  })
})
