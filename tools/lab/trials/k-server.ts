/**
 * Hostile clients against a running server, round by round: it has to live, its memory has to stay within a
 * limit, and no job that was acknowledged may be lost, also where it is killed and started again.
 */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { seededRandom } from '../../../src/cli/prove-random.ts'
import { below, type Random } from '../../../test/hostile/mutate.ts'
import { freePort, ServerProcess } from '../../beanstalkd/server-process.ts'
import { Wire } from '../../beanstalkd/wire.ts'
import { HOSTILES, type Hostile } from '../hostile.ts'
import { readTwice } from '../second-reader.ts'
import { type Lab, REAL_PARTS, type Trial } from '../trial.ts'
import { Witness } from '../witness.ts'

const ROUND_MS = 1_500
/** Of one server; then the next seed begins with a fresh one. */
const ROUNDS = 20
const HOSTILES_MAX = 6
/** A server is killed and started again every so many rounds. */
const KILL_EVERY = 5
/** Whatever clients do, the process may never hold more. */
const MEMORY_BYTES_MAX = 700 * 1024 * 1024
const MIB = 1024 * 1024

interface Bench {
  server: ServerProcess
  readonly directory: string
  readonly port: number
  readonly memcachePort: number
  peakBytes: number
}

export const SERVER: Trial = {
  letter: 'K',
  name: 'server',
  promise:
    'whatever clients send, the server lives, within its memory, and keeps what it acknowledged',
  restsOn: '1',
  shownBy: 'hostile clients beside an honest one, and SIGKILLs; `test/protocols`',
  covers: [...REAL_PARTS, 'inspect', 'server', 'protocols', 'cli/serve'],
  seed: runSeed,
}

/** One server, from its first start on. */
async function runSeed(lab: Lab, seed: number): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'qlog-lab-'))
  const [port, memcachePort] = [await freePort(), await freePort()]
  const bench: Bench = {
    server: await start(directory, port, memcachePort),
    ...{ directory, port, memcachePort, peakBytes: 0 },
  }
  const witness = new Witness(port, seededRandom(seed))
  try {
    for (let round = 0; round < ROUNDS && (round === 0 || !lab.isOver()); round += 1) {
      await runRound(lab, bench, witness, seed, round)
      lab.count('rounds of hostile clients')
    }
    await restart(lab, bench, witness)
    lab.count('honest puts', witness.puts)
    lab.say(`seed ${seed}: at most ${Math.round(bench.peakBytes / MIB)} MiB of memory`)
  } catch (error) {
    await clear(bench)
    throw failure(error, bench)
  }
  await bench.server.kill()
  try {
    await readTwice(lab, directory)
  } finally {
    await clear(bench)
  }
}

async function clear({ server, directory }: Bench): Promise<void> {
  await server.kill()
  rmSync(directory, { recursive: true, force: true })
}

/** Chosen anew by each round, from its own number: a round can be repeated without those before it. */
async function runRound(
  lab: Lab,
  bench: Bench,
  witness: Witness,
  seed: number,
  round: number,
): Promise<void> {
  const random = seededRandom(seed + round * 7919)
  const chosen = Array.from({ length: 1 + below(random, HOSTILES_MAX) }, () => choose(random))
  lab.say(`round ${round}: ${chosen.map(({ name }) => name).join(', ')}`)
  const over = performance.now() + ROUND_MS
  const isOver = (): boolean => performance.now() >= over || bench.server.ending !== undefined
  const ports = { beanstalkd: bench.port, memcache: bench.memcachePort }
  await Promise.all([
    witness.work(isOver),
    ...chosen.map(({ act, protocol }, i) =>
      act(ports[protocol], seededRandom(seed + round * 7919 + i + 1), isOver),
    ),
  ])
  await checkServer(bench)
  await witness.check()
  if (round % KILL_EVERY === KILL_EVERY - 1) await restart(lab, bench, witness)
}

interface Chosen {
  readonly name: string
  readonly protocol: 'beanstalkd' | 'memcache'
  readonly act: Hostile
}

function choose(random: Random): Chosen {
  const protocol = random() < 0.6 ? 'beanstalkd' : 'memcache'
  const names = Object.keys(HOSTILES[protocol])
  const name = names[below(random, names.length)] ?? ''
  const act = HOSTILES[protocol][name]
  if (act === undefined) throw new Error(`there is no ${name}`)
  return { name: `${protocol}: ${name}`, protocol, act }
}

/** It lives, it answers, and it has not taken too much. */
async function checkServer({ server, ...bench }: Bench): Promise<void> {
  if (server.ending !== undefined) throw new Error(`the server ended: ${server.ending}`)
  const wire = await Wire.connect(bench.port)
  const reply = await wire.ask('list-tube-used\r\n')
  wire.destroy()
  if (reply !== 'USING default') throw new Error(`list-tube-used is answered with ${reply}`)
  const bytes = server.memoryBytes('peak')
  if (bytes > MEMORY_BYTES_MAX) {
    throw new Error(`the server has held ${Math.round(bytes / MIB)} MiB of memory`)
  }
}

async function restart(lab: Lab, bench: Bench, witness: Witness): Promise<void> {
  bench.peakBytes = Math.max(bench.peakBytes, bench.server.memoryBytes('peak'))
  await bench.server.kill()
  lab.count('SIGKILLs of a server')
  bench.server = await start(bench.directory, bench.port, bench.memcachePort)
  await witness.check()
}

function start(directory: string, port: number, memcachePort: number): Promise<ServerProcess> {
  const flags = ['--memcache', `127.0.0.1:${memcachePort}`]
  return ServerProcess.start({ kind: 'qlog', directory, port, flags })
}

function failure(error: unknown, bench: Bench): Error {
  const why = error instanceof Error ? (error.stack ?? error.message) : String(error)
  return new Error(`${why}\nthe server said last: ${bench.server.output.slice(-4000)}`)
}
