/**
 * Invariant 15 for loads that fill the disks of other queues: what is on the disk after `compact()`, also
 * where that is the first call of an opening, and that every message is still there.
 */
import { expect, test } from 'vitest'
import { boundOf } from '../../../bench/space/disk-use.ts'
import { measureSpace } from '../../../bench/space/measure.ts'
import { workloadNamed } from '../../../bench/space/workloads.ts'
import { SimulatedGround } from './simulated-ground.ts'

const KIB = 1024
const MIB = 1024 * KIB
const SMALL = { segmentBytesMin: 64 * KIB, segmentBytesMax: 256 * KIB } as const

/** Rounds of a thousand messages, or openings. `npm run bench -- space` takes the full sizes. */
const LOADS = [
  { met: 'beanstalkd #43', rounds: 60 },
  { met: 'beanstalkd #276', rounds: 120 },
  { met: 'beanstalkd #622', rounds: 20 },
  { met: 'Pulsar #25540', rounds: 100 },
  { met: 'one log for all', rounds: 10 },
  { met: 'history', rounds: 40 },
  { met: 'framing', rounds: 20 },
  { met: 'command line', rounds: 300 },
] as const

/** Were older snapshots kept, the third of these would be too much. */
const COMPACTIONS = 8

test.each([{ crashes: false }, { crashes: true }])(
  'compact() again and again, without an append between, keeps the bound (crashes: $crashes) (15)',
  async ({ crashes }) => {
    const ground = new SimulatedGround(17, SMALL)
    await ground.run(async () => {
      await ground.open()
      const work = await workloadNamed('one log for all').begin(ground)
      await work.round()
      for (let count = 0; count < COMPACTIONS; count++) {
        await ground.store.compact()
        const { diskBytes, boundBytes } = await boundOf(ground, work.live())
        expect(diskBytes, `after ${count + 1}`).toBeLessThanOrEqual(boundBytes)
        if (!crashes) continue
        ground.crash(count % 2 === 0)
        await ground.open()
      }
      expect(ground.store.stats().messages).toBe(work.live().messages)
      await ground.close()
    })
  },
  120_000,
)

test.each(LOADS)(
  'after compact() the bound holds: $met (15)',
  async ({ met, rounds }) => {
    const ground = new SimulatedGround(15, SMALL)
    const measured = await ground.run(() => measureSpace(ground, workloadNamed(met), rounds))
    const { compacted, reopened, storeMessages } = measured
    expect(compacted.diskBytes).toBeLessThanOrEqual(compacted.boundBytes)
    expect(reopened.diskBytes).toBeLessThanOrEqual(reopened.boundBytes)
    // The bound itself is no excuse: beside what is live there are four small segments and a reserve.
    expect(compacted.segmentBytes).toBeLessThanOrEqual(256 * KIB)
    expect(compacted.boundBytes).toBeLessThan(2 * compacted.liveBytes + 4 * MIB)
    expect(storeMessages).toBe(reopened.liveMessages)
  },
  120_000,
)
