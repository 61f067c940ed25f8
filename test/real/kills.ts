/**
 * Real processes that are killed at any moment (1, 2, 3, 12, 13), and an oracle outside of them: producers of a log,
 * which is discarded and compacted, with a reader that follows, and workers of a store that put, take, move, save and
 * compact.
 */
import { Random } from '../../src/system/simulated/random.ts'
import { endWithin, kill, lineOf, type Running, startFixture } from './children.ts'
import { type Heard, hearAll } from './heard.ts'
import { LogOracle } from './log-oracle.ts'
import { StoreOracle } from './store-oracle.ts'

/** A process lives this long after it opened, or had said enough. */
const PRODUCER_LIFE_MS = [2, 40] as const
const WORKER_LIFE_MS = [5, 80] as const
/** Of those that are opened: they have first said so many lines, however slow the disk is. */
const SAID = [1, 60] as const
const SAID_SHARE = 0.5
/** Of those that are killed while they open: so long after they were told to. */
const OPENING_MS = [0, 30] as const
const OPENING_SHARE = 0.15
/** Of those that are killed while they close: so long after they were told to. */
const CLOSING_MS = [0, 15] as const
const CLOSING_SHARE = 0.15
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
  isOver: () => boolean = () => false,
): Promise<Killed> {
  const random = new Random(seed)
  const oracle = new LogOracle()
  let follower: Running | undefined
  let next = startFixture('producer.mjs', directory, '1')
  let killed = 0
  while (killed < kills && !isOver()) {
    const round = killed + 1
    const producer = next
    const heard = hearAll(producer, (line) => oracle.hear(round, line))
    const { startId, endId } = oracle.discarded
    producer.child.stdin.write(`go ${startId} ${endId}\n`)
    // The next one gets ready meanwhile: most of a process's life here is its start.
    next = startFixture('producer.mjs', directory, String(round + 1))
    await liveAWhile(producer, heard, random, follower === undefined, PRODUCER_LIFE_MS)
    if (!follower) follower = await startFollower(directory)
    await kill(producer.child)
    await heard.all
    killed += 1
    if (round % VERIFY_EVERY === 0) {
      await oracle.verify(directory, round)
      oracle.discardSome(random)
    }
  }
  await kill(next.child)
  const hashes = await oracle.verify(directory, killed)
  const seen = follower === undefined ? 0 : await compareSeen(follower, hashes)
  return { kills: killed, acknowledged: oracle.acknowledged.size, beside: seen }
}

/** Workers of one store, one after the other, while it is compacted; the last one takes all that is left. */
export async function killWorkers(
  directory: string,
  seed: number,
  kills: number,
  isOver: () => boolean = () => false,
): Promise<Killed> {
  const random = new Random(seed)
  const oracle = new StoreOracle()
  let next = startFixture('store-worker.mjs', directory, '1')
  let killed = 0
  while (killed < kills && !isOver()) {
    const worker = next
    // A pipe that nobody empties would stop the worker, and keep it from being closed.
    const heard = hearAll(worker, (line) => oracle.hear(line))
    worker.child.stdin.write('go\n')
    killed += 1
    next = startFixture('store-worker.mjs', directory, String(killed + 1))
    await liveAWhile(worker, heard, random, false, WORKER_LIFE_MS)
    await kill(worker.child)
    await heard.all
    oracle.forget()
  }
  const heard = hearAll(next, (line) => oracle.hear(line))
  // An input that stays open keeps a process alive.
  next.child.stdin.end('go drain\n')
  const code = await endWithin(next, END_MS_MAX)
  await heard.all
  if (code !== 0) throw new Error(`the last worker ended with ${code}`)
  oracle.finish(killed)
  return { kills: killed, acknowledged: oracle.acked.size, beside: oracle.moved }
}

/** Until the moment of its kill, which may come while it opens or closes. */
async function liveAWhile(
  running: Running,
  heard: Heard,
  random: Random,
  needsOpen: boolean,
  lifeMs: readonly [number, number],
): Promise<void> {
  if (!needsOpen && random.chance(OPENING_SHARE)) {
    await pause(random.between(...OPENING_MS))
    return
  }
  await heard.untilOpen()
  if (random.chance(SAID_SHARE)) await heard.untilSaid(random.between(...SAID))
  await pause(random.between(...lifeMs))
  if (!random.chance(CLOSING_SHARE)) return
  running.child.stdin.write('close\n')
  await pause(random.between(...CLOSING_MS))
}

async function startFollower(directory: string): Promise<Running> {
  const follower = startFixture('follower.mjs', directory)
  const line = await lineOf(follower)
  if (line !== 'following') throw new Error(`a follower says "${line}"`)
  return follower
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

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
