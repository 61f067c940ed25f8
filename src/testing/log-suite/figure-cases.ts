/** Line 12 of the contract: what a log says of itself in numbers. */
import { strict as assert } from 'node:assert'
import { FLUSH_BUCKETS_MS } from '../../log/flush-times.ts'
import type { LogFigures } from '../../log/seam.ts'
import type { LogCase } from '../log-suite.ts'
import { numbered } from './numbered.ts'

/** More than it takes until nothing is written any more, not even by the log for itself. */
const QUIET_MS = 1_000

export const figureCases: readonly LogCase[] = [
  {
    name: '12: every commit counts, once, in the bucket of the time that it took',
    run: async (bench) => {
      const { log, told } = await bench.open()
      assertWhole(log.figures())
      let before = log.figures()
      assert.equal(before.flushSumMs, 0, 'what an earlier opening did does not count')
      for (let n = 1; n <= 20; n++) {
        log.append(numbered(n))
        await told.settled(n)
        const figures = log.figures()
        assertWhole(figures)
        assert.ok(figures.flushes > before.flushes, `${figures.flushes} flushes, ${n} commits`)
        assert.ok(figures.flushSumMs >= before.flushSumMs, 'the sum never falls')
        assert.ok(figures.flushMaxMs >= before.flushMaxMs, 'the longest never falls')
        before = figures
      }
      const again = await bench.reopen({ log, told })
      assert.ok(again.log.figures().flushes < before.flushes, 'an opening counts its own')
    },
  },
  {
    name: '12: bytes are in flight from their append until they are known to be durable',
    run: async (bench) => {
      const { log, told } = await bench.open()
      assert.equal(log.figures().inFlightBytes, 0)
      log.append(numbered(11))
      const one = log.figures().inFlightBytes
      assert.ok(one > 0, 'one append is in flight')
      log.append(numbered(12))
      assert.ok(log.figures().inFlightBytes > one, 'two are more')
      await told.settled(2)
      await bench.pass(QUIET_MS)
      assert.equal(log.figures().inFlightBytes, 0)
    },
  },
  {
    name: '12: a closed log tells its last figures',
    run: async (bench) => {
      const { log, told } = await bench.open()
      log.append(numbered(1))
      await told.settled(1)
      const { flushes } = log.figures()
      await log.close()
      const figures = log.figures()
      assertWhole(figures)
      assert.ok(figures.flushes >= flushes)
      assert.equal(figures.inFlightBytes, 0)
    },
  },
  {
    name: '12: a log that has failed tells its figures',
    needs: ['failNextCommit'],
    run: async (bench) => {
      const { log, told } = await bench.open()
      log.append(numbered(1))
      await told.settled(1)
      bench.failNextCommit()
      log.append(numbered(2))
      await told.settled(2)
      assertWhole(log.figures())
    },
  },
]

function assertWhole(figures: LogFigures): void {
  const { flushCounts, scrub: _scrub, ...others } = figures
  for (const [name, value] of [...Object.entries(others), ...flushCounts.entries()]) {
    assert.ok(typeof value === 'number' && value >= 0, `${name} is ${String(value)}`)
  }
  assert.equal(flushCounts.length, FLUSH_BUCKETS_MS.length + 1)
  const counted = flushCounts.reduce((sum, count) => sum + count, 0)
  assert.equal(counted, figures.flushes, 'the buckets together count every flush')
  assert.ok(figures.flushP50Ms <= figures.flushP99Ms && figures.flushP99Ms <= figures.flushMaxMs)
}
