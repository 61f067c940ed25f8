/**
 * Crash states of what stands above the log (A): saved state, backups, and a store step by step, killed, robbed of
 * power and left with one state of the disk after the other at every call; then random lives of stores, compared
 * with a reference, seed by seed.
 */
import { Report } from '../../../src/system/simulated/report.ts'
import { runSeed } from '../../../test/store/model/schedules.ts'
import { type Lab, STORE_PARTS, type Stretch, type Trial } from '../trial.ts'
import { preparedLives } from './lives.ts'

const CRASH_SEEDS = 2
const KINDS = ['segments', 'slow', 'segments', 'memory'] as const

export const STORE_CRASHES: Trial = {
  letter: 'A',
  name: 'store-crashes',
  promise:
    '12, 19 to 22: what a store was told and answered, after any crash; a backup is whole or absent',
  restsOn: '1, 2, 6',
  shownBy:
    'saved state, backups and stores crashed at every call, as above; random lives against a reference; `test/store/model`, `test/store/store-lives.test.ts`',
  covers: [...STORE_PARTS, 'inspect', 'testing'],
  list: lives,
  seed: async (lab, seed) => {
    const kind = KINDS[seed % KINDS.length] ?? 'segments'
    await runSeed(kind, seed, new Report())
    lab.count('random lives of stores')
  },
}

/** One unit for each call. */
async function* lives(lab: Lab): AsyncGenerator<Stretch> {
  for await (const crashed of preparedLives()) {
    yield {
      name: crashed.name,
      units: await crashed.calls(),
      run: async (unit) => {
        const before = crashed.runs
        await crashed.crash(unit + 1, CRASH_SEEDS)
        lab.count('crashes of a life', crashed.runs - before)
        lab.count('states after a power cut', await crashed.states(unit + 1))
      },
    }
  }
}
