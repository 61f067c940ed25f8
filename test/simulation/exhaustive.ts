/** Crashes, fails and stops a scripted trace at every call it makes, and compares what is left. */
import { QlogError } from '../../src/errors.ts'
import type { Moment } from '../../src/system/simulated/calls.ts'
import { type DiskSnapshot, SimulatedDisk } from '../../src/system/simulated/disk.ts'
import type { FaultRule } from '../../src/system/simulated/faults.ts'
import { FLUSH_FAILURES } from '../../src/system/simulated/file-content.ts'
import { Report } from '../../src/system/simulated/report.ts'
import type { CrashKind } from '../../src/system/simulated/simulation.ts'
import { SimulatedDeath } from '../../src/system/simulated/system-error.ts'
import { powerlessDisks } from './crash-states.ts'
import { isDamage, Machine, type Opening } from './machine.ts'
import { Oracle, Violation } from './oracle.ts'
import type { Trace } from './traces.ts'

export type DurableWrites = 'dsync' | 'flush'

/** Before a call is after the one in front of it, but for calls that are under way at once. */
const MOMENTS = ['during', 'after'] as const
const PREPARING_SEED = 1
const RUNNING_SEED = 2
/** Another boot, and names that nobody has drawn yet. */
const REBOOTED_SEED = 3
/** In so many ways a call is cut off, to find the one in which most of it had been done. */
const WAYS_MAX = 6

/** What a power cut left, for another machine to go on with. */
interface Left {
  readonly disk: SimulatedDisk
  readonly oracle: Oracle
}

export class Exhaustive {
  readonly trace: Trace
  readonly report = new Report()
  runs = 0
  readonly #durableWrites: DurableWrites
  readonly #crashSeeds: number
  #snapshot: DiskSnapshot = new SimulatedDisk().snapshot()
  #oracle = new Oracle()

  constructor(trace: Trace, durableWrites: DurableWrites, crashSeeds: number) {
    this.trace = trace
    this.#durableWrites = durableWrites
    this.#crashSeeds = crashSeeds
  }

  async prepare(): Promise<void> {
    const durableWrites = this.#durableWrites
    const machine = new Machine({ seed: PREPARING_SEED, durableWrites })
    machine.oracle.retainedMessages = this.trace.options?.retention?.messages
    await this.trace.prepare?.(machine)
    machine.check()
    this.#snapshot = machine.simulation.disk.snapshot()
    this.#oracle = machine.oracle
  }

  /** Numbers of the calls that the trace makes: the first behind its opening, and the last. */
  async calls(): Promise<{ first: number; last: number }> {
    const machine = this.#machine(1)
    const opening = machine.opening(this.trace.options)
    let first = 1
    await machine.simulation.run(async () => {
      await opening.open()
      if (!this.trace.fromOpening) first = machine.simulation.callCount + 1
      await this.trace.act(opening)
    })
    machine.check()
    return { first, last: machine.simulation.callCount }
  }

  /** Killed or robbed of power at this call, at each moment, in every way that may follow. */
  async crash(at: number, first: boolean): Promise<void> {
    for (const moment of first ? (['before', ...MOMENTS] as const) : MOMENTS) {
      for (const after of ['nothing', 'power-cut', 'opening and power-cut'] as const) {
        await this.#run(`kill ${moment} call ${at}, then ${after}`, 1, async (machine) => {
          await this.#crashing(machine, at, 'kill', moment)
          if (after === 'power-cut') this.#cut(machine)
          if (after === 'opening and power-cut') {
            await this.#reopen(machine, (opening) => opening.append(10))
            this.#cut(machine)
          }
        })
      }
      for (let crashSeed = 1; crashSeed <= this.#crashSeeds; crashSeed += 1) {
        const what = `power cut ${moment} call ${at}, crash seed ${crashSeed}`
        await this.#run(what, crashSeed, async (machine) => {
          await this.#crashing(machine, at, 'power-cut', moment)
        })
      }
    }
  }

  /**
   * Robbed of power within this call and behind it, and left with one state of the disk after the other.
   * Returns how many there were.
   */
  async states(at: number): Promise<number> {
    let count = 0
    for (const moment of MOMENTS) {
      const stopped = await this.#stopped(at, moment)
      for (const { name, disk } of powerlessDisks(stopped.simulation.disk)) {
        count += 1
        const left = { disk, oracle: stopped.oracle }
        const what = `power cut ${moment} call ${at}, which leaves ${name}`
        await this.#run(what, 1, async () => undefined, left)
      }
    }
    return count
  }

  /** The machine at the moment of a power cut: of several ways there, the one with the most under way. */
  async #stopped(at: number, moment: Moment): Promise<Machine> {
    let found: { readonly machine: Machine; readonly bytes: number } | undefined
    for (let crashSeed = 1; crashSeed <= WAYS_MAX; crashSeed += 1) {
      const machine = this.#machine(crashSeed)
      await this.#crashing(machine, at, 'kill', moment)
      machine.oracle.weaken()
      const pending = machine.simulation.disk.pendingChanges()
      const bytes = pending.reduce((sum, { write }) => sum + (write?.bytes.byteLength ?? 0), 0)
      if (found === undefined || bytes > found.bytes) found = { machine, bytes }
      // Behind its end a call has happened in one way only.
      if (moment === 'after') break
    }
    if (found === undefined) throw new Error('nothing was stopped')
    return found.machine
  }

  /** Writes and flushes fail, the nth of them; returns whether there was an nth. */
  async fail(kind: 'write' | 'flush', nth: number): Promise<boolean> {
    let struck = false
    for (const flavour of FLUSH_FAILURES) {
      for (const cut of [false, true]) {
        const what = `${kind} ${nth} fails (${flavour})${cut ? ', then a power cut' : ''}`
        await this.#run(what, 1, async (machine) => {
          const call =
            kind === 'write'
              ? (['write', 'writeMany', 'writeSync'] as const)
              : (['flush', 'flushSync', 'flushDirectory', 'flushDirectorySync'] as const)
          struck = (await this.#failing(machine, { call, error: 'EIO', nth, flavour })) || struck
          if (cut) this.#cut(machine)
        })
      }
    }
    return struck
  }

  /** Stopped at this call while another takes over, then woken. */
  async pause(at: number, crashSeed = 1): Promise<void> {
    await this.#run(`paused at call ${at}`, crashSeed, async (machine) => {
      const { simulation } = machine
      const sleeper = machine.opening(this.trace.options)
      let stopped = (): void => {}
      const stopping = new Promise<void>((resolve) => {
        stopped = resolve
      })
      simulation.at(at, 'before', (process) => {
        process.pause()
        stopped()
      })
      const life = sleeper.process.run(() => this.#life(sleeper))
      await simulation.run(() => Promise.race([life, stopping]))
      machine.rebootForOthers()
      const heir = machine.opening(this.trace.options)
      await simulation.run(async () => {
        await heir.open()
        await heir.append(60)
        sleeper.process.resume()
        // The awakened one goes on beside the one that owns the log now.
        await heir.append(2_000, 20)
        await Promise.race([life.catch(expectTyped), heir.wait(1_000)])
        await heir.append(5)
      })
      machine.check()
      machine.kill(sleeper)
      machine.kill(heir)
      machine.buryTheDead()
    })
  }

  #machine(crashSeed: number, left?: Left): Machine {
    return new Machine({
      seed: left ? REBOOTED_SEED : RUNNING_SEED,
      crashSeed,
      disk: left?.disk ?? new SimulatedDisk(this.#snapshot),
      oracle: (left?.oracle ?? this.#oracle).clone(),
      durableWrites: this.#durableWrites,
      report: this.report,
    })
  }

  async #run(
    what: string,
    crashSeed: number,
    act: (machine: Machine) => Promise<void>,
    left?: Left,
  ): Promise<void> {
    const machine = this.#machine(crashSeed, left)
    this.runs += 1
    try {
      await act(machine)
      await this.#reopen(machine, async (opening) => {
        await opening.append(100)
        await opening.current.close()
      })
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause)
      throw new Error(`${this.trace.name} (${this.#durableWrites}): ${what}: ${why}`, { cause })
    }
  }

  async #life(opening: Opening): Promise<void> {
    await opening.open()
    await this.trace.act(opening)
  }

  async #crashing(machine: Machine, at: number, kind: CrashKind, moment: Moment): Promise<void> {
    const { simulation } = machine
    const opening = machine.opening(this.trace.options)
    simulation.crashAt(at, kind, moment)
    await simulation.run(() =>
      opening.process.run(async () => {
        try {
          await this.#life(opening)
        } catch (error) {
          if (!(error instanceof SimulatedDeath)) throw error
          await new Promise(() => {})
        }
      }),
    )
    // The last calls of a trace may be such as nobody waits for: they come when it is over.
    if (opening.process.alive) machine.kill(opening)
    simulation.clearPlans()
    if (kind === 'power-cut') machine.oracle.weaken()
    machine.buryTheDead()
    machine.check()
  }

  async #failing(machine: Machine, rule: FaultRule): Promise<boolean> {
    const { simulation } = machine
    const opening = machine.opening(this.trace.options)
    const fault = this.trace.fromOpening && simulation.fault(rule)
    let late = fault
    await simulation.run(async () => {
      try {
        await opening.open()
        late ??= simulation.fault(rule)
        await this.trace.act(opening)
        await opening.settled()
      } catch (error) {
        expectTyped(error)
        if (isDamage(error)) throw error
      }
    })
    simulation.clearFaults()
    machine.oracle.weaken()
    machine.check()
    machine.kill(opening)
    machine.buryTheDead()
    return (late?.hits ?? 0) > 0
  }

  #cut(machine: Machine): void {
    machine.oracle.weaken()
    machine.powerCut()
  }

  async #reopen(machine: Machine, act: (opening: Opening) => Promise<void>): Promise<void> {
    const opening = machine.opening(this.trace.options)
    await machine.simulation.run(async () => {
      await opening.openWatched()
      await act(opening)
    })
    machine.check()
    machine.kill(opening)
    machine.buryTheDead()
  }
}

function expectTyped(error: unknown): void {
  if (error instanceof Violation || !(error instanceof QlogError)) throw error
}
