/**
 * Lives of any owner of a log, crashed and failed at every call they make: what is known of a life stands
 * outside of its process, and whoever opens what is left compares. The engine knows no more than that.
 */
import { QlogError } from '../../src/errors.ts'
import type { Moment } from '../../src/system/simulated/calls.ts'
import { type DiskSnapshot, SimulatedDisk } from '../../src/system/simulated/disk.ts'
import { FLUSH_FAILURES } from '../../src/system/simulated/file-content.ts'
import type { SimulatedProcess } from '../../src/system/simulated/process.ts'
import { type CrashKind, Simulation } from '../../src/system/simulated/simulation.ts'
import { powerlessDisks } from './crash-states.ts'
import type { DurableWrites } from './exhaustive.ts'

/** `Known` is what somebody outside knows: what has resolved, what may have happened. */
export interface Life<Known> {
  readonly name: string
  /** Of an empty directory. */
  begin(): Known
  copy(known: Known): Known
  /** What stands on the disk before; its process is killed at the end. */
  readonly prepare?: (process: SimulatedProcess, known: Known) => Promise<void>
  act(process: SimulatedProcess, known: Known): Promise<void>
  /** Opens what is left, compares, notes what there is, and goes on with it. Round 1, then 2. */
  check(process: SimulatedProcess, known: Known, round: number): Promise<void>
}

const RUNNING_SEED = 2
const REBOOTED_SEED = 3
const ROUNDS = [1, 2] as const
const WAYS_MAX = 6
/** More than any life makes. */
const CALLS_MAX = 10_000

export type CrashWay = readonly [kind: CrashKind, moment: Moment]

const CRASH_WAYS: readonly CrashWay[] = [
  ['kill', 'during'],
  ['kill', 'after'],
  ['power-cut', 'during'],
  ['power-cut', 'after'],
]

export class CrashedLife<Known> {
  runs = 0
  readonly life: Life<Known>
  readonly #durableWrites: DurableWrites
  #snapshot: DiskSnapshot = new SimulatedDisk().snapshot()
  #known: Known

  constructor(life: Life<Known>, durableWrites: DurableWrites) {
    this.life = life
    this.#durableWrites = durableWrites
    this.#known = life.begin()
  }

  get name(): string {
    return `${this.life.name} (${this.#durableWrites})`
  }

  async prepare(): Promise<void> {
    const { prepare } = this.life
    if (prepare === undefined) return
    const simulation = new Simulation({ seed: 1 })
    await this.#inProcess(simulation, (process) => prepare(process, this.#known))
    this.#snapshot = simulation.disk.snapshot()
  }

  /** How many calls the life makes in peace. */
  async calls(): Promise<number> {
    const simulation = this.#simulation(1)
    const known = this.life.copy(this.#known)
    await this.#inProcess(simulation, (process) => this.life.act(process, known))
    return simulation.callCount
  }

  /** Killed at this call, and robbed of power, in each of these ways and so many states of chance. */
  async crash(at: number, crashSeeds = 1, ways: readonly CrashWay[] = CRASH_WAYS): Promise<void> {
    for (const [kind, moment] of ways) {
      for (let count = 0; count < crashSeeds; count += 1) {
        // Chance is to decide otherwise at each call.
        const crashSeed = at + count * CALLS_MAX
        const { simulation, known } = await this.#crashed(at, kind, moment, crashSeed)
        await this.#check(
          `${kind} ${moment} call ${at}, crash seed ${crashSeed}`,
          simulation,
          known,
        )
      }
    }
  }

  /** Robbed of power within and behind this call, which leaves one state after the other; tells how many. */
  async states(at: number): Promise<number> {
    let count = 0
    for (const moment of ['during', 'after'] as const) {
      const { simulation, known } = await this.#mostUnderWay(at, moment)
      for (const { name, disk } of powerlessDisks(simulation.disk)) {
        count += 1
        const what = `power cut ${moment} call ${at}, which leaves ${name}`
        const rebooted = new Simulation({ seed: REBOOTED_SEED, disk })
        await this.#check(what, rebooted, this.life.copy(known))
      }
    }
    return count
  }

  /** The nth write or flush fails, in three ways, and then the power goes or not; whether there was an nth. */
  async fail(kind: 'write' | 'flush', nth: number): Promise<boolean> {
    const call =
      kind === 'write'
        ? (['write', 'writeMany', 'writeSync'] as const)
        : (['flush', 'flushSync', 'flushDirectory', 'flushDirectorySync'] as const)
    let hits = 0
    for (const flavour of FLUSH_FAILURES) {
      for (const isCut of [false, true]) {
        const simulation = this.#simulation(1)
        const known = this.life.copy(this.#known)
        const fault = simulation.fault({ call, error: 'EIO', nth, flavour })
        await this.#inProcess(simulation, async (process) => {
          await this.life.act(process, known).catch((error: unknown) => {
            if (!(error instanceof QlogError)) throw error
          })
        })
        simulation.clearFaults()
        if (isCut) simulation.powerCut()
        hits += fault.hits
        const what = `${kind} ${nth} fails (${flavour})${isCut ? ', then a power cut' : ''}`
        await this.#check(what, simulation, known)
      }
    }
    return hits > 0
  }

  #simulation(crashSeed: number): Simulation {
    const disk = new SimulatedDisk(this.#snapshot)
    return new Simulation({ seed: RUNNING_SEED, crashSeed, disk })
  }

  async #mostUnderWay(at: number, moment: Moment) {
    let found: { simulation: Simulation; known: Known; bytes: number } | undefined
    for (let crashSeed = 1; crashSeed <= WAYS_MAX; crashSeed += 1) {
      const crashed = await this.#crashed(at, 'kill', moment, crashSeed)
      const pending = crashed.simulation.disk.pendingChanges()
      const bytes = pending.reduce((sum, { write }) => sum + (write?.bytes.byteLength ?? 0), 0)
      if (found === undefined || bytes > found.bytes) found = { ...crashed, bytes }
      if (moment === 'after') break
    }
    if (found === undefined) throw new Error('nothing was stopped')
    return found
  }

  async #crashed(at: number, kind: CrashKind, moment: Moment, crashSeed: number) {
    const simulation = this.#simulation(crashSeed)
    const known = this.life.copy(this.#known)
    simulation.crashAt(at, kind, moment)
    await this.#inProcess(simulation, (process) => this.life.act(process, known))
    simulation.clearPlans()
    return { simulation, known }
  }

  async #check(what: string, simulation: Simulation, known: Known): Promise<void> {
    this.runs += 1
    try {
      for (const round of ROUNDS) {
        await this.#inProcess(simulation, (process) => this.life.check(process, known, round))
        if (round === 1) simulation.powerCut()
      }
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause)
      throw new Error(`${this.name}: ${what}: ${why}`, { cause })
    }
  }

  /** A process that is gone in the end, whether it ended in order or died. */
  async #inProcess(
    simulation: Simulation,
    act: (process: SimulatedProcess) => Promise<void>,
  ): Promise<void> {
    const process = simulation.process('owner', { durableWrites: this.#durableWrites })
    await simulation.run(() => process.run(() => act(process)))
    if (process.alive) simulation.kill(process)
  }
}
