/**
 * Invariants 1, 2, 3 and 13 with a real process and an oracle outside of it: a producer is killed more
 * than 200 times while many appends are under way, and opened again by the next one. Everything it said
 * was durable is there, byte for byte, and a reader beside it saw nothing that was taken back.
 */
import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { openReader } from '../../src/index.ts'
import { Random } from '../../src/system/simulated/random.ts'
import { bodyOf, IN_FLIGHT } from './fixtures/bodies.mjs'
import { freshDirectory, kill, lineOf, type Running, startFixture } from './support.ts'

/** Each log gets its share: with hundreds of openings a log has hundreds of segments. */
const LOGS = 4
const KILLS = Math.ceil(Number(process.env['QLOG_KILLS'] ?? 208) / LOGS)
const SEED = Number(process.env['QLOG_SEED'] ?? 1)
const VERIFY_EVERY = 13
/** A producer lives this long after it opened the log. */
const LIFE_MIN_MS = 5
const LIFE_MAX_MS = 40

class Oracle {
  /** What was acknowledged: round and number of the message with this id. */
  readonly acknowledged = new Map<number, { round: number; number: number }>()
  unacknowledged = 0

  hear(round: number, line: string): void {
    const [id = 0, number = 0] = line.split(' ').map(Number)
    if (this.acknowledged.has(id)) throw new Error(`id ${id} was given again`)
    this.acknowledged.set(id, { round, number })
  }

  /** Reads the whole log. Every acknowledged message must be there as it was sent, the others be real. */
  async verify(directory: string, kills: number): Promise<Map<number, string>> {
    const hashes = new Map<number, string>()
    const found = new Set<string>()
    const reader = await openReader(directory)
    this.unacknowledged = 0
    for await (const { id, body } of reader.read()) {
      const bytes = Buffer.from(body)
      const round = bytes.readUInt32LE(0)
      const number = bytes.readUInt32LE(4)
      const known = this.acknowledged.get(id) ?? { round, number }
      expect({ id, round, number }).toEqual({ id, ...known })
      if (!bytes.equals(bodyOf(round, number))) expect.unreachable(`message ${id} has wrong bytes`)
      if (found.has(`${round}.${number}`))
        expect.unreachable(`message ${round}.${number} came twice`)
      found.add(`${round}.${number}`)
      if (!this.acknowledged.has(id)) this.unacknowledged++
      hashes.set(id, createHash('sha256').update(bytes).digest('base64'))
    }
    await reader.close()
    const missing = [...this.acknowledged.keys()].filter((id) => !hashes.has(id))
    expect(missing).toEqual([])
    expect(this.unacknowledged).toBeLessThanOrEqual(kills * IN_FLIGHT)
    return hashes
  }
}

const logs = Array.from({ length: LOGS }, (_, log) => log)

test.each(logs)(
  `log %i: a producer killed ${KILLS} times keeps all it acknowledged`,
  async (log) => {
    const directory = freshDirectory()
    const random = new Random(SEED + log)
    const oracle = new Oracle()
    let follower: Running | undefined
    let next = startFixture('producer.mjs', directory, '1')
    for (let round = 1; round <= KILLS; round++) {
      const producer = next
      producer.child.stdin.write('go\n')
      // The next one gets ready meanwhile: most of a process's life here is its start.
      next = startFixture('producer.mjs', directory, String(round + 1))
      expect(await lineOf(producer), `round ${round}, QLOG_SEED=${SEED}`).toMatch(/^open \d+$/)
      if (!follower) {
        follower = startFixture('follower.mjs', directory)
        expect(await lineOf(follower)).toBe('following')
      }
      const lifeMs = random.between(LIFE_MIN_MS, LIFE_MAX_MS)
      await new Promise<void>((resolve) => setTimeout(resolve, lifeMs))
      await kill(producer.child)
      for await (const line of producer.lines) oracle.hear(round, line)
      if (round % VERIFY_EVERY === 0) await oracle.verify(directory, round)
    }
    const hashes = await oracle.verify(directory, KILLS)
    follower?.child.stdin.end()
    const seen: string[] = []
    if (follower) for await (const line of follower.lines) seen.push(line)
    const wrong = seen.filter((line) => {
      const [id = '', hash, unconfirmed] = line.split(' ')
      return unconfirmed === undefined && hashes.get(Number(id)) !== hash
    })
    console.info(
      `${KILLS} kills: ${oracle.acknowledged.size} acknowledged, all there; ${oracle.unacknowledged} more; a follower saw ${seen.length}`,
    )
    expect(wrong.slice(0, 5)).toEqual([])
    expect(seen.length).toBeGreaterThan(oracle.acknowledged.size / 10)
    expect(oracle.acknowledged.size).toBeGreaterThan(KILLS * 5)
  },
)
