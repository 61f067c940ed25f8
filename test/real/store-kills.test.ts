/**
 * Invariants 1 and 12 for a store, with real processes and an oracle outside of them: workers with
 * competing consumers are killed while they put and take. Nothing that was acknowledged is delivered again,
 * and nothing that was put is lost.
 */
import { expect, test } from 'vitest'
import { startFixture } from './children.ts'
import { killWorkers } from './kills.ts'
import { freshDirectory } from './support.ts'

const ROUNDS = Number(process.env['QLOG_STORE_KILLS'] ?? 12)
const SEED = Number(process.env['QLOG_STORE_SEED'] ?? 1)
/** A worker that dies of its message is started again so often. */
const LIVES_MAX = 12
/** Processes start slowly where much else runs. */
const TIMEOUT_MS = 300_000

// Museum: better-queue #7, where jobs were taken off before they were done.
test(
  `workers killed ${ROUNDS} times lose nothing and repeat nothing that was acknowledged`,
  async () => {
    const { acknowledged, beside } = await killWorkers(freshDirectory(), SEED, ROUNDS)
    console.info(`${ROUNDS} kills: ${acknowledged} acknowledged, ${beside} of them moved`)
    expect(acknowledged).toBeGreaterThan(ROUNDS * 2)
    expect(beside).toBeGreaterThan(0)
  },
  TIMEOUT_MS,
)

test(
  'a message that kills its worker is buried after its attempts, and its neighbours are not',
  async () => {
    const directory = freshDirectory()
    const { openStore } = await import('../../src/index.ts')
    const store = await openStore(directory)
    const bodies = Array.from({ length: 20 }, (_, row) => (row === 6 ? 'X' : `job ${row}`))
    await store.queue('jobs').putMany(bodies)
    await store.close()
    const started: string[] = []
    const done = new Set<string>()
    const buried: string[] = []
    for (let life = 1; life <= LIVES_MAX && buried.length === 0; life += 1) {
      const worker = startFixture('store-killer.mjs', directory)
      for await (const line of worker.lines) {
        const [word = ''] = line.split(' ', 1)
        const body = line.slice(word.length + 1)
        if (word === 'started') started.push(body)
        else if (word === 'done') done.add(body)
        else buried.push(body)
      }
      await worker.ended
    }
    expect(buried).toEqual(['X'])
    // The first lease may die with its process before it is on disk.
    const starts = started.filter((body) => body === 'X').length
    expect(starts).toBeGreaterThanOrEqual(3)
    expect(starts).toBeLessThanOrEqual(4)
    expect([...done].sort()).toEqual(bodies.filter((body) => body !== 'X').sort())
  },
  TIMEOUT_MS,
)
