/**
 * A full disk, a real one of 12 MB (1, 3, 13, 14): a log and a store fill it, somebody else's data comes and
 * goes, messages are discarded or taken, and the process is killed at random moments and opened again while the
 * disk is full. What was acknowledged and not discarded is there, and what is taken is finished.
 */
import { describe, expect, test } from 'vitest'
import { Random } from '../../src/system/simulated/random.ts'
import { fillWithLog, fillWithStore } from './full-disks.ts'
import { disksAvailable, withDisk } from './small-disk.ts'
import './support.ts'

const ROUNDS = Number(process.env['QLOG_DISK_ROUNDS'] ?? 3)
const SEED = Number(process.env['QLOG_SEED'] ?? 1)

const kinds = disksAvailable()
const TIMEOUT = { timeout: 60_000 + ROUNDS * 30_000 }

describe.skipIf(kinds.length === 0)('a real disk that fills up', () => {
  describe.each(kinds.length > 0 ? kinds : (['tmpfs'] as const))('%s', (kind) => {
    test.each([
      ['filling, discarding and kills lose nothing that was acknowledged', fillWithLog, 20],
      ['filling, taking and kills lose nothing, and acknowledging goes on', fillWithStore, 5],
    ] as const)(`${ROUNDS} rounds of %s`, TIMEOUT, async (_what, fill, aRound) => {
      try {
        const survived = await withDisk(kind, (disk) => fill(disk, new Random(SEED), ROUNDS))
        console.info(kind, survived)
        expect(survived.acknowledged).toBeGreaterThan(ROUNDS * aRound)
      } catch (error) {
        const run = `QLOG_SEED=${SEED} QLOG_DISK_ROUNDS=${ROUNDS}`
        console.error(`to repeat: ${run} npx vitest run test/real/disk-full.test.ts`)
        throw error
      }
    })
  })
})
