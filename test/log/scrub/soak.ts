/**
 * A random life of a log that appends, discards, merges and is opened again, while full segments rot at random,
 * half of it under a page cache that hides it, and a scrub runs: what is reported has to be what has rotted,
 * or, where it mends, all of it has to be there in the end.
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { ChannelEvents } from '../../../src/channels.ts'
import { openPublicLog } from '../../../src/log/open.ts'
import type { Log } from '../../../src/log/types.ts'
import type { SimulatedProcess } from '../../../src/system/simulated/process.ts'
import { Random } from '../../../src/system/simulated/random.ts'
import type { Simulation } from '../../../src/system/simulated/simulation.ts'
import { body, LOG, passes, SMALL, simulate } from '../space/support.ts'

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
  readonly #repair: boolean
  #nextId = 1
  #discardedTo = 0
  #log: Log | undefined

  constructor(system: SimulatedProcess, simulation: Simulation, seed: number, repair: boolean) {
    this.#system = system
    this.#simulation = simulation
    this.#random = new Random(seed)
    this.#repair = repair
  }

  get log(): Log {
    if (this.#log === undefined) throw new Error('the log is not open')
    return this.#log
  }

  async open(): Promise<void> {
    const bytesPerSecond = this.#random.between(20_000, 400_000)
    const scrub = { everyMs: 1_000, bytesPerSecond, repair: this.#repair }
    this.#log = await openPublicLog(this.#system, LOG, { ...SMALL, scrub })
  }

  async act(): Promise<void> {
    const random = this.#random
    for (let count = random.between(1, 12); count > 0; count--) {
      await this.log.append(body(this.#nextId++))
    }
    for (let count = random.between(0, 2); count > 0; count--) this.#decay()
    if (random.chance(0.4)) this.#discard(random.between(2, 2 + (this.#nextId >> 1)))
    if (random.chance(0.2)) await this.log.compact()
    await passes(this.#system, random.between(0, 3_000))
    if (random.chance(0.2)) {
      await this.log.close()
      await this.open()
    }
  }

  #discard(endId: number): void {
    this.log.discard(1, endId)
    this.#discardedTo = Math.max(this.#discardedTo, Math.min(endId, this.#nextId) - 1)
  }

  /** Throws where a message that is owed is not there, or is another, or comes twice. */
  async expectOwed(): Promise<void> {
    let next = this.#discardedTo + 1
    for await (const { id, body: bytes } of this.log.read()) {
      if (new TextDecoder().decode(bytes) !== body(id)) throw new Error(`${id} is another`)
      if (id <= this.#discardedTo) continue
      if (id !== next++) throw new Error(`${id} is read where ${next - 1} is owed`)
    }
    if (next !== this.#nextId) throw new Error(`${next} is not there`)
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

/**
 * One life. A pass at the end has to name every place that is damaged in a segment that is still there, and
 * the passes on the way nothing that never was; throws otherwise. Resolves with how many places those were.
 */
export async function soak(seed: number): Promise<number> {
  const heard: ChannelEvents['qlog:scrubbed'][] = []
  const hear = (event: unknown): void => {
    heard.push(event as ChannelEvents['qlog:scrubbed'])
  }
  subscribe('qlog:scrubbed', hear)
  try {
    return await simulate(seed, async (system, simulation) => {
      const life = new Life(system, simulation, seed, false)
      await life.open()
      for (let round = 0; round < ROUNDS; round++) await life.act()
      await life.scrub()
      const there = life.fullFiles()
      const wanted = life.rot.filter(({ file }) => there.has(file)).map(({ file }) => file)
      const last = heard.at(-1)
      const found = last?.findings.map(({ file }) => file) ?? []
      demand(last?.fromDisk === true, seed, 'the disk itself is not read')
      const isSame = found.sort().join() === wanted.sort().join()
      demand(isSame, seed, `rotten are ${wanted}, and reported ${found}`)
      for (const { file, offset, bytes } of heard.flatMap(({ findings }) => findings)) {
        const at = life.rot.find((one) => one.file === file)?.offset ?? -1
        const isHit = at >= offset && at < offset + bytes
        demand(isHit, seed, `${file} is not rotten at ${offset}`)
      }
      await life.log.close()
      demand(system.files.openHandles === 0, seed, 'a file stays open')
      return wanted.length
    })
  } finally {
    unsubscribe('qlog:scrubbed', hear)
  }
}

/** One life in which what rots is mended: all that is owed is there. Resolves with how many blocks were mended. */
export async function mendingSoak(seed: number): Promise<number> {
  let mended = 0
  const hear = (event: unknown): void => {
    mended += (event as ChannelEvents['qlog:scrubbed']).mended.length
  }
  subscribe('qlog:scrubbed', hear)
  try {
    await simulate(seed, async (system, simulation) => {
      const life = new Life(system, simulation, seed, true)
      await life.open()
      for (let round = 0; round < ROUNDS; round++) await life.act()
      await life.scrub()
      const { scrub, gaps } = life.log.stats()
      demand(scrub?.damages === 0, seed, `${scrub?.damages} damages are left`)
      demand(gaps.length === 0, seed, `a gap is noted still: ${gaps[0]?.file}`)
      await life.expectOwed()
      await life.log.close()
      demand(system.files.openHandles === 0, seed, 'a file stays open')
    })
  } finally {
    unsubscribe('qlog:scrubbed', hear)
  }
  return mended
}

function demand(holds: boolean, seed: number, why: string): void {
  if (!holds) throw new Error(`seed ${seed}: ${why}`)
}
