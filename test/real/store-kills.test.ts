/**
 * Invariants 1 and 12 for a store, with real processes and an oracle outside of them: workers with
 * competing consumers are killed while they put and take. Nothing that was acknowledged is delivered again,
 * and nothing that was put is lost.
 */
import { expect, test } from 'vitest'
import { Random } from '../../src/system/simulated/random.ts'
import { freshDirectory, kill, lineOf, type Running, startFixture } from './support.ts'

const ROUNDS = Number(process.env['QLOG_STORE_KILLS'] ?? 12)
const SEED = Number(process.env['QLOG_STORE_SEED'] ?? 1)
/** A worker lives this long after it opened the store. */
const LIFE_MIN_MS = 30
const LIFE_MAX_MS = 250
/** A worker that dies of its message is started again so often. */
const LIVES_MAX = 12
/** Processes start slowly where much else runs. */
const TIMEOUT_MS = 300_000

class Oracle {
  readonly put = new Set<number>()
  readonly acked = new Set<number>()
  readonly taken = new Set<number>()
  readonly broken: string[] = []

  hear(line: string): void {
    const [word = '', text = ''] = line.split(' ')
    const id = Number(text)
    if (word === 'put') {
      if (this.put.has(id)) this.broken.push(`id ${id} was given twice`)
      this.put.add(id)
    } else if (word === 'took') {
      if (this.acked.has(id)) this.broken.push(`id ${id} was delivered after its ack`)
      this.taken.add(id)
    } else if (word === 'acked') this.acked.add(id)
    else this.broken.push(`what is "${line}"?`)
  }

  async hearAll(running: Running): Promise<void> {
    for await (const line of running.lines) this.hear(line)
  }
}

test(
  `workers killed ${ROUNDS} times lose nothing and repeat nothing that was acknowledged`,
  async () => {
    const directory = freshDirectory()
    const random = new Random(SEED)
    const oracle = new Oracle()
    let next = startFixture('store-worker.mjs', directory, '1')
    for (let round = 1; round <= ROUNDS; round += 1) {
      const worker = next
      worker.child.stdin.write('go\n')
      next = startFixture(
        'store-worker.mjs',
        directory,
        round < ROUNDS ? String(round + 1) : 'drain',
      )
      expect(await lineOf(worker), `round ${round}, QLOG_STORE_SEED=${SEED}`).toBe('open')
      // A pipe that nobody empties would stop the worker, and keep it from being closed.
      const heard = oracle.hearAll(worker)
      const lifeMs = random.between(LIFE_MIN_MS, LIFE_MAX_MS)
      await new Promise<void>((resolve) => setTimeout(resolve, lifeMs))
      await kill(worker.child)
      await heard

      expect(oracle.broken.slice(0, 5), `round ${round}, QLOG_STORE_SEED=${SEED}`).toEqual([])
    }
    // An input that stays open keeps a process alive.
    next.child.stdin.end('go\n')
    expect(await lineOf(next)).toBe('open')
    await oracle.hearAll(next)
    expect(await next.ended).toBe(0)
    expect(oracle.broken.slice(0, 5)).toEqual([])
    const lost = [...oracle.put].filter((id) => !oracle.taken.has(id))
    expect(lost.slice(0, 5)).toEqual([])
    const unfinished = [...oracle.put].filter((id) => !oracle.acked.has(id))
    // The word of an ack may be lost with its process; a message may not.
    expect(unfinished.length).toBeLessThanOrEqual(ROUNDS * 15)
    console.info(`${ROUNDS} kills: ${oracle.put.size} put, ${oracle.acked.size} acknowledged`)
    expect(oracle.acked.size).toBeGreaterThan(ROUNDS * 10)
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
