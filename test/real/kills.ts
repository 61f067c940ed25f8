/**
 * Real processes that are killed at any moment (1, 2, 3, 12, 13), and an oracle outside of them: producers of a log
 * with a reader that follows, and workers of a store that put, take, move and compact.
 */
import { Random } from '../../src/system/simulated/random.ts'
import { endWithin, kill, lineOf, type Running, startFixture } from './children.ts'
import { LogOracle } from './log-oracle.ts'
import { StoreOracle } from './store-oracle.ts'

/** A process lives this long after it opened. */
const PRODUCER_LIFE_MS = [5, 40] as const
const WORKER_LIFE_MS = [30, 250] as const
const VERIFY_EVERY = 13
const END_MS_MAX = 240_000

export interface Killed {
  readonly kills: number
  readonly acknowledged: number
  /** What a follower saw, or transactions that moved a message. */
  readonly beside: number
}

/** Producers of one log, one after the other; the follower sees nothing that is taken back. */
export async function killProducers(
  directory: string,
  seed: number,
  kills: number,
): Promise<Killed> {
  const random = new Random(seed)
  const oracle = new LogOracle()
  let follower: Running | undefined
  let next = startFixture('producer.mjs', directory, '1')
  for (let round = 1; round <= kills; round++) {
    const producer = next
    producer.child.stdin.write('go\n')
    // The next one gets ready meanwhile: most of a process's life here is its start.
    next = startFixture('producer.mjs', directory, String(round + 1))
    expectLine(await lineOf(producer), /^open \d+$/, round)
    if (!follower) {
      follower = startFixture('follower.mjs', directory)
      expectLine(await lineOf(follower), /^following$/, round)
    }
    await pause(random.between(...PRODUCER_LIFE_MS))
    await kill(producer.child)
    for await (const line of producer.lines) oracle.hear(round, line)
    if (round % VERIFY_EVERY === 0) await oracle.verify(directory, round)
  }
  await kill(next.child)
  const hashes = await oracle.verify(directory, kills)
  const seen = follower === undefined ? 0 : await compareSeen(follower, hashes)
  return { kills, acknowledged: oracle.acknowledged.size, beside: seen }
}

/** Workers of one store, one after the other, while it is compacted; the last one takes all that is left. */
export async function killWorkers(directory: string, seed: number, kills: number): Promise<Killed> {
  const random = new Random(seed)
  const oracle = new StoreOracle()
  const startWorker = (round: number): Running =>
    startFixture('store-worker.mjs', directory, round <= kills ? String(round) : 'drain')
  let next = startWorker(1)
  for (let round = 1; round <= kills; round += 1) {
    const worker = next
    worker.child.stdin.write('go\n')
    next = startWorker(round + 1)
    await hearOpen(worker, oracle, round)
    // A pipe that nobody empties would stop the worker, and keep it from being closed.
    const heard = oracle.hearAll(worker)
    heard.catch(() => undefined)
    await pause(random.between(...WORKER_LIFE_MS))
    await kill(worker.child)
    await heard
  }
  // An input that stays open keeps a process alive.
  next.child.stdin.end('go\n')
  const heard = oracle.hearAll(next)
  heard.catch(() => undefined)
  const code = await endWithin(next, END_MS_MAX)
  await heard
  if (code !== 0) throw new Error(`the last worker ended with ${code}`)
  oracle.finish(kills)
  return { kills, acknowledged: oracle.acked.size, beside: oracle.moved }
}

async function hearOpen(worker: Running, oracle: StoreOracle, round: number): Promise<void> {
  for (;;) {
    const next = await worker.lines.next()
    if (next.done === true) throw new Error(`round ${round}: the worker ended before it was open`)
    oracle.hear(next.value)
    if (next.value === 'open') return
  }
}

async function compareSeen(follower: Running, hashes: Map<number, string>): Promise<number> {
  follower.child.stdin.end()
  let seen = 0
  for await (const line of follower.lines) {
    const [id = '', hash, unconfirmed] = line.split(' ')
    seen++
    if (unconfirmed !== undefined || hashes.get(Number(id)) === hash) continue
    throw new Error(`a follower saw what is not there: ${line}`)
  }
  return seen
}

function expectLine(line: string, expected: RegExp, round: number): void {
  if (!expected.test(line)) throw new Error(`round ${round}: ${line} instead of ${expected}`)
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
