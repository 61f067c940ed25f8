/**
 * Invariants 1, 2, 3 and 13 with a real process and an oracle outside of it: a producer is killed more
 * than 200 times while many appends are under way, and opened again by the next one. Everything it said
 * was durable is there, byte for byte, and a reader beside it saw nothing that was taken back.
 */
import { expect, test } from 'vitest'
import { killProducers } from './kills.ts'
import { freshDirectory } from './support.ts'

/** Each log gets its share: with hundreds of openings a log has hundreds of segments. */
const LOGS = 4
const KILLS = Math.ceil(Number(process.env['QLOG_KILLS'] ?? 208) / LOGS)
const SEED = Number(process.env['QLOG_SEED'] ?? 1)

const logs = Array.from({ length: LOGS }, (_, log) => log)

test.each(logs)(
  `log %i: a producer killed ${KILLS} times keeps all it acknowledged`,
  async (log) => {
    const { acknowledged, beside } = await killProducers(freshDirectory(), SEED + log, KILLS)
    console.info(
      `${KILLS} kills: ${acknowledged} acknowledged, all there; a follower saw ${beside}`,
    )
    expect(beside).toBeGreaterThan(acknowledged / 10)
    expect(acknowledged).toBeGreaterThan(KILLS * 5)
  },
)
