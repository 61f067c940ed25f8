/** What openings leave behind: nothing where nothing is written, little where one message is. */
import { createHash } from 'node:crypto'
import * as fs from 'node:fs'
import * as os from 'node:os'
import * as path from 'node:path'
import { expect, test } from 'vitest'
import { boundOf, diskUse } from '../../../bench/space/disk-use.ts'
import { RealGround } from '../../../bench/space/ground.ts'
import { workloadNamed } from '../../../bench/space/workloads.ts'
import { SimulatedGround } from './simulated-ground.ts'

const KIB = 1024
const MIB = 1024 * KIB
const SMALL = { segmentBytesMin: 64 * KIB, segmentBytesMax: 256 * KIB } as const
/** `QLOG_SPACE_FULL=1` makes a thousand of them, which takes a minute or two. */
const OPENINGS = process.env['QLOG_SPACE_FULL'] === '1' ? 1_000 : 100

test(`${OPENINGS} openings that put one message each take little after compact() (15)`, async () => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'qlog-openings-'))
  const ground = new RealGround(path.join(directory, 'log'))
  try {
    await ground.open()
    const work = await workloadNamed('command line').begin(ground)
    let peakBytes = 0
    for (let opening = 0; opening < OPENINGS; opening++) {
      await work.round()
      if (opening % 10 === 0) {
        peakBytes = Math.max(peakBytes, diskUse(ground.files()).diskBytes)
      }
    }
    // A long map is made shorter by itself, and a state of its own is small.
    expect(peakBytes).toBeLessThan(32 * MIB)
    await ground.store.compact()
    const { diskBytes, boundBytes } = await boundOf(ground, work.live())
    expect(diskBytes).toBeLessThanOrEqual(8 * MIB)
    expect(diskBytes).toBeLessThanOrEqual(boundBytes)
    expect(ground.store.stats().messages).toBe(OPENINGS)
  } finally {
    await ground.close()
    fs.rmSync(directory, { recursive: true, force: true })
  }
}, 300_000)

/** Everything but LOCK, which each opening writes. */
function contents({ simulation }: SimulatedGround): Map<string, string> {
  const files = new Map<string, string>()
  for (const [name, bytes] of simulation.disk.tree()) {
    if (!name.endsWith('/LOCK')) files.set(name, createHash('sha256').update(bytes).digest('hex'))
  }
  return files
}

const LOADS = ['beanstalkd #43', 'beanstalkd #276', 'Pulsar #25540', 'one log for all'] as const

test.each(LOADS)(
  'opening a store, looking and closing changes nothing on disk but LOCK: %s (8)',
  async (met) => {
    const ground = new SimulatedGround(18, SMALL)
    await ground.run(async () => {
      await ground.open()
      const work = await workloadNamed(met).begin(ground)
      const rounds = met === 'one log for all' ? 3 : 40
      for (let round = 0; round < rounds; round++) await work.round()
      // Two snapshots in the log, or nothing could leave it.
      await ground.store.compact()
      await work.round()
      await ground.close()
      for (let opening = 0; opening < 2; opening++) {
        const before = contents(ground)
        const store = await ground.open()
        const [name = ''] = store.queues()
        await store.queue(name).read({ limit: 10 })
        expect(store.queue(name).stats().messages).toBeLessThanOrEqual(store.stats().messages)
        expect(store.stats().messages).toBeGreaterThan(0)
        // Whatever the background would do, it had the time.
        await ground.pass(20_000)
        await ground.close()
        expect(contents(ground)).toEqual(before)
      }
    })
  },
  60_000,
)
