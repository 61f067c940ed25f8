/** More damage than a report tells one by one: what it adds up is of all of it. */
import { expect, it } from 'vitest'
import { scrubLog } from '../../src/inspect/scrub.ts'
import { openPublicLog } from '../../src/log/open.ts'
import type { SimulatedDisk } from '../../src/system/simulated/disk.ts'
import type { System } from '../../src/system/system.ts'
import { LOG, passes, simulate } from '../log/space/support.ts'

const MESSAGES = 23_000
const SEGMENTS = { segmentBytesMin: 262_144, segmentBytesMax: 262_144, idleSyncMs: 0 } as const
/** More than the places that a report holds. */
const TOLD_MAX = 10_000
const TEXT = 'yyyyyyyy'

/** A log of many small blocks; resolves with the names of its full segments. */
async function manyBlocks(system: System): Promise<string[]> {
  const log = await openPublicLog(system, LOG, SEGMENTS)
  for (let id = 1; id <= MESSAGES; id++) await log.append(`<${id}>`.padEnd(16, 'y'))
  const full = log.stats().segments.slice(0, -1)
  await log.close()
  return full.map(({ file }) => `${LOG}/${file}`)
}

/** Flips one bit in every second message of these files; returns how many were flipped. */
function flipEverySecond(disk: SimulatedDisk, paths: readonly string[]): number {
  let messages = 0
  for (const path of paths) {
    const bytes = Buffer.from(disk.readFile(path))
    // The end of each is left as it is.
    const end = bytes.length - 40_000
    for (let at = bytes.indexOf(TEXT); at > 0 && at < end; at = bytes.indexOf(TEXT, at + 16)) {
      if (messages++ % 2 === 0) disk.flipBit(path, at, 1)
    }
  }
  return Math.ceil(messages / 2)
}

it('counts what was mended beyond what it tells, and calls it fine', async () => {
  await simulate(1, async (system, { disk }) => {
    const flips = flipEverySecond(disk, await manyBlocks(system))
    expect(flips).toBeGreaterThan(TOLD_MAX)
    expect(await scrubLog(system, LOG)).toMatchObject({ damages: flips, lostMessages: flips })
    const { verdict, lostMessages, findings, repair } = await scrubLog(system, LOG, {
      repair: true,
    })
    expect([verdict, lostMessages]).toEqual(['fine', 0])
    expect([findings.length, repair?.blocks.length]).toEqual([TOLD_MAX, TOLD_MAX])
    expect(repair).toMatchObject({ mendedBlocks: flips, notMended: [] })
    expect(await scrubLog(system, LOG)).toMatchObject({ verdict: 'fine', damages: 0 })
  })
})

it('counts what is lost behind what it tells', async () => {
  await simulate(2, async (system, { disk }) => {
    const paths = await manyBlocks(system)
    flipEverySecond(disk, paths)
    const path = paths.at(-1) ?? ''
    const at = Buffer.from(disk.readFile(path)).lastIndexOf(TEXT)
    for (const bit of [1, 4, 6]) disk.flipBit(path, at - bit, bit)
    const report = await scrubLog(system, LOG, { repair: true })
    expect(report).toMatchObject({ verdict: 'rot', lostMessages: 1 })
  })
})

it('is counted by a log that mends by itself', async () => {
  await simulate(3, async (system, { disk }) => {
    const flips = flipEverySecond(disk, await manyBlocks(system))
    const scrub = { everyMs: 1_000, bytesPerSecond: 1_000_000_000, repair: true } as const
    const log = await openPublicLog(system, LOG, { ...SEGMENTS, scrub })
    while ((log.stats().scrub?.passes ?? 0) === 0) await passes(system, 100)
    expect(log.stats().scrub).toMatchObject({ damages: flips, mendedBlocks: flips })
    await log.close()
  })
})
