/** Calls that fail under what stands above the log (B): saved state, backups, and a store step by step. */
import { type Lab, STORE_PARTS, type Stretch, type Trial } from '../trial.ts'
import { preparedLives } from './lives.ts'

const KINDS = ['write', 'flush'] as const

export const STORE_FAILURES: Trial = {
  letter: 'B',
  name: 'store-failures',
  promise: '12, 13: the same for saved state, backups and stores',
  restsOn: '1, 7',
  shownBy: 'every write and flush of the lives above fails, in the same ways',
  covers: [...STORE_PARTS, 'inspect', 'testing'],
  list: lives,
}

/** One unit for each kind of call. */
async function* lives(lab: Lab): AsyncGenerator<Stretch> {
  for await (const crashed of preparedLives()) {
    yield {
      name: crashed.name,
      units: KINDS.length,
      run: async (unit) => {
        const kind = KINDS[unit] ?? 'write'
        const before = crashed.runs
        let nth = 1
        while (await crashed.fail(kind, nth)) nth += 1
        lab.count(kind === 'write' ? 'failed writes' : 'failed flushes', crashed.runs - before)
      },
    }
  }
}
