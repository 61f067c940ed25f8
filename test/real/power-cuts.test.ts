/**
 * Power cuts on ext4 and XFS, real ones as far as their code can tell (1, 2, 12, 13), and flushes that really fail: see
 * `power-cuts.ts`. A few here; the lab does them by the thousand.
 */
import { afterEach, describe, expect, test } from 'vitest'
import { killChildren } from './children.ts'
import { whyNoPowerCut } from './loop-disk.ts'
import { cutPower, failFlush } from './power-cuts.ts'

const CUTS = Number(process.env['QLOG_CUTS'] ?? 7)
const SEED = Number(process.env['QLOG_SEED'] ?? 1)
const TIMEOUT_MS = 60_000 + CUTS * 10_000

afterEach(killChildren)

describe.each(['ext4', 'xfs'] as const)('a real %s', (kind) => {
  const why = whyNoPowerCut(kind)
  if (why !== undefined) console.warn(`SKIPPED: power cuts on ${kind}: ${why}`)

  test.skipIf(why !== undefined).each(['log', 'store'] as const)(
    `a %s robbed of power ${CUTS} times keeps what it acknowledged, whole`,
    { timeout: TIMEOUT_MS },
    async (workload) => {
      const { cuts, acknowledged } = await cutPower(kind, workload, SEED, CUTS)
      console.info(`${kind}, ${workload}: ${cuts} power cuts, ${acknowledged} acknowledged`)
      expect(cuts).toBe(CUTS)
      expect(acknowledged).toBeGreaterThan(CUTS)
    },
  )
})

describe('an ext4 whose disk is full', () => {
  const why = whyNoPowerCut('ext4')

  test.skipIf(why !== undefined).each(['log', 'store'] as const)(
    'a %s whose flush fails below the file system stops, and keeps what it acknowledged (13)',
    { timeout: TIMEOUT_MS },
    async (workload) => {
      const { acknowledged, failures } = await failFlush(workload)
      console.info(`${workload}: ${acknowledged} acknowledged, ${failures} refused`)
      expect(failures).toBeGreaterThan(0)
      expect(acknowledged).toBeGreaterThan(0)
    },
  )
})
