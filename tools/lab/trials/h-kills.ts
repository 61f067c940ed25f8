/**
 * SIGKILLs without end (H): each seed kills producers of a log, workers of a store and a server of both protocols,
 * all three side by side, a few dozen times, and compares each with what it had acknowledged. Writes below the
 * temporary directory.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { seededRandom } from '../../../src/cli/prove-random.ts'
import { below, type Random } from '../../../test/hostile/mutate.ts'
import { bundleFixtures, killChildren } from '../../../test/real/children.ts'
import { killProducers, killWorkers } from '../../../test/real/kills.ts'
import { ServerProcess, steadyPort } from '../../beanstalkd/server-process.ts'
import { MemcacheWitness } from '../memcache-witness.ts'
import { readTwice } from '../second-reader.ts'
import { type Lab, REAL_PARTS, type Trial } from '../trial.ts'
import { Witness } from '../witness.ts'

/** So many of each take about as long as those of the others. */
const PRODUCERS = 52
const WORKERS = 36
const SERVERS = 36
/** Of those that are killed while they open: so long after they were told to. */
const OPENING_SHARE = 0.15
const OPENING_MS_MAX = 60
/** Of the others, from the first puts of their clients on. */
const LIFE_MS_MAX = 60
const FIRST_PUTS_MS_MAX = 20_000
const JOBS_MAX = 60

export const KILLS: Trial = {
  letter: 'H',
  name: 'kills',
  promise:
    '1, 2, 3, 12, 13: what a process acknowledged is there after its SIGKILL, whole and once, and what was finished stays away',
  restsOn: '1',
  shownBy:
    'producers of a log that is discarded, merged and followed, workers of a store that is compacted, a server on both its ports under load, each killed at any moment, also while it opens or closes; `test/real/kills.test.ts`, `test/real/store-kills.test.ts`',
  covers: [...REAL_PARTS, 'inspect', 'server', 'protocols', 'cli/serve'],
  seed: runSeed,
}

async function runSeed(lab: Lab, seed: number): Promise<void> {
  await bundleFixtures()
  const room = mkdtempSync(join(tmpdir(), 'qlog-lab-'))
  // One that fails ends the others, so that the seed ends at once.
  let hasFailed = false
  const isOver = (): boolean => hasFailed || lab.isOver()
  const lanes = LANES.map(async (lane) => {
    try {
      await lane(lab, join(room, lane.name), seed, isOver)
    } catch (error) {
      hasFailed = true
      throw error
    }
  })
  const ended = await Promise.allSettled(lanes)
  await killChildren()
  try {
    for (const lane of ended) if (lane.status === 'rejected') throw lane.reason
    for (const { name } of LANES) await readTwice(lab, join(room, name))
  } finally {
    rmSync(room, { recursive: true, force: true })
  }
}

type Lane = (lab: Lab, directory: string, seed: number, isOver: () => boolean) => Promise<void>

const killLog: Lane = async (lab, directory, seed, isOver) => {
  const { kills, acknowledged, beside } = await killProducers(directory, seed, PRODUCERS, isOver)
  lab.count('SIGKILLs of producers', kills)
  lab.count('acknowledged before a SIGKILL', acknowledged)
  lab.count('followed', beside)
}

const killStore: Lane = async (lab, directory, seed, isOver) => {
  const { kills, acknowledged } = await killWorkers(directory, seed, WORKERS, isOver)
  lab.count('SIGKILLs of workers', kills)
  lab.count('acknowledged before a SIGKILL', acknowledged)
}

const killServer: Lane = async (lab, directory, seed, isOver) => {
  const random = seededRandom(seed)
  const [port, memcachePort] = [await steadyPort(random), await steadyPort(random)]
  const witness = new Witness(port, random, JOBS_MAX)
  const reader = new MemcacheWitness(memcachePort, random)
  const flags = ['--memcache', `127.0.0.1:${memcachePort}`]
  const prepare = (): ServerProcess =>
    ServerProcess.prepare({ kind: 'qlog', directory, port, flags })
  let next = prepare()
  let kills = 0
  try {
    for (; kills < SERVERS && !isOver(); kills += 1) {
      const server = next
      server.begin()
      next = prepare()
      try {
        await liveAndDie(server, memcachePort, witness, reader, random)
      } catch (error) {
        throw new Error(`it said last: ${server.output}`, { cause: error })
      } finally {
        await server.kill()
      }
    }
    next.begin()
    await next.answers()
    await next.answers(memcachePort)
    await witness.check()
    await reader.drain()
  } catch (error) {
    throw new Error(`a server, kill ${kills}; the next one said: ${next.output}`, { cause: error })
  } finally {
    await next.kill()
  }
  lab.count('SIGKILLs of servers', kills)
  lab.count('acknowledged before a SIGKILL', witness.puts + witness.deletions)
  lab.count('acknowledged before a SIGKILL', reader.puts + reader.taken)
}

const LANES = [killLog, killStore, killServer] as const

/** From the moment that it begins: its clients work until it is gone. */
async function liveAndDie(
  server: ServerProcess,
  memcachePort: number,
  witness: Witness,
  reader: MemcacheWitness,
  random: Random,
): Promise<void> {
  const isKilledOpening = random() < OPENING_SHARE
  if (isKilledOpening) {
    await pause(below(random, OPENING_MS_MAX))
    await server.kill()
    return
  }
  await server.answers()
  await server.answers(memcachePort)
  let isDead = false
  const isAlive = (error: unknown): void => {
    if (!isDead || !/closed the connection|ECONN|EPIPE/.test(String(error))) throw error
  }
  const forever = (): boolean => false
  const clients = Promise.all([
    witness
      .check()
      .then(() => witness.work(forever))
      .catch(isAlive),
    reader.work(forever).catch(isAlive),
  ])
  // It is awaited behind the kill; what fails before that is a failure all the same.
  clients.catch(() => undefined)
  await Promise.race([clients, firstPuts(witness, reader)])
  await pause(below(random, LIFE_MS_MAX))
  if (server.ending !== undefined) throw new Error(`it ended: ${server.ending}: ${server.output}`)
  isDead = true
  await server.kill()
  await clients
}

async function firstPuts(witness: Witness, reader: MemcacheWitness): Promise<void> {
  const [puts, stored] = [witness.puts, reader.puts]
  const endMs = performance.now() + FIRST_PUTS_MS_MAX
  while (witness.puts === puts || reader.puts === stored) {
    if (performance.now() > endMs) throw new Error('the server takes no puts')
    await pause(1)
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
