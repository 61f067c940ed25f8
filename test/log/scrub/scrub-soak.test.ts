/**
 * Goal: what a scrub reports is what has rotted, no more and no less, whatever its log does meanwhile.
 * Method: random lives of a log that appends, discards, merges and is opened again, while full segments rot
 * at random, half of it under a page cache that hides it; a pass at the end has to name every place that is
 * damaged in a segment that is still there, and the passes on the way nothing that never was.
 * `QLOG_SCRUBS=500` tries more; a failing life prints its seed.
 */
import { expect, test } from 'vitest'
import { openPublicLog } from '../../../src/log/open.ts'
import type { Log } from '../../../src/log/types.ts'
import type { SimulatedProcess } from '../../../src/system/simulated/process.ts'
import { Random } from '../../../src/system/simulated/random.ts'
import type { Simulation } from '../../../src/system/simulated/simulation.ts'
import { Listener } from '../../listen.ts'
import { body, LOG, passes, SMALL, simulate } from '../space/support.ts'

const LIVES = Number(process.env['QLOG_SCRUBS'] ?? 15)
const ROUNDS = 12
/** Behind the header and LINK, in front of the last block's end. */
const ROT_FROM = 12_300
const ROT_TO = 15_000

/** A bit of a file that is not what was written. */
interface Rot {
  readonly file: string
  readonly offset: number
}

class Life {
  readonly rot: Rot[] = []
  readonly #system: SimulatedProcess
  readonly #simulation: Simulation
  readonly #random: Random
  #nextId = 1
  #log: Log | undefined

  constructor(system: SimulatedProcess, simulation: Simulation, seed: number) {
    this.#system = system
    this.#simulation = simulation
    this.#random = new Random(seed)
  }

  get log(): Log {
    if (this.#log === undefined) throw new Error('the log is not open')
    return this.#log
  }

  async open(): Promise<void> {
    const scrub = { everyMs: 1_000, bytesPerSecond: this.#random.between(20_000, 400_000) }
    this.#log = await openPublicLog(this.#system, LOG, { ...SMALL, scrub })
  }

  async act(): Promise<void> {
    const random = this.#random
    for (let count = random.between(1, 12); count > 0; count--) {
      await this.log.append(body(this.#nextId++))
    }
    for (let count = random.between(0, 2); count > 0; count--) this.#decay()
    if (random.chance(0.4)) this.log.discard(1, random.between(2, 2 + (this.#nextId >> 1)))
    if (random.chance(0.2)) await this.log.compact()
    await passes(this.#system, random.between(0, 3_000))
    if (random.chance(0.2)) {
      await this.log.close()
      await this.open()
    }
  }

  /** A full pass that began after everything else. */
  async scrub(): Promise<void> {
    const end = (this.log.stats().scrub?.passes ?? 0) + 2
    while ((this.log.stats().scrub?.passes ?? 0) < end) await passes(this.#system, 500)
  }

  fullFiles(): Set<string> {
    const { segments } = this.log.stats()
    return new Set(segments.slice(0, -1).map(({ file }) => file))
  }

  /** One bit of a full segment, and no second one in the same file: two may look like none. */
  #decay(): void {
    const random = this.#random
    const whole = [...this.fullFiles()].filter((file) => this.rot.every((one) => one.file !== file))
    if (whole.length === 0) return
    const file = whole[random.between(0, whole.length - 1)] ?? ''
    const offset = random.between(ROT_FROM, ROT_TO - 1)
    const { size } = this.#simulation.disk.get(`${LOG}/${file}`, 'open').content.durable
    if (offset >= size || !this.#isUsed(file, offset)) return
    this.#simulation.disk.flipBit(
      `${LOG}/${file}`,
      offset,
      random.between(0, 7),
      random.chance(0.5),
    )
    this.rot.push({ file, offset })
  }

  /** Behind a segment's end a bit may be anything. */
  #isUsed(file: string, offset: number): boolean {
    const segment = this.log.stats().segments.find((one) => one.file === file)
    return segment !== undefined && offset < segment.usedBytes
  }
}

test(`${LIVES} random lives: what is reported is what has rotted`, async () => {
  const heard = new Listener('qlog:scrubbed')
  let found = 0
  for (let seed = 1; seed <= LIVES; seed++) {
    heard.events.length = 0
    await simulate(seed, async (system, simulation) => {
      const life = new Life(system, simulation, seed)
      await life.open()
      for (let round = 0; round < ROUNDS; round++) await life.act()
      await life.scrub()
      const there = life.fullFiles()
      const wanted = life.rot.filter(({ file }) => there.has(file)).map(({ file }) => file)
      const last = heard.events.at(-1)
      expect(last?.fromDisk, `seed ${seed}`).toBe(true)
      expect(last?.findings.map(({ file }) => file).sort(), `seed ${seed}`).toEqual(wanted.sort())
      for (const { file, offset, bytes } of heard.events.flatMap(({ findings }) => findings)) {
        const rot = life.rot.find((one) => one.file === file)
        expect(rot, `seed ${seed}: ${file} is whole`).toBeDefined()
        const at = rot?.offset ?? 0
        expect(at >= offset && at < offset + bytes, `seed ${seed}: ${file} at ${offset}`).toBe(true)
      }
      found += wanted.length
      await life.log.close()
      expect(system.files.openHandles).toBe(0)
    })
  }
  expect(found).toBeGreaterThan(LIVES)
})
