/**
 * A full disk, a real one of 12 MB (1, 3, 13): several appenders fill it, somebody else's data comes and
 * goes, messages are discarded, and the process is killed at random moments and opened again while the
 * disk is full. The oracle stands outside: what was acknowledged and not discarded is there.
 */
import * as fs from 'node:fs'
import { describe, expect, test } from 'vitest'
import { systemErrorCode } from '../../src/errors.ts'
import { openReader } from '../../src/index.ts'
import { verify } from '../../src/inspect/index.ts'
import { Random } from '../../src/system/simulated/random.ts'
import { kill, type Running, startFixture } from './children.ts'
import { mixedBodyOf } from './fixtures/bodies.mjs'
import { type DiskKind, disksAvailable, type SmallDisk, withDisk } from './small-disk.ts'

const ROUNDS = Number(process.env['QLOG_DISK_ROUNDS'] ?? 10)
const SEED = Number(process.env['QLOG_SEED'] ?? 1)
/** LOCK needs a page, and the directory may need one. */
const PEBBLE_BYTES = 64 * 1024
/** A child that has not said by then what it is waited for never will. */
const WORD_MS_MAX = 40_000

const kinds = disksAvailable()
describe.skipIf(kinds.length === 0)('a real disk that fills up', () => {
  test.each(kinds.length > 0 ? kinds : (['tmpfs'] as const))(
    `%s: ${ROUNDS} rounds of filling, discarding and kills lose nothing that was acknowledged`,
    { timeout: 60_000 + ROUNDS * 30_000 },
    async (kind) => {
      try {
        await withDisk(kind, (disk) => torture(kind, disk, new Random(SEED)))
      } catch (error) {
        const run = `QLOG_SEED=${SEED} QLOG_DISK_ROUNDS=${ROUNDS}`
        console.error(`to repeat: ${run} npx vitest run test/real/disk-full.test.ts`)
        throw error
      }
    },
  )
})

async function torture(kind: DiskKind, disk: SmallDisk, random: Random): Promise<void> {
  const directory = `${disk.directory}/log`
  const oracle = new Oracle()
  let kills = 0
  for (let round = 1; round <= ROUNDS; round++) {
    setPebble(disk, false)
    const writer = new Writer(directory, round, oracle)
    await writer.until((line) => line.startsWith('open '))
    setPebble(disk, true)
    const isKilled = await playRound(disk, random, writer, oracle)
    if (isKilled) kills++
    await oracle.verify(directory)
  }
  const { acknowledged, unacknowledged, floor } = oracle
  console.info(
    `${kind}: ${ROUNDS} rounds, ${kills} kills, ${acknowledged.size} acknowledged, ` +
      `those from ${floor} on are all there; ${unacknowledged} more`,
  )
  expect(acknowledged.size).toBeGreaterThan(ROUNDS * 20)
}

/** One life of a writer; true where it was killed. */
async function playRound(
  disk: SmallDisk,
  random: Random,
  writer: Writer,
  oracle: Oracle,
): Promise<boolean> {
  for (let turn = random.between(1, 3); turn > 0; turn--) {
    if (random.chance(0.4)) disk.addBallast(random.between(1, 40) * 100_000)
    await writer.until((line) => line === 'full')
    if (random.chance(0.25)) return await end(writer, random)
    const hadBallast = random.chance(0.5)
    if (hadBallast) disk.dropBallast()
    // Enough for the reserve and some segments, whatever the ballast has taken.
    const ids = [...oracle.acknowledged.keys()].filter((id) => id >= oracle.floor)
    const endId = ids[Math.floor(ids.length * (random.chance(0.5) ? 0.9 : 0.6))] ?? 1
    writer.discard(endId)
    await writer.until((line) => line === 'discarded')
    if (random.chance(0.2)) return await end(writer, random)
    await writer.until((line) => line.startsWith('ack '))
  }
  return await end(writer, random)
}

async function end(writer: Writer, random: Random): Promise<boolean> {
  if (random.chance(0.3)) {
    await writer.close()
    return false
  }
  await new Promise<void>((resolve) => setTimeout(resolve, random.between(0, 300)))
  await writer.kill()
  return true
}

/** Keeps a little of the disk away from the log, for what an opening needs. */
function setPebble(disk: SmallDisk, isThere: boolean): void {
  const path = `${disk.directory}/pebble`
  if (!isThere) {
    fs.rmSync(path, { force: true })
    if (disk.freeBytes < PEBBLE_BYTES / 4) disk.dropBallast()
  } else if (disk.freeBytes >= PEBBLE_BYTES) {
    try {
      fs.writeFileSync(path, Buffer.alloc(PEBBLE_BYTES))
    } catch (error) {
      // The file system counts as free what it does not give at once; then the disk is full as it is.
      fs.rmSync(path, { force: true })
      if (systemErrorCode(error) !== 'ENOSPC') throw error
    }
  }
}

/** The child, and everything it says on its way to the oracle. */
class Writer {
  readonly #running: Running
  readonly #oracle: Oracle
  readonly #round: number

  constructor(directory: string, round: number, oracle: Oracle) {
    this.#running = startFixture('filling-writer.mjs', directory, String(round))
    this.#oracle = oracle
    this.#round = round
  }

  /** Hears lines up to one that satisfies; fails where the child stops talking. */
  async until(isIt: (line: string) => boolean): Promise<void> {
    const endMs = performance.now() + WORD_MS_MAX
    for (;;) {
      const line = await this.#next(endMs - performance.now())
      if (line === undefined) expect.unreachable(`round ${this.#round}: the writer ended`)
      this.#hear(line)
      if (isIt(line)) return
    }
  }

  discard(endId: number): void {
    this.#oracle.floor = Math.max(this.#oracle.floor, endId)
    this.#running.child.stdin.write(`discard ${endId}\n`)
  }

  async close(): Promise<void> {
    this.#running.child.stdin.write('close\n')
    await this.until((line) => line === 'closed')
    expect(await this.#running.ended).toBe(0)
  }

  async kill(): Promise<void> {
    await kill(this.#running.child)
    for await (const line of this.#running.lines) this.#hear(line)
  }

  #hear(line: string): void {
    const [word, id, number] = line.split(' ')
    if (word === 'error') expect.unreachable(`round ${this.#round}: ${line}`)
    if (word === 'ack') this.#oracle.hear(Number(id), this.#round, Number(number))
  }

  async #next(waitMs: number): Promise<string | undefined> {
    let timer: NodeJS.Timeout | undefined
    const silence = new Promise<never>((_resolve, reject) => {
      const late = (): void =>
        reject(new Error(`round ${this.#round}: the writer does not say what it should`))
      timer = setTimeout(late, waitMs)
    })
    try {
      const line = await Promise.race([this.#running.lines.next(), silence])
      return line.done === true ? undefined : line.value
    } finally {
      clearTimeout(timer)
    }
  }
}

class Oracle {
  /** What was acknowledged: round and number of the message with this id, in the order of ids. */
  readonly acknowledged = new Map<number, { round: number; number: number }>()
  /** Ids below may be gone. */
  floor = 1
  unacknowledged = 0

  hear(id: number, round: number, number: number): void {
    if (this.acknowledged.has(id)) expect.unreachable(`id ${id} was given again`)
    this.acknowledged.set(id, { round, number })
  }

  async verify(directory: string): Promise<void> {
    const report = await verify(directory)
    expect(report.verdict, JSON.stringify(report.findings)).not.toBe('rot')
    const found = new Set<number>()
    const sent = new Set<string>()
    this.unacknowledged = 0
    const reader = await openReader(directory)
    for await (const { id, body } of reader.read()) {
      const bytes = Buffer.from(body)
      const round = bytes.readUInt32LE(0)
      const number = bytes.readUInt32LE(4)
      const known = this.acknowledged.get(id) ?? { round, number }
      expect({ id, round, number }).toEqual({ id, ...known })
      if (!bytes.equals(mixedBodyOf(round, number))) expect.unreachable(`wrong bytes: ${id}`)
      if (sent.has(`${round}.${number}`)) expect.unreachable(`${round}.${number} came twice`)
      sent.add(`${round}.${number}`)
      found.add(id)
      if (!this.acknowledged.has(id)) this.unacknowledged++
    }
    await reader.close()
    const missing = [...this.acknowledged.keys()].filter((id) => id >= this.floor && !found.has(id))
    expect(missing).toEqual([])
  }
}
