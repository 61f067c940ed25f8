/**
 * Rule 21 and invariant 12, call by call: a store that is killed or robbed of power within a step shows what was
 * there in front of it or behind it, and what resolved. The lab does every call; here some of each life.
 */
import { describe, expect, test } from 'vitest'
import { CrashedLife } from '../simulation/lives.ts'
import { storeLives } from './store-lives.ts'

/** Of the calls of a life one in so many, and of its states fewer. */
const CRASH_EVERY = 8
const STATES_EVERY = 41
/** What these do is not seen. */
const QUIET = /^(reserve|checkpoint|another checkpoint|compact|seek)/

describe.each(storeLives())('$name', (life) => {
  test('a crash leaves a step whole or not at all, and every step that resolved', async () => {
    await life.learn()
    for (const [row, { name }] of life.steps.entries()) {
      if (QUIET.test(name)) continue
      expect(life.views[row + 1], `${name} shows nothing`).not.toBe(life.views[row])
    }
    const crashed = new CrashedLife(life, 'flush')
    await crashed.prepare()
    const calls = await crashed.calls()
    expect(calls).toBeGreaterThan(100)
    let states = 0
    for (let at = 1; at <= calls; at += CRASH_EVERY) await crashed.crash(at)
    for (let at = 1; at <= calls; at += STATES_EVERY) states += await crashed.states(at)
    console.log(`crashes of a store: ${life.name}: ${crashed.runs} runs`)
    expect(states).toBeGreaterThan(20)
  }, 300_000)
})
