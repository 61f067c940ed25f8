/**
 * One random life of a store, decided by its seed and a list of commands: it dies at random calls, is
 * killed, closed and opened again in between, and after each opening the reference tells whether what is
 * there is what may be there.
 */
import { Random } from '../../../src/system/simulated/random.ts'
import { Report } from '../../../src/system/simulated/report.ts'
import { type Command, randomCommand } from './commands.ts'
import { Driver } from './driver.ts'
import { Violation } from './reference.ts'
import { type Ending, take } from './take.ts'
import { endIdle } from './take-idle.ts'
import { MemoryWorld, SegmentWorld, SlowWorld, type World, type WorldKind } from './worlds.ts'

const COMMANDS_MIN = 10
const COMMANDS_MAX = 60
/** One in so many openings replays the log beside as well. */
const REPLAY_CHANCE = 0.3
const CRASH_CHANCE = 0.5
const OFF_MS_MAX = 5_000

export interface ScheduleOptions {
  readonly kind: WorldKind
  readonly seed: number
  readonly report?: Report
  /** Random ones of the seed unless given. */
  readonly commands?: readonly Command[]
}

export class Schedule {
  readonly world: World
  readonly driver: Driver
  readonly commands: readonly Command[]
  readonly #random: Random
  readonly #report: Report
  #next = 0

  constructor({ kind, seed, report = new Report(), commands }: ScheduleOptions) {
    const random = new Random(seed)
    this.#random = random
    this.#report = report
    this.world = worldOf(kind, seed, random, report)
    this.driver = new Driver(this.world)
    const count = random.between(COMMANDS_MIN, COMMANDS_MAX)
    this.commands = commands ?? Array.from({ length: count }, () => randomCommand(random))
  }

  /** The command that was taken last, for whoever looks into a failure. */
  get position(): number {
    return this.#next
  }

  async run(): Promise<void> {
    const { world, driver } = this
    const random = this.#random
    for (let opening = 0; this.#next < this.commands.length; opening += 1) {
      if (random.chance(CRASH_CHANCE)) world.planCrash(random)
      await this.#live(opening)
      this.#between()
    }
    // Left in peace at last.
    world.calmDown()
    await this.#live(0, true)
    driver.check()
  }

  async #live(opening: number, inPeace = false): Promise<void> {
    const { world, driver } = this
    const replays = opening > 0 && this.#random.chance(REPLAY_CHANCE)
    const hashes = replays ? await this.#replay() : []
    const { quietHash } = driver
    driver.quietHash = undefined
    const outcome = await world.simulation.run(() =>
      world.process.run(async () => {
        const hash = await this.#open()
        if (hash === undefined) return
        this.#expectHashes(hash, quietHash, hashes)
        if (inPeace) return driver.expectAll()
        await endIdle(driver)
        const ending = await this.#takeCommands()
        if (ending === 'crash') return this.#die()
        await driver.close()
        driver.check()
      }),
    )
    driver.check()
    if (inPeace && outcome.state === 'died') throw new Violation('it died in peace')
  }

  /** Undefined where the log stopped while its store was looked at. */
  async #open(): Promise<string | undefined> {
    const { driver } = this
    try {
      return await driver.open()
    } catch (error) {
      await driver.whileAlive()
      if (!driver.isStop(error)) throw error
      return undefined
    }
  }

  /** What others make of the log before it is opened in earnest. */
  async #replay(): Promise<readonly string[]> {
    const { world } = this
    const plain = await world.replayed(false)
    const fromStart = await world.replayed(true)
    this.#report.note('replayed')
    if (!fromStart.isWhole) return [plain.hash]
    this.#report.note('replayed from the first entry on')
    return [plain.hash, fromStart.hash]
  }

  #expectHashes(hash: string, quietHash: string | undefined, replayed: readonly string[]): void {
    if (quietHash !== undefined && quietHash !== hash) {
      throw new Violation('rule 19: the state after replay is not the one before the crash')
    }
    if (quietHash !== undefined) this.#report.note('hash as before the crash')
    for (const [row, other] of replayed.entries()) {
      if (other === hash) continue
      const how = row === 0 ? 'a second time' : 'without snapshots'
      throw new Violation(`rule 19: replayed ${how}, the log gives another state`)
    }
  }

  async #takeCommands(): Promise<Ending> {
    while (this.#next < this.commands.length) {
      const command = this.commands[this.#next]
      this.#next += 1
      if (command === undefined) break
      this.#report.note(`command ${command.kind}`)
      const ending = await take(this.driver, command)
      if (ending) return ending
    }
    return 'reopen'
  }

  /** In the middle of things, or when nothing is under way. */
  async #die(): Promise<never> {
    const { driver, world } = this
    const isQuiet = this.#random.chance(0.4)
    if (isQuiet) {
      await driver.quiesce()
      if (driver.reference.inFlight === 0 && !driver.stopped) {
        driver.quietHash = driver.store.stateHash()
      }
    }
    world.crash(this.#random.chance(0.5) ? 'kill' : 'power-cut')
    return new Promise(() => {})
  }

  /** Nobody has the store open: time passes, power goes, somebody sets the clock. */
  #between(): void {
    const { world, driver } = this
    const random = this.#random
    if (world.alive) world.crash('kill')
    if (random.chance(0.2)) world.crash('power-cut')
    if (random.chance(0.3)) world.simulation.clock.advance(random.between(1, OFF_MS_MAX))
    if (random.chance(0.05)) driver.jump(random.pick([-3_000_000, -5_000, 5_000, 3_000_000]))
    world.restart()
  }
}

function worldOf(kind: WorldKind, seed: number, random: Random, report: Report): World {
  if (kind === 'segments') return new SegmentWorld(seed, random, report)
  return kind === 'memory' ? new MemoryWorld(seed, report) : new SlowWorld(seed, random, report)
}
