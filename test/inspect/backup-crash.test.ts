/** A backup that dies at any call leaves a whole copy or none, and the log that it copies as it was. */
import { describe, expect, test } from 'vitest'
import { CrashedLife } from '../simulation/lives.ts'
import { BACKUP_LIVES } from './backup-lives.ts'

/** The lab does every call; here it is one in so many, and of its states fewer. */
const CRASH_EVERY = 9
const STATES_EVERY = 61
/** Each of the few flushes is of something else. */
const FAIL_EVERY = { write: 3, flush: 1 } as const

describe.each(BACKUP_LIVES)('$name', (life) => {
  test('cut off anywhere: under its name stands a whole copy, or nothing', async () => {
    const crashed = new CrashedLife(life, 'flush')
    await crashed.prepare()
    const calls = await crashed.calls()
    for (let at = 1; at <= calls; at += CRASH_EVERY) await crashed.crash(at)
    for (let at = 1; at <= calls; at += STATES_EVERY) await crashed.states(at)
    console.log(`crashes of a backup: ${life.name}: ${crashed.runs} runs`)
    expect(crashed.runs).toBeGreaterThan(50)
  }, 300_000)

  test('a write or flush of it that fails leaves no copy that is less than whole', async () => {
    const crashed = new CrashedLife(life, 'flush')
    await crashed.prepare()
    for (const kind of ['write', 'flush'] as const) {
      let nth = 1
      while (await crashed.fail(kind, nth)) nth += FAIL_EVERY[kind]
      expect(nth).toBeGreaterThan(3)
    }
  }, 300_000)
})
