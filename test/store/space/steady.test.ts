/** What the disk holds while nobody calls `compact()`: as much must go as comes. */
import { expect, test } from 'vitest'
import { diskUse } from '../../../bench/space/disk-use.ts'
import { measureSpace } from '../../../bench/space/measure.ts'
import { workloadNamed } from '../../../bench/space/workloads.ts'
import { SimulatedGround } from './simulated-ground.ts'

const KIB = 1024
const MIB = 1024 * KIB
const SMALL = { segmentBytesMin: 64 * KIB, segmentBytesMax: 256 * KIB } as const
const GROWTH_MAX = 1.3
/** 300,000 of them where `QLOG_SPACE_FULL=1`, which takes a minute or two. */
const RELEASES = process.env['QLOG_SPACE_FULL'] === '1' ? 300_000 : 150_000

/** A third of the rounds is enough for the disk to have grown as far as it does. */
const BALANCED = [
  { met: 'beanstalkd #43', rounds: 210 },
  { met: 'beanstalkd #276', rounds: 300 },
  { met: 'history', rounds: 210 },
] as const

test.each(BALANCED)(
  'a load in balance takes no more after three times as much: $met',
  async ({ met, rounds }) => {
    const ground = new SimulatedGround(16, SMALL)
    const measured = await ground.run(() => measureSpace(ground, workloadNamed(met), rounds))
    const [, middle, last] = measured.peakBytes
    expect(last).toBeLessThanOrEqual(GROWTH_MAX * middle)
    // Two thresholds of what a snapshot gives back, and what comes while one is written.
    expect(last).toBeLessThan(48 * MIB)
  },
  120_000,
)

test('delayed releases for ever take no more after three times as many (beanstalkd #622)', async () => {
  const ground = new SimulatedGround(19, SMALL)
  await ground.run(async () => {
    await ground.open()
    const body = new Uint8Array(1_000)
    const puts = await ground.store
      .queue('retries')
      .putMany(Array.from({ length: 100 }, () => body))
    const session = ground.store.session()
    const peakBytes: number[] = []
    for (let release = 0; release < RELEASES; release += puts.length) {
      const taken = await Promise.all(puts.map(({ id }) => session.reserveById(id)))
      const deliveries = taken.filter((one) => one !== undefined)
      expect(deliveries.length).toBe(puts.length)
      await session.release(deliveries, { delayMs: 3_600_000 })
      await ground.pass(10)
      if (release % 1_000 > 0) continue
      const third = Math.floor((3 * release) / RELEASES)
      peakBytes[third] = Math.max(peakBytes[third] ?? 0, diskUse(ground.files()).diskBytes)
    }
    const [, middle = 0, last = 0] = peakBytes
    expect(last).toBeLessThanOrEqual(GROWTH_MAX * middle)
    expect(last).toBeLessThan(16 * MIB)
    await ground.close()
  })
}, 300_000)

test('a backlog that is only drained, in batches, leaves the disk as it goes', async () => {
  const ground = new SimulatedGround(17, SMALL)
  await ground.run(async () => {
    await ground.open()
    const queue = ground.store.queue('backlog')
    const bodies = Array.from({ length: 1_000 }, () => new Uint8Array(1_000))
    const batches = 70
    for (let batch = 0; batch < batches; batch++) await queue.putMany(bodies)
    const session = ground.store.session()
    await session.watch('backlog')
    const fullBytes = diskUse(ground.files()).diskBytes
    expect(fullBytes).toBeGreaterThan(batches * 1_000_000)
    for (let batch = 0; batch < batches; batch++) {
      await session.ack(await session.reserve({ count: 1_000, timeoutMs: 0 }))
      await ground.pass(100)
    }
    // A few records of acknowledgements stand for all of it, and no record tells of a megabyte of them.
    expect(diskUse(ground.files()).diskBytes).toBeLessThan(24 * MIB)
    await ground.close()
  })
}, 120_000)
