/** Damage around merging: in what it made, and in what it must leave alone. */
import { expect, test } from 'vitest'
import type { Gap } from '../../../src/errors.ts'
import { verifyLog } from '../../../src/inspect/verify.ts'
import { openPublicLog } from '../../../src/log/open.ts'
import { openPublicReader } from '../../../src/log/open-reader.ts'
import type { Log } from '../../../src/log/types.ts'
import { Random } from '../../../src/system/simulated/random.ts'
import type { System } from '../../../src/system/system.ts'
import { fill, idsIn, segmentNames } from './compaction-support.ts'
import { body, LOG, passes, simulate } from './support.ts'

const SMALL = { segmentBytesMin: 16_384, segmentBytesMax: 65_536, idleSyncMs: 0 } as const

async function mergedLog(system: System): Promise<Log> {
  const log = await openPublicLog(system, LOG, SMALL)
  await fill(log, 300, 10, 300)
  await log.compact()
  return log
}

test('one flipped bit of a merged segment costs at most one block, and is told of (4, 6)', async () => {
  await simulate(31, async (system, simulation) => {
    const log = await mergedLog(system)
    const merged = log.stats().segments.find(({ messages, firstId, endId }) => {
      return messages < endId - firstId
    })
    const { file = '', usedBytes = 0 } = merged ?? {}
    expect(file).not.toMatch(/-00\.qls$/)
    const ids = await idsIn(log)
    await log.close()
    const path = `${LOG}/${file}`
    const random = new Random(1)
    let losses = 0
    for (let round = 0; round < 60; round++) {
      const [offset, bit] = [random.between(4_096, usedBytes - 1), random.between(0, 7)]
      simulation.disk.flipBit(path, offset, bit)
      const again = await openPublicLog(system, LOG, SMALL)
      const gaps: Gap[] = []
      const left: number[] = []
      for await (const message of again.read({ onGap: (gap) => gaps.push(gap) })) {
        expect(new TextDecoder().decode(message.body)).toBe(body(message.id, 300))
        left.push(message.id)
      }
      await again.close()
      expect(gaps.map((gap) => gap.file)).toEqual([file])
      const lost = ids.filter((id) => !left.includes(id))
      // A block of 4 KiB holds twelve of these.
      expect(lost.length).toBeLessThanOrEqual(13)
      const [gap] = gaps
      for (const id of lost) expect(id >= (gap?.firstId ?? 0) && id < (gap?.endId ?? 0)).toBe(true)
      losses += lost.length
      simulation.disk.flipBit(path, offset, bit)
    }
    expect(losses).toBeGreaterThan(300)
    const whole = await openPublicLog(system, LOG, SMALL)
    expect(await idsIn(whole)).toEqual(ids)
    await whole.close()
  })
})

test('a merged file that is gone or another is found, and everything else is read (10)', async () => {
  await simulate(32, async (system, simulation) => {
    const log = await mergedLog(system)
    const {
      file = '',
      firstId = 0,
      endId = 0,
    } = log.stats().segments.find((one) => one.messages < one.endId - one.firstId) ?? {}
    const ids = await idsIn(log)
    await log.close()
    await system.files.rename(`${LOG}/${file}`, '/elsewhere')
    const report = await verifyLog(system, LOG)
    expect(report.findings.map((one) => [one.row, one.file])).toEqual([['rot-missing', file]])
    const again = await openPublicLog(system, LOG, SMALL)
    const gaps: Gap[] = []
    const left: number[] = []
    for await (const { id } of again.read({ onGap: (gap) => gaps.push(gap) })) left.push(id)
    expect(left).toEqual(ids.filter((id) => id < firstId || id >= endId))
    expect(gaps.map((gap) => gap.file)).toEqual([file])
    await again.compact()
    await again.close()
    expect(segmentNames(simulation).length).toBeGreaterThan(0)
  })
})

test.each([33, 34, 35, 36, 37])(
  'beside a log that merges all the time, verify never says rot and readers see all that is live (seed %i)',
  async (seed) => {
    await simulate(seed, async (system, simulation) => {
      const log = await openPublicLog(system, LOG, SMALL)
      let isOver = false
      let looks = 0
      let gaps = 0
      const verdicts = new Set<string>()
      const other = simulation.process('looker')
      const looking = other.run(async () => {
        while (!isOver) {
          verdicts.add((await verifyLog(other, LOG)).verdict)
          const reader = await openPublicReader(other, LOG)
          await idsIn(reader)
          gaps += reader.stats().gaps.length
          await reader.close()
          looks++
        }
      })
      for (let round = 0; round < 40; round++) {
        await fill(log, 30, 10, 1_000)
        await log.compact()
        await passes(system, 1)
      }
      isOver = true
      await looking
      expect(verdicts.has('rot')).toBe(false)
      expect(gaps).toBe(0)
      expect(log.stats().merging.merges).toBeGreaterThan(15)
      expect(looks).toBeGreaterThan(3)
      const ids = await idsIn(log)
      for (let id = 10; id <= 1_200; id += 10) expect(ids).toContain(id)
      await log.close()
    })
  },
)

test('a segment that recovery found damaged is not merged: its loss is told for as long as it stands', async () => {
  await simulate(38, async (system, simulation) => {
    const first = await openPublicLog(system, LOG, SMALL)
    for (let id = 1; id <= 3; id++) await first.append(body(id, 600))
    await first.close()
    const [newest] = simulation.disk.list(LOG).filter((name) => name.endsWith('.qls'))
    // LINK ends at 8,344: this is a byte of the first message.
    simulation.disk.flipBit(`${LOG}/${newest}`, 8_500, 1)
    const log = await openPublicLog(system, LOG, { ...SMALL, onDamage: 'quarantine' })
    const live = await fill(log, 100, 10)
    await log.compact()
    await log.close()
    const again = await openPublicLog(system, LOG, { ...SMALL, onDamage: 'quarantine' })
    const gaps: Gap[] = []
    const ids: number[] = []
    for await (const { id } of again.read({ onGap: (gap) => gaps.push(gap) })) ids.push(id)
    expect(gaps.some(({ firstId, endId }) => firstId <= 1 && endId > 1)).toBe(true)
    expect(ids).toEqual(expect.arrayContaining(live))
    await again.close()
  })
})
